"""Take the documents' pictures: the demo is started, Chromium looks at it and at a page for every state of a thread.

``make docs`` does it.
"""

import email
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.policy import default
from pathlib import Path

from playwright.sync_api import APIRequestContext, Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PORTS = ("--port", "8100", "--blog-port", "8101", "--neighbour-port", "8102")
COMMENTS, BLOG = "http://localhost:8100", "http://127.0.0.1:8101"
TIMEOUT = 30  # seconds
DIALOGUE = (
    "Who needs a cord?",
    "The cat does, as always.",
    "Does *it* have a number, then?",
    "It has nine. One is engaged.",
    "And the other eight?",
    "They ring when nobody is at home.",
    "How would you know, if nobody is at home?",
    "The neighbours told me. _All_ of them :-(",
    "Then I withdraw the question.",
)
BLOG_PAGE = """<!doctype html><html lang="{lang}" dir="{dir}"><head><meta name="viewport" content="width=device-width">
<script type="module" src="{server}/embed.js"></script><style>:root {{ color-scheme: light dark }}
body {{ font-family: "Noto Sans", "DejaVu Sans", system-ui, sans-serif;
  margin: 16px auto; padding: 0 16px; max-width: 42rem }}
</style></head><body><comment-thread site="blog" key="{key}"></comment-thread></body></html>"""

ModeratorAction = Callable[[Page], object]


@dataclass(frozen=True)
class State:
    """What a thread may look like: its key, and what somebody does before the picture is taken."""

    key: str
    action: ModeratorAction = lambda _: None
    lang: str = "en"


def main() -> None:
    """Each picture in light and dark, the states also wide and narrow."""
    found = filter(None, map(shutil.which, ("chromium-headless-shell", "chromium")))
    chromium = next(found, None) or sys.exit("chromium is needed")
    with _demo() as (places, run, emails), sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        ada = _signed_in(browser, places["Sign in, once"])
        for scheme in ("light", "dark"):
            _shoot(browser, scheme, 1100, f"embed-{scheme}", places["The blog"], _scroll_to_comments)
            _shoot(browser, scheme, 390, f"page-{scheme}", places["Without scripts"])
        _shoot(browser, "light", 760, "linkbacks-light", places["Without scripts"], part="#linkbacks")
        _shoot(browser, "light", 1100, "theming", f"{BLOG}/theming.html", lambda page: page.wait_for_timeout(1_000))
        program = browser.new_context().request
        _talk(program, run)
        email = _email(program, emails)
        for scheme, width in (("light", 700), ("dark", 390)):
            _shoot(browser, scheme, width, f"email-{scheme}", BLOG, html=email, full_page=True)
        _shoot(browser, "light", 1100, "emails-light", f"{COMMENTS}/admin/email", state=ada)
        for scheme, width in (("light", 1280), ("dark", 390)):
            _shoot(browser, scheme, width, f"queue-{scheme}", f"{COMMENTS}/admin/queue", state=ada)
            _shoot(browser, scheme, width, f"stats-{scheme}", f"{COMMENTS}/admin/stats?days=14", state=ada)
        _shoot(browser, "dark", 390, "thread-dark", f"{COMMENTS}/admin/threads/1", state=ada)
        _shoot(browser, "light", 1280, "comment-light", f"{COMMENTS}/admin/comments/2", state=ada)
        _shoot(browser, "light", 1280, "blog-light", f"{COMMENTS}/admin/sites/blog", state=ada)
        run("site", "set", "blog", "--moderation", "all")
        for name, state in STATES.items():
            _shoot_both(browser, name, state)
        run("site", "set", "blog", "--captcha", "always")
        _shoot_both(browser, "challenge", State("states/one", _be_asked))
        _ban(run)
        for scheme in ("light", "dark"):
            _shoot(browser, scheme, 1100, f"bans-{scheme}", f"{COMMENTS}/admin/bans", state=ada)
        browser.close()


def _talk(program: APIRequestContext, run: Callable[..., None]) -> None:
    """Threads in every state; who comes new then waits for approval."""
    run("site", "set", "blog", "--captcha", "never", "--moderation", "none", "--comments-per-minute", "1000")
    _say(program, "states/one", "Émilie", "The first one to say something. Is anybody there? :-)")
    parent = None
    for number, text in enumerate(DIALOGUE):
        parent = _say(program, "states/deep", ("Bob", "Grace")[number % 2], text, parent)
    for number in range(3):
        _say(program, "states/deep", "Linus", f"Another thought, the {('first', 'second', 'third')[number]} of three.")


def _email(program: APIRequestContext, emails: Path) -> str:
    """The HTML of an email about an answer, written, confirmed and sent as for anybody."""
    title = "The phone"
    first = _say(program, "email", "Bob", "Mine still has a *cord* :-)", address="bob@mail.example", title=title)
    confirm = re.search(r"http://\S+/confirm/\S+", _arrived(emails, "/confirm/", "plain"))
    program.post(confirm[0] if confirm else "")
    _say(
        program,
        "email",
        "Grace",
        "So has ours. The _cat_ answers it, at night, when nobody rings.",
        first,
        title=title,
    )
    return _arrived(emails, "when nobody rings", "html")


