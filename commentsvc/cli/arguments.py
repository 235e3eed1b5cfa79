"""Arguments that several commands take: a site's key, a language, an email address."""

import click

from commentsvc import i18n
from commentsvc.db import db
from commentsvc.models.site import Site

MAY_BE_PRIVATE = "If it is your own and at a private address or an odd port, name it in COMMENTSVC_FETCH_ALLOW."


def site_named(key: str) -> Site:
    """Return the site with this key."""
    found = db.session.scalar(Site.in_service().where(Site.key == key))
    if found is None:
        raise click.ClickException(f"There is no site {key}; `commentsvc site list` shows them.")
    return found


def spoken_language(typed: str) -> str:
    """Return an available language."""
    if typed not in i18n.languages():
        raise click.UsageError(f"{typed} is not spoken here; there are {', '.join(i18n.languages())}.")
    return typed


def mail_address(typed: str) -> str:
    """Return the email address that was typed, in a form every mail server accepts."""
    from email_validator import EmailNotValidError, validate_email

    try:
        known = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise click.UsageError(f"{typed} is no e-mail address.") from None
    return str(known.ascii_email)
