"""Write the documents that are made from the program: settings, commands, API. ``--check`` says whether they are."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticUndefined

from commentsvc.cli import commands
from commentsvc.settings import PREFIX, Settings
from commentsvc.web.api import openapi

DOCS = Path(__file__).parent
NOTE = "<!-- Made by docs/generate.py; change the program instead. -->\n"


def main() -> int:
    """Write, or compare."""
    made = {"settings.md": _settings(), "cli.md": _cli(), "api.md": _api()}
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
        "Read at the start and at a reload: from one file, and from the environment, which wins. The file is the one\n"
        "that `COMMENTSVC_CONFIG` names, else `commentsvc.toml` in the working folder, else\n"
        "`/etc/commentsvc/commentsvc.toml`; `commentsvc init` writes one with all settings explained. There they have\n"
        "their names in lower case and without `COMMENTSVC_`.\n\n"
        "A wrong value stops the start with its name and what is allowed. Each can stand in a file of its own, named\n"
        "by the same variable with `_FILE` behind it, for secrets.\n\n"
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
    for path, command in _walk(commands, ["commentsvc"]):
        context = click.Context(command, info_name=" ".join(path), max_content_width=100, terminal_width=100)
        parts.append(f"## {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _api() -> str:
    document = openapi.document()
    parts = [
        f"{NOTE}# API\n\nJSON in, JSON out; errors are problem+json (RFC 9457) with a sentence for people in `title`. "
        "Pages of a site\nmay ask from a browser (CORS by the site's origins). `/api/openapi.json` of a server says "
        "the same to programs.\n"
    ]
    for path, methods in document["paths"].items():
        parts += [_operation(method, path, one) for method, one in methods.items()]
    parts.append("# Shapes\n")
    parts += [_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n".join(parts)


def _operation(method: str, path: str, described: dict[str, Any]) -> str:
    lines = [f"## {method.upper()} {path}\n", f"{described['summary']}.\n"]
    asked = [f"`{one['name']}`" for one in described["parameters"] if one["in"] != "path"]
    if "security" in described:
        lines.append("Shown the comment's edit token: `Authorization: Bearer …`.\n")
    if asked:
        lines.append(f"Parameters: {', '.join(asked)}.\n")
    if "requestBody" in described:
        lines.append(f"Takes {_named(described['requestBody']['content'])}.\n")
    answers = [f"{status} {_named(one.get('content', {}))}".strip() for status, one in described["responses"].items()]
    return "\n".join([*lines, f"Gives {', '.join(answers)}.\n"])


def _named(content: dict[str, Any]) -> str:
    for kind, one in content.items():
        shape = one["schema"].get("$ref", "").rpartition("/")[2]
        return f"[{shape}](#{shape.lower()})" if shape else kind
    return ""


def _shape(name: str, schema: dict[str, Any]) -> str:
    lines = [f"## {name}\n", f"{schema.get('description', '')}\n", "| member | type |", "| --- | --- |"]
    required = schema.get("required", [])
    for member, one in schema.get("properties", {}).items():
        optional = "" if member in required else ", may be missing"
        lines.append(f"| `{member}` | {_type(one)}{optional} |")
    return "\n".join([*lines, ""])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"[{(shape := schema['$ref'].rpartition('/')[2])}](#{shape.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return " ".join(str(schema[name]) for name in ("type", "format") if name in schema)


def _walk(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            yield from _walk(command.get_command(context, name) or command, [*path, name])


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    sys.exit(main())
