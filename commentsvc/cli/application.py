"""The application that commands run in: settings and database, without the doors of the web.

Its libraries are loaded when a command runs, not when its help is shown.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from flask import Flask

    from commentsvc.settings import Settings

Given = ParamSpec("Given")
Result = TypeVar("Result")


def make() -> "Flask":
    """An application with settings from the environment and their database."""
    from commentsvc import logs, settings

    config = settings.read(os.environ)
    settings.use(config)
    logs.configure(config.log_format)
    return on(config)


def on(config: "Settings") -> "Flask":
    """An application with the database of these settings."""
    from flask import Flask

    from commentsvc.db import configuration, db

    app = Flask("commentsvc", static_folder=None)
    app.config.update(configuration(config.database))
    db.init_app(app)
    return app


def with_application(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Bring the schema up to date and open an application context around ``command``."""

    @wraps(command)
    def inside(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        from commentsvc import schema, settings

        app = make()
        schema.upgrade(settings.current().database)
        with app.app_context():
            return command(*args, **kwargs)

    return inside
