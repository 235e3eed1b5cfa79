"""Everybody can read and write: axe on every page, in light, dark and from right to left; sizes of what one presses."""

import json
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from commentsvc.db import db
from commentsvc.models import Comment, Email, Thread
from tests.browser.conftest import ARTICLE, World, wait_for
from tests.browser.test_element import put_up, say
from tests.browser.test_story import sign_in
from tests.cast import ADA
from tests.post import text_of

Person = Callable[..., Page]
DESK = (
    *("queue", "queue?state=approved", "queue?state=any&q=waits", "comments/{comment}", "threads", "threads/{thread}"),
    *("linkbacks", "bans", "bans?comment={comment}", "saved-replies", "stats", "log", "log?of=decisions", "sites"),
    *("sites/blog", "sites/blog/import", "people?email=bob@mail.example", "email", "email/{email}", "subscriptions"),
    *("channels", "account", "moderators"),
)
EVERY_COMBINATION = pytest.mark.all_values  # two of four show each value; all of them are seen with --all-values
LOOKS = [
    pytest.param("light", "en"),
    pytest.param("dark", "ar"),
    pytest.param("dark", "en", marks=EVERY_COMBINATION),
    pytest.param("light", "ar", marks=EVERY_COMBINATION),
]
SHOWN = {"comment": Comment, "thread": Thread, "email": Email}
WIDE = 1280  # CSS pixels
MIN_SIZE = 24  # CSS pixels, WCAG 2.2 target size

BLOG = """<style>:root {{ color-scheme: light dark }} body {{ background: light-dark(#fff, #16181a); margin: 0 16px;
color: light-dark(#222, #eee) }}</style>
<main><h1>The phone</h1><comment-thread site="blog" lang="{lang}"></comment-thread></main>"""


@pytest.fixture
def world(world: World) -> World:
    """A thread with everything in it: answers, a removed comment, an edited one, many pages, links to share."""
    rules = ("--captcha", "never", "--moderation", "none", "--page-size", "3", "--share", "mastodon,email,copy")
    world.server.run("site", "set", "blog", *rules)
    root = say(world, "Bob", "A *root* with `code`\n\n> and a quote :-)")
    say(world, "Grace", "an answer", say(world, "Ada", "between", root))
    for number in range(4):
        say(world, "Linus", f"number {number}")
    for kind in ("u-like-of", "u-repost-of", "u-in-reply-to", "u-in-reply-to rsvp", "mention"):
        tell(world, kind)
    wait_for(lambda: len(thread(world)["linkbacks"]) == 4 and thread(world)["count"] == 8)
    return world


def tell(world: World, kind: str) -> None:
    """A webmention from the neighbour that says this of the article."""
    said = '<data class="p-rsvp" value="maybe">' if "rsvp" in kind else ""
    html = f"""<title>On phones</title><div class="h-entry"><a class="p-author h-card" href="https://grace.example/">Grace</a>
<a class="{kind}" href="{world.article}">it</a>{said}<p class="e-content">I heard it ring.</p></div>"""
    source = world.neighbour.page(f"/{kind.replace(' ', '-')}", html)
    form = urlencode({"source": source, "target": world.article}).encode()
    with urlopen(f"{world.server.url}/webmention", form) as answer:
        assert answer.status == 201


def thread(world: World) -> dict[str, Any]:
    with urlopen(f"{world.server.url}/api/v1/threads/blog{ARTICLE}") as answer:
        return dict(json.load(answer))


@pytest.fixture
def narrow(request: pytest.FixtureRequest) -> bool:
    """Whether axe looks at narrow pages too: with --all-values, as little but their width differs."""
    return bool(request.config.getoption("--all-values"))


