"""Take the documents' pictures: the demo is started, Chromium looks at it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PORTS = ("--port", "8100", "--blog-port", "8101", "--neighbour-port", "8102")
PATIENCE = 30  # seconds


def main() -> None:
    """Each picture in light and dark, wide and narrow."""
    chromium = shutil.which("chromium") or sys.exit("chromium is needed")
    with _demo() as places, sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for scheme in ("light", "dark"):
            _shoot(browser, scheme, 1100, f"embed-{scheme}", places["The blog"], _scroll_to_comments)
            _shoot(browser, scheme, 390, f"page-{scheme}", places["Without scripts"])
        _shoot(browser, "light", 1100, "desk-light", places["Sign in, once"], _press_sign_in)
        browser.close()


@contextmanager
def _demo() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COMMENTSVC_DATA_DIR": folder}
        run = [sys.executable, "-u", "-m", "commentsvc", "demo", *PORTS]
        log = Path(folder) / "log"
        with log.open("w") as output:
            demo = subprocess.Popen(run, env=environment, stdout=output, stderr=output)  # noqa: S603 - our own words
        try:
            yield _places(log)
        finally:
            demo.terminate()
            demo.wait(timeout=PATIENCE)


def _places(log: Path) -> dict[str, str]:
    deadline = time.monotonic() + PATIENCE
    while "Stop with" not in log.read_text():
        if time.monotonic() > deadline:
            sys.exit(log.read_text())
        time.sleep(0.2)
    time.sleep(3)  # the worker verifies the neighbour's link
    return dict(re.findall(r"^  (\S[^\n]*?)\s{2,}(http\S+)$", log.read_text(), re.M))


def _shoot(browser: Browser, scheme: str, width: int, name: str, url: str, act: object = None) -> None:
    context = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    if callable(act):
        act(page)
    page.screenshot(path=PICTURES / f"{name}.png")
    context.close()


def _scroll_to_comments(page: Page) -> None:
    page.evaluate("document.querySelector('article').scrollIntoView()")


def _press_sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
