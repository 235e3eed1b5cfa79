"""Pingback 1.0: the call, its answer, its faults, and how senders find the address."""

import re
import time as wall
from collections.abc import Callable
from contextlib import suppress
from xmlrpc.client import Fault, dumps, loads

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from commentsvc.errors import Refusal
from commentsvc.linkbacks import pingback
from commentsvc.models import Ping
from tests.cast import ARTICLE, ARTICLE_URL
from tests.jobs import run_job
from tests.servers import Web
from tests.visitors import Visitor

SOURCE = "https://exchange.example/rotary"
# As WordPress' class-IXR writes it, and as Serendipity does.
OF_WORDPRESS = (
    '<?xml version="1.0"?>\n<methodCall>\n<methodName>pingback.ping</methodName>\n<params>\n'
    "<param><value><string>{}</string></value></param>\n<param><value><string>{}</string></value></param>\n"
    "</params></methodCall>\n"
)
OF_SERENDIPITY = (
    '<?xml version="1.0"?>\n<methodCall>\n  <methodName>pingback.ping</methodName>\n  <params>\n'
    "    <param>\n      <name>sourceURI</name>\n      <value><string>{}</string></value>\n    </param>\n"
    "    <param>\n      <name>targetURI</name>\n      <value><string>{}</string></value>\n    </param>\n"
    "  </params>\n</methodCall>"
)


def call(
    client: FlaskClient, source: str = SOURCE, target: str = ARTICLE_URL, content_type: str = "text/xml"
) -> str | int:
    """The text of the answer, or the code of the fault."""
    return sent(client, dumps((source, target), pingback.METHOD).encode(), content_type)


def sent(client: FlaskClient, body: bytes, content_type: str = "text/xml") -> str | int:
    answer = client.post("/pingback", data=body, content_type=content_type)
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    try:
        (text,), _ = loads(answer.text)
    except Fault as fault:
        return fault.faultCode
    assert isinstance(text, str)
    return text


