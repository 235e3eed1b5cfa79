"""Write the documents that are made from the program: settings, commands, API. ``--check`` says whether they are."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic_core import PydanticUndefined

from commentsvc.cli import commands
from commentsvc.settings import PREFIX, Settings

DOCS = Path(__file__).parent
NOTE = "<!-- Made by docs/generate.py; change the program instead. -->\n"


def main() -> int:
    """Write, or compare."""
    made = {"settings.md": _settings(), "cli.md": _cli()}
    stale = [name for name, text in made.items() if not _is_current(DOCS / name, text)]
    if "--check" in sys.argv:
        print(f"Out of date: {', '.join(stale)}. Run `make docs`." if stale else "The documents are as generated.")
        return 1 if stale else 0
    for name, text in made.items():
        (DOCS / name).write_text(text)
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _settings() -> str:
    rows = "".join(
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return (
        f"{NOTE}# Settings\n\n"
        "Read from the environment once, at the start. A wrong value stops the start with its name and what is\n"
        "allowed. "
        "Each can stand in a file instead, named by the same variable with `_FILE` behind it.\n\n"
        "What you may want to change while the service runs is not here: rules of a site are set with\n"
        "`commentsvc site set` (see [cli.md](cli.md)).\n\n"
        "| variable | default | meaning |\n| --- | --- | --- |\n" + rows
    )


def _default(value: object) -> str:
    if value in ("", (), frozenset(), None, PydanticUndefined):
        return "empty"
    return f"`{value}`"


def _cli() -> str:
    parts = [
        f"{NOTE}# Commands\n\nExit status: 0 done, 1 failed with one sentence on stderr, 2 the words were wrong.\n"
    ]
    for words, command in _walk(commands, ["commentsvc"]):
        context = click.Context(command, info_name=" ".join(words), max_content_width=100, terminal_width=100)
        parts.append(f"## {' '.join(words)}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _walk(command: click.Command, words: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            yield from _walk(command.get_command(context, name) or command, [*words, name])


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    sys.exit(main())
