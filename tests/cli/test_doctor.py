"""What ``doctor`` finds between the service and its readers: caches, a proxy, a certificate, other clocks."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from commentsvc import safe_http, throttle, tokens
from tests.cli.conftest import Command
from tests.servers import Web, certificate, free_port, web

PATH = "/embed/blog/doctor-was-here"
OURS = "public, max-age=0, s-maxage=1, stale-if-error=86400"


@pytest.fixture
def front(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """What stands at the address of a service with a blog."""
    command("site", "add", "blog", "https://blog.example")
    monkeypatch.setattr("commentsvc.cli.reachability.tokens.sign", lambda *_: "signed")
    with web() as there:
        monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
        yield there


class TestCaches:
    """What is said to caches arrives as it was said."""

    def test_all_is_well(self, command: Command, front: Web) -> None:
        front.page(PATH, "", Cache_Control=OURS, ETag='"a"', X_Cache="HIT", Age="1")
        assert f"✓ Caches: {OURS} (HIT)" in command("doctor")[1]

    @pytest.mark.parametrize(
        ("headers", "said"),
        [
            ({"Cache_Control": "max-age=14400", "ETag": '"a"'}, "arrives as “max-age=14400”"),
            ({"Cache_Control": "public, max-age=14400, s-maxage=1", "ETag": '"a"'}, "keep comments for 14400 s"),
            ({"Cache_Control": OURS}, "the ETag is missing"),
            ({"Cache_Control": OURS, "ETag": '"a"', "Age": "900"}, "a response was 900 s old"),
        ],
    )
    def test_what_a_cdn_made_of_it(self, command: Command, front: Web, headers: dict[str, str], said: str) -> None:
        front.page(PATH, "", **headers)
        out = command("doctor")[1]
        assert "✗ Caches:" in out
        assert said in out

    def test_without_a_blog(self, command: Command) -> None:
        assert "– Caches: not checked, because there is no blog yet" in command("doctor")[1]


class TestProxy:
    """Addresses of visitors arrive."""

    def test_as_whom_this_machine_is_seen(self, command: Command, front: Web) -> None:
        said = {"status": "well", "unknown_proxy": False, "your_address": "203.0.113.9"}
        front.page("/health?doctor=signed", json.dumps(said))
        assert "✓ Proxy: none, or a trusted one; this machine is seen as 203.0.113.9" in command("doctor")[1]

    def test_somebody_else_answers(self, command: Command, front: Web) -> None:
        for path in ("/health", "/health?doctor=signed"):
            front.page(path, "<p>Welcome to nginx</p>")
        out = command("doctor")[1]
        assert "✗ Address: another program answers" in out
        assert "– Proxy: not checked" in out

    def test_the_service_says_it_to_the_doctor_alone(self, client: FlaskClient) -> None:
        assert "your_address" not in client.get("/health").json
        assert "your_address" not in client.get("/health?doctor=guessed").json
        token = tokens.sign("doctor", 1)
        assert client.get(f"/health?doctor={token}").json["your_address"] == "203.0.113.7"


class TestPurges:
    """Somebody takes them."""

    def test_none_are_sent(self, command: Command) -> None:
        assert "– Purges: none are sent" in command("doctor")[1]

    def test_they_are_tried(self, command: Command, front: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_EDGE_PURGE_URL", f"{front.url}/purge")
        assert "✗ Purges: may not be sent there" in command("doctor")[1]
        monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", front.address)
        assert "✗ Purges: are not accepted (status 404)" in command("doctor")[1]
        front.page("/purge", "")
        assert "✓ Purges: are accepted" in command("doctor")[1]


class TestCertificate:
    """It is good, and for a while."""

    def test_none_is_needed(self, command: Command, front: Web) -> None:
        assert "– Certificate: none" in command("doctor")[1]

    @pytest.mark.parametrize(
        ("days", "said"), [(90, "✓ Certificate: valid until 2"), (2, "✗ Certificate: expires on 2")]
    )
    def test_how_long(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, said: str
    ) -> None:
        file, context = certificate(tmp_path, days)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with web(context) as there:
            monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
            assert said in command("doctor")[1]

    def test_one_that_nobody_knows(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _, context = certificate(tmp_path)
        with web(context) as there:
            monkeypatch.setenv("COMMENTSVC_BASE_URL", there.url)
            assert "✗ Certificate: is not accepted" in command("doctor")[1]

    def test_nobody_answers(self) -> None:
        with pytest.raises(safe_http.FetchFailed):
            safe_http.certificate_ends(f"https://localhost:{free_port()}")


def test_a_database_of_another_version(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commentsvc.schema.NEWEST", "9999")
    assert "✗ Schema: does not match this version" in command("doctor")[1]


def test_a_clock_that_differs_from_redis(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from commentsvc import clock

    monkeypatch.setattr(throttle, "redis_time", lambda: clock.now().replace(minute=2))
    assert "differs from that of Redis by -120 seconds" in command("doctor")[1]


def test_it_speaks_the_owners_language(command: Command) -> None:
    """An owner who does not read English is not to overlook what is wrong."""
    command("site", "add", "blog", "https://blog.example")
    command("moderator", "add", "ada@blog.example", "--language", "de")
    _, out, err = command("doctor")
    assert "– Sicherungen: keine täglichen. Setze COMMENTSVC_BACKUP_DIR" in out
    assert "Prüfungen sind fehlgeschlagen" in err