class TestCall:
    """One method, two texts, one text back."""

    def test_it_is_taken(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        assert SOURCE in str(call(client))
        ping = the_ping()
        assert (ping.protocol, ping.source, ping.target, ping.state) == ("pingback", SOURCE, ARTICLE_URL, "queued")

    @pytest.mark.parametrize("written", [OF_WORDPRESS, OF_SERENDIPITY, OF_WORDPRESS.replace("string", "base64x")])
    @pytest.mark.parametrize("content_type", ["text/xml", "text/html", "application/octet-stream", ""])
    def test_as_others_write_it(self, client: FlaskClient, written: str, content_type: str) -> None:
        assert SOURCE in str(sent(client, written.format(SOURCE, ARTICLE_URL).encode(), content_type))

    def test_texts_without_a_type_are_texts(self, client: FlaskClient) -> None:
        written = re.sub("</?string>", "", OF_WORDPRESS)
        assert SOURCE in str(sent(client, written.format(SOURCE, ARTICLE_URL).encode()))

    @pytest.mark.parametrize("label", ["x-sjis", "windows-31j", "ks_c_5601-1987", "x-cp1251", "gb_2312-80"])
    def test_charsets_have_the_names_of_the_web(
        self, client: FlaskClient, the_ping: Callable[[], Ping], label: str
    ) -> None:
        written = OF_WORDPRESS.replace("?>", f' encoding="{label}"?>', 1)
        assert isinstance(sent(client, written.format(SOURCE, ARTICLE_URL).encode()), str)
        assert the_ping().source == SOURCE

    @pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le", "utf-8"])
    def test_space_around_it_is_in_its_charset(
        self, client: FlaskClient, the_ping: Callable[[], Ping], codec: str
    ) -> None:
        written = f"\ufeff\n{OF_WORDPRESS}\n".format(SOURCE, ARTICLE_URL).encode(codec)
        assert isinstance(sent(client, written), str)
        assert the_ping().source == SOURCE

    def test_other_charsets(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        written = OF_WORDPRESS.replace("?>", ' encoding="iso-8859-1"?>', 1)
        assert isinstance(sent(client, written.format(f"{SOURCE}/über", ARTICLE_URL).encode("latin-1")), str)
        assert the_ping().source == f"{SOURCE}/über"

    def test_the_page_is_shown_once_it_is_verified(
        self, client: FlaskClient, neighbour: Web, allowed: None, linking: Callable[[], str]
    ) -> None:
        call(client, neighbour.page("/post", linking()))
        assert run_job("verify pings") == 1
        assert "Why &amp; how" in client.get(f"/t/blog/{ARTICLE}").text


class TestFaults:
    """What is not taken, by the specification's numbers."""

    @pytest.mark.parametrize("source", ["", "ftp://exchange.example/", "exchange.example", "javascript:alert(1)"])
    def test_no_source(self, client: FlaskClient, source: str) -> None:
        assert call(client, source) == 16

    @pytest.mark.parametrize(
        "target",
        ["", "https://elsewhere.example/2020", "https://blog.example.evil/x", "https://comments.example/admin"],
    )
    def test_no_target(self, client: FlaskClient, target: str) -> None:
        assert call(client, target=target) == 32

    def test_a_target_that_takes_none(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", pingbacks="off")
        assert call(client) == 33

    def test_the_same_again(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        call(client)
        assert call(client) == 48
        assert the_ping()

    def test_an_article_about_itself(self, client: FlaskClient) -> None:
        assert call(client, ARTICLE_URL) == 0

    def test_too_many(self, client: FlaskClient) -> None:
        answers = [call(client, f"https://{number}.example/") for number in range(61)]
        assert isinstance(answers[59], str)
        assert answers[60] == 49

    @pytest.mark.parametrize("method", ["system.multicall", "system.listMethods", "pingback.extensions.getPingbacks"])
    def test_no_other_method(self, client: FlaskClient, method: str) -> None:
        """Many calls in one would make one request a hundred."""
        calls = [{"methodName": "pingback.ping", "params": [SOURCE, ARTICLE_URL]}] * 100
        assert sent(client, dumps((calls,), method).encode()) == pingback.NO_SUCH_METHOD

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"nonsense", b"<methodCall>", b"<x/>", b"\xff\xfe<", b"<?xml version='1.0' encoding='utf-7'?><x/>",
            b"<methodCall><methodName>pingback.ping</methodName></methodCall>",
            dumps(("one",), "pingback.ping").encode(), dumps(("one", "two", "three"), "pingback.ping").encode(),
        ],
    )  # fmt: skip
    def test_what_is_no_call(self, client: FlaskClient, body: bytes) -> None:
        assert sent(client, body) == pingback.NOT_XML

    @pytest.mark.parametrize(
        "declared",
        [
            "<!DOCTYPE x>",
            '<!DOCTYPE x [<!ENTITY a "https://a.example">]>',
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
            "<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>",
        ],
    )
    def test_no_document_type(self, client: FlaskClient, declared: str, neighbour: Web) -> None:
        body = OF_WORDPRESS.replace("?>\n", f"?>\n{declared}\n", 1).format("&a;", ARTICLE_URL)
        assert sent(client, body.encode()) == pingback.NOT_XML
        assert sent(client, body.encode("utf-16")) == pingback.NOT_XML

    def test_a_bomb_of_entities_costs_nothing(self, client: FlaskClient) -> None:
        entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><methodCall>&e12;</methodCall>'
        started = wall.process_time()
        assert sent(client, bomb.encode()) == pingback.NOT_XML
        assert wall.process_time() - started < 5

    def test_more_than_any_call(self, client: FlaskClient) -> None:
        assert sent(client, OF_WORDPRESS.format("x" * 70_000, ARTICLE_URL).encode()) == 0

    @settings(max_examples=200, deadline=None)
    @given(
        st.binary(max_size=300) | st.text(max_size=100).map(lambda text: dumps((text, text), "pingback.ping").encode())
    )
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        with suppress(Refusal):
            pingback.parse(body)


class TestDiscovery:
    """How senders find the address."""

    def test_header_and_element_say_the_same(self, client: FlaskClient) -> None:
        page = client.get(f"/t/blog/{ARTICLE}")
        assert page.headers["X-Pingback"] == "https://comments.example/pingback"
        assert '<link rel="pingback" href="https://comments.example/pingback">' in page.text

    def test_no_comment_can_look_like_the_element(self, client: FlaskClient, bob: Visitor) -> None:
        bob.comment(
            body='<link rel="pingback" href="https://evil.example/">', author='"><link rel="pingback" href="x">'
        )
        for page in (client.get(f"/t/blog/{ARTICLE}"), client.get(f"/embed/blog/{ARTICLE}")):
            found = re.findall(r'<link rel="pingback" href="([^"]+)" ?/?>', page.text)
            assert set(found) <= {"https://comments.example/pingback"}


class TestAnswersOfOthers:
    """What comes back when we send."""

    @pytest.mark.parametrize(
        ("answer", "refusal"),
        [
            (dumps(("thanks",), methodresponse=True), None),
            (dumps(Fault(48, "known")), (48, "known")),
            ("<methodResponse><fault><value><int>33</int></value></fault></methodResponse>", (33, "")),
            ("<methodResponse><fault/></methodResponse>", (0, "")),
            ("<html><body>no</body></html>", (0, "html")),
            ("Fatal error in xmlrpc.php", (0, "Fatal error in xmlrpc.php")),
        ],
    )
    def test_faults_are_read_even_where_they_are_malformed(self, answer: str, refusal: tuple[int, str] | None) -> None:
        assert pingback.refusal_in(answer.encode()) == refusal
