"""The element on a blog's page: comfort for readers and writers, on pages of every kind, by keyboard alone."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Comment, Site
from commentsvc.sites import sites
from tests.browser.conftest import ARTICLE, World, wait_for
from tests.cast import BOB, GRACE

Person = Callable[..., Page]
KEY = ARTICLE.strip("/")


@pytest.fixture
def world(world: World) -> World:
    """Nobody must solve pictures, nobody waits: what is told here is another story."""
    world.server.run("site", "set", "blog", "--captcha", "never", "--moderation", "none", "--page-size", "3")
    return world


def say(world: World, author: str, body: str, parent: int | None = None, key: str = KEY) -> int:
    """A comment from somewhere else; its id."""
    content = json.dumps({"author": author, "body": body, "parent_id": parent}).encode()
    url = f"{world.server.url}/api/v1/threads/blog/{key}/comments"
    asked = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        return int(json.load(answer)["id"])


def put_up(world: World, body: str, path: str = ARTICLE, head: str = "", policy: str = "") -> str:
    """A page of the blog with this body; its address."""
    html = f"""<!doctype html><html lang="en"><head><title>The phone</title>{head}
<script type="module" src="{world.server.url}/embed.js"></script></head><body>{body}</body></html>"""
    return world.blog.page(path, html, **({"Content_Security_Policy": policy} if policy else {}))


def write(page: Page, text: str, name: str = "Bob") -> None:
    page.get_by_label("Your comment").fill(text)
    page.get_by_label("Name").fill(name)
    wait_for(page.locator("form.write input[name=challenge_token]").input_value)
    page.wait_for_timeout(2_200)  # no faster than people are


def begin(page: Page) -> Locator:
    """Put the cursor into the text, and wait until the code for writing is there; the text's field."""
    page.get_by_label("Your comment").focus()
    wait_for(page.locator("form.write input[name=idempotency_key]").input_value)
    return page.get_by_label("Your comment")


