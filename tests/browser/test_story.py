"""The whole story, in a real browser over two origins: read, write, approve, hear of it, link."""

import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from time import sleep

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ARTICLE, World, solve, wait_for
from tests.cast import ADA, ADAS_PASSWORD, BOB, GRACE

Person = Callable[..., Page]


def write(page: Page, name: str, text: str, email: str = "") -> None:
    """Fill in the form."""
    page.get_by_label("Your comment").fill(text)
    page.get_by_label("Name").fill(name)
    if email:
        page.get_by_role("textbox", name="Email").fill(email)
        page.get_by_label("Email me when someone replies").check()
    solve(page)


def post(page: Page) -> None:
    """Press the button that sends, whatever it promises."""
    page.get_by_role("button", name=re.compile("Post comment|Send for approval")).click()


def sign_in(world: World, ada: Page) -> None:
    ada.goto(f"{world.server.url}/admin")
    ada.get_by_role("textbox", name="Email", exact=True).fill(ADA.email)
    ada.get_by_label("Password").fill(ADAS_PASSWORD)
    ada.get_by_role("button", name="Sign in", exact=True).click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("Pending")


def approve(world: World, ada: Page, text: str) -> None:
    ada.goto(f"{world.server.url}/admin/queue")
    ada.get_by_role("listitem").filter(has_text=text).get_by_role("button", name="Approve").click()
    expect(ada.get_by_role("status")).to_contain_text("Approved.")


def link_in(text: str, path: str) -> str:
    return next(word for word in text.split() if f"/{path}/" in word)


SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@SCRIPTS
def test_the_main_story(world: World, person: Person, scripts: bool) -> None:
    """Bob writes, Ada approves, Bob says yes to emails, Grace answers, Bob hears of it, and another blog links."""
    _live_it(world, person, scripts)


@SCRIPTS
def test_the_main_story_below_a_path(world_below: World, person: Person, scripts: bool) -> None:
    """The same where the service has no host of its own; nobody is sent outside of its path."""
    outside: list[str] = []
    server = world_below.server
    host = server.url.removesuffix(server.path)

    def arrive(**wishes: object) -> Page:
        page = person(**wishes)
        page.on("request", lambda asked: outside.append(asked.url) if _is_outside(asked.url) else None)
        return page

    def _is_outside(url: str) -> bool:
        return url.startswith(host) and not url.startswith(f"{server.url}/") and not url.endswith("/favicon.ico")

    _live_it(world_below, arrive, scripts)
    assert outside == []


def _live_it(world: World, person: Person, scripts: bool) -> None:
    bob, grace, ada = (person(java_script_enabled=scripts) for _ in range(3))
    where = world.article if scripts else world.page

    bob.goto(where)
    if not scripts:
        bob.goto(world.article)
        bob.get_by_role("link", name="Comments").click()
    write(bob, "Bob", BOB.says, BOB.email)
    post(bob)
    expect(bob.get_by_text("only you can see this")).to_be_visible()
    assert bob.url.startswith(where), "nobody is led away"

    grace.goto(where)
    expect(grace.get_by_text("No comments yet")).to_be_visible()

    sign_in(world, ada)
    approve(world, ada, "Mine still has a cord")

    bob.goto(link_in(_text(world.message(BOB.email)), "confirm"))
    bob.get_by_role("button", name="Yes, email me").click()
    expect(bob.get_by_role("status")).to_contain_text("You are subscribed")

    grace.goto(where)
    expect(grace.locator("strong", has_text="cord")).to_be_visible()
    grace.get_by_role("link", name="Reply").click()
    write(grace, "Grace", GRACE.says)
    post(grace)
    expect(grace.get_by_text("only you can see this")).to_be_visible()
    approve(world, ada, "found it")

    message = world.message(BOB.email, 2)
    assert message["Subject"].startswith("Grace replied to you on")
    bob.goto(link_in(_text(message), "t"))
    expect(bob.locator("li.depth-1")).to_contain_text("The cat found it.")
    assert GRACE.email not in bob.content()
    assert BOB.email not in bob.content()

    source = world.neighbour.page(
        "/post", f'<title>Why I keep a landline</title><a href="{world.article}">It</a> rings.'
    )
    ping = urllib.parse.urlencode({"url": source, "blog_name": "Next door"}).encode()
    with urllib.request.urlopen(f"{world.server.url}/trackback/blog{ARTICLE}", ping) as answer:
        assert b"<error>0</error>" in answer.read()
    wait_for(lambda: world.neighbour.asked)
    wait_for(lambda: ada.goto(f"{world.server.url}/admin/queue") and ada.get_by_text("verified mention").count())
    approve(world, ada, "Why I keep a landline")
    bob.goto(where)
    expect(bob.get_by_role("link", name="Why I keep a landline")).to_be_visible()
    expect(bob.get_by_role("heading", name="2 comments · 1 mention")).to_be_visible()

    bob.goto(message["List-Unsubscribe"].strip("<>"))
    bob.get_by_role("button", name="Unsubscribe").click()
    expect(bob.get_by_role("status")).to_contain_text("You are unsubscribed")