def judge(page: Page, *, narrow: bool = True) -> None:
    """What axe finds, but for a page that is not ``narrow`` to be looked at; and that nothing sticks out."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if not narrow and page.viewport_size and page.viewport_size["width"] < WIDE:
        return
    page.emulate_media(reduced_motion="reduce")  # a colour halfway to another is nobody's choice
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def too_small(page: Page) -> list[str]:
    """What one presses and is smaller than a finger's tip; links within a sentence are excepted, as WCAG does."""
    return list(
        page.evaluate(
            """(least) => {
              const elements = [...document.querySelectorAll("*")];
              const roots = [document, ...elements.map((one) => one.shadowRoot).filter(Boolean)];
              const pressed = "a[href], button, input:not([type=hidden]), summary";
              return roots.flatMap((root) => [...root.querySelectorAll(pressed)])
                .filter((one) => one.checkVisibility() && one.tabIndex >= 0)
                .filter((one) => !one.closest(".body, p:not(.actions, .who), h1, h2"))
                .filter((one) => {
                  const { width, height } = one.getBoundingClientRect();
                  return Math.min(width, height) < least - 0.5;
                })
                .map((one) => one.outerHTML.slice(0, 120));
            }""",
            MIN_SIZE,
        )
    )


@pytest.mark.parametrize(("scheme", "lang"), LOOKS)
class TestEveryPage:
    """Wide and narrow."""

    def test_the_embed_while_writing(self, world: World, person: Person, scheme: str, lang: str, narrow: bool) -> None:
        put_up(world, BLOG.format(lang=lang))
        for width in (1280, 320):
            reader = person(viewport={"width": width, "height": 900}, color_scheme=scheme)
            reader.goto(world.article)
            if lang == "ar":
                reader.evaluate("document.documentElement.dir = 'rtl'")
            reader.mouse.move(10, 10)
            expect(reader.locator(".copy").first).to_be_visible()
            reader.locator("[data-reply]").first.click()
            expect(reader.locator("form.write textarea")).to_be_focused()
            reader.locator("form.write textarea").fill("x" * 19_990)
            expect(reader.locator(".left")).to_be_visible()
            judge(reader, narrow=narrow)
            assert too_small(reader) == []
            if lang == "ar":
                assert reader.locator(".commentsvc").evaluate("one => getComputedStyle(one).direction") == "rtl"

    def test_the_page_and_its_errors(self, world: World, person: Person, scheme: str, lang: str, narrow: bool) -> None:
        for width in (1280, 320):
            reader = person(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True)
            reader.goto(f"{world.page}?lang={lang}")
            judge(reader, narrow=narrow)
            assert too_small(reader) == []
            reader.locator("form.write .send button").first.click()
            expect(reader.get_by_role("alert")).to_be_visible()
            judge(reader, narrow=narrow)

    def test_the_pages_for_other_blogs(
        self, world: World, person: Person, scheme: str, lang: str, narrow: bool
    ) -> None:
        for width in (1280, 320):
            grace = person(viewport={"width": width, "height": 900}, color_scheme=scheme)
            grace.goto(f"{world.server.url}/webmention?lang={lang}&target={world.article}")
            judge(grace, narrow=narrow)
            assert too_small(grace) == []
            grace.locator("#source").fill(f"{world.neighbour.url}/nowhere")
            grace.locator("form button").click()
            expect(grace.get_by_role("status")).to_be_visible()
            judge(grace, narrow=narrow)

    def test_the_admin_pages(self, world: World, person: Person, scheme: str, lang: str, narrow: bool) -> None:
        world.server.run("site", "set", "blog", "--moderation", "all")
        say(world, "Mallory", "waits for a decision")
        for width in (1280, 320):
            ada = person(viewport={"width": width, "height": 900}, color_scheme=scheme)
            sign_in(world, ada)
            world.server.run("channel", "add", "webhook", "https://hooks.blog.example/comments")
            world.message(ADA.email)
            with world.server.database():
                ids = {name: db.session.scalar(select(func.min(table.id))) for name, table in SHOWN.items()}
            for place in (one.format(**ids) for one in DESK):
                ada.goto(f"{world.server.url}/admin/{place}{'&' if '?' in place else '?'}lang={lang}")
                judge(ada, narrow=narrow)
                assert too_small(ada) == []