def post(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Post comment|Send for approval")).click()
    expect(page.locator(".posted")).to_be_focused()


class TestReading:
    """What makes it comfortable."""

    def test_the_view_is_remembered(self, world: World, person: Person) -> None:
        say(world, "Grace", "second", say(world, "Bob", "first"))
        bob = person()
        bob.goto(world.article)
        bob.locator(".menu summary").click()
        bob.get_by_role("link", name="Flat").click()
        expect(bob.locator(".menu [aria-current]").last).to_have_text("Flat")
        bob.reload()
        expect(bob.locator(".menu [aria-current]").last).to_have_text("Flat")

    def test_a_permalink_finds_its_page_and_is_marked(self, world: World, person: Person) -> None:
        ids = [say(world, "Bob", f"number {number}") for number in range(8)]
        bob = person()
        bob.goto(f"{world.article}#comment-{ids[7]}")
        expect(bob.locator(f"#comment-{ids[7]}")).to_have_class(re.compile("target"))
        expect(bob.locator(f"#comment-{ids[7]} article")).to_be_focused()
        expect(bob.locator(".pages [aria-current]")).to_have_text("3")

    def test_following_a_permalink_stays_on_the_article(self, world: World, person: Person) -> None:
        ids = [say(world, "Bob", f"number {number}") for number in range(2)]
        bob = person()
        bob.goto(world.article)
        bob.locator(f"#comment-{ids[1]} .when").click()
        assert bob.url == f"{world.article}#comment-{ids[1]}"
        expect(bob.locator(f"#comment-{ids[1]}")).to_have_class(re.compile("target"))

    def test_a_link_is_copied(self, world: World, person: Person) -> None:
        comment = say(world, "Bob", "worth citing")
        bob = person(permissions=["clipboard-read", "clipboard-write"])
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        bob.get_by_role("button", name="Copy link").click()
        expect(bob.get_by_role("status").filter(has_text="Copied")).to_be_attached()
        assert bob.evaluate("navigator.clipboard.readText()") == f"{world.article}#comment-{comment}"

    def test_branches_are_folded_by_button_and_by_their_rule(self, world: World, person: Person) -> None:
        root = say(world, "Bob", "root")
        answer = say(world, "Grace", "answer", root)
        say(world, "Ada", "deeper", answer)
        say(world, "Linus", "beside")
        bob = person()
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        bob.get_by_role("button", name="Hide replies").first.click()
        expect(bob.get_by_text("answer", exact=True)).to_be_hidden()
        expect(bob.get_by_text("deeper", exact=True)).to_be_hidden()
        expect(bob.get_by_text("beside", exact=True)).to_be_visible()
        bob.get_by_role("button", name="Show 2 replies").click()
        expect(bob.get_by_text("deeper", exact=True)).to_be_visible()
        bob.locator(f"#comment-{answer}").click(position={"x": 3, "y": 20})
        expect(bob.get_by_text("answer", exact=True)).to_be_hidden()

    def test_what_is_new_since_the_last_visit_says_so(self, world: World, person: Person) -> None:
        say(world, "Bob", "old")
        bob = person()
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        expect(bob.get_by_role("button", name="Copy link")).to_be_visible()
        expect(bob.locator(".fresh")).to_have_count(0)
        bob.wait_for_timeout(1_100)  # times are told in seconds
        say(world, "Grace", "young")
        bob.reload()
        bob.mouse.move(20, 20)
        expect(bob.locator(".fresh")).to_have_text("New")
        expect(bob.locator("li").filter(has=bob.locator(".fresh"))).to_contain_text("young")

    def test_news_are_announced_and_nothing_moves_until_one_wants_them(self, world: World, person: Person) -> None:
        say(world, "Bob", "first")
        bob = person()
        bob.clock.install()
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        expect(bob.get_by_role("button", name="Copy link")).to_be_visible()
        before = bob.locator(".comments").bounding_box()
        say(world, "Grace", "second")
        bob.clock.fast_forward(31_000)
        bar = bob.get_by_role("button", name="1 new comment")
        expect(bar).to_be_visible()
        assert bob.locator(".comments").bounding_box() == before
        bar.click()
        expect(bob.locator("li article:focus")).to_contain_text("second")
        expect(bob.locator(".news button")).to_have_count(0)

    def test_times_are_told_as_the_reader_lives(self, world: World, person: Person) -> None:
        say(world, "Bob", "just now")
        bob = person(timezone_id="Asia/Tokyo")
        bob.goto(world.article)
        time = bob.locator("time").first
        expect(time).to_have_text("now")
        assert "Japan" in (time.get_attribute("title") or "") or "GMT+9" in (time.get_attribute("title") or "")

    def test_nothing_below_moves_when_the_thread_comes(self, world: World, person: Person) -> None:
        for number in range(3):
            say(world, "Bob", f"number {number}")
        put_up(
            world,
            '<h1>The phone</h1><comment-thread site="blog"></comment-thread><footer>The end of the page.</footer>',
            head="<style>comment-thread { display: block; min-block-size: 100vh }</style>",
        )
        bob = person()
        bob.add_init_script(
            "window.shift = 0;"
            "new PerformanceObserver((list) => list.getEntries().forEach((one) => shift += one.value))"
            ".observe({type: 'layout-shift', buffered: true})"
        )
        bob.goto(world.article)
        expect(bob.get_by_text("number 2")).to_be_visible()
        bob.mouse.move(10, 10)
        expect(bob.get_by_role("button", name="Copy link").first).to_be_visible()
        bob.wait_for_timeout(300)
        assert bob.evaluate("shift") == 0


class TestWriting:
    """What makes it comfortable."""

    def test_a_draft_survives_and_is_forgotten_once_sent(self, world: World, person: Person) -> None:
        say(world, "Grace", "first")
        bob = person()
        bob.goto(world.article)
        bob.get_by_role("link", name="Reply").click()
        write(bob, "half a thought")
        notify = bob.get_by_label("Email me when someone replies")
        notify.check()
        bob.reload()
        expect(bob.get_by_label("Your comment")).to_have_value("half a thought")
        expect(bob.get_by_role("heading", name="Reply to Grace")).to_be_visible()
        expect(notify).to_be_checked()
        notify.uncheck()
        write(bob, "a whole one")
        post(bob)
        bob.reload()
        expect(bob.locator("li.depth-1")).to_contain_text("a whole one")
        expect(bob.get_by_label("Your comment")).to_have_value("")

    def test_each_comment_that_is_answered_has_a_draft_of_its_own(self, world: World, person: Person) -> None:
        say(world, "Grace", "first")
        say(world, "Linus", "second")
        bob = person()
        bob.goto(world.article)
        write(bob, "to the article")
        bob.get_by_role("link", name="Reply", exact=True).first.click()
        expect(bob.get_by_label("Your comment")).to_have_value("")
        write(bob, "to Grace")
        bob.get_by_role("link", name="Reply", exact=True).nth(1).click()
        expect(bob.get_by_label("Your comment")).to_have_value("")
        bob.get_by_role("link", name="Reply", exact=True).first.click()
        expect(bob.get_by_label("Your comment")).to_have_value("to Grace")
        bob.get_by_role("link", name="Cancel reply").click()
        expect(bob.get_by_role("heading", name="Write a comment")).to_be_visible()
        expect(bob.get_by_label("Your comment")).to_have_value("to the article")
        bob.reload()
        expect(bob.get_by_label("Your comment")).not_to_have_value("")
        expect(bob.get_by_label("Name")).to_have_value("Bob")

    def test_what_is_typed_while_the_code_for_writing_comes_goes_with_the_answer(
        self, world: World, person: Person
    ) -> None:
        say(world, "Grace", "first")
        bob = person()
        held: list[Route] = []
        bob.route("**/composer.js*", lambda route: held.append(route), times=1)
        bob.goto(world.article)
        bob.get_by_role("link", name="Reply").click()
        wait_for(lambda: bob.evaluate("true") and held)
        bob.get_by_label("Your comment").fill("to Grace")
        held[0].continue_()
        expect(bob.get_by_role("heading", name="Reply to Grace")).to_be_visible()
        expect(bob.get_by_label("Your comment")).to_have_value("to Grace")

    def test_the_first_comment_is_counted_at_once(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("No comments yet.")).to_be_visible()
        write(bob, "first")
        post(bob)
        expect(bob.get_by_role("heading", name="1 comment")).to_be_visible()
        expect(bob.get_by_text("No comments yet.")).to_have_count(0)

    def test_who_waits_may_still_edit_after_a_reload(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--moderation", "all")
        bob = person()
        bob.goto(world.article)
        write(bob, "waits")
        post(bob)
        expect(bob.get_by_role("button", name="Edit")).to_be_visible()
        bob.reload()
        expect(bob.get_by_text("only you can see this")).to_be_visible()
        expect(bob.get_by_role("button", name="Edit")).to_be_visible()

    def test_an_edit_that_is_held_is_gone_for_others_at_once(self, world: World, person: Person) -> None:
        """Heading, replies and the comment's own mark say so."""
        bob = person()
        bob.goto(world.article)
        write(bob, "shown")
        post(bob)
        expect(bob.get_by_role("heading", name="1 comment")).to_be_visible()
        world.server.run("site", "set", "blog", "--hold-words", "rotary")
        bob.get_by_role("button", name="Edit").click()
        bob.locator("form.edit textarea").fill("a rotary dial")
        bob.get_by_role("button", name="Save").click()
        expect(bob.get_by_text("Awaiting approval: only you can see this")).to_be_visible()
        expect(bob.get_by_text("a rotary dial")).to_be_visible()
        expect(bob.get_by_role("heading", name="0 comments")).to_be_visible()
        expect(bob.get_by_role("link", name="Reply", exact=True)).to_have_count(0)

    def test_an_answer_stands_below_those_before_it(self, world: World, person: Person) -> None:
        say(world, "Grace", "first")
        for text in ("older answer", "newer answer"):
            bob = person()
            bob.goto(world.article)
            bob.get_by_role("link", name="Reply", exact=True).first.click()
            write(bob, text)
            post(bob)
            expect(bob.locator("li", has=bob.get_by_text(text, exact=True))).to_be_visible()
        expect(bob.locator(".comments .body")).to_have_text(["first", "older answer", "newer answer"])
        expect(bob.locator(".comments > li").last).to_contain_text("Thank you.")
        expect(bob.locator(".comments > li").last).to_have_class("depth-1")
        bob.get_by_role("button", name="Edit").click()
        bob.locator("form.edit textarea").fill("newest answer")
        bob.get_by_role("button", name="Save").click()
        expect(bob.get_by_text("Your comment has been updated.")).to_be_visible()
        expect(bob.get_by_text("Thank you.")).to_have_count(0)

    def test_a_mistake_that_is_mended_is_no_longer_marked(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "Hello")
        bob.get_by_label("Name").fill(" ")
        bob.get_by_role("textbox", name="Email").fill("nonsense")
        bob.locator("form.write .send button").first.click()
        expect(bob.get_by_role("alert")).to_contain_text("Please check the highlighted fields")
        bob.get_by_label("Name").fill("Bob")
        expect(bob.locator("#author-wrong")).to_have_count(0)
        expect(bob.get_by_role("alert")).to_have_count(1)
        bob.get_by_role("textbox", name="Email").fill("bob@mail.example")
        expect(bob.locator("[aria-invalid]")).to_have_count(0)
        expect(bob.get_by_role("alert")).to_have_count(0)

    def test_what_was_said_of_one_draft_is_not_said_of_another(self, world: World, person: Person) -> None:
        say(world, "Grace", "first")
        bob = person()
        bob.goto(world.article)
        write(bob, "with *stars*")
        bob.get_by_role("button", name="Preview").click()
        shown = bob.locator("form.write .preview").bounding_box()
        text = bob.get_by_label("Your comment").bounding_box()
        assert shown
        assert text
        assert 0 <= shown["y"] - text["y"] - text["height"] < 64, "only the tools stand between it and the text"
        bob.get_by_label("Name").fill(" ")
        bob.locator("form.write .send button").first.click()
        expect(bob.get_by_role("alert")).to_contain_text("Please check the highlighted fields")
        bob.get_by_role("link", name="Reply", exact=True).click()
        expect(bob.get_by_label("Your comment")).to_have_value("")
        expect(bob.locator("form.write .preview")).to_have_count(0)
        expect(bob.locator("[aria-invalid]")).to_have_count(0)
        expect(bob.get_by_role("alert")).to_have_count(0)

    def test_what_was_typed_before_the_code_for_writing_came_is_kept_too(self, world: World, person: Person) -> None:
        bob = person()
        held: list[Route] = []
        bob.route("**/composer.js*", lambda route: held.append(route), times=1)
        bob.goto(world.article)
        bob.get_by_label("Your comment").fill("half a thought")
        wait_for(lambda: bob.evaluate("true") and held)  # which lets the route be heard of
        held[0].continue_()
        wait_for(bob.locator("form.write input[name=challenge_token]").input_value)
        bob.reload()
        expect(bob.get_by_label("Your comment")).to_have_value("half a thought")

    def test_who_one_is_is_remembered_only_if_one_says_so(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "first")
        post(bob)
        bob.reload()
        bob.get_by_label("Your comment").focus()
        expect(bob.get_by_label("Name")).to_have_value("")
        bob.get_by_label("Remember me").check()
        bob.get_by_label("Website").fill("https://bob.example")
        write(bob, "second")
        post(bob)
        bob.reload()
        bob.get_by_label("Your comment").focus()
        expect(bob.get_by_label("Name")).to_have_value("Bob")
        expect(bob.get_by_label("Website")).to_have_value("https://bob.example")
        bob.get_by_label("Remember me").uncheck()
        bob.reload()
        bob.get_by_label("Your comment").focus()
        expect(bob.get_by_label("Name")).to_have_value("")

    def test_marks_smilies_and_a_preview_that_follows(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        text = begin(bob)
        text.fill("cord")
        text.select_text()
        bob.get_by_role("button", name="bold").click()
        expect(text).to_have_value("*cord*")
        bob.set_viewport_size({"width": 390, "height": 400})
        bob.get_by_role("button", name="Preview").click()
        expect(bob.locator(".preview strong")).to_have_text("cord")
        expect(bob.locator(".preview")).to_be_in_viewport()
        text.press("End")
        bob.locator(".tool[title=':-)']").click()
        expect(text).to_have_value("*cord* :-) ")
        expect(bob.locator(".preview img[alt=':-)']")).to_be_visible()
        bob.get_by_role("button", name="Preview").click()
        expect(bob.locator(".preview")).to_have_count(0)

    def test_near_the_limit_the_room_that_is_left_is_told(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        begin(bob).fill("x" * 19_000)
        expect(bob.locator(".left")).to_have_count(0)
        bob.get_by_label("Your comment").fill("x" * 19_999)
        expect(bob.locator(".left")).to_have_text("1 character left")
        bob.get_by_label("Your comment").fill("x" * 20_050)
        expect(bob.locator(".left")).to_have_text("50 characters over the limit")
        expect(bob.get_by_label("Your comment")).to_have_value("x" * 20_050)

    def test_ones_own_comment_is_changed_and_taken_back(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "a slip of the pen")
        post(bob)
        bob.reload()
        bob.mouse.move(10, 10)
        bob.get_by_role("button", name="Edit").click()
        field = bob.locator("form.edit textarea")
        expect(field).to_be_focused()
        expect(field).to_have_value("a slip of the pen")
        field.fill("")
        bob.get_by_role("button", name="Save").click()
        expect(bob.get_by_role("alert")).to_contain_text("Please write a comment first.")
        field.fill("what I meant")
        field.evaluate("(field) => field.setSelectionRange(7, 12)")
        bob.locator("form.edit").get_by_role("button", name="bold").click()
        expect(field).to_have_value("what I *meant*")
        field.press("Control+Enter")
        expect(bob.get_by_role("status").filter(has_text="Your comment has been updated.")).to_be_focused()
        expect(bob.locator(".comments strong")).to_have_text("meant")
        bob.reload()
        expect(bob.locator(".edited")).to_have_text("edited")
        bob.mouse.move(10, 10)
        bob.get_by_role("button", name="Delete", exact=True).dblclick()
        bob.wait_for_timeout(800)  # longer than a double click
        expect(bob.locator(".comments strong")).to_have_text("meant")
        bob.get_by_role("button", name="Yes, delete").click()
        expect(bob.get_by_text("Your comment has been deleted.")).to_be_visible()
        bob.reload()
        expect(bob.get_by_text("No comments yet")).to_be_visible()

    def test_where_ones_own_comment_waits_nothing_says_that_there_is_none(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--moderation", "all")
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("No comments yet")).to_be_visible()
        write(bob, "wait for me")
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()
        bob.reload()
        expect(bob.get_by_text("wait for me")).to_be_visible()
        expect(bob.get_by_text("No comments yet")).to_have_count(0)

    def test_a_held_comment_that_is_taken_back_is_no_news(self, world: World, person: Person) -> None:
        """Nobody else ever saw it, so it was in no count."""
        say(world, "Grace", "first")
        world.server.run("site", "set", "blog", "--moderation", "all")
        bob = person()
        bob.clock.install()
        bob.goto(world.article)
        write(bob, "a slip of the pen")
        bob.clock.fast_forward(10_000)
        post(bob)
        bob.get_by_role("button", name="Delete", exact=True).click()
        bob.clock.fast_forward(1_000)
        bob.get_by_role("button", name="Yes, delete").click()
        expect(bob.get_by_text("Your comment has been deleted.")).to_be_visible()
        for _ in range(2):  # by the second look, the first has been understood
            with bob.expect_response(lambda answer: "/embed/blog" in answer.url):
                bob.clock.fast_forward(121_000)
        expect(bob.locator(".news button")).to_have_count(0)

    def test_others_cannot_change_it(self, world: World, person: Person) -> None:
        say(world, "Grace", "mine")
        bob = person()
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        expect(bob.get_by_role("button", name="Copy link")).to_be_visible()
        expect(bob.get_by_role("button", name="Edit")).to_have_count(0)


class TestByKeyboardAlone:
    """No mouse in the house."""

    def test_the_whole_story(self, world: World, person: Person) -> None:
        say(world, "Grace", GRACE.says)
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("found it")).to_be_visible()

        def tab_to(name: str) -> None:
            for _ in range(60):
                bob.keyboard.press("Tab")
                if bob.evaluate(FOCUSED).startswith(name):
                    return
            raise AssertionError(f"{name} is not reached; at {bob.evaluate(FOCUSED)}")

        tab_to("Reply")
        bob.keyboard.press("Enter")
        expect(bob.get_by_label("Your comment")).to_be_focused()
        bob.keyboard.type("Mine is a *dog*")
        tab_to("B")
        bob.keyboard.press("ArrowRight")
        assert bob.evaluate(FOCUSED) == "U"
        bob.keyboard.press("End")
        assert bob.evaluate(FOCUSED) not in ("B", "U")
        bob.keyboard.press("Home")
        assert bob.evaluate(FOCUSED) == "B"
        tab_to("author")
        bob.keyboard.type("Bob")
        bob.wait_for_timeout(2_200)
        tab_to("Preview")
        bob.keyboard.press("Enter")
        expect(bob.locator(".preview strong")).to_have_text("dog")
        bob.keyboard.press("Shift+Tab")
        assert bob.evaluate(FOCUSED) == "Post comment"
        bob.keyboard.press("Enter")
        expect(bob.locator(".posted")).to_be_focused()
        tab_to("Edit")
        bob.keyboard.press("Enter")
        expect(bob.locator("form.edit textarea")).to_be_focused()
        bob.keyboard.press("Control+A")
        bob.keyboard.type("Mine is a cat")
        bob.keyboard.press("Control+Enter")
        expect(bob.locator("li .body", has_text="Mine is a cat")).to_be_visible()


FOCUSED = """() => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return (one?.id && one.matches("input, textarea") ? one.id : one?.textContent ?? "").trim();
}"""


class TestOnPagesOfEveryKind:
    """What blogs are like."""

    def test_two_on_a_page(self, world: World, person: Person) -> None:
        say(world, "Bob", "about phones", key="phones")
        say(world, "Grace", "about cats", key="cats")
        put_up(
            world,
            '<comment-thread site="blog" key="phones"></comment-thread>'
            '<comment-thread site="blog" key="cats" lang="de"></comment-thread>',
        )
        bob = person()
        bob.goto(world.article)
        first, second = bob.locator("comment-thread").nth(0), bob.locator("comment-thread").nth(1)
        expect(first).to_contain_text("about phones")
        expect(second).to_contain_text("about cats")
        expect(second).to_contain_text("1 Kommentar")

    def test_the_lines_to_paste_lead_to_the_article_without_scripts(self, world: World, person: Person) -> None:
        say(world, "Bob", "about phones")
        world.server.know_its_secret()
        put_up(world, sites.two_lines(Site(key="blog", language="en")))
        bob = person(java_script_enabled=False)
        bob.goto(world.article)
        bob.get_by_role("link", name="Comments").click()
        expect(bob.get_by_text("about phones")).to_be_visible()
        assert bob.url == world.page

    def test_a_single_page_site_changes_its_article(self, world: World, person: Person) -> None:
        say(world, "Bob", "about phones", key="phones")
        say(world, "Grace", "about cats", key="cats")
        put_up(world, '<comment-thread site="blog" key="phones"></comment-thread>')
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("about phones")).to_be_visible()
        bob.get_by_label("Your comment").fill("half a thought")
        bob.evaluate("document.querySelector('comment-thread').setAttribute('key', 'cats')")
        expect(bob.get_by_text("about cats")).to_be_visible()
        expect(bob.get_by_label("Your comment")).to_have_value("")
        bob.evaluate("const old = document.querySelector('comment-thread'); old.remove(); document.body.append(old)")
        expect(bob.get_by_text("about cats")).to_be_visible()
        bob.evaluate(
            "history.pushState({}, '', '/phones'); document.querySelector('comment-thread').removeAttribute('key')"
        )
        expect(bob.get_by_text("about phones")).to_be_visible()

    def test_events_are_those_of_an_image(self, world: World, person: Person) -> None:
        put_up(world, '<comment-thread site="blog"></comment-thread><comment-thread site="nobody"></comment-thread>')
        bob = person()
        bob.add_init_script(
            "window.seen = []; for (const name of ['load', 'error', 'comment-posted']) document.addEventListener("
            "  name, ({target}) => target.localName === 'comment-thread' && seen.push(name), true)"
        )
        bob.goto(world.article)
        wait_for(lambda: bob.evaluate("seen.length") == 2)
        assert sorted(bob.evaluate("seen")) == ["error", "load"]

    def test_a_lazy_one_waits_until_it_comes_near(self, world: World, person: Person) -> None:
        say(world, "Bob", "far below")
        put_up(
            world,
            '<div style="height: 9000px">An essay</div><comment-thread site="blog" loading="lazy"></comment-thread>',
        )
        bob = person()
        asked: list[str] = []
        bob.on("request", lambda request: asked.append(request.url))
        bob.goto(world.article)
        bob.wait_for_timeout(500)
        assert not [url for url in asked if "/embed/" in url]
        bob.mouse.wheel(0, 8_000)
        expect(bob.get_by_text("far below")).to_be_visible()

    def test_counts_of_a_list_take_one_question(self, world: World, person: Person) -> None:
        for number in range(3):
            for _ in range(number):
                say(world, "Bob", f"{number} {_}", key=f"{number}.html")
        items = "".join(
            f'<a href="/{n}.html">Article</a> <comment-count site="blog" key="{n}.html">…</comment-count>'
            for n in range(3)
        )
        put_up(world, items, path="/list")
        bob = person()
        asked: list[str] = []
        bob.on("request", lambda request: asked.append(request.url))
        bob.goto(f"{world.blog.url}/list")
        expect(bob.locator("comment-count").nth(2)).to_have_text("2 comments")
        expect(bob.locator("comment-count").nth(0)).to_have_text("0 comments")
        assert len([url for url in asked if "/counts" in url]) == 1

    def test_the_latest_comments_in_a_side_column(self, world: World, person: Person) -> None:
        say(world, "Bob", "first", key="a.html")
        say(world, "Grace", "second", key="b.html")
        put_up(
            world,
            f'<comment-latest site="blog" count="1"><a href="{world.server.url}/t/blog/">Comments</a></comment-latest>',
        )
        bob = person()
        bob.goto(world.article)
        latest = bob.locator("comment-latest")
        expect(latest.get_by_role("link")).to_have_count(1)
        expect(latest.get_by_role("link")).to_contain_text("Grace on “")
        latest.evaluate("one => one.setAttribute('count', '2')")
        expect(latest.get_by_role("link")).to_have_count(2)

    def test_the_strictest_policy_a_blog_can_have(self, world: World, person: Person) -> None:
        """No inline script or style, no eval, and trusted types."""
        server = world.server.url
        policy = (
            f"default-src 'none'; script-src {server}; connect-src {server}; img-src {server}; "
            "require-trusted-types-for 'script'; trusted-types commentsvc"
        )
        say(world, "Grace", "under a strict rule")
        put_up(world, '<comment-thread site="blog"></comment-thread>', policy=policy)
        bob = person()
        complaints: list[str] = []
        bob.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        bob.goto(world.article)
        bob.mouse.move(10, 10)
        expect(bob.get_by_role("button", name="Copy link")).to_be_visible()
        bob.get_by_role("link", name="Reply").click()
        write(bob, "and *answered*")
        bob.get_by_role("button", name="Preview").click()
        expect(bob.locator(".preview strong")).to_have_text("answered")
        post(bob)
        assert not [one for one in complaints if "favicon" not in one], complaints

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["cookies refused", "cookies kept"])
    def test_with_and_without_cookies_on_foreign_pages(self, world: World, person: Person, host: str) -> None:
        """The server is localhost: a blog there is of the same site, one at 127.0.0.1 is a stranger's."""
        port = world.blog.url.rpartition(":")[2]
        world.server.run("site", "set", "blog", world.blog.url, f"http://localhost:{port}", "--captcha", "always")
        bob = person()
        bob.goto(f"http://{host}:{port}{ARTICLE}")
        bob.get_by_label("Your comment").fill(BOB.says)
        bob.get_by_label("Name").fill("Bob")
        from tests.browser.conftest import solve

        solve(bob)
        post(bob)
        assert bool([one for one in bob.context.cookies() if one["name"] == "visitor"]) is (host == "localhost")

    def test_a_narrow_column(self, world: World, person: Person) -> None:
        """Beside a text, on a wide screen: the column counts, not the window."""
        parent = None
        for number in range(6):
            parent = say(world, "Bob", f"a comment with some words in it, number {number}", parent)
        put_up(world, '<div id="column" style="inline-size: 260px"><comment-thread site="blog"></comment-thread></div>')
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("number 5")).to_be_visible()
        bob.get_by_label("Your comment").focus()
        for one in bob.locator("comment-thread li, comment-thread form, comment-thread input:not([type=hidden])").all():
            box = one.bounding_box()
            assert box is None or box["x"] + box["width"] <= 8 + 260 + 1
        deepest = bob.locator("li.depth-5").bounding_box()
        assert deepest
        assert deepest["width"] > 180
        named = bob.locator("li.depth-5").get_by_text("to Bob")  # where replies are indented no further
        assert named.evaluate("one => one.offsetWidth") > 20
        bob.locator("#column").evaluate("one => one.style.inlineSize = '600px'")
        assert named.evaluate("one => one.offsetWidth") == 1  # as the indentation says it

    def test_large_numbers_of_a_list_have_room(self, world: World, person: Person) -> None:
        say(world, "Bob", "1984. a great year\n1985. a better one")
        put_up(world, '<comment-thread site="blog"></comment-thread>', head="<style>body { margin: 0 }</style>")
        bob = person()
        bob.goto(world.article)
        expect(bob.locator(".body ol")).to_have_css("list-style-position", "inside")
        expect(bob.locator(".body ol")).to_have_css("padding-left", "24px")

    def test_its_look_is_the_blogs(self, world: World, person: Person) -> None:
        say(world, "Bob", "in your own dress")
        put_up(
            world,
            '<comment-thread site="blog"></comment-thread>',
            head="<style>body { font: 20px monospace; color: rgb(250, 240, 230); background: #111; color-scheme: dark }"
            " comment-thread { --commentsvc-accent: rgb(200, 100, 50) }"
            " comment-thread::part(comment) { border: 3px solid red }</style>",
        )
        bob = person()
        bob.goto(world.article)
        article = bob.locator("comment-thread article").first
        names = ["fontFamily", "fontSize", "color", "borderTopWidth", "colorScheme"]
        look = article.evaluate("(one, names) => names.map((name) => getComputedStyle(one)[name])", names)
        assert look == ["monospace", "20px", "rgb(250, 240, 230)", "3px", "dark"]

    @pytest.mark.parametrize(("theme", "is_light"), [("light", True), ("dark", False)])
    def test_a_theme_is_a_surface_of_its_own(self, world: World, person: Person, theme: str, is_light: bool) -> None:
        """Whatever the page around it is like."""
        say(world, "Bob", "on a lit stage")
        put_up(
            world,
            f'<comment-thread site="blog" theme="{theme}"></comment-thread>',
            head=f"<style>body {{ color: {'#eee' if is_light else '#222'}; background: gray }}</style>",
        )
        bob = person()
        bob.goto(world.article)
        expect(bob.get_by_text("on a lit stage")).to_be_visible()
        paint = (
            "(one, name) => getComputedStyle(one)[name].match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0) > 380"
        )
        assert bob.locator("comment-thread").evaluate(paint, "backgroundColor") is is_light
        assert bob.locator("comment-thread .body").first.evaluate(paint, "color") is not is_light


