"""Addresses of articles in files that hold none, by the blog's pattern."""

import re
from datetime import datetime
from urllib.parse import quote

from commentsvc.errors import N_, Refusal


class WrongPattern(Refusal):
    """A pattern with unknown names."""

    status = 422
    sentence = N_("The permalink may hold {id}, {slug}, {title} and {date:%%Y/%%m/%%d}.")


def address(pattern: str, *, number: str, slug: str, title: str, date: datetime | None) -> str:
    """Return the address that ``pattern`` gives for an article, such as ``/{date:%Y/%m}/{slug}.html``.

    Raises:
        WrongPattern: it names something else.
    """
    name = re.sub(r"[^\w]+", "-", title.lower()).strip("-")
    try:
        said = pattern.format(id=quote(number), slug=quote(slug or name), title=quote(name), date=date or datetime.min)
    except (KeyError, ValueError, IndexError, AttributeError):
        raise WrongPattern from None
    return said if "://" in said else f"/{said.lstrip('/')}"
