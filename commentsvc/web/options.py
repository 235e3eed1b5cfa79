"""Query parameters of known types; invalid ones count as not given."""

from enum import StrEnum
from typing import TypeVar

from flask import request

from commentsvc.fields import row_id

Choice = TypeVar("Choice", bound=StrEnum)


def choice(name: str, among: type[Choice]) -> Choice | None:
    """Return a member of an enum, or None."""
    given = request.args.get(name)
    return among(given) if given in {str(one) for one in among} else None


def int_arg(name: str) -> int | None:
    """Return a positive integer, or None."""
    return row_id(request.args.get(name))