ARTICLES = {"/a.html": "of the first", "/b.html": "of the second"}
SINGLE_PAGE = """
<script>
  const go = (path) => {{ {go} }};
  addEventListener("click", (event) => {{
    const link = event.target.closest("nav a");
    if (link) {{ event.preventDefault(); go(link.getAttribute("href")); }}
  }});
</script>
<nav><a href="/a.html">First</a> <a href="/b.html">Second</a></nav>
<main id="main"><comment-thread site="blog"></comment-thread></main>
"""
WAYS = {
    "the address alone": "history.pushState({}, '', path);",
    "replaced": "history.replaceState({}, '', path);",
    "a transition": "document.startViewTransition ? document.startViewTransition(() => history.pushState({}, '', path))"
    " : history.pushState({}, '', path);",
    "htmx: another element in its place, then the address": "main.innerHTML = main.innerHTML;"
    " history.pushState({}, '', path);",
    "turbo: the address, then another body": "history.pushState({}, '', path);"
    " requestAnimationFrame(() => { const fresh = main.cloneNode(true); main.replaceWith(fresh); });",
    "a head that is kept up": "history.pushState({}, '', path);"
    " setTimeout(() => { document.querySelector('link[rel=canonical]').href = path; }, 50);",
}


def test_an_article_that_is_named_late(world: World, person: Person) -> None:
    """Frameworks change the head once their data is there; rel=canonical says which thread it is."""
    say(world, "Bob", "of the article", key="the-article")
    late = (
        "history.pushState({}, '', path);"
        " setTimeout(() => { document.querySelector('link[rel=canonical]').href = '/the-article'; }, 700);"
    )
    put_up(world, SINGLE_PAGE.format(go=late), path="/a.html", head='<link rel="canonical" href="/a.html">')
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    expect(bob.locator("comment-thread .commentsvc")).to_be_visible()
    bob.get_by_role("link", name="Second", exact=True).click()
    expect(bob.get_by_text("of the article")).to_be_visible()


