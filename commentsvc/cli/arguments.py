"""Arguments that several commands take: a site's key, a language, an email address, a size."""

import re

import click

from commentsvc import i18n
from commentsvc.db import db
from commentsvc.models.site import Site

MAY_BE_PRIVATE = "If it is your own and at a private address or an odd port, name it in COMMENTSVC_FETCH_ALLOW."


UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


class _Size(click.ParamType[int]):
    """A number of bytes, as people write it: ``10M``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d+)([KMG]?)B?", str(value).strip().upper())
        if found is None or not int(found[1]):
            self.fail(f"{value} is not a size; write it like 10M.", param, ctx)
        return int(found[1]) * UNITS[found[2]]


SIZE = _Size()


def site_named(key: str) -> Site:
    """Return the site with this key."""
    found = db.session.scalar(Site.in_service().where(Site.key == key))
    if found is None:
        raise click.ClickException(f"There is no site {key}; `commentsvc site list` shows them.")
    return found


def spoken_language(typed: str) -> str:
    """Return an available language."""
    if typed not in i18n.languages():
        raise click.UsageError(f"{typed} isn't an available language; there are {', '.join(i18n.languages())}.")
    return typed


def mail_address(typed: str) -> str:
    """Return the email address that was typed, in a form every mail server accepts."""
    from email_validator import EmailNotValidError, validate_email

    try:
        known = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise click.UsageError(f"{typed} is not an email address.") from None
    return str(known.ascii_email)
