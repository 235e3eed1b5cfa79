"""The fetcher of strangers' pages: never to a private address, never too long, never too much."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from commentsvc import safe_http, settings
from commentsvc.safe_http import FetchFailed, FetchRefused
from tests.servers import Web, web


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Web]:
    """A web server that may be fetched."""
    with web() as one:
        settings.use(settings.Settings(data_dir=tmp_path, fetch_allow=frozenset({one.address})))
        yield one


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path) -> None:
    """Settings that allow nothing."""
    settings.use(settings.Settings(data_dir=tmp_path))


PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:0:0:0:0:80ff:fffe", "::127.0.0.1", "2001:db8::1", "nonsense",
    "168.63.129.16", "::ffff:168.63.129.16", "3ffe::1", "2606:2800:220:1:0:5efe:a00:1",
    "2606:2800:220:1:200:5efe:7f00:1",
]  # fmt: skip
PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "168.63.129.17",
    "2606:2800:220:1:200:5efe:808:808",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_never_connected_to(address: str) -> None:
    assert not safe_http.is_public(address)
    with pytest.raises(FetchRefused):
        safe_http.fetch("http://innocent.example/", resolver=lambda *_: [address])


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones_may_be(address: str) -> None:
    assert safe_http.is_public(address)


def test_one_private_answer_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(FetchRefused):
        safe_http.fetch("http://innocent.example/", resolver=lambda *_: ["8.8.8.8", "127.0.0.1"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://localhost/", "http://LOCALHOST./", "http://①②⑦.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://user:pw@8.8.8.8/", "http://8.8.8.8:22/", "http://8.8.8.8:8080/", "http://8.8.8.8:99999/",
        "file:///etc/passwd", "gopher://8.8.8.8/", "ftp://8.8.8.8/", "//8.8.8.8/", "javascript:alert(1)", "",
        "http://", "http://[",
    ],
)  # fmt: skip
def test_addresses_in_disguise(url: str) -> None:
    with pytest.raises((FetchRefused, FetchFailed)):
        safe_http.fetch(url)


FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def notations(address: str) -> list[str]:
    """An IPv4 address as programs read it, in every way that somebody may write it."""
    number = int(ipaddress.IPv4Address(address))
    a, b, c, d = address.split(".")
    high, low = divmod(number, 1 << 16)
    return [
        address, str(number), hex(number), f"0{number:o}", f"0x{number:08X}", f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}", ".".join(hex(int(one)) for one in (a, b, c, d)),
        ".".join(f"0{int(one):o}" for one in (a, b, c, d)), f"{hex(int(a))}.{b}.{c}.{d}", f"{a}.{b}.{c}.0{int(d):o}",
        f"[::ffff:{address}]", f"[::ffff:{high:x}:{low:x}]", f"[0:0:0:0:0:ffff:{high:x}:{low:x}]", f"[::{address}]",
        address.translate(FULL_WIDTH), address.replace(".", "\u3002"),
        f"[64:ff9b::{high:x}:{low:x}]", f"[2002:{high:x}:{low:x}::]", f"[64:ff9b:1::{high:x}:{low:x}]",
    ]  # fmt: skip


PRIVATE_IPV4 = ["127.0.0.1", "10.1.2.3", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
HOSTS = [host for one in PRIVATE_IPV4 for host in notations(one)]
HOSTS += [f"[{one}]" for one in PRIVATE if ":" in one and "%" not in one]
SCHEMES = ("ftp", "file", "gopher", "dict", "ldap", "ws", "jar", "data", "javascript")
FORMS = [form.format(host) for host in HOSTS for form in ("http://{}/", "https://{}:443/")]
FORMS += [f"http://{host}:{port}/" for host in ("8.8.8.8", "[2606:4700::1111]") for port in (0, 21, 22, 25, 81, 8080)]
FORMS += [f"{scheme}://8.8.8.8/" for scheme in SCHEMES]
FORMS += ["http://user@8.8.8.8/", "http://:pw@8.8.8.8/", "http://8.8.8.8@127.0.0.1/", "http://127.0.0.1#@8.8.8.8/"]
FORMS += ["http:///8.8.8.8/", "http:8.8.8.8", "//8.8.8.8/", "http://8.8.8.8:80:80/", "http://[::1", "http://::1/"]
CONTROLS = [
    *[form.format("8.8.8.8") for form in ("http://{}/", "https://{}/x?y#z", "http://{}:80/")],
    *[form.format("1.1.1.1") for form in ("http://{}/", "https://{}/x?y#z", "http://{}:80/")],
    "http://93.184.216.34/", "HTTP://9.9.9.9/", "https://9.9.9.9:443/", "http://[2606:4700::1111]/", "http://134744072/",
    "https://[2620:fe::fe]:443/", "http://[::ffff:8.8.8.8]/", "http://0x08080808/", "http://8.8.2056/", "http://010.8.8.8/",
    "http://[64:ff9b::808:808]/", "http://8.8.8.8:443/", "https://8.8.8.8:80/",
]  # fmt: skip


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that somebody tried to connect to; none of them answers."""
    tried: list[str] = []

    def connect(address: tuple[str, int], **_: object) -> None:
        tried.append(address[0])
        raise OSError("no network in this test")

    monkeypatch.setattr(safe_http.socket, "create_connection", connect)
    return tried