@pytest.mark.parametrize("way", WAYS)
def test_a_single_page_shows_the_thread_of_where_one_is(world: World, person: Person, way: str) -> None:
    """Without being told, and though many such sites leave rel=canonical as it was."""
    for path, text in ARTICLES.items():
        say(world, "Bob", text, key=path[1:])
        put_up(world, SINGLE_PAGE.format(go=WAYS[way]), path=path, head=f'<link rel="canonical" href="{path}">')
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    expect(bob.get_by_text("of the first")).to_be_visible()
    for name, there, gone in (
        ("Second", "of the second", "of the first"),
        ("First", "of the first", "of the second"),
    ) * 2:
        bob.get_by_role("link", name=name, exact=True).click()
        expect(bob.get_by_text(there)).to_be_visible()
        expect(bob.get_by_text(gone)).to_have_count(0)
    if way == "a head that is kept up":
        bob.wait_for_function("document.querySelector('link[rel=canonical]').href.endsWith('/a.html')")
    if way != "replaced":
        bob.go_back()
        expect(bob.get_by_text("of the second")).to_be_visible()


@pytest.mark.parametrize("way", [name for name in WAYS if name not in ("replaced", "a head that is kept up")])
def test_a_hundred_pages_leave_nothing_behind(world: World, person: Person, way: str) -> None:
    """No listener, no element, and hardly any memory."""
    for path, text in ARTICLES.items():
        say(world, "Bob", text, key=path[1:])
        put_up(world, SINGLE_PAGE.format(go=WAYS[way]), path=path, head="")
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    expect(bob.get_by_text("of the first")).to_be_visible()
    browser = bob.context.new_cdp_session(bob)
    browser.send("Performance.enable")

    def turn(times: int) -> dict[str, float]:
        for _ in range(times):
            for name, text in (("Second", "of the second"), ("First", "of the first")):
                bob.get_by_role("link", name=name, exact=True).click()
                expect(bob.get_by_text(text)).to_be_visible()
        browser.send("HeapProfiler.collectGarbage")
        return {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}

    before, after = turn(5), turn(50)
    assert after["JSEventListeners"] <= before["JSEventListeners"]
    assert after["Nodes"] <= before["Nodes"] + 20, "as there are on one page"
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 1_000_000


