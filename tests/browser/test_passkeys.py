"""Passkeys in a real browser, with a device that Chromium plays: made, used, used as the only way in, taken away."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import World
from tests.cast import ADA, ADAS_PASSWORD


def with_device(page: Page) -> None:
    """A device with a fingerprint reader, and a finger on it."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    line.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def sign_in(page: Page, world: World) -> None:
    page.goto(f"{world.server.url}/admin/sign-in")
    page.get_by_label("Email", exact=True).fill(ADA.email)
    page.get_by_label("Password").fill(ADAS_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_made_used_and_may_be_the_only_way(world: World, person: Callable[..., Page]) -> None:
    page = person()
    with_device(page)
    sign_in(page, world)
    page.get_by_role("link", name="Ada").click()
    page.get_by_label("Name for the passkey").fill("finger")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("finger passkey")).to_be_visible()
    password = page.locator("li", has_text="Password")
    password.locator("summary").click()
    password.get_by_role("button", name="Yes, delete").click()
    page.get_by_role("button", name="Sign out", exact=True).click()

    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pending")
    page.goto(f"{world.server.url}/admin/account")
    expect(page.get_by_text("last used").first).to_be_visible()
    expect(page.locator("details.sure")).to_have_count(0)  # it is the only way in


def test_a_device_that_knows_nobody_opens_nothing(world: World, person: Callable[..., Page]) -> None:
    page = person()
    with_device(page)
    page.goto(f"{world.server.url}/admin/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Your device did not offer a passkey")).to_be_visible()


def test_without_scripts_nothing_is_offered_that_cannot_work(world: World, person: Callable[..., Page]) -> None:
    page = person(java_script_enabled=False)
    page.goto(f"{world.server.url}/admin/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
