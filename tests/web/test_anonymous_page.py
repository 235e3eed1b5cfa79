"""The page that is rendered once for all whom we do not know, with each one's own put in."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from commentsvc.web import anonymous_page, empty_thread
from commentsvc.web.snapshots import Snapshots
from tests.cast import ARTICLE, BOB
from tests.visitors import Visitor, answer_to, hidden_fields

PAGE = f"/t/blog/{ARTICLE}?lang=en"
OWN = re.compile(r'name="(?:challenge_token|visitor|idempotency_key)" value="([^"]+)"')


def without_own(html: str) -> str:
    """A page without what each reader has of their own."""
    for own in OWN.findall(html):
        html = html.replace(own, "…")
    return html


@pytest.fixture
def known(visit: Callable[[], Visitor]) -> Visitor:
    """Somebody who was here before, for whom pages are rendered."""
    visitor = visit()
    visitor.client.get(PAGE)
    return visitor


@pytest.mark.parametrize("moderation", ["none", "all"])
@pytest.mark.parametrize("captcha", ["always", "never"])
def test_it_is_the_page_that_everybody_gets(
    bob: Visitor, known: Visitor, client: FlaskClient, rules: Callable[..., None], moderation: str, captcha: str
) -> None:
    bob.comment()
    rules("blog", moderation=moderation, captcha=captcha)
    page = client.get(PAGE)
    assert without_own(page.text) == without_own(known.client.get(PAGE).text)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Pingback"]
    assert 'rel="webmention"' in page.headers["Link"]


def test_each_gets_a_form_of_their_own(visit: Callable[[], Visitor]) -> None:
    one, other = (hidden_fields(visit().client.get(PAGE)) for _ in range(2))
    for name in ("challenge_token", "visitor", "idempotency_key"):
        assert one[name]
        assert one[name] != other[name]


def test_it_can_be_sent(visit: Callable[[], Visitor]) -> None:
    somebody = visit()
    form = hidden_fields(somebody.client.get(PAGE))
    form |= {"author": BOB.name, "body": BOB.says, "challenge_answer": answer_to(form["challenge_token"])}
    somebody.take_time()
    assert somebody.send(form).status_code == 303


def test_a_rule_that_looks_at_people_looks_at_each(
    visit: Callable[[], Visitor], rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules("blog", captcha="suspicious")
    assert hidden_fields(visit().client.get(PAGE))["challenge_asked"] == ""
    monkeypatch.setattr("commentsvc.web.challenge_check._is_faster_than_people", lambda: True)
    assert hidden_fields(visit().client.get(PAGE))["challenge_asked"] == "1"


def test_what_was_written_since_is_there(bob: Visitor, client: FlaskClient) -> None:
    assert "cord" not in client.get(PAGE).text
    bob.comment()
    client.delete_cookie("__Host-visitor", domain="comments.example")
    assert "cord" in client.get(PAGE).text


def test_no_comment_can_have_a_gap_filled(bob: Visitor, client: FlaskClient) -> None:
    bob.comment(body="gap-0123456789abcdef0123456789abcdef and https://evil.example/?gap-visitor")
    page = client.get(PAGE).text
    assert "gap-0123456789abcdef0123456789abcdef" in page
    for gap in (anonymous_page.CHALLENGE, anonymous_page.VISITOR, anonymous_page.IDEMPOTENCY_KEY):
        assert gap not in page
        assert len(gap) > 32


@pytest.mark.parametrize("query", ["?lang=de", "?view=linear&sort=newest&lang=en", "?page=7"])
def test_the_layout_is_the_one_that_was_asked_for(bob: Visitor, known: Visitor, query: str) -> None:
    bob.comment()
    page = f"/t/blog/{ARTICLE}{query}"
    stranger = bob.client.application.test_client().get(page, base_url="https://comments.example")
    assert without_own(stranger.text) == without_own(known.client.get(page).text)


class TestNobodyHasWritten:
    """One rendering serves all articles that have no thread."""

    @pytest.mark.parametrize("endpoint", ["embed", "t"])
    @pytest.mark.parametrize("key", ["", "a", "2026/11/a-b_c.d~e.html", "p/q", "ä/ö", "x%3Fy=1", "a&b", "a'b", "?p=1"])
    @pytest.mark.parametrize("query", ["?lang=en", "?view=linear&lang=de"])
    def test_it_reads_as_if_it_were_rendered(
        self, client: FlaskClient, endpoint: str, key: str, query: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"/{endpoint}/blog/{key.replace('?', '%3F')}{query}"
        quick = client.get(path)
        layer: Snapshots = client.application.extensions["snapshots"]
        layer.drop_site(1)
        layer._kept.clear()
        layer._names.clear()
        monkeypatch.setattr(empty_thread, "answer", lambda _article: None)
        client.delete_cookie("__Host-visitor", domain="comments.example")
        rendered = client.get(path)
        assert quick.status_code == rendered.status_code == 200
        assert without_own(quick.text) == without_own(rendered.text)
        assert empty_thread.KEY not in quick.text