@pytest.mark.parametrize("go", ["replaceState({}, '', '/a.html')", "pushState({}, '', '/a.html?photo=3')"])
def test_a_change_of_the_query_alone_is_no_other_article(world: World, person: Person, go: str) -> None:
    """As scripts that count visits make it, and galleries."""
    say(world, "Bob", "of the article", key="the/article")
    body = f'<button onclick="history.{go}">Go</button><comment-thread site="blog"></comment-thread>'
    put_up(world, body, path="/a.html?utm_source=x", head='<link rel="canonical" href="/the/article">')
    bob = person()
    bob.goto(f"{world.blog.url}/a.html?utm_source=x")
    expect(bob.get_by_text("of the article")).to_be_visible()
    bob.get_by_role("button", name="Go").click()
    bob.wait_for_timeout(300)
    assert bob.locator("comment-thread").evaluate("element => element.key") == "the/article"


@pytest.mark.parametrize(("address", "head"), [("/n?utm_source=a", ""), ("/n", '<link rel="canonical" href="/n">')])
def test_what_is_being_written_stays_when_the_address_is_spelled_anew(
    world: World, person: Person, address: str, head: str
) -> None:
    """As scripts do that take away tracking parameters, and routers that add a slash to address and head."""
    go = "history.replaceState({}, '', '/n/'); const own = document.querySelector('link'); if (own) own.href = '/n/';"
    body = f'<button onclick="{go}">Go</button><comment-thread site="blog"></comment-thread>'
    put_up(world, body, path=address, head=head)
    bob = person()
    bob.goto(world.blog.url + address)
    text = bob.get_by_label("Your comment")
    text.fill("Half a sentence")
    with bob.expect_response("**/embed/blog/n/?**"):
        bob.get_by_role("button", name="Go").click()
    bob.wait_for_function("document.querySelector('comment-thread').shadowRoot.querySelector('.commentsvc')")
    expect(text).to_have_value("Half a sentence")


