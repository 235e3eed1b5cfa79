"""Commands for operators. Each commits its own work, and loads only what it needs."""

import os
import sys
from importlib import import_module
from keyword import iskeyword

import click

from commentsvc import __version__

NAME = "commentsvc"
# Each command by its module and help; only the one asked for is loaded.
COMMANDS = {
    "init": ("init", "Write a file with all settings and what they mean, and make the database."),
    "serve": ("serve", "Bring the database up to date, answer requests, send emails and verify pings."),
    "demo": ("demo", "Serve, with a demo blog, a sample thread and a sign-in link."),
    "site": ("sites", "Blogs that may use this server, and their rules."),
    "moderator": ("moderators", "Who may sign in and decide."),
    "spam": ("spam", "What the spam filter learned from moderators' decisions."),
    "ban": ("bans", "Who is banned."),
    "import": ("transfer", "Bring in comments from another system."),
    "export": ("transfer", "Write every thread and comment of a blog to a file."),
    "backup": ("backups", "Back everything up into one file, or check such a file."),
    "restore": ("backups", "Put a backup in place."),
    "move": ("backups", "Move everything to another database, such as from SQLite to PostgreSQL."),
    "forget": ("people", "Erase everything that is stored about somebody."),
    "ping": ("linkbacks", "Tell every page that an article links to."),
    "channel": ("channels", "Webhooks and push services that hear of comments."),
    "receive": ("mail", "Take the mail on standard input: an answer, a decision, or an email that came back."),
    "bounce": ("mail", "The same, for mail servers that keep apart what comes back."),
    "work": ("upkeep", "Send emails and verify pings until stopped."),
    "read-only": ("upkeep", "Serve readers only, for instance while the database moves."),
    "upgrade": ("upkeep", "Bring the database schema up to date."),
    "rerender": ("upkeep", "Make the HTML of every comment anew from what was typed."),
    "doctor": ("doctor", "Check the service, or an article's page, and say what to fix."),
    "captcha-sheet": ("captcha_sheet", "Draw many pictures on one sheet, for people to look at."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=NAME)
def commands() -> None:
    """Comments, trackbacks and webmentions for any blog, on your own server."""


def run(argv: list[str] | None = None) -> int:
    """Run a command line and return its exit status. Every failure is one sentence on stderr."""
    try:
        commands.main(argv, prog_name=NAME, standalone_mode=False)
    except click.UsageError as wrong:
        wrong.show()
        return 2
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return _say("Stopped.")
    except click.ClickException as failure:
        return _say(failure.format_message(), failure.exit_code)
    except Exception as error:
        from commentsvc.cli import failures  # loads the libraries of database and languages

        if (sentence := failures.sentence(error)) is None:
            raise
        return _say(sentence)
    return 0


def _say(sentence: str, status: int = 1) -> int:
    sys.stderr.write(" ".join(sentence.split()) + os.linesep)
    return status
