"""The application that commands run in: settings and database, without the web.

Libraries are loaded when a command runs, not when its help is shown.
"""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from commentsvc import settings_file

if TYPE_CHECKING:
    from flask import Flask

    from commentsvc.settings import Settings

NO_DATABASE_HINT = (
    "Start `commentsvc serve` or run `commentsvc init` there first; or say where the settings are: in this folder's "
    f"{settings_file.NAME}, in {settings_file.SYSTEM_WIDE}, or in the file that {settings_file.VARIABLE} names."
)

Given = ParamSpec("Given")
Result = TypeVar("Result")


def make(
    environment: Mapping[str, str] = os.environ,
    *,
    makes_database: bool = False,
    needs_secret: bool = True,
    upgrades: bool = True,
) -> "Flask":
    """Return an application with the settings in force and their database, upgraded unless told otherwise.

    Most commands refuse to create a database: in the wrong folder they would work on a new, empty one. They refuse a
    secret that is damaged or lost, too: what they sign would be worth nothing.
    """
    from commentsvc import logs, schema, settings

    config = settings.read(environment, creates_data_dir=makes_database)
    settings.use(config)
    logs.configure(config.log_format)
    if not makes_database and not schema.is_there(config.database):
        raise click.ClickException(f"There is no database at {schema.display_url(config.database)}. {NO_DATABASE_HINT}")
    if upgrades:
        schema.upgrade(config.database)
    if needs_secret:
        schema.must_be_usable(config)
        _ = config.secret
    return on(config)


def say_where() -> None:
    """Print on which database a command works, to stderr."""
    from commentsvc import schema, settings

    file = settings_file.find(os.environ)
    of_file = f", as {file} says" if file else ""
    click.echo(f"Database: {schema.display_url(settings.current().database)}{of_file}.", err=True)


def on(config: "Settings") -> "Flask":
    """Return an application with the database of these settings."""
    from flask import Flask

    from commentsvc import read_only
    from commentsvc.db import configuration, db

    app = Flask("commentsvc", static_folder=None)
    app.config.update(configuration(config.database))
    db.init_app(app)
    read_only.watch()
    if config.edge_purge_url:
        from commentsvc import edge

        edge.watch()
    return app


def with_application(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run ``command`` in an application context, and print on which database it works."""

    @wraps(command)
    def inside(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with make().app_context():
            from commentsvc import schema, settings
            from commentsvc.db import db

            with schema.checkpointed(settings.current().database):
                try:
                    result = command(*args, **kwargs)
                finally:
                    db.session.remove()
                    db.engine.dispose()
        say_where()  # a failure is one sentence
        return result

    return inside
