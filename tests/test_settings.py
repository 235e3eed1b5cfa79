"""Settings: a wrong one stops the start and says its name; secrets stay secret."""

import stat
from pathlib import Path

import pytest

from commentsvc import settings
from commentsvc.settings import WrongSetting


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BASE_URL", "comments.example", "http or https address"),
        ("DATABASE_URL", "mysql://x", "sqlite:/// or postgresql://"),
        ("MAIL_URL", "mail.example:25", "smtp://"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/33"),
        ("REDIS_URL", "http://x", "redis://"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("SECRET_KEY", "short", "at least 32 characters"),
        ("SECRET_KEY_FILE", "/no/such/file", "cannot be read"),
        ("COLOUR", "red", "is not a setting"),
        ("FETCH_ALLOW", "foo", "HOST:PORT"),
        ("MAIL_FROM", "nobody", "mail address"),
        ("DATA_DIR", "/proc/nowhere", "cannot be made"),
    ],
)
def test_a_wrong_one_is_named_with_what_is_allowed(name: str, value: str, words: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        settings.read({f"COMMENTSVC_{name}": value})
    assert name in str(wrong.value)
    assert words in str(wrong.value)


def test_values_of_other_programs_are_none_of_ours(tmp_path: Path) -> None:
    assert (
        settings.read({"PATH": "/bin", "BASE_URL": "nonsense", "COMMENTSVC_DATA_DIR": str(tmp_path)}).base_url
        == "http://localhost:8000"
    )


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 40 + "\n")
    assert (
        settings.read(
            {"COMMENTSVC_SECRET_KEY_FILE": str(tmp_path / "secret"), "COMMENTSVC_DATA_DIR": str(tmp_path)}
        ).secret
        == "x" * 40
    )


def test_a_missing_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    one = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path / "new")})
    other = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path / "new")})
    assert len(one.secret) >= 32
    assert one.secret == other.secret
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def test_lists_are_separated_by_commas_or_spaces(tmp_path: Path) -> None:
    given = {"TRUSTED_PROXIES": "10.0.0.0/8, ::1/128", "FETCH_ALLOW": "a:1 b:2", "DATA_DIR": str(tmp_path)}
    read = settings.read({f"COMMENTSVC_{name}": value for name, value in given.items()})
    assert [str(network) for network in read.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert read.fetch_allow == {"a:1", "b:2"}
