"""Which tests are near to what was changed since the last commit: ``python -m tests.neighbours`` prints their paths."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ALWAYS = "tests/conventions/test_conventions.py"
# What has no tests of its own name is seen at work in these.
SHOWN_IN = {
    "templates/admin": ("tests/web/test_admin.py", "tests/web/test_queue.py"),
    "templates/mail": ("tests/notifications/test_emails.py",),
    "templates/feeds": ("tests/web/test_feeds.py",),
    "templates/linkbacks": ("tests/web/test_admin_linkbacks.py",),
    "templates/subscriptions": ("tests/web/test_admin_subscriptions.py",),
    "templates": ("tests/web/test_pages.py",),
    "static": ("tests/web/test_assets.py",),
    "migrations": ("tests/test_db.py",),
    "commentsvc/models": ("tests/web/test_posting.py", "tests/test_db.py"),
    "commentsvc/web/admin": ("tests/web/test_admin.py", "tests/web/test_queue.py"),
    "commentsvc/web/api": ("tests/web/test_openapi.py", "tests/web/test_posting.py"),
}


def main() -> None:
    """Print them, the conventions first."""
    found = {test for name in _changed() for test in _tests_of(Path(name))}
    print(ALWAYS, *sorted(found - {ALWAYS}))  # noqa: T201 - the way it speaks


def _changed() -> list[str]:
    ask = (["git", "diff", "--name-only", "HEAD"], ["git", "ls-files", "--others", "--exclude-standard"])
    return [name for one in ask for name in subprocess.check_output(one, text=True).splitlines()]


def _tests_of(changed: Path) -> Iterator[str]:
    if changed.parts[0] == "tests":
        if changed.name.startswith("test_") and changed.exists():
            yield str(changed)
        return
    shown = next((tests for place, tests in SHOWN_IN.items() if str(changed).startswith(place)), ())
    room = Path("tests", *changed.parts[1:-1]) if changed.parts[0] == "commentsvc" else None
    own = room / f"test_{changed.stem}.py" if room else None
    if own and own.exists():
        yield str(own)
    elif shown:
        yield from shown
    elif room and room != Path("tests") and room.is_dir():
        yield from map(str, sorted(room.glob("test_*.py")))


if __name__ == "__main__":
    main()
