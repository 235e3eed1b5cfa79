"""An owner moves in, on a phone and without JavaScript: upload, look, import, undo."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import World
from tests.browser.test_story import sign_in
from tests.transfer.samples import wp, wxr

PHONE = {"width": 390, "height": 800}


def test_without_javascript_on_a_phone(world: World, person: Callable[..., Page], tmp_path: Path) -> None:
    """The page reloads itself while the worker is at it."""
    export = tmp_path / "blog.WordPress.xml"
    export.write_text(wxr(*[wp(number, f"number {number}") for number in range(1, 30)]))
    ada = person(java_script_enabled=False, viewport=PHONE)
    sign_in(world, ada)
    ada.goto(f"{world.server.url}/admin/sites/blog")
    ada.get_by_role("link", name="Import and export").click()
    ada.get_by_label("File").set_input_files(export)
    ada.get_by_role("button", name="Upload and check").click()
    expect(ada.get_by_role("heading", name="blog.WordPress.xml")).to_be_visible()
    ada.get_by_role("button", name="Import 29 comments").click()
    expect(ada.get_by_role("status")).to_contain_text("Imported 29 comments.")
    thread = f"{world.server.url}/t/blog/2007/05/phone"
    reader = person()
    reader.goto(thread)
    expect(reader.get_by_text("number 29")).to_be_visible()
    ada.get_by_role("button", name="Undo").click()
    expect(ada.get_by_role("status")).to_have_text("The import was undone.")
    reader.goto(thread)
    expect(reader.get_by_text("No comments yet")).to_be_visible()