@pytest.mark.parametrize(("scheme", "lang"), LOOKS)
def test_the_pages_that_emails_lead_to(world: World, person: Person, scheme: str, lang: str, narrow: bool) -> None:
    """Follow, say yes, look at everything, stop; and a moderator's button."""
    bob = person(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    bob.goto(f"{world.server.url}/follow/blog{ARTICLE}?lang={lang}")
    judge(bob)
    bob.locator("form button").click()
    expect(bob.locator("[aria-invalid=true]")).to_be_visible()
    judge(bob)
    bob.locator("#email").fill("bob@mail.example")
    bob.locator("form button").click()
    expect(bob.get_by_role("status")).to_be_visible()
    judge(bob)
    _look_at(bob, _link(world.message("bob@mail.example"), "confirm"), narrow)
    bob.locator("form button").click()
    expect(bob.get_by_role("status")).to_be_visible()
    judge(bob)
    say(world, "Grace", "rings a bell")
    news = world.message("bob@mail.example", 2)
    for path in ("unsubscribe", "subscriptions"):
        _look_at(bob, _link(news, path), narrow)
    world.server.run("site", "set", "blog", "--moderation", "all")
    say(world, "Mallory", "waits for a decision")
    _look_at(bob, _link(world.message(ADA.email), "moderate"), narrow)
    bob.locator(".send button").first.click()
    expect(bob.get_by_role("status")).to_be_visible()
    judge(bob)


def test_statistics_as_tables_fit_a_phone(world: World, person: Person) -> None:
    ada = person(viewport={"width": 320, "height": 900})
    sign_in(world, ada)
    for lang in ("de", "fi"):  # which have the longest headings
        ada.goto(f"{world.server.url}/admin/stats?lang={lang}")
        ada.evaluate("document.querySelectorAll('.figure details').forEach((one) => (one.open = true))")
        assert ada.evaluate("document.documentElement.scrollWidth") == 320


def _look_at(page: Page, address: str, narrow: bool) -> None:
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        judge(page, narrow=narrow)
        assert too_small(page) == []


def _link(message: EmailMessage, path: str) -> str:
    return next(word for word in text_of(message).split() if f"/{path}/" in word)


def test_what_happens_is_said(world: World, person: Person) -> None:
    """To who does not see it: roles and states, read as an assistive program reads them."""
    put_up(world, BLOG.format(lang="en"))
    reader = person()
    reader.goto(world.article)
    reader.mouse.move(10, 10)
    fold = reader.get_by_role("button", name="Hide replies").first
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(reader.get_by_role("region", name="8 comments")).to_be_visible()
    expect(reader.get_by_role("article", name="Bob")).to_contain_text("root")
    reader.get_by_role("link", name="Reply").first.click()
    expect(reader.get_by_role("form", name="Reply to Bob")).to_be_visible()
    expect(reader.get_by_role("toolbar", name="Formatting")).to_be_visible()
    reader.get_by_role("button", name="Post comment").click()
    field = reader.get_by_role("textbox", name="Your comment")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("^Please write a comment first."))


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}, {"reduced_motion": "reduce"}])
def test_other_ways_to_see(world: World, person: Person, media: dict[str, str]) -> None:
    put_up(world, BLOG.format(lang="en"))
    reader = person()
    reader.emulate_media(**media)  # type: ignore[arg-type]
    reader.goto(world.article)
    expect(reader.get_by_text("an answer")).to_be_visible()
    form = reader.locator("form.write")
    if "media" in media:
        expect(form).to_be_hidden()
    else:
        expect(form).to_be_visible()
    if "reduced_motion" in media:
        assert reader.locator("button").first.evaluate("one => getComputedStyle(one).transitionDuration") == "0s"
