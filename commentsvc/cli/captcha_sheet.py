"""``captcha-sheet``: the pictures of this installation, many on one sheet, for people to look at."""

import secrets
from pathlib import Path

import click

from commentsvc import files, settings
from commentsvc.captcha import challenge, image
from commentsvc.cli.application import with_application


@click.command(name="captcha-sheet")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--count", default=30, show_default=True, type=click.IntRange(1, 300), help="How many pictures.")
@with_application
def captcha_sheet(file: Path, count: int) -> None:
    """Draw pictures as strangers get them here into the PNG FILE, and print what they show, row by row."""
    style = image.Style.of(settings.current().secret)
    answers = [challenge.answer_of(secrets.token_urlsafe(12)) for _ in range(count)]
    pictures = [image.draw(answer, style, secrets.token_bytes(16)) for answer in answers]
    files.write(file, image.sheet(pictures))
    for start in range(0, count, image.COLUMNS):
        click.echo(" ".join(answers[start : start + image.COLUMNS]))