def test_an_element_that_is_loaded_after_the_page_has_turned(world: World, person: Person) -> None:
    say(world, "Bob", "of the second", key="b.html")
    world.blog.page(
        "/a.html",
        '<!doctype html><html lang="en"><head><title>A</title><link rel="canonical" href="/a.html"></head>'
        "<body><main></main>"
        "<button>Go</button><script>document.querySelector('button').onclick = async () => {"
        f" history.pushState({{}}, '', '/b.html'); await import('{world.server.url}/embed.js');"
        " document.querySelector('main').innerHTML = '<comment-thread site=\"blog\"></comment-thread>'; };"
        "</script></body></html>",
    )
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    bob.get_by_role("button", name="Go").click()
    expect(bob.get_by_text("of the second")).to_be_visible()


LIBRARIES = {"turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js", "htmx": "htmx.org/dist/htmx.min.js"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_beside_the_library_itself(world: World, person: Person, library: str) -> None:
    """Forward and back, with a canonical address on each page; the page is loaded once."""
    file = Path(__file__).parents[2] / "node_modules" / LIBRARIES[library]
    if not file.is_file():
        pytest.skip("npm did not install it")
    world.blog.page("/library.js", file.read_text(), Content_Type="text/javascript")
    links = '<nav><a href="/a.html">First</a> <a href="/b.html">Second</a></nav>'
    body = f'<div hx-boost="true">{links}<main><comment-thread site="blog"></comment-thread></main></div>'
    for path, text in ARTICLES.items():
        say(world, "Bob", text, key=path[1:])
        put_up(world, body, path=path, head=f'<link rel="canonical" href="{path}"><script src="/library.js"></script>')
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    expect(bob.get_by_text("of the first")).to_be_visible()
    bob.evaluate("window.isLoadedOnce = true")
    for name, text, other in (("Second", "of the second", "of the first"), ("First", "of the first", "of the second")):
        bob.get_by_role("link", name=name, exact=True).click()
        expect(bob.get_by_text(text)).to_be_visible()
        expect(bob.get_by_text(other)).to_have_count(0)
    bob.go_back()
    expect(bob.get_by_text("of the second")).to_be_visible()
    write(bob, "written after going back")
    bob.get_by_role("button", name="Post comment").click()
    expect(bob.locator(".comments").get_by_text("written after going back")).to_be_visible()
    assert bob.evaluate("window.isLoadedOnce")
    with world.server.database():
        written = db.session.scalars(select(Comment).where(Comment.body == "written after going back")).one()
        assert written.thread.key == "b.html"


CANONICALS = {
    "another spelling of the same article": ("/a", "history.pushState({}, '', path);"),
    "a head that is written first": (
        "/a",
        "document.querySelector('link[rel=canonical]').href = path.replace('.html', '');"
        " history.pushState({}, '', path);",
    ),
    "articles known by their query": ("/?p=1", "history.pushState({}, '', path);"),
}


def test_a_head_and_a_body_that_are_swapped_before_the_address(world: World, person: Person) -> None:
    """As Astro's router does it, with pages whose canonical addresses are not those that people see."""
    say(world, "Bob", "of the first", key="a.html")
    say(world, "Bob", "of the second", key="b.html")
    go = (
        "<button>Go</button><script>document.querySelector('button').onclick = async () => {"
        " document.querySelector('link[rel=canonical]').href = '/b.html';"
        " document.querySelector('main').innerHTML = '<comment-thread site=\"blog\"></comment-thread>';"
        " await new Promise((resolve) => setTimeout(resolve, 50)); history.pushState({}, '', '/b'); };</script>"
    )
    body = f'<main><comment-thread site="blog"></comment-thread></main>{go}'
    put_up(world, body, path="/a", head='<link rel="canonical" href="/a.html">')
    bob = person()
    bob.goto(f"{world.blog.url}/a")
    expect(bob.get_by_text("of the first")).to_be_visible()
    bob.wait_for_timeout(2_000)  # twice what the element waits: processors may be busy
    bob.get_by_role("button", name="Go").click()
    expect(bob.get_by_text("of the second")).to_be_visible()
    bob.wait_for_timeout(300)
    assert bob.locator("comment-thread").evaluate("element => element.key") == "b.html"


@pytest.mark.parametrize("kind", CANONICALS)
def test_a_single_page_knows_its_articles_by_their_canonical_address(world: World, person: Person, kind: str) -> None:
    """Also where that is not the page's own, and where one comes back to the page that it is of."""
    canonical, go = CANONICALS[kind]
    first, second = ("/?p=1", "/?p=2") if "?" in canonical else ("/a.html", "/b.html")
    say(world, "Bob", "of the first", key=quote(canonical[1:]))
    say(world, "Bob", "of the second", key=quote(second[1:].replace(".html", "" if "first" in kind else ".html")))
    page = SINGLE_PAGE.format(go=go).replace("/a.html", first).replace("/b.html", second)
    put_up(world, page, path=first, head=f'<link rel="canonical" href="{canonical}">')
    bob = person()
    bob.goto(f"{world.blog.url}{first}")
    for name, text in (("Second", "of the second"), ("First", "of the first")) * 2:
        bob.get_by_role("link", name=name, exact=True).click()
        expect(bob.get_by_text(text)).to_be_visible()


ELSEWHERE = ["https://dev.example/me/my-post-3k2", "https://www.127.0.0.1.example/a.html"]


@pytest.mark.parametrize("canonical", ELSEWHERE)
def test_a_canonical_elsewhere_names_no_article_here(world: World, person: Person, canonical: str) -> None:
    """As of an article that was published on another site, too: people comment on this page."""
    body = '<comment-thread site="blog"></comment-thread>'
    put_up(world, body, path="/a.html", head=f'<link rel="canonical" href="{canonical}">')
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    begin(bob)
    write(bob, "here, not there")
    post(bob)
    expect(bob.get_by_text("here, not there")).to_be_visible()
    assert bob.locator("comment-thread").evaluate("element => element.key") == "a.html"


AROUND = {
    "a flex item": '<div style="display:flex">{}</div>',
    "beside an aside": '<div style="display:flex">{}<aside>aside</aside></div>',
    "inside a flex item": '<div style="display:flex"><div>{}</div></div>',
    "a centred flex item": '<div style="display:flex;flex-direction:column;align-items:center">{}</div>',
    "a centred cell of a grid": '<div style="display:grid;place-items:center">{}</div>',
    "a cell of a table": "<table><tr><td>{}</td></tr></table>",
    "inside a float": '<div style="float:left">{}</div>',
    "a float where rem is small": '<style>html{{font-size:62.5%}}</style><div style="float:left">{}</div>',
    "with margins": '<div style="padding:8px"><style>comment-thread {{ margin: 0 40px }}</style>{}</div>',
}


@pytest.mark.parametrize("width", [800, 320])
@pytest.mark.parametrize("around", AROUND)
def test_it_has_room_in_every_layout(world: World, person: Person, around: str, width: int) -> None:
    say(world, "Bob", "some words that want to stand beside each other in a line")
    put_up(world, AROUND[around].format('<comment-thread site="blog"></comment-thread>'))
    bob = person(viewport={"width": width, "height": 700})
    bob.goto(world.article)
    expect(bob.get_by_text("some words")).to_be_visible()
    box = bob.locator("comment-thread").bounding_box()
    assert box is not None
    assert box["width"] >= 200
    assert bob.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("style", "width"),
    [
        ("html{font-size:20px} body{margin:0;display:grid} main{padding:0 16px}", 360),
        ("html{font-size:18px} body{margin:0;display:flex} main{padding:0 20px}", 320),
        ("html{font-size:24px} body{margin:0;display:flex} main{flex:1;padding:0 16px}", 390),
        ("body{margin:0;padding:16px;display:grid;grid-template-columns:1fr 280px;gap:24px}", 600),
    ],
)
def test_it_widens_no_page(world: World, person: Person, style: str, width: int) -> None:
    say(world, "Bob", "some words that want to stand beside each other in a line")
    text = f"<style>{style}</style><main><p>An article.</p>{{}}</main><aside>aside</aside>"
    put_up(world, text.replace("{}", '<comment-thread site="blog"></comment-thread>'))
    bob = person(viewport={"width": width, "height": 700})
    bob.goto(world.article)
    expect(bob.get_by_text("some words")).to_be_visible()
    assert bob.evaluate("document.documentElement.scrollWidth") <= width


