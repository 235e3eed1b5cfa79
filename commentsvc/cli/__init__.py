"""Commands: the door for operators. Each commits its own work."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import __version__, i18n
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.settings import WrongSetting

if TYPE_CHECKING:
    from flask import Flask

NAME = "commentsvc"
ROOMS = {  # where each command lives; only the one that is asked for is loaded
    "serve": "serve",
    "demo": "demo",
    "site": "sites",
    "moderator": "moderators",
    "spam": "spam",
    "ban": "bans",
    "forget": "people",
    "ping": "linkbacks",
    "channel": "channels",
    "receive": "mail",
    "bounce": "mail",
    "work": "upkeep",
    "upgrade": "upkeep",
    "rerender": "upkeep",
    "doctor": "doctor",
    "captcha-sheet": "captcha_sheet",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ROOMS:
            return None
        found: click.Command = getattr(import_module(f"{__name__}.{ROOMS[cmd_name]}"), cmd_name.replace("-", "_"))
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=NAME)
def commands() -> None:
    """Comments, trackbacks and webmentions for any blog, on your own server."""


def run(create_app: Callable[[], "Flask"], words: list[str] | None = None) -> int:
    """Run a command line and give its exit status; every failure is one sentence on stderr."""
    try:
        commands.main(words, prog_name=NAME, standalone_mode=False, obj=create_app)
    except click.UsageError as wrong:
        wrong.show()
        return 2
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return _say("Stopped.")
    except click.ClickException as failure:
        return _say(failure.format_message())
    except InvalidFields as wrong:
        return _say(" ".join(i18n.sentence(one) for one in wrong.fields.values()))
    except Refusal as refusal:
        return _say(i18n.sentence(refusal))
    except WrongSetting as wrong:
        return _say(str(wrong))
    except SQLAlchemyError as problem:
        return _say(f"The database does not do its work: {getattr(problem, 'orig', problem)}")
    except OSError as problem:
        return _say(f"{problem.filename or NAME}: {problem.strerror or problem}")
    return 0


def _say(sentence: str) -> int:
    sys.stderr.write(" ".join(sentence.split()) + os.linesep)
    return 1
