"""JSON as exports hold it: an array, an object with one, or objects one after the other. Damage spoils no other row."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from commentsvc.markup import plain_text
from commentsvc.transfer import opening
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import NO_LINE, SkippedRecord

MAX_DIGITS = 9
LISTS = ("results", "data", "comments")  # where an object keeps its rows


def whole(stream: BinaryIO, charset: str = "") -> Any:
    """Return a file that is one value; raises ``NotReadable``."""
    try:
        return json.loads(_text(stream, charset))
    except (ValueError, RecursionError):
        raise NotReadable from None


def rows(stream: BinaryIO, charset: str = "") -> Iterator[dict[str, Any] | SkippedRecord]:
    """Yield the objects of a file."""
    text, position, decoder, is_inside = _text(stream, charset), 0, json.JSONDecoder(), False
    while position < len(text):
        if text[position] in " \t\r\n,]":
            position += 1
            continue
        if text[position] == "#":  # a comment, as LeanCloud writes it
            position = _next_line(text, position)
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            if text[position] == "[" and not is_inside:  # what is whole in a damaged array is read
                position, is_inside = position + 1, True
                continue
            line = text.count("\n", 0, position) + 1
            yield SkippedRecord(f"line {line}", NO_LINE, text[position : position + 200])
            position = _next_line(text, position)
            continue
        if isinstance(value, dict):
            inside = next((value[name] for name in LISTS if isinstance(value.get(name), list)), None)
            yield from members(inside) if inside is not None else [value]
        elif isinstance(value, list):
            yield from members(value)
        else:
            line = text.count("\n", 0, position) + 1
            yield SkippedRecord(f"line {line}", NO_LINE, str(value)[:200])


def members(inside: Any, place: str = "") -> Iterator[dict[str, Any] | SkippedRecord]:
    """Yield the objects of a list, and what else stands there as left out; ``place`` says where the list is."""
    for number, one in enumerate(inside if isinstance(inside, list) else filter(None, [inside]), 1):
        yield one if isinstance(one, dict) else SkippedRecord(f"{place}row {number}", NO_LINE, str(one)[:200])


def text_in(row: dict[str, Any], *names: str) -> str:
    """Return the first of these fields that says something, as text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, dict):  # {"$oid": …}, {"iso": …}
            value = next(iter(value.values()), None)
        if value not in (None, ""):
            return str(value).strip()
    return ""


def votes_in(row: Mapping[str, Any], *names: str) -> int:
    """Return how many votes these fields hold: numbers, or lists or objects of who voted, perhaps as text."""
    return sum(_votes(row.get(name)) for name in names)


def _votes(value: Any) -> int:
    if isinstance(value, list | dict):
        return len(value)
    text = str(value).strip()
    if text.removeprefix("-").isdecimal():
        return abs(int(text[:MAX_DIGITS]))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return 0
    return len(found) if isinstance(found, list | dict) else 0


def objects_in(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list in a field, whatever else stands there."""
    inside = row.get(name)
    return [one for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []


def object_in(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object in a field, or an empty one."""
    inside = row.get(name)
    return inside if isinstance(inside, dict) else {}


def _next_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _text(stream: BinaryIO, charset: str) -> str:
    """Return the text of a file: JSON is UTF-8, -16 or -32 (RFC 8259, 8.1), and ``charset`` if it is none of them."""
    found = opening.whole(stream)
    try:
        return found.decode(json.detect_encoding(found))
    except UnicodeDecodeError:
        return plain_text.decode(found, charset)
