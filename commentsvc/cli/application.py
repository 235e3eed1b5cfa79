"""The application that commands run in, and what several of them read.

It stands a floor above the commands, so ``__main__`` hands its maker down.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask

from commentsvc import i18n, schema, settings
from commentsvc.db import db
from commentsvc.models.site import Site

Given = ParamSpec("Given")
Result = TypeVar("Result")


MAY_BE_PRIVATE = "If it is your own and at a private address or an odd port, name it in COMMENTSVC_FETCH_ALLOW."


def make() -> Flask:
    """The application, with settings from the environment."""
    maker: Callable[[], Flask] = click.get_current_context().obj
    return maker()


def with_application(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Bring the schema up to date and open an application context around ``command``."""

    @wraps(command)
    def inside(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        app = make()
        schema.upgrade(settings.current().database)
        with app.app_context():
            return command(*args, **kwargs)

    return inside


def site_named(key: str) -> Site:
    """The blog with this key."""
    found = db.session.scalar(Site.in_service().where(Site.key == key))
    if found is None:
        raise click.ClickException(f"There is no site {key}; `commentsvc site list` shows them.")
    return found


def spoken_language(typed: str) -> str:
    """A language that we speak."""
    if typed not in i18n.languages():
        raise click.UsageError(f"{typed} is not spoken here; there are {', '.join(i18n.languages())}.")
    return typed


def mail_address(typed: str) -> str:
    """The one mail address that was typed, in a form every mail server takes."""
    try:
        known = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise click.UsageError(f"{typed} is no e-mail address.") from None
    return str(known.ascii_email)
