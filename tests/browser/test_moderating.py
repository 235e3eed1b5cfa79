"""A moderator clears a long queue: from the keyboard, by touch on a phone, and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ARTICLE, World, wait_for
from tests.browser.test_element import say
from tests.browser.test_story import sign_in

Person = Callable[..., Page]
FEW = 5
UNDONE = 10
LEFT = 30  # without JavaScript: these are decided about at once


@pytest.fixture
def world(world: World) -> World:
    """A few comments wait."""
    world.server.run("site", "set", "blog", "--captcha", "never", "--moderation", "all")
    _write(world, range(FEW))
    return world


@pytest.fixture
def held(request: pytest.FixtureRequest) -> int:
    """How many wait: more than a page; with --all-values a hundred."""
    return 100 if request.config.getoption("--all-values") else 40


@pytest.fixture
def full(world: World, held: int) -> World:
    """Many comments wait."""
    _write(world, range(FEW, held))
    return world


def _write(world: World, numbers: range) -> None:
    for number in numbers:
        say(world, ("Bob", "Grace", "Linus")[number % 3], f"number {number}")


def test_times_are_the_moderators_own(world: World, person: Person) -> None:
    ada = person(timezone_id="Asia/Kathmandu")
    sign_in(world, ada)
    ada.locator(".items > li").first.get_by_role("link", name="More").click()
    time = ada.locator("section").filter(has_text="History").locator("time")
    expect(time).not_to_contain_text("UTC")
    expect(time).to_have_attribute("title", re.compile(r"GMT\+5:45"))


def counts(page: Page, world: World) -> dict[str, int]:
    """How many are in each state, as the admin pages show it."""
    page.goto(f"{world.server.url}/admin/queue")
    found = page.get_by_role("navigation", name="State").get_by_role("link").all_inner_texts()
    return {name: int(number) for name, number in (re.split(r"\s+", text.strip()) for text in found)}


def waiting(page: Page) -> int:
    text = page.get_by_role("navigation", name="State").get_by_role("link", name="Pending").inner_text()
    return int(text.split()[-1])


def sit_down(world: World, ada: Page) -> None:
    """Sign in, until the list listens to keys."""
    sign_in(world, ada)
    expect(ada.locator("body.live")).to_be_attached()


def test_from_the_keyboard_alone(full: World, held: int, person: Person) -> None:
    """The focus is where the next decision is, all the while."""
    ada = person()
    sit_down(full, ada)
    expect(ada.get_by_text(f"number {held - 1}")).to_be_visible()
    for number in range(held):
        focused = ada.evaluate("document.activeElement.closest('.items > li')?.id ?? ''")
        assert focused, f"nothing has the focus after {number} decisions"
        ada.keyboard.press(("a", "s", "t")[number % 3])
        if ada.locator(".items > li:not([hidden])").count() < 5 and number < held - 5:
            expect(ada.locator(".items > li:not([hidden])").nth(6)).to_be_visible()
    expect(ada.get_by_text("Nothing pending. Have a good day!")).to_be_visible()
    wait_for(lambda: waiting(ada) == 0)
    for number in range(1, UNDONE + 1):
        ada.keyboard.press("u")
        wait_for(lambda so_far=number: waiting(ada) == so_far)  # type: ignore[misc]
    expect(ada.locator(".items > li")).to_have_count(UNDONE)
    assert ada.evaluate("document.activeElement.closest('.items > li') !== null")
    found = counts(ada, full)
    assert found["Pending"] == UNDONE
    assert sum(found.values()) == held


def test_what_is_selected_is_what_keys_act_on(full: World, held: int, person: Person) -> None:
    ada = person()
    sit_down(full, ada)
    expect(ada.get_by_text(f"number {held - 1}")).to_be_visible()
    many = ada.locator("#many")
    expect(many.get_by_role("button", name="Approve")).to_be_hidden()
    for key in ("x", "j", "x", "j", "j", "x"):
        ada.keyboard.press(key)
    expect(many).to_contain_text("3 selected")
    ada.keyboard.press("Escape")
    expect(many).not_to_contain_text("selected")
    ada.keyboard.press("x")
    ada.keyboard.press("k")
    ada.keyboard.press("x")
    ada.keyboard.press("s")
    expect(ada.locator("#bar")).to_contain_text("2 comments: Marked as spam.")
    focused = "document.activeElement.closest('.items > li')?.textContent ?? ''"
    assert f"number {held - 5}" in wait_for(lambda: ada.evaluate(focused)), "the one below those"
    assert counts(ada, full)["Spam"] == 2


def test_a_search_says_how_many_and_marks_them(full: World, person: Person) -> None:
    ada = person()
    sit_down(full, ada)
    ada.get_by_role("searchbox", name="Search").fill("number 32")
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", level=1)).to_have_text("1 result")
    marked = "[...CSS.highlights.get('found')].map(String)"
    assert "32" in ada.evaluate(marked)


def test_a_reply_is_looked_at_or_given_up_in_its_row(full: World, held: int, person: Person) -> None:
    ada = person()
    sit_down(full, ada)
    expect(ada.get_by_text(f"number {held - 1}")).to_be_visible()
    ada.keyboard.press("r")
    ada.get_by_label("Your reply").fill("with *stars*")
    ada.get_by_role("button", name="Preview").click()
    expect(ada.locator(".items .preview strong")).to_have_text("stars")
    expect(ada.get_by_label("Your reply")).to_have_value("with *stars*")
    ada.get_by_role("button", name="Cancel").click()
    expect(ada.get_by_label("Your reply")).to_have_count(0)
    assert ada.evaluate("document.activeElement.closest('.items > li') !== null")


def test_by_touch_on_a_phone(full: World, held: int, person: Person) -> None:
    ada = person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    sign_in(full, ada)
    for number in range(held):
        button = ("Approve", "Spam", "Trash")[number % 3]
        row = ada.locator(".items > li:not([hidden])").first
        row.get_by_role("button", name=button, exact=True).tap()
    expect(ada.get_by_text("Nothing pending. Have a good day!")).to_be_visible()
    wait_for(lambda: waiting(ada) == 0)
    for number in range(1, UNDONE + 1):
        ada.get_by_role("button", name="Undo").tap()
        wait_for(lambda so_far=number: waiting(ada) == so_far)  # type: ignore[misc]
    assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert counts(ada, full)["Pending"] == UNDONE


def test_without_javascript(full: World, held: int, person: Person) -> None:
    """Every action is a form that leads back to the list; what is chosen or found is one action."""
    ada = person(java_script_enabled=False)
    sign_in(full, ada)
    for number in range(held - LEFT):
        name = ("Approve", "Spam", "Trash")[number % 3]
        ada.locator(".items > li").first.get_by_role("button", name=name, exact=True).click()
        expect(ada.get_by_role("status")).to_contain_text(
            ("Approved.", "Marked as spam.", "Moved to the trash.")[number % 3]
        )
    for row in ada.locator(".items > li").all()[:5]:
        row.get_by_role("checkbox").check()
    many = ada.locator("#many")
    many.get_by_text("Bulk actions").click()
    many.get_by_role("button", name="Spam").click()
    expect(ada.get_by_role("status")).to_contain_text("5 comments: Marked as spam.")
    for _ in range(UNDONE):
        ada.get_by_role("button", name="Undo").click()
        expect(ada.get_by_role("status")).to_contain_text("Undone.")
    assert counts(ada, full)["Pending"] == LEFT + UNDONE - 1
    ada.get_by_text("Bulk actions").click()
    ada.get_by_label("All results").check()
    ada.locator("#many").get_by_role("button", name="Approve").click()
    expect(ada.get_by_text("Nothing pending. Have a good day!")).to_be_visible()


def test_answering_and_editing_in_the_row(world: World, person: Person) -> None:
    """What is typed stands in the list; what is wrong with it is said there; Escape puts it away."""
    ada = person()
    sit_down(world, ada)
    ada.keyboard.press("r")
    field = ada.get_by_label("Your reply as Ada")
    expect(field).to_be_focused()
    ada.keyboard.press("Escape")
    expect(field).to_have_count(0)
    ada.keyboard.press("r")
    field.fill("Thank *you*.")
    ada.get_by_role("button", name="Approve and reply").click()
    expect(ada.locator("#bar")).to_contain_text("Approved, and your reply is published.")
    expect(ada.get_by_text("number 4")).to_have_count(0)
    ada.keyboard.press("j")
    ada.keyboard.press("e")
    text = ada.get_by_label("Text", exact=True)
    expect(text).to_be_focused()
    ada.locator(".inside [name=author]").fill(" ")
    ada.get_by_role("button", name="Save").click()
    expect(ada.locator(".inside [name=author]")).to_have_attribute("aria-invalid", "true")
    ada.locator(".inside [name=author]").fill("Robert")
    text.fill("said better")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("said better")).to_be_visible()
    expect(ada.locator(".inside")).to_have_count(0)
    ada.keyboard.press("?")
    expect(ada.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    ada.keyboard.press("Escape")
    ada.keyboard.press("/")
    expect(ada.get_by_label("Search", exact=True)).to_be_focused()
    ada.keyboard.type("better")
    ada.keyboard.press("Enter")
    expect(ada.locator(".items > li")).to_have_count(1)
    expect(ada.locator(".items > li")).to_contain_text("Robert")


def test_a_decision_that_does_not_get_through_comes_back(world: World, person: Person) -> None:
    """Nothing is lost where the line is: the row stands there again and says so."""
    ada = person()
    ada.route("**/approval**", lambda route: route.abort())
    sit_down(world, ada)
    ada.keyboard.press("a")
    expect(ada.get_by_role("alert").first).to_be_visible()
    ada.unroute("**/approval**")
    ada.keyboard.press("a")
    expect(ada.locator("#bar")).to_contain_text("Approved.")
    wait_for(lambda: waiting(ada) == FEW - 1)


def test_in_place_on_the_threads_own_page(world: World, person: Person) -> None:
    ada = person()
    sign_in(world, ada)
    ada.goto(f"{world.server.url}/t/blog{ARTICLE}")
    first = ada.locator("li", has=ada.get_by_text("number 0", exact=True))
    first.get_by_role("button", name="Approve").click()
    expect(
        ada.locator("li", has=ada.get_by_text("number 0", exact=True)).get_by_role("button", name="Move to pending")
    ).to_be_visible()
    stranger = person()
    stranger.goto(world.page)
    expect(stranger.get_by_text("number 0", exact=True)).to_be_visible()
    expect(stranger.get_by_role("button", name="Move to pending")).to_have_count(0)


def test_the_look_of_a_blog_is_the_element_itself(world: World, person: Person) -> None:
    ada = person()
    sit_down(world, ada)
    ada.keyboard.press("a")
    expect(ada.locator("#bar")).to_contain_text("Approved.")
    ada.goto(f"{world.server.url}/admin/sites/blog")
    expect(ada.locator("comment-thread").first.get_by_text("number 4")).to_be_visible()
    ada.get_by_role("button", name="Check").click()
    expect(ada.get_by_role("list", name="Results")).to_contain_text("Script")  # the page looks again by itself
    mends = ada.locator(".findings .wrong b").all_inner_texts()
    assert "Script" not in mends
    assert "Comment element" not in mends


def test_a_reply_that_was_put_away_waits_for_its_own_comment(world: World, person: Person) -> None:
    """Neither another comment gets it, nor does an edit that was put away."""
    ada = person()
    sit_down(world, ada)
    reply = ada.get_by_label("Your reply as Ada")
    text = ada.get_by_label("Text", exact=True)
    ada.keyboard.press("r")
    reply.fill("begun")
    reply.press("Escape")
    ada.keyboard.press("j")
    ada.keyboard.press("r")
    expect(reply).to_have_value("")
    reply.press("Escape")
    ada.keyboard.press("k")
    ada.keyboard.press("e")
    text.fill("changed and not saved")
    text.press("Escape")
    ada.keyboard.press("e")
    expect(text).to_have_value("number 4")
    text.press("Escape")
    ada.keyboard.press("r")
    expect(reply).to_have_value("begun")


def test_enter_in_the_field_of_moving_moves_and_approves_nothing(world: World, person: Person) -> None:
    ada = person()
    sit_down(world, ada)
    for key in ("x", "j", "x"):
        ada.keyboard.press(key)
    many = ada.locator("#many")
    many.get_by_text("Move", exact=True).first.click()
    many.get_by_label("Move to the article with this address").fill(f"{world.blog.url}/another.html")
    ada.keyboard.press("Enter")
    expect(ada.locator("#bar")).to_contain_text("2 comments: Moved.")
    assert counts(ada, world) == {"Pending": FEW, "Approved": 0, "Spam": 0, "Trash": 0}


def test_all_results_are_counted_before_anything_happens_to_them(full: World, held: int, person: Person) -> None:
    ada = person()
    sit_down(full, ada)
    ada.keyboard.press("x")
    many = ada.locator("#many")
    expect(many).to_contain_text("1 selected")
    many.get_by_label("All results").check()
    expect(many).to_contain_text(f"{held} selected")
    ada.keyboard.press("Escape")
    expect(many).not_to_contain_text("selected")
    expect(many.get_by_label("All results")).not_to_be_checked()


def test_the_undo_key_takes_back_no_settings(world: World, person: Person) -> None:
    """They may have taken an hour; the button and the log undo them."""
    ada = person()
    sit_down(world, ada)
    ada.goto(f"{world.server.url}/admin/sites/blog")
    ada.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    ada.locator("#name").fill("Another name")
    ada.get_by_role("button", name="Save").click()
    ada.goto(f"{world.server.url}/admin/queue")
    ada.keyboard.press("a")
    expect(ada.locator("#bar")).to_contain_text("Approved. (")
    ada.keyboard.press("u")
    expect(ada.locator("#bar")).to_contain_text("Previous action: Changed blog settings.")
    ada.keyboard.press("u")
    ada.keyboard.press("?")  # which stands after it, so it was heard
    expect(ada.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    ada.reload()
    ada.goto(f"{world.server.url}/admin/sites/blog")
    expect(ada.locator("#name")).to_have_value("Another name")


def test_control_and_enter_send_a_reply(world: World, person: Person) -> None:
    ada = person()
    sit_down(world, ada)
    ada.keyboard.press("r")
    ada.get_by_label("Your reply").fill("Thank you")
    ada.keyboard.press("Control+Enter")
    expect(ada.locator("#bar")).to_contain_text("Approved, and your reply is published.")


def test_a_line_of_the_log_leads_to_its_comments(world: World, person: Person) -> None:
    ada = person()
    sit_down(world, ada)
    for key in ("x", "j", "x", "a"):
        ada.keyboard.press(key)
    expect(ada.locator("#bar")).to_contain_text("2 comments: Approved.")
    ada.goto(f"{world.server.url}/admin/log")
    ada.get_by_role("link", name="2 comments").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("2 results")
    expect(ada.locator(".items > li")).to_have_count(2)
