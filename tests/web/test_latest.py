"""The latest comments of a blog, for its side columns."""

from collections.abc import Callable

from tests.cast import ARTICLE, BOB, GRACE, MALLORY
from tests.visitors import Visitor


def listed(visitor: Visitor, query: str = "") -> str:
    """The list as HTML."""
    return visitor.client.get(f"/latest/blog{query}").text


def test_the_newest_come_first_each_with_a_link_to_its_article(bob: Visitor, visit: Callable[[], Visitor]) -> None:
    first = bob.comment(BOB)
    second = visit().comment(GRACE, key="another.html", body="<b>there</b>")
    html = listed(bob)
    assert html.index("Grace") < html.index("Bob")
    assert f'href="https://blog.example/{ARTICLE}#comment-{first}"' in html
    assert f"another.html#comment-{second}" in html
    assert "there" not in html


def test_as_many_as_the_page_asks_for(bob: Visitor) -> None:
    for number in range(7):
        bob.comment(BOB, body=f"number {number}")
    assert listed(bob).count("<li>") == 5
    assert listed(bob, "?count=7").count("<li>") == 7
    for nonsense in ("0", "-1", "999", "x"):
        assert listed(bob, f"?count={nonsense}").count("<li>") == 5


def test_what_waits_is_not_there_and_what_goes_leaves(
    ada: Visitor, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
) -> None:
    shown = bob.comment(BOB)
    rules("blog", moderation="all")
    visit().comment(MALLORY)
    assert listed(bob).count("<li>") == 1
    ada.decide(shown, "trash")
    assert listed(bob).count("<li>") == 0


def test_it_is_light_and_in_the_readers_language(bob: Visitor) -> None:
    for number in range(5):
        bob.comment(BOB, body=f"number {number}")
    answer = bob.client.get("/latest/blog?lang=de", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) <= 1_000
    assert answer.headers["ETag"]
    assert "zu „" in listed(bob, "?lang=de")
