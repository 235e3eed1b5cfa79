"""Pages that are compressed once, with gaps for what is a reader's own."""

import gzip

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from commentsvc.web.compression import MAX_STORED, Template
from tests.cast import ARTICLE
from tests.visitors import Visitor, hidden_fields

PAGE = f"/t/blog/{ARTICLE}"
PACKED = {"Accept-Encoding": "gzip"}


@given(st.lists(st.tuples(st.binary(), st.binary()), max_size=5), st.binary())
def test_it_unpacks_to_the_page_with_everything_filled_in(pairs: list[tuple[bytes, bytes]], end: bytes) -> None:
    names = [f"gap {number}".encode() for number in range(len(pairs))]
    pieces = [piece for (text, _), name in zip(pairs, names, strict=True) for piece in (text, name)]
    values = {name: value for (_, value), name in zip(pairs, names, strict=True)}
    template = Template([*pieces, end])
    assert template.filled(values) == b"".join(text + value for text, value in pairs) + end
    assert gzip.decompress(template.packed(values)) == template.filled(values)


def test_long_values_take_several_blocks() -> None:
    template, value = Template([b"<p>", b"gap", b"</p>"]), b"x" * (2 * MAX_STORED + 1)
    assert gzip.decompress(template.packed({b"gap": value})) == b"<p>" + value + b"</p>"


def test_its_length_says_nothing_about_the_values() -> None:
    """A guess that stands in the page, and is right, makes no shorter page than one that is wrong."""
    pages = [Template([b"you asked for " + guess, b"gap", b""]) for guess in (b"secret-1", b"secret-2")]
    assert len({len(page.packed({b"gap": b"secret-1"})) for page in pages}) == 1


class TestThePageOfAThread:
    """What readers without JavaScript and crawlers load."""

    def test_a_strangers_is_a_third_as_large(self, client: FlaskClient, bob: Visitor) -> None:
        for number in range(5):
            bob.comment(body=f"Comment number {number} about the phone and its cord.")
        packed, plain = client.get(PAGE, headers=PACKED), client.get(PAGE)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"].count("Accept-Encoding") == plain.headers["Vary"].count("Accept-Encoding") == 1
        assert len(packed.data) * 3 < len(plain.data)
        assert "Comment number 4" in gzip.decompress(packed.data).decode()

    def test_the_form_in_it_can_be_sent(self, bob: Visitor) -> None:
        page = bob.client.get(PAGE, headers=PACKED)
        page.set_data(gzip.decompress(page.data))
        assert hidden_fields(page)["challenge_token"]

    def test_that_of_a_known_visitor_is_packed_too(self, bob: Visitor) -> None:
        bob.comment()
        page = bob.client.get(PAGE, headers=PACKED)
        assert page.headers["Content-Encoding"] == "gzip"

    @pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0"])
    def test_who_does_not_take_it_gets_it_plain(self, client: FlaskClient, accepted: str) -> None:
        page = client.get(PAGE, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in page.headers
        assert "</html>" in page.text