def _arrived(emails: Path, said: str, kind: str) -> str:
    """The part of the email in which something is said."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        for file in emails.glob("*.eml"):
            part = email.message_from_bytes(file.read_bytes(), policy=default).get_body((kind,))  # type: ignore[attr-defined]
            if part and said in (text := part.get_content()):
                return str(text)
        time.sleep(0.2)
    sys.exit(f"no letter says {said}")


def _say(
    program: APIRequestContext,
    key: str,
    author: str,
    body: str,
    parent: int | None = None,
    *,
    address: str = "",
    title: str = "",
) -> int:
    content: dict[str, object] = {"author": author, "body": body, "parent_id": parent, "title": title}
    content |= {"email": address, "notify": bool(address)}
    answer = program.post(f"{COMMENTS}/api/v1/threads/blog/{key}/comments", data=content)
    return int(answer.json()["id"])


def _write(page: Page, text: str) -> None:
    page.locator("form.write textarea").fill(text)
    page.locator("form.write [name=author]").fill("Niklaus")


def _post(page: Page) -> None:
    _write(page, "I have waited *twelve years* to say this.")
    page.wait_for_timeout(2_500)  # no faster than people are
    page.locator("form.write .send button").first.click()
    page.locator(".posted").wait_for()


def _fail(page: Page) -> None:
    _write(page, "")
    page.locator("form.write [name=email]").fill("niklaus@nowhere")
    page.locator("form.write .send button").first.click()
    page.locator("form.write [aria-invalid=true]").first.wait_for()


def _compose(page: Page) -> None:
    page.locator("[data-reply]").first.click()
    _write(page, "Ten lines of *brass*. The spring says `pulse()` :-)")
    page.locator("form.write .send button").last.click()
    page.locator(".preview strong").wait_for()


def _be_asked(page: Page) -> None:
    _write(page, "What does it ring like?")
    page.locator(".hear summary").click()
    page.wait_for_timeout(500)


def _ban(run: Callable[..., None]) -> None:
    run("ban", "add", "domain", "casino.example", "--days", "90", "--reason", "the same again", "--trash")
    run("ban", "add", "network", "203.0.113.0/24", "--site", "blog")
    run("ban", "add", "word", "replica watches")


STATES = {
    "empty": State("states/empty"),
    "one": State("states/one"),
    "deep": State("states/deep"),
    "held": State("states/one", _post),
    "error": State("states/one", _fail),
    "composing": State("states/one", _compose),
    "rtl": State("states/deep", lang="ar"),
}


@contextmanager
def _demo() -> Iterator[tuple[dict[str, str], Callable[..., None], Path]]:
    """The demo: where to look, how to run a command beside it, and the folder of its emails."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COMMENTSVC_DATA_DIR": folder}
        log = Path(folder) / "log"

        def run(*argv: str) -> None:
            beside = environment | {"COMMENTSVC_BASE_URL": COMMENTS}
            argv = (sys.executable, "-m", "commentsvc", *argv)
            subprocess.run(argv, env=beside, check=True, capture_output=True)

        with log.open("w") as output:
            argv = [sys.executable, "-u", "-m", "commentsvc", "demo", *PORTS]
            demo = subprocess.Popen(argv, env=environment, stdout=output, stderr=output)
        try:
            yield _places(log), run, Path(folder) / "emails"
        finally:
            demo.terminate()
            demo.wait(timeout=TIMEOUT)


def _places(log: Path) -> dict[str, str]:
    deadline = time.monotonic() + TIMEOUT
    while "Stop with" not in log.read_text():
        if time.monotonic() > deadline:
            sys.exit(log.read_text())
        time.sleep(0.2)
    time.sleep(3)  # the worker verifies the neighbour's link
    return dict(re.findall(r"^  (\S[^\n]*?)\s{2,}(http\S+)$", log.read_text(), re.M))


def _shoot_both(browser: Browser, name: str, state: State) -> None:
    _shoot_state(browser, "light", 760, name, state)
    _shoot_state(browser, "dark", 390, name, state)


def _shoot_state(browser: Browser, scheme: str, width: int, name: str, state: State) -> None:
    direction = "rtl" if state.lang == "ar" else "ltr"
    html = BLOG_PAGE.format(server=COMMENTS, key=state.key, lang=state.lang, dir=direction)

    def action(page: Page) -> None:
        page.locator("form.write").wait_for()
        page.mouse.move(5, 5)
        page.wait_for_timeout(500)
        state.action(page)
        page.wait_for_timeout(300)

    _shoot(browser, scheme, width, f"state-{name}-{scheme}", BLOG, action, html=html, full_page=True)


def _shoot(
    browser: Browser,
    scheme: str,
    width: int,
    name: str,
    url: str,
    action: ModeratorAction = lambda _: None,
    *,
    html: str = "",
    full_page: bool = False,
    part: str = "",
    state: object = None,
) -> None:
    """Open a page, or ``html`` in its place, let somebody action, and take its picture, or that of a ``part``."""
    context = browser.new_context(
        viewport={"width": width, "height": 500 if full_page else 860},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-US",
        storage_state=state,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(url)
    if html:
        page.set_content(html)
    page.wait_for_load_state("networkidle")
    action(page)
    if part:
        page.locator(part).screenshot(path=PICTURES / f"{name}.png")
    else:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=full_page)
    context.close()


def _signed_in(browser: Browser, link: str) -> object:
    """The browser's cookies after the one-time link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/queue**")
    state = context.storage_state()
    context.close()
    return state


def _scroll_to_comments(page: Page) -> None:
    page.evaluate("document.querySelector('article').scrollIntoView()")


if __name__ == "__main__":
    main()
