"""The ways past the challenge, as a person goes them: by eye, by ear, by computing, by a moderator's leave."""

from collections.abc import Callable
from time import sleep

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import World, solve, wait_for
from tests.cast import BOB
from tests.visitors import answer_to, digits_of

Person = Callable[..., Page]


@pytest.fixture
def world(world: World) -> World:
    """A site where everybody is asked and nobody waits."""
    world.server.run("site", "set", "blog", "--captcha", "always", "--moderation", "none")
    return world


def write(page: Page, text: str = BOB.says) -> None:
    """Fill in the form, all but the challenge."""
    page.locator("form.write textarea").fill(text)
    page.locator("#author").fill(BOB.name)
    wait_for(page.locator("form.write input[name=challenge_token]").input_value)


def send(page: Page) -> None:
    page.locator("form.write .send button").first.click()


def token_of(page: Page) -> str:
    return page.locator("form.write input[name=challenge_token]").input_value()


def digits(page: Page) -> str:
    return digits_of(token_of(page))


class TestInTheArticle:
    """Inside the element, on a page of another origin."""

    def test_by_eye(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        solve(bob)
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("Mine still has a cord")

    def test_by_ear_and_played_again(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        heard: list[str] = []
        bob.on("request", lambda request: heard.append(request.url) if ".wav" in request.url else None)
        bob.get_by_text("Other ways").click()
        audio = bob.locator("audio")
        for _ in range(2):
            audio.evaluate("audio => audio.play()")
            wait_for(lambda: audio.evaluate("audio => audio.currentTime > 0.2"))
        assert audio.evaluate("audio => audio.duration") > 4
        assert heard
        bob.locator("#challenge_answer").fill(digits(bob))
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("Mine still has a cord")

    def test_by_computing_while_one_goes_on_writing(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob, "I begin")
        bob.get_by_role("button", name="Let my device solve it").click()
        bob.locator("form.write textarea").press_sequentially(" and go on.")
        expect(bob.get_by_text("Done. You can send your comment now.")).to_be_visible(timeout=60_000)
        expect(bob.locator(".puzzle")).to_be_hidden()
        expect(bob.locator("form.write textarea")).to_be_focused()
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("I begin and go on.")

    def test_sending_waits_for_what_is_being_computed(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        bob.get_by_role("button", name="Let my device solve it").click()
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("Mine still has a cord", timeout=60_000)

    def test_what_was_computed_for_an_old_one_is_not_taken_for_a_new_one(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        held: list[Route] = []
        bob.route("**/work.js*", lambda route: held.append(route))  # nothing is solved before the other picture comes
        before = token_of(bob)
        bob.get_by_role("button", name="Let my device solve it").click()
        expect(bob.locator(".compute [role=status]")).to_contain_text("Solving")
        bob.get_by_role("button", name="New picture").click()
        wait_for(lambda: token_of(bob) not in ("", before))
        held[0].continue_()
        expect(bob.locator(".compute [role=status]")).to_have_text("")
        expect(bob.locator(".puzzle")).to_be_visible()
        solve(bob)
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("Mine still has a cord")

    def test_a_solved_one_is_not_renewed(self, world: World, person: Person) -> None:
        bob = person()
        bob.clock.install()
        bob.goto(world.article)
        write(bob)
        bob.locator("#author").fill(" ")
        bob.locator("#challenge_answer").fill(answer_to(token_of(bob)))
        bob.clock.resume()
        sleep(2.2)
        send(bob)
        expect(bob.get_by_text("Done. You can send your comment now.")).to_be_visible()
        solved = token_of(bob)
        bob.clock.fast_forward("09:58")
        sleep(1)
        assert token_of(bob) == solved
        expect(bob.get_by_text("Done. You can send your comment now.")).to_be_visible()

    def test_by_a_moderators_leave(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        bob.locator("#challenge_answer").fill("AAAAAA")
        send(bob)
        expect(bob.get_by_role("alert")).to_contain_text("That did not match")
        expect(bob.locator("#challenge_answer")).to_be_focused()
        bob.get_by_label("I can’t solve any of these. Let a moderator check my comment instead.").check()
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("awaiting approval")

    def test_with_the_keyboard_alone(self, world: World, person: Person) -> None:
        """Every way is reached by Tab in the order it is seen, and the sound is played by the space bar."""
        bob = person()
        bob.goto(world.article)
        bob.locator("form.write textarea").focus()
        bob.keyboard.type("By keys alone.")
        tab_to(bob, "#author")
        bob.keyboard.type("Bob")
        wait_for(lambda: token_of(bob))
        tab_to(bob, "#challenge_answer")
        tab_to(bob, "[name=another]")
        tab_to(bob, "summary")
        bob.keyboard.press("Enter")
        tab_to(bob, "audio")
        bob.keyboard.press("Space")
        wait_for(lambda: bob.locator("audio").evaluate("audio => audio.currentTime > 0.1"))
        tab_to(bob, "[data-compute]")
        bob.keyboard.press("Shift+Tab")
        while not focused(bob, "#challenge_answer"):
            bob.keyboard.press("Shift+Tab")
        bob.keyboard.type(digits(bob))
        bob.keyboard.press("Enter")
        expect(bob.locator(".posted")).to_contain_text("By keys alone.")

    def test_an_old_one_is_renewed_without_a_word(self, world: World, person: Person) -> None:
        bob = person()
        bob.clock.install()
        bob.goto(world.article)
        write(bob)
        before = token_of(bob)
        bob.clock.fast_forward("09:45")
        wait_for(lambda: token_of(bob) not in ("", before))
        expect(bob.locator(".puzzle img")).to_have_attribute("src", f"{world.server.url}/captcha/{token_of(bob)}.png")
        expect(bob.get_by_role("alert")).to_have_count(0)
        expect(bob.locator("form.write textarea")).to_have_value(BOB.says)

    def test_who_is_known_is_not_asked_again(self, world: World, person: Person) -> None:
        bob = person()
        bob.goto(world.article)
        write(bob)
        solve(bob)
        send(bob)
        expect(bob.locator(".posted")).to_be_visible()
        write(bob, "And another thing.")
        expect(bob.locator(".challenge")).to_be_hidden()
        send(bob)
        expect(bob.locator(".posted")).to_contain_text(["Mine still", "And another thing."])

    def test_one_solved_serves_for_the_visit(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--moderation", "all")
        bob = person()
        bob.goto(world.article)
        write(bob)
        solve(bob)
        send(bob)
        expect(bob.locator(".posted")).to_contain_text("awaiting approval")
        write(bob, "And another thing.")
        expect(bob.locator(".challenge")).to_be_hidden()
        send(bob)
        expect(bob.locator(".posted").last).to_contain_text("And another thing.")

    @pytest.mark.parametrize("first", ["picture", "computation"])
    def test_the_blog_says_which_way_comes_first(self, world: World, person: Person, first: str) -> None:
        world.server.run("site", "set", "blog", "--first-challenge", first)
        bob = person()
        bob.goto(world.article)
        write(bob)
        height = {way: box["y"] for way in (".picture", ".compute") if (box := bob.locator(way).bounding_box())}
        assert (
            sorted(height, key=lambda way: height[way])[0] == {"picture": ".picture", "computation": ".compute"}[first]
        )
        assert len(height) == 2
        expect(bob.locator("audio")).to_be_hidden()

    def test_where_only_the_suspicious_are_asked(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--captcha", "suspicious")
        mallory = person()
        mallory.goto(world.article)
        spam = "casino http://a.example http://b.example http://c.example"
        write(mallory, spam)
        expect(mallory.locator(".challenge")).to_be_hidden()
        send(mallory)
        expect(mallory.get_by_role("alert")).to_contain_text("complete the robot check below")
        expect(mallory.locator("form.write textarea")).to_have_value(spam)
        expect(mallory.locator("#challenge_answer")).to_be_focused()
        before = token_of(mallory)
        mallory.get_by_role("button", name="New picture").click()
        wait_for(lambda: token_of(mallory) not in ("", before))
        expect(mallory.locator(".puzzle img")).to_be_visible()
        mallory.get_by_role("button", name="Let my device solve it").click()
        expect(mallory.get_by_text("Done. You can send your comment now.")).to_be_visible(timeout=60_000)
        send(mallory)
        expect(mallory.locator(".posted")).to_contain_text("awaiting approval")

    def test_what_was_posted_speaks_the_threads_language(self, world: World, person: Person) -> None:
        world.server.run("site", "set", "blog", "--captcha", "never", "--moderation", "all")
        bob = person(locale="de-DE")
        bob.goto(world.article)
        write(bob)
        send(bob)
        expect(bob.locator(".posted time")).to_have_text("now")
        bob.goto(world.article)
        expect(bob.locator("[data-answers] time")).to_have_text("now")


class TestOnThePage:
    """Without JavaScript."""

    def test_by_ear(self, world: World, person: Person) -> None:
        bob = person(java_script_enabled=False)
        bob.goto(world.page)
        write(bob)
        bob.get_by_text("Other ways").click()
        expect(bob.locator("audio")).to_be_visible()
        expect(bob.locator("audio")).to_have_attribute("src", f"{world.server.url}/captcha/{token_of(bob)}.wav?lang=en")
        bob.locator("[name=challenge_answer]").fill(" ".join(digits(bob)))
        sleep(2.2)
        send(bob)
        expect(bob.locator(".comments")).to_contain_text("Mine still has a cord")

    def test_by_a_moderators_leave(self, world: World, person: Person) -> None:
        bob = person(java_script_enabled=False)
        bob.goto(world.page)
        write(bob)
        sleep(2.2)
        send(bob)
        expect(bob.get_by_role("alert")).to_contain_text("complete the robot check below")
        expect(bob.locator("[name=challenge_answer]")).to_be_focused()
        bob.get_by_label("I can’t solve any of these. Let a moderator check my comment instead.").check()
        send(bob)
        expect(bob.locator(".comments")).to_contain_text("Awaiting approval")

    def test_cookies_refused_by_hand(self, world: World, person: Person) -> None:
        """The form itself says who writes."""
        bob = person(java_script_enabled=False)
        bob.goto(world.page)
        bob.context.clear_cookies()
        write(bob)
        bob.locator("[name=challenge_answer]").fill(answer_to(token_of(bob)))
        sleep(2.2)
        send(bob)
        expect(bob.locator(".comments")).to_contain_text("Mine still has a cord")


def focused(page: Page, selector: str) -> bool:
    """Whether the element with the focus, inside the thread or on the page itself, is this one."""
    return bool(
        page.evaluate(
            """(selector) => {
              const outer = document.activeElement;
              return Boolean((outer?.shadowRoot?.activeElement ?? outer)?.matches(selector));
            }""",
            selector,
        )
    )


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus; in the end it must."""
    for _ in range(40):
        if focused(page, selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached")
