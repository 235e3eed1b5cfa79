"""What a blog's page loads from us: how much, how packed, how long kept."""

import gzip
import re

import pytest
from flask.testing import FlaskClient

from commentsvc import paths
from commentsvc.web import templating
from commentsvc.web.snapshots import Snapshots
from tests.cast import ARTICLE

SCRIPTS = ["embed.js", *(f"embed/{one.name}" for one in sorted((paths.STATIC / "embed").glob("*.js")))]
READING = ("/embed.js", "/static/thread.css")
COMFORT = ("/static/embed/reading.js",)
WRITING = ("/static/embed/composer.js",)
CHALLENGE = "/static/embed/challenge.js"  # comes with the first email


def sent(client: FlaskClient, path: str) -> int:
    """Bytes of a file as a browser gets it."""
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    return len(answer.data)


def test_reading_costs_a_blog_a_few_kilobytes(client: FlaskClient) -> None:
    """Scripts and styles until the first thread is drawn, then with what comes when somebody is there, and writes."""
    reading = sum(sent(client, path) for path in READING)
    comfort = sum(sent(client, path) for path in COMFORT)
    writing = sum(sent(client, path) for path in WRITING)
    assert reading <= 8_000
    assert reading + comfort + writing <= 14_000
    assert reading + writing + sent(client, CHALLENGE) <= 14_000


def test_nested_selectors_survive_packing() -> None:
    """The packer takes ``a :is(b)`` in a nested rule for a declaration, and removes the space."""
    text = re.sub(r"/\*.*?\*/", "", (paths.STATIC / "thread.css").read_text(), flags=re.S)
    selectors = [one.rpartition(";")[2].rpartition("}")[2].strip() for one in re.findall(r"[^{]+(?=\{)", text)]
    assert [one for one in selectors if re.search(r"[\w)\]*] :", one)] == []


def test_counting_costs_less_than_one(client: FlaskClient) -> None:
    assert sent(client, "/static/embed/count.js") <= 1_000
    assert sent(client, "/static/embed/latest.js") <= 1_000


def test_a_fragment_is_light(client: FlaskClient) -> None:
    assert len(client.get(f"/embed/blog/{ARTICLE}", headers={"Accept-Encoding": "gzip"}).data) <= 3_500


@pytest.mark.parametrize("name", SCRIPTS)
def test_comments_stay_at_home_and_the_program_does_not(client: FlaskClient, name: str) -> None:
    script = client.get(f"/static/{name}").text
    assert "// @ts-check" not in script
    assert "/** " not in script
    for templated in re.findall(r"`[^`]*\$\{[^`]*`", "\n".join(_code(name))):
        assert templated in script, "what stands between backticks is left alone"


def _code(name: str) -> list[str]:
    lines = (paths.STATIC / name).read_text().splitlines()
    return [line for line in lines if not line.lstrip().startswith(("//", "/*"))]


def test_packed_is_the_same(client: FlaskClient) -> None:
    for path in (*READING, *COMFORT, *WRITING, "/static/smilies/smile.svg"):
        packed = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert gzip.decompress(packed.data) == client.get(path).data
        assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers
        assert packed.headers["Vary"] == "Accept-Encoding"


def test_kept_for_ever_with_the_fingerprint_and_checked_without(client: FlaskClient) -> None:
    known = f"/static/thread.css?v={templating.fingerprint('thread.css')}"
    assert "immutable" in client.get(known).headers["Cache-Control"]
    kept = client.get("/embed.js").headers["Cache-Control"]
    assert kept.startswith("public, max-age=0, s-maxage=1, stale-if-error="), "newer modules need a newer one"
    for other in ("/static/thread.css", "/static/thread.css?v=0000000000", "/embed.js"):
        answer = client.get(other)
        assert "immutable" not in answer.headers["Cache-Control"]
        again = client.get(other, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/nothing.js",
        "/static/../pyproject.toml",
        "/static/",
        "/static/embed",
        "/static/./thread.css",
        f"/static/{'a' * 300}",
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_any_page_may_load_them(client: FlaskClient) -> None:
    answer = client.get("/embed.js", headers={"Origin": "https://anybody.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("path", ["/embed.js", "/static/thread.css", "/static/smilies/smile.svg"])
def test_files_come_from_memory_for_pages_anywhere(client: FlaskClient, path: str) -> None:
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    layer: Snapshots = client.application.extensions["snapshots"]
    rendered = layer.misses
    plain = client.get(path, headers={"Origin": "https://any.example"})
    assert gzip.decompress(first.data) == plain.data
    head = client.head(path)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(plain.data)))
    unchanged = client.get(path, headers={"If-None-Match": plain.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    for answer in (first, plain, head):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "charset=utf-8" in answer.headers["Content-Type"]
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert layer.misses == rendered


def test_what_is_no_file_is_not_there(client: FlaskClient) -> None:
    for path in ("/static/none.css", "/static/", "/static/../pyproject.toml", "/embed.jsx"):
        assert client.get(path).status_code == 404