def test_names_in_the_latest_comments_break(world: World, person: Person) -> None:
    say(world, "W" * 40, "a name without a space")
    script = f'<script type="module" src="{world.server.url}/static/embed/latest.js"></script>'
    put_up(world, f'{script}<comment-latest site="blog"></comment-latest>')
    bob = person(viewport={"width": 320, "height": 700})
    bob.goto(world.article)
    expect(bob.get_by_text("WWWWW")).to_be_visible()
    assert bob.evaluate("document.documentElement.scrollWidth") == 320


def test_a_long_name_of_a_blog_breaks_on_its_page(world: World, person: Person) -> None:
    world.server.run("site", "set", "blog", "--name", "meinlangerblogname.wordpress.example.com" * 2)
    bob = person(viewport={"width": 320, "height": 700})
    bob.goto(world.page)
    assert bob.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("place", ["article", "page"])
def test_long_names_in_a_thread_break(world: World, person: Person, place: str) -> None:
    """Of who writes, of who is answered, and in the box above the thread."""
    first = say(world, "W" * 60, "a name without a space")
    say(world, "M" * 60, "an answer", parent=first)
    with world.server.database():
        db.begin_write()
        db.session.get_one(Comment, first).thread.pinned_id = first
        db.session.commit()
    bob = person(viewport={"width": 320, "height": 900})
    bob.goto(world.article if place == "article" else world.page)
    expect(bob.get_by_text("an answer").first).to_be_visible()
    assert bob.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("canonical", ["http://[", "about:blank", "javascript:void(0)", "mailto:bob@mail.example"])