def _text(message: object) -> str:
    return str(message.get_body(("plain",)).get_content())  # type: ignore[attr-defined]


class TestTheElement:
    """On a page of the blog."""

    def test_a_wrong_answer_keeps_the_text_and_focuses_the_new_picture(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "Bob", BOB.says)
        before = bob.locator(".puzzle img").get_attribute("src")
        bob.locator("[name=challenge_answer]").fill("AAAAAA")
        post(bob)
        expect(bob.get_by_role("alert")).to_contain_text("That did not match")
        expect(bob.get_by_label("Your comment")).to_have_value(BOB.says)
        expect(bob.locator("[name=challenge_answer]")).to_be_focused()
        assert bob.locator(".puzzle img").get_attribute("src") != before
        solve(bob)
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()

    def test_a_wrong_field_is_marked_and_focused(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "", BOB.says)
        post(bob)
        expect(bob.get_by_label("Name")).to_be_focused()
        expect(bob.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
        bob.get_by_label("Name").fill("Bob")
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()

    def test_another_picture_and_preview(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "Bob", "so *bold*")
        before = bob.locator(".puzzle img").get_attribute("src")
        bob.get_by_role("button", name="New picture").click()
        expect(bob.locator(".puzzle img")).not_to_have_attribute("src", before or "")
        expect(bob.locator("[name=challenge_answer]")).to_be_focused()
        bob.get_by_role("button", name="Preview").click()
        expect(bob.locator(".preview strong")).to_have_text("bold")
        expect(bob.get_by_label("Your comment")).to_have_value("so *bold*")

    def test_a_dead_server_costs_no_text(self, fragile_world: World, person: Person) -> None:
        bob = person()
        bob.goto(fragile_world.article)
        write(bob, "Bob", BOB.says)
        fragile_world.server.kill()
        post(bob)
        expect(bob.get_by_role("alert")).to_contain_text("Comments are temporarily unavailable")
        expect(bob.get_by_label("Your comment")).to_have_value(BOB.says)
        fragile_world.server.start()
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()

    def test_without_a_server_the_link_stays(self, fragile_world: World, person: Person) -> None:
        fragile_world.server.kill()
        bob = person()
        bob.goto(fragile_world.article)
        expect(bob.get_by_role("link", name="Comments")).to_be_visible()

    def test_reading_sends_and_stores_nothing(self, world: World, person: Person) -> None:
        """What makes reading comfortable comes after some seconds; here those never pass."""
        bob = person()
        bob.clock.install(time=0)
        bob.clock.pause_at(1)
        asked: list[str] = []
        bob.on("request", lambda request: asked.append(request.url))
        bob.goto(world.article)
        expect(bob.get_by_text("No comments yet")).to_be_visible()
        to_us = [url for url in asked if url.startswith(world.server.url) and "/smilies/" not in url]
        assert len(to_us) <= 3, to_us
        assert not bob.context.cookies()

    def test_it_works_under_a_strict_policy_of_the_blog(self, world: World, person: Person) -> None:
        server = world.server.url
        policy = f"default-src 'none'; script-src {server}; connect-src {server}; img-src {server}"
        status, headers, body = world.blog.pages[ARTICLE]
        world.blog.pages[ARTICLE] = (status, headers | {"Content-Security-Policy": policy}, body)
        bob = person()
        bob.goto(world.article)
        write(bob, "Bob", BOB.says)
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()
        assert bob.locator("form.write").evaluate("form => getComputedStyle(form).maxWidth") != "none"

    def test_views_change_without_losing_the_text(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--moderation", "none", "--captcha", "never")
        bob = person()
        for text in ("first text", "second text"):
            bob.goto(world.article)
            bob.get_by_label("Your comment").fill(text)
            bob.get_by_label("Name").fill("Bob")
            sleep(2.2)
            post(bob)
            expect(bob.get_by_text("Your comment has been published")).to_be_visible()
        bob.get_by_label("Your comment").fill("not yet sent")
        bob.goto(world.article)
        bob.get_by_label("Your comment").fill("half a thought")
        bob.locator(".menu summary").click()
        bob.get_by_role("link", name="Flat").click()
        expect(bob.locator(".menu [aria-current]").last).to_have_text("Flat")
        expect(bob.get_by_label("Your comment")).to_have_value("half a thought")

    def test_who_wrote_before_is_known_again_without_cookies(self, world: World, person: Person) -> None:
        """The blog and the server are two sites, so the browser keeps no cookie of ours on the blog."""
        world.server.run("site", "set", "blog", "--captcha", "never")
        bob, ada = person(), person()
        bob.goto(world.article)
        bob.get_by_label("Your comment").fill(BOB.says)
        bob.get_by_label("Name").fill("Bob")
        sleep(2.2)
        post(bob)
        expect(bob.get_by_text("only you can see this")).to_be_visible()
        bob.reload()
        expect(bob.get_by_text("Awaiting approval: only you can see this")).to_be_visible()
        expect(bob.locator(".held strong", has_text="cord")).to_be_visible()
        sign_in(world, ada)
        approve(world, ada, "Mine still")
        bob.reload()
        bob.get_by_label("Your comment").fill("The second one")
        bob.get_by_label("Name").fill("Bob")
        sleep(2.2)
        post(bob)
        expect(bob.get_by_text("Your comment has been published")).to_be_visible()

    @pytest.mark.parametrize("scripts", [True, False])
    def test_enter_posts(self, world: World, person: Person, scripts: bool) -> None:
        bob = person(java_script_enabled=scripts)
        bob.goto(world.article if scripts else world.page)
        write(bob, "Bob", BOB.says)
        bob.locator("[name=challenge_answer]").press("Enter")
        expect(bob.get_by_text("only you can see this")).to_be_visible()

    def test_mistakes_stand_below_their_fields_and_are_marked(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "", BOB.says)
        bob.get_by_role("textbox", name="Email").fill("nonsense")
        post(bob)
        expect(bob.locator("#email-wrong")).to_be_visible()
        for name in ("author", "email"):
            field, wrong = bob.locator(f"#{name}").bounding_box(), bob.locator(f"#{name}-wrong").bounding_box()
            assert field
            assert wrong
            assert abs(field["x"] - wrong["x"]) < 2
            assert 0 <= wrong["y"] - field["y"] - field["height"] < 12
            assert bob.locator(f"#{name}").evaluate("field => getComputedStyle(field).borderTopWidth") == "2px"

    def test_views_change_without_leaving(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--moderation", "none")
        for text in ("first text", "second text"):
            bob = person()  # somebody new each time
            bob.goto(world.article)
            write(bob, "Bob", text)
            post(bob)
            expect(bob.get_by_text("Your comment has been published")).to_be_visible()
        bob.goto(world.article)
        bob.locator(".menu summary").click()
        bob.get_by_role("link", name="Newest first").click()
        expect(bob.locator(".comments .body").first).to_have_text("second text")
        bob.locator(".menu summary").click()
        bob.get_by_role("link", name="Flat").click()
        expect(bob.locator(".menu [aria-current]").last).to_have_text("Flat")
        assert bob.url == world.article


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_or_hard_to_read(world: World, person: Person, width: int, scheme: str) -> None:
    """No sideways scrolling, and axe finds nothing, on page, embed and sign-in."""
    from axe_playwright_python.sync_playwright import Axe

    reader = person(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for place in (world.page, f"{world.page}?lang=de", world.article, f"{world.server.url}/admin/sign-in"):
        reader.goto(place)
        reader.wait_for_load_state("networkidle")
        assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        if place != world.article:  # the bare test blog is not ours to judge
            found = Axe().run(reader)
            assert found.violations_count == 0, found.generate_report()


def test_the_admin_pages_on_a_phone_without_scripts(world: World, person: Person) -> None:
    """Ada approves, takes it back, and finds both in the log."""
    bob, ada = person(), person(java_script_enabled=False, viewport={"width": 390, "height": 800})
    bob.goto(world.article)
    write(bob, "Bob", BOB.says)
    post(bob)
    expect(bob.get_by_text("only you can see this")).to_be_visible()
    sign_in(world, ada)
    assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    approve(world, ada, "Mine still")
    ada.get_by_role("button", name="Undo").click()
    expect(ada.get_by_role("listitem").filter(has_text="Mine still")).to_be_visible()
    ada.get_by_role("navigation", name="Main pages").get_by_role("link", name="More").click()
    ada.get_by_text("Moderation", exact=True).click()
    ada.get_by_role("link", name="Activity log", exact=True).click()
    expect(ada.get_by_role("row").nth(1)).to_contain_text("undone")
    ada.get_by_role("link", name="All decisions").click()
    expect(ada.get_by_role("row").nth(1)).to_contain_text("Approved → Pending")
