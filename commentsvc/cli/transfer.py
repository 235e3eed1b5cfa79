"""``import`` and ``export``: comments of other systems in, and everything out."""

import gzip
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, cast

import click

from commentsvc import settings
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import site_named
from commentsvc.cli.progress import Progress
from commentsvc.db import db
from commentsvc.markup import plain_text
from commentsvc.models.comment import State
from commentsvc.models.site import Site
from commentsvc.moderation.actions import Operator
from commentsvc.transfer import exporting, importing, reading
from commentsvc.transfer.choices import KEYS, PENDING_AS, Choices
from commentsvc.transfer.records import Records
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import staged

FORMATS = click.Choice([reading.AUTO, *reading.FORMATS])
KEY, STATE = click.Choice(KEYS), click.Choice(PENDING_AS)
HOW = "Match articles by their address, or by the identifier in the old system."
PATTERN = "Pattern of article addresses if the file has none, e.g. '/{date:%Y/%m}/{slug}.html'."
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="import")
@click.argument("format_name", metavar="FORMAT", type=FORMATS)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--site", "key", required=True, help="The blog that they belong to.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@click.option("--from", "origins", multiple=True, metavar="ORIGIN", help="A former address of the blog; repeatable.")
@click.option("--map", "map_file", type=FILE, help="A CSV file of old and new addresses of articles.")
@click.option("--key", "by", type=KEY, default="address", show_default=True, help=HOW)
@click.option("--timezone", default="UTC", show_default=True, help="For dates without one, e.g. Europe/Berlin.")
@click.option("--charset", default="", help="Encoding of text files that do not declare one, e.g. shift_jis.")
@click.option("--permalink", default="", help=PATTERN)
@click.option("--pending-as", type=STATE, default=State.PENDING, show_default=True, help="State of pending comments.")
@click.option("--spam", is_flag=True, help="Import spam, too, as spam.")
@click.option("--trash", is_flag=True, help="Import deleted comments, too, into the trash.")
@click.option("--source", default="", help="A name for the old blog, if several files of one format come to this one.")
@click.option("--closed", is_flag=True, help="Close the threads that are closed there.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="Also write the report to a JSON file.")
@with_application
def import_(
    format_name: str,
    files: tuple[Path, ...],
    key: str,
    dry_run: bool,
    origins: tuple[str, ...],
    map_file: Path | None,
    by: str,
    timezone: str,
    charset: str,
    permalink: str,
    pending_as: str,
    spam: bool,
    trash: bool,
    source: str,
    closed: bool,
    report_file: Path | None,
) -> None:
    """Import the comments of FILE…, which another system exported. FORMAT `auto` finds out the format.

    Running it again adds only what is new. The activity log in the dashboard can undo an import.
    """
    site = site_named(key)
    choices = Choices(
        format=format_name,
        timezone=timezone,
        charset=charset,
        permalink=permalink,
        origins=origins,
        map=plain_text.decode(map_file.read_bytes()) if map_file else "",
        key=by,
        pending_as=pending_as,
        spam=spam,
        trash=trash,
        closed=closed,
        source=source,
    ).check()
    with staged(settings.current().data_dir) as staging:
        found = _records(files, choices)
        reading_on = Progress("read")
        report = importing.stage(staging, found, site, choices.wishes, reading_on)
        reading_on.end()
        action_id = None if dry_run else _begun(site, report)
        steps = importing.load(staging, site, choices.wishes, report, action_id)
        progress = Progress("checked" if dry_run else "imported", staging.taken())
        for done in importing.prepared(steps) if dry_run else db.each_written(steps):
            progress(done)
        progress.end()
    _show(report)
    if report_file:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=2)
        report_file.write_text(f"{text}\n", encoding="utf-8")


@click.command()
@click.option("--site", "key", required=True, help="The blog.")
@click.option("--format", "name", type=click.Choice(list(exporting.FORMATS)), default="jsonl", show_default=True)
@click.option("--with-addresses", is_flag=True, help="Include email addresses; the activity log says so.")
@click.option("--output", type=click.Path(path_type=Path), help="A file; .gz compresses it. Default: stdout.")
@with_application
def export(key: str, name: str, with_addresses: bool, output: Path | None) -> None:
    """Write every thread and comment of a blog.

    `jsonl` is what `import` reads back; `wxr` is for WordPress, `disqus` for Disqus, and `html` a web page to keep.
    """
    site = site_named(key)
    if with_addresses:
        db.begin_write()
        exporting.log_addresses(site, Operator())
        db.session.commit()
    lines = exporting.lines(site, name, with_addresses=with_addresses)
    if output is None:
        sys.stdout.writelines(lines)
        return
    with output.open("wb") as plain, _packed(plain) if output.suffix == ".gz" else nullcontext(plain) as file:
        file.writelines(line.encode() for line in lines)


def _packed(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="wb"))


def _records(files: tuple[Path, ...], choices: Choices) -> Records:
    for file in files:
        yield from reading.records(file, choices.format, choices.reading)


def _begun(site: Site, report: Report) -> int:
    db.begin_write()
    action_id = importing.begin(site, Operator(), report)
    db.session.commit()
    return action_id


def _show(report: Report) -> None:
    for line in report.lines():
        click.echo(line)