def test_no_form_of_a_private_address_is_ever_connected_to(connected: list[str]) -> None:
    assert len(set(FORMS)) >= 324
    for url in FORMS:
        with pytest.raises((FetchRefused, FetchFailed)):
            safe_http.fetch(url)
    assert connected == []


@pytest.mark.parametrize("url", CONTROLS)
def test_ordinary_addresses_are(url: str, connected: list[str]) -> None:
    with pytest.raises(FetchFailed, match="no network"):
        safe_http.fetch(url)
    assert len(connected) == 1
    assert safe_http.is_public(connected[0])


def test_the_address_checked_is_the_address_connected_to(site: Web) -> None:
    """The name is resolved once: a second, different answer is never asked for."""
    answers = iter([["127.0.0.1"]])
    port = site.address.rpartition(":")[2]
    settings.use(settings.current().model_copy(update={"fetch_allow": frozenset({f"rebinding.example:{port}"})}))
    site.page("/", "hello")
    page = safe_http.fetch(f"http://rebinding.example:{port}/", resolver=lambda *_: next(answers))
    assert page.body == b"hello"
    assert site.asked[0][1]["Host"] == f"rebinding.example:{port}"


def test_a_redirect_to_a_private_address_is_refused(site: Web) -> None:
    site.page("/", "", status=302, Location="http://127.0.0.1:1/admin")
    with pytest.raises(FetchRefused):
        safe_http.fetch(f"{site.url}/")
    site.page("/", "", status=302, Location="file:///etc/passwd")
    with pytest.raises(FetchRefused):
        safe_http.fetch(f"{site.url}/")


def test_a_redirect_may_be_written_in_utf_8(site: Web) -> None:
    site.page("/", "", status=302, Location="/П".encode().decode("latin-1"))
    site.page("/%D0%9F", "here")
    assert safe_http.fetch(f"{site.url}/").body == b"here"


