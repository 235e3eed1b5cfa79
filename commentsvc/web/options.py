"""Query parameters of known form; anything else counts as not given."""

from enum import StrEnum
from typing import TypeVar

from flask import request

Choice = TypeVar("Choice", bound=StrEnum)


def choice(name: str, among: type[Choice]) -> Choice | None:
    """The named choice, or None."""
    given = request.args.get(name)
    return among(given) if given in {str(one) for one in among} else None


def number(name: str) -> int | None:
    """The positive number, or None."""
    return whole(request.args.get(name))


def whole(text: str | None) -> int | None:
    """The positive number that ``text`` spells, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None
