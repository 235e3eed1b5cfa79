"""Settings: a wrong one stops the start and says its name; secrets stay secret."""

import base64
import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commentsvc import schema, settings
from commentsvc.settings import Settings, WrongSetting


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BASE_URL", "comments.example", "http or https address"),
        ("DATABASE_URL", "mysql://x", "sqlite:/// or postgresql://"),
        ("MAIL_URL", "mail.example:25", "smtp://"),
        ("DATABASE_URL", "sqlite:////tmp/x.sqlite3?timeout=abc", "without parameters"),
        ("MAIL_URL", "smtp://", "must name a server"),
        *(
            (name, value, "port between 1 and 65535")
            for name, value in (
                ("MAIL_URL", "smtp://h:abc"),
                ("MAIL_URL", "smtp://h:99999"),
                ("MAIL_INBOX", "imaps://u:p@h:abc/x"),
                ("REDIS_URL", "redis://h:0"),
                ("EDGE_PURGE_URL", "https://h:abc/"),
                ("DATABASE_URL", "postgresql://u@h:abc/x"),
                ("DATABASE_URL", "postgresql://u:p@h:/x"),
                ("DATABASE_URL", "postgresql://[::1"),
                ("DATABASE_DIRECT_URL", "postgresql://h:abc/x"),
            )
        ),
        ("FETCH_ALLOW", "x:99999", "HOST:PORT"),
        ("SECRET_KEY_FILE", "/dev/zero", "is not a regular file"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/33"),
        ("REDIS_URL", "http://x", "redis://"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("SECRET_KEY", "short", "at least 32 characters"),
        ("SECRET_KEY", " " * 40, "at least 32 characters"),
        ("SECRET_KEY", "\0" * 64, "at least 32 characters"),
        ("SECRET_KEY", "changeme" * 4, "at least 32 characters"),
        ("SECRET_KEY", "change-me-" * 4, "at least 32 characters"),
        ("SECRET_KEY", "ab" * 20, "at least 32 characters"),
        ("SECRET_KEY", "$(python3 -c 'import secrets; print(secrets.token_urlsafe(48))')", "at least 32 characters"),
        ("SECRET_KEY", "${COMMENTSVC_SECRET_KEY:?please set this}", "at least 32 characters"),
        ("SECRET_KEY", "{{ vault_commentsvc_secret_key | mandatory }}", "at least 32 characters"),
        ("SECRET_KEY", "op://Private/commentsvc/secret_key/password", "at least 32 characters"),
        ("SECRET_KEY", "$ANSIBLE_VAULT;1.1;AES256 6231303562", "at least 32 characters"),
        ("SECRET_KEY", "ENC[AES256_GCM,data:abcdef,iv:abc,tag:abc]", "at least 32 characters"),
        ("SECRET_KEY", "#{COMMENTSVC_SECRET_KEY_FOR_PRODUCTION}#", "at least 32 characters"),
        ("SECRET_KEY", "[[ .Env.COMMENTSVC_SECRET_KEY_VALUE ]]", "at least 32 characters"),
        ("SECRET_KEY", "{% if secret %}{{ secret }}{% endif %}", "at least 32 characters"),
        ("SECRET_KEY", '"${SECRET}" # set in .env file, 32+ chars', "at least 32 characters"),
        ("SECRET_KEY", "$COMMENTSVC_SECRET_KEY_FROM_THE_VAULT", "at least 32 characters"),
        ("SECRET_KEY", "@Microsoft.KeyVault(SecretUri=vault.example/secrets/x)", "at least 32 characters"),
        ("SECRET_KEY", "your-super-secret-jwt-token-with-at-least-32-characters-long", "at least 32 characters"),
        ("SECRET_KEY", "a-string-secret-at-least-256-bits-long", "at least 32 characters"),
        ("SECRET_KEY", "/run/secrets/commentsvc_secret_key_file", "at least 32 characters"),
        ("SECRET_KEY", "<random string of at least 32 characters>", "at least 32 characters"),
        ("SECRET_KEY", "your-secret-key-here-your-secret-key-here", "at least 32 characters"),
        ("SECRET_KEY", "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6", "at least 32 characters"),
        ("SECRET_KEY", "ThisIsASecretKeyForDevelopmentOnly!!", "at least 32 characters"),
        ("SECRET_KEY", "keyboard cat keyboard cat keyboard cat", "at least 32 characters"),
        ("SECRET_KEY", "NOT_SO_SECRET_KEY_ONLY_FOR_LOCAL_TESTING", "at least 32 characters"),
        ("SECRET_KEY", "please-change-me-to-a-long-random-string", "at least 32 characters"),
        ("SECRET_KEY", "REPLACE_ME_WITH_RANDOM_STRING_OF_32_CHARS", "at least 32 characters"),
        ("SECRET_KEY", "supersecretsupersecretsupersecret123", "at least 32 characters"),
        ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyz0123456789", "at least 32 characters"),
        ("SECRET_KEY", "12345678901234567890123456789012", "at least 32 characters"),
        ("BASE_URL", "https://[::1]x", "address"),
        ("FETCH_ALLOW", "::8100", "HOST:PORT"),
        ("BASE_URL", "https://comments.example:0", "http or https address"),
        ("BASE_URL", "https://[fe80::1%eth0]", "http or https address"),
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


def test_the_usual_port_is_no_part_of_the_address() -> None:
    assert settings.read({"COMMENTSVC_BASE_URL": "https://ex.org:443/c"}, creates_data_dir=False).base_url == (
        "https://ex.org/c"
    )


@given(st.binary(min_size=32, max_size=64))
def test_what_a_generator_made_is_taken(noise: bytes) -> None:
    """In hexadecimal, or in Base64 of both kinds, which may begin with a slash."""
    assume(len(set(noise)) > MANY)
    for value in (noise.hex(), base64.b64encode(noise).decode(), base64.urlsafe_b64encode(noise).decode()):
        assert Settings(secret_key=value).secret == value


MANY = 20  # different bytes, as noise has
SECRET = "4f0c1b6e9d2a7385c6e1f49b0d8a2735"  # 32 characters


def test_values_of_other_programs_are_none_of_ours(tmp_path: Path) -> None:
    assert (
        settings.read({"PATH": "/bin", "BASE_URL": "nonsense", "COMMENTSVC_DATA_DIR": str(tmp_path)}).base_url
        == "http://localhost:8000"
    )


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert (
        settings.read(
            {"COMMENTSVC_SECRET_KEY_FILE": str(tmp_path / "secret"), "COMMENTSVC_DATA_DIR": str(tmp_path)}
        ).secret
        == SECRET
    )


def test_a_secret_is_read_from_a_regular_file_only(tmp_path: Path) -> None:
    """A pipe might never end, and can be read only once."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WrongSetting, match="is not a regular file"):
        settings.read({"COMMENTSVC_SECRET_KEY_FILE": str(tmp_path / "pipe")})


@pytest.mark.parametrize(
    ("name", "value", "extra"),
    [("DATABASE_URL", "postgresql://db.example/comments", "postgres"), ("REDIS_URL", "redis://r.example", "redis")],
)
def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, extra: str) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(WrongSetting, match=rf"{name}: needs a library .* pip install '\.\[{extra}\]'"):
        settings.read({f"COMMENTSVC_{name}": value})


def test_a_relative_database_is_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = settings.read({"COMMENTSVC_DATABASE_URL": "sqlite:///here.sqlite3"})
    assert read.database == f"sqlite:///{tmp_path}/here.sqlite3"


@pytest.mark.parametrize(
    "typed",
    [
        "head -c 32 /dev/urandom | base64",
        "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        "replace-this-with-output-of-openssl-rand",
        "TODO: generate a real secret before going live",
        "not-a-real-secret-do-not-use-in-production",
        "THIS_IS_NOT_SECURE_CHANGE_IT_IMMEDIATELY",
        "dummy-secret-key-for-ci-only-0123456789",
        "projects/my-project/secrets/commentsvc-key/versions/latest",
        '"changeme-changeme-changeme-changeme"',
        "This is a secret key that should be changed",
        "pleasechangethissecretkeytosomethingelse",
        "super-secret-key-do-not-share-with-anyone",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        "bash: line 1: openssl: command not found",
        "<!DOCTYPE html><html><head><title>404 Not Found</title></head>",
        "cat: /run/secrets/commentsvc: No such file or directory",
        "Traceback (most recent call last):",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.",
        "Passw0rd!Passw0rd!Passw0rd!Passw0rd!",
        "MyBlog2026MyBlog2026MyBlog2026MyBlog2026",
        "correcthorsebatterystaplecorrecthorse",
        "ThisIsMyVerySecretKeyForComments1",
    ],
)
def test_what_should_have_been_run_or_replaced_is_no_secret(typed: str) -> None:
    with pytest.raises(WrongSetting, match="random text"):
        settings.read({"COMMENTSVC_SECRET_KEY": typed})


@pytest.mark.parametrize(
    "noise",
    [
        "2%p2)W(C)Bz@eR(qYGikOm0WwQvs#{Jk1H}K6&(k",
        "CJEN(zi|&Oz?W^wr\"kMc'2*u~${ysOZ}hk)T)S`",
        "qaMvcHKsKXI!k{{Kq8nbB|}}dzC8wQn%oKf)?gca",
        "N[[T_$hd5]]T0K8oZE/M:5\\0f%q\\@gJ,$goc}CpS",
        "commentsvc-secret-key-ca8f791725f98e6b71c798113eaaaee5",
        "COMMENTSVC_SECRET_KEY=d9xFYPesfWgYkyCzIZf4MXsCQXqIwLn3",
        "my-secret-key-f3b8ad4e-7dc0-4c4e-8ad1-64b5e2ad90fe",
        'M://nLQ"fE4$=vdP/j-#C`.TzQ($[:5l)(L9x|.{',
    ],
)
def test_noise_that_looks_like_a_reference_is_a_secret(tmp_path: Path, noise: str) -> None:
    environment = {"COMMENTSVC_SECRET_KEY": f" {noise} ", "COMMENTSVC_DATA_DIR": str(tmp_path)}
    assert settings.read(environment).secret == noise  # as one that is kept in a file


@pytest.mark.parametrize(
    "phrase",
    [
        "token orbit velvet mango ridge copper lunar tiger exile bonus cactus amber",
        "drawstring-velvet-mango-ridge-copper-lunar",
        "copper lantern orbit, and seven pickled herons",
    ],
)
def test_a_passphrase_is_a_secret(tmp_path: Path, phrase: str) -> None:
    environment = {"COMMENTSVC_SECRET_KEY": phrase, "COMMENTSVC_DATA_DIR": str(tmp_path)}
    assert settings.read(environment).secret == phrase


@pytest.mark.parametrize(
    ("base_url", "sender"),
    [
        ("http://192.168.1.5", "comments@[192.168.1.5]"),
        ("http://[2001:db8::1]", "comments@[IPv6:2001:db8::1]"),
        ("https://comments.example.", "comments@comments.example"),
    ],
)
def test_the_sender_of_emails_is_an_address(tmp_path: Path, base_url: str, sender: str) -> None:
    environment = {"COMMENTSVC_BASE_URL": base_url, "COMMENTSVC_DATA_DIR": str(tmp_path)}
    assert settings.read(environment).sender == sender


@pytest.mark.parametrize("folder", ["a b", "a%41b", "a?b", "a#b", "ä"])
def test_any_folder_may_hold_the_database(tmp_path: Path, folder: str) -> None:
    read = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path / folder)})
    schema.upgrade(read.database)
    assert (tmp_path / folder / "commentsvc.sqlite3").stat().st_size > 0
    assert schema.is_current(read.database)
    assert schema.display_url(read.database) == str(tmp_path / folder / "commentsvc.sqlite3")


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\x00"])
def test_a_file_that_holds_no_secret_is_none(tmp_path: Path, content: bytes) -> None:
    """Else the service would take one that it made itself, and nobody would know."""
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(WrongSetting, match="COMMENTSVC_SECRET_KEY_FILE"):
        settings.read({"COMMENTSVC_SECRET_KEY_FILE": str(tmp_path / "secret")})


def test_a_missing_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    one = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path / "new")})
    other = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path / "new")})
    assert len(one.secret) >= 32
    assert one.secret == other.secret
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "kept", ["", "\n", "short", "x" * 31, "\udcff", "\0" * 64, "é" * 40, "a" * 40, "changeme-" * 5]
)
def test_a_damaged_secret_stops_the_start(tmp_path: Path, kept: str) -> None:
    """An empty file would sign with nothing, and everybody could make a link that we believe."""
    (tmp_path / "secret_key").write_bytes(kept.encode(errors="surrogateescape"))
    with pytest.raises(WrongSetting, match=r"secret_key is damaged.*Restore it from a backup"):
        _ = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path)}).secret
    assert (tmp_path / "secret_key").read_bytes() == kept.encode(errors="surrogateescape")


def test_a_secret_that_is_no_file_stops_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret_key")  # reading it would wait for ever
    with pytest.raises(WrongSetting, match=r"secret_key is not a regular file"):
        _ = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path)}).secret


def test_a_secret_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WrongSetting, match="No space left"):
        _ = settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path)}).secret
    assert list(tmp_path.iterdir()) == []


def test_many_processes_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    def read(_: int) -> str:
        return settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path)}).secret

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(read, range(64)))) == 1


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("https://Comments.Example/", "https://comments.example"),
        ("https://b\u00fccher.example/c/", "https://xn--bcher-kva.example/c"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://shop.example/a/b", "https://shop.example/a/b"),
    ],
)
def test_our_own_address_has_one_form(tmp_path: Path, typed: str, used: str) -> None:
    given = {"COMMENTSVC_BASE_URL": typed, "COMMENTSVC_DATA_DIR": str(tmp_path)}
    assert settings.read(given).base_url == used


@pytest.mark.parametrize(
    "typed",
    [
        "https://host/a b",
        "https://u:p@host",
        "https://host/?x",
        "https://*.example",
        "https://h/../x",
        "https://h:99999",
        "//h",
    ],
)
def test_what_is_no_address_of_ours_is_refused(typed: str) -> None:
    with pytest.raises(WrongSetting, match="BASE_URL: must be an http or https address"):
        settings.read({"COMMENTSVC_BASE_URL": typed})


def test_lists_are_separated_by_commas_or_spaces(tmp_path: Path) -> None:
    given = {"TRUSTED_PROXIES": "10.0.0.0/8, ::1/128", "FETCH_ALLOW": "a:1 b:2", "DATA_DIR": str(tmp_path)}
    read = settings.read({f"COMMENTSVC_{name}": value for name, value in given.items()})
    assert [str(network) for network in read.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert read.fetch_allow == {"a:1", "b:2"}


@pytest.mark.parametrize("name", ["MAIL_FROM", "MAIL_REPLY_TO"])
def test_a_mail_address_in_other_letters_can_be_sent_everywhere(tmp_path: Path, name: str) -> None:
    """Not every server takes them (RFC 6531)."""
    found = settings.read({f"COMMENTSVC_{name}": "c@Bücher.example", "COMMENTSVC_DATA_DIR": str(tmp_path)})
    assert getattr(found, name.lower()) == "c@xn--bcher-kva.example"
    with pytest.raises(WrongSetting, match="name of a host"):
        settings.read({f"COMMENTSVC_{name}": "c@a..b", "COMMENTSVC_DATA_DIR": str(tmp_path)})


def test_a_secret_that_was_saved_in_notepad(tmp_path: Path) -> None:
    """Which puts a byte order mark in front."""
    secret = "copper lantern orbit, and seven pickled herons"
    (tmp_path / "secret_key").write_text(secret, encoding="utf-8-sig")
    assert settings.read({"COMMENTSVC_DATA_DIR": str(tmp_path)}).secret == secret
    given = {"COMMENTSVC_SECRET_KEY_FILE": str(tmp_path / "secret_key"), "COMMENTSVC_DATA_DIR": str(tmp_path)}
    assert settings.read(given).secret == secret