class TestBudgets:
    """Hostile pages stay inside."""

    def test_too_large(self, site: Web) -> None:
        site.page("/", b"x" * (safe_http.MAX_BODY_SIZE + 1))
        with pytest.raises(FetchFailed, match="too large"):
            safe_http.fetch(f"{site.url}/")

    def test_a_bomb(self, site: Web) -> None:
        site.page("/", gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
        with pytest.raises(FetchFailed, match="too large"):
            safe_http.fetch(f"{site.url}/")

    def test_gzip_is_understood_and_other_encodings_are_not(self, site: Web) -> None:
        site.page("/", gzip.compress(b"hello"), Content_Encoding="gzip")
        assert safe_http.fetch(f"{site.url}/").body == b"hello"
        site.page("/", b"hello", Content_Encoding="br")
        with pytest.raises(FetchFailed, match="encoding"):
            safe_http.fetch(f"{site.url}/")

    def test_headers_without_end(self, site: Web) -> None:
        site.page("/", "x", **{f"X_{number}": "y" * 8000 for number in range(20)})
        with pytest.raises(FetchFailed, match="headers"):
            safe_http.fetch(f"{site.url}/")

    @pytest.mark.parametrize("drip", [b"x", b"X: y\r\n"])
    def test_a_drip(self, site: Web, drip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        from datetime import timedelta

        monkeypatch.setattr(safe_http, "TOTAL_TIMEOUT", timedelta(seconds=1))

        def slowly(handler: BaseHTTPRequestHandler) -> None:
            start = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\n" if drip == b"x" else b"")
            handler.connection.sendall(start)
            for _ in range(100):
                try:
                    handler.connection.sendall(drip)
                except OSError:
                    return
                time.sleep(0.1)

        site.pages["/"] = slowly
        started = time.monotonic()
        with pytest.raises(FetchFailed):
            safe_http.fetch(f"{site.url}/")
        assert time.monotonic() - started < 5

    def test_a_redirect_to_itself(self, site: Web) -> None:
        site.page("/", "", status=302, Location="/")
        with pytest.raises(FetchFailed, match="too many redirects"):
            safe_http.fetch(f"{site.url}/")
        assert len(site.asked) == safe_http.MAX_REDIRECTS + 1

    def test_a_page_without_end(self, site: Web) -> None:
        def endlessly(handler: BaseHTTPRequestHandler) -> None:
            handler.connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            with suppress(OSError):
                while True:
                    handler.connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

        site.pages["/"] = endlessly
        with pytest.raises(FetchFailed, match="too large"):
            safe_http.fetch(f"{site.url}/")

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is no gzip",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n"
            + gzip.compress(gzip.compress(b"x", mtime=0), mtime=0),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 999999 OK\r\n\r\n",
        ],
    )
    def test_a_liar(self, site: Web, answer: bytes) -> None:
        site.pages["/"] = lambda handler: handler.connection.sendall(answer)
        with pytest.raises(FetchFailed):
            safe_http.fetch(f"{site.url}/")

    def test_a_length_that_is_too_short_is_believed(self, site: Web) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"
        site.pages["/"] = lambda handler: handler.connection.sendall(answer)
        assert safe_http.fetch(f"{site.url}/").body == b"hello"

    def test_an_endpoint_that_moves_for_ever(self, site: Web) -> None:
        site.page("/", "", status=307, Location="/")
        with pytest.raises(FetchFailed, match="too many redirects"):
            safe_http.post_form(f"{site.url}/", {"source": "x"})
        site.page("/", "", status=308, Location="http://127.0.0.1:1/admin")
        with pytest.raises(FetchRefused):
            safe_http.post_form(f"{site.url}/", {"source": "x"})

    def test_nobody_listens(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings.use(settings.current().model_copy(update={"fetch_allow": frozenset({f"127.0.0.1:{port}"})}))
        with pytest.raises(FetchFailed):
            safe_http.fetch(f"http://127.0.0.1:{port}/")


def test_nothing_else_in_the_house_opens_connections() -> None:
    """One module fetches; a second one would have a second set of rules."""
    package = Path(safe_http.__file__).parent
    openers = ("http.client", "urllib.request", "requests", "httpx", "aiohttp", "create_connection")
    for file in set(package.rglob("*.py")) - {package / "safe_http.py"}:
        text = file.read_text()
        assert not [word for word in openers if f"import {word}" in text or f".{word}(" in text], file
