"""The settings file: where it is found, how it is read and written.

TOML, each setting by its name in lower case. The environment wins, so that a container or a test can override it.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "COMMENTSVC_CONFIG"
NAME = "commentsvc.toml"
SYSTEM_WIDE = Path("/etc/commentsvc") / NAME


class Unreadable(Exception):
    """The file is missing or not TOML; the text says which and why."""


def find(environment: Mapping[str, str]) -> Path | None:
    """Return the settings file: the one of ``COMMENTSVC_CONFIG`` (empty: none), else here, else the machine's.

    Raises:
        Unreadable: the named one is missing, or it is no file.
    """
    if VARIABLE in environment:
        named = environment[VARIABLE]
        if named and not Path(named).is_file():
            raise Unreadable(f"{VARIABLE}: there is no file {named}.")
        return Path(named).resolve() if named else None
    return next((path.resolve() for path in (Path(NAME), SYSTEM_WIDE) if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    """Return whether there is a file; raises ``Unreadable`` for what has its name and is none, such as a folder."""
    try:
        if os.path.lexists(path) and not path.is_file():
            raise Unreadable(f"{path} is no file. Remove it, or write the settings there.")
        return path.is_file()
    except PermissionError:  # in somebody else's folder
        return False


def read(path: Path) -> dict[str, Any]:
    """Return its settings; a relative ``data_dir`` is relative to the file. Raises ``Unreadable``."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} is no TOML: {error}.") from None
    if isinstance(values.get("data_dir"), str):
        values["data_dir"] = str(path.parent / values["data_dir"])
    return values


def text(values: Mapping[str, str], described: Mapping[str, tuple[str, str]]) -> str:
    """Return a new file: every setting explained, those not given commented out.

    ``described`` has, by name, the description of a setting and its default as TOML.
    """
    parts = ["# Settings of commentsvc; a variable COMMENTSVC_<NAME> wins. `commentsvc doctor` tries them out.\n"]
    for name, (meaning, default) in described.items():
        line = f"{name} = {_quoted(values[name])}" if name in values else f"# {name} = {default}"
        parts.append(f"# {meaning}\n{line}\n")
    return "\n".join(parts)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