def test_a_canonical_that_is_no_address_stops_nothing(world: World, person: Person, canonical: str) -> None:
    say(world, "Bob", "here all the same", key="a.html")
    put_up(
        world,
        '<comment-thread site="blog"></comment-thread>',
        path="/a.html",
        head=f'<link rel="canonical bookmark" href="{canonical}">',
    )
    bob = person()
    bob.goto(f"{world.blog.url}/a.html")
    expect(bob.get_by_text("here all the same")).to_be_visible()


def test_the_module_may_have_two_addresses(world: World, person: Person) -> None:
    """A theme adds a version; our own modules import each other without it."""
    policy = "require-trusted-types-for 'script'; trusted-types commentsvc"
    server = world.server.url
    scripts = [
        f"{server}{path}{query}" for path in ("/embed.js", "/static/embed/count.js") for query in ("?ver=6.4", "")
    ]
    copies = "".join(f'<script type="module" src="{script}"></script>' for script in scripts)
    elements = '<comment-thread site="blog"></comment-thread><comment-count site="blog"></comment-count>'
    world.blog.page(ARTICLE, f"<!doctype html>{copies}{elements}", **{"Content-Security-Policy": policy})
    bob = person()
    problems: list[str] = []
    bob.on("pageerror", lambda problem: problems.append(str(problem)))
    bob.goto(world.article)
    bob.get_by_label("Your comment").fill("from the copy with a version")
    bob.get_by_label("Name").fill("Bob")
    expect(bob.get_by_label("Your comment")).to_have_value("from the copy with a version")
    bob.get_by_role("button", name="Preview").click()
    expect(bob.locator(".preview").get_by_text("from the copy with a version")).to_be_visible()
    assert problems == []
