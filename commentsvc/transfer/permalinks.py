"""Addresses of articles in files that hold none, by the blog's pattern."""

import re
from datetime import datetime
from urllib.parse import quote

from commentsvc.errors import N_, Refusal

PLACE = re.compile(r"\{(?:(id|slug|title)|date:((?:%[YymdHMSjBb]|[-/_.])+))\}")


class WrongPattern(Refusal):
    """A pattern with unknown names."""

    status = 422
    sentence = N_("The address pattern may contain only {id}, {slug}, {title} and dates such as {date:%%Y/%%m/%%d}.")


def address(pattern: str, *, number: str, slug: str, title: str, date: datetime | None) -> str:
    """Return the address that ``pattern`` gives for an article, such as ``/{date:%Y/%m}/{slug}.html``.

    Raises:
        WrongPattern: it names something else.
    """
    name = re.sub(r"[^\w]+", "-", title.lower()).strip("-")
    values = {"id": quote(number), "slug": quote(slug or name), "title": quote(name)}
    when = date or datetime.min
    if re.search(r"[{}]", PLACE.sub("", pattern)):
        raise WrongPattern
    address = PLACE.sub(lambda place: values[place[1]] if place[1] else when.strftime(place[2]), pattern)
    return address if "://" in address else f"/{address.lstrip('/')}"
