"""``import`` and ``export``: comments of other systems in, and everything out."""

import gzip
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, cast
from zoneinfo import available_timezones

import click

from commentsvc import settings
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import site_named
from commentsvc.db import db
from commentsvc.models.comment import State
from commentsvc.moderation.actions import Operator
from commentsvc.transfer import addresses, exporting, importing, reading
from commentsvc.transfer.importing import Wishes
from commentsvc.transfer.records import Reading, Records
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import staged

STEP = 5000  # records between two lines of progress
FORMATS = click.Choice([reading.AUTO, *reading.FORMATS])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
KEYS = click.Choice(["address", "identifier"])
PENDING = click.Choice([State.PENDING, State.APPROVED, State.TRASHED])


@click.command(name="import")
@click.argument("format_name", metavar="FORMAT", type=FORMATS)
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--site", "key", required=True, help="The blog that they belong to.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@click.option("--from", "origins", multiple=True, metavar="ORIGIN", help="A former address of the blog; repeatable.")
@click.option("--map", "map_file", type=FILE, help="A CSV file of old and new addresses of articles.")
@click.option("--key", "by", type=KEYS, default="address", show_default=True, help="What names an article.")
@click.option("--timezone", default="UTC", show_default=True, help="Of times that have none, such as Europe/Berlin.")
@click.option("--charset", default="", help="Of text files that do not say, such as shift_jis.")
@click.option("--permalink", default="", help="Addresses where there are none, such as '/{date:%Y/%m}/{slug}.html'.")
@click.option("--pending-as", type=PENDING, default=State.PENDING, show_default=True, help="State of pending comments.")
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
    if timezone not in available_timezones():
        raise click.ClickException(f"There is no time zone {timezone}. Write it like Europe/Berlin.")
    site = site_named(key)
    wishes = Wishes(
        origins=origins,
        rules=addresses.read_map(map_file) if map_file else {},
        by_key=by == "identifier",
        takes_spam=spam,
        takes_deleted=trash,
        pending_as=State(pending_as),
        closes=closed,
        source=source,
    )
    with staged(settings.current().data_dir) as staging:
        found = _records(files, format_name, Reading(timezone, charset, permalink))
        report = importing.stage(staging, found, site, wishes, lambda count: _tell("read", count))
        steps = importing.load(staging, site, wishes, Operator(), report, is_dry=dry_run)
        for done in steps if dry_run else db.in_batches(lambda: next(steps, 0)):  # which lets others write in between
            _tell("written", done)
    _show(report)
    if report_file:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=2)
        report_file.write_text(f"{text}\n", encoding="utf-8")


@click.command()
@click.option("--site", "key", required=True, help="The blog.")
@click.option("--format", "name", type=click.Choice(list(exporting.FORMATS)), default="jsonl", show_default=True)
@click.option("--with-addresses", is_flag=True, help="Include email addresses.")
@click.option("--output", type=click.Path(path_type=Path), help="A file; .gz compresses it. Default: stdout.")
@with_application
def export(key: str, name: str, with_addresses: bool, output: Path | None) -> None:
    """Write every thread and comment of a blog: as lines of JSON, which `import` reads back, or for WordPress."""
    lines = exporting.lines(site_named(key), name, with_addresses=with_addresses)
    if output is None:
        sys.stdout.writelines(lines)
        return
    with output.open("wb") as plain, _packed(plain) if output.suffix == ".gz" else nullcontext(plain) as file:
        file.writelines(line.encode() for line in lines)


def _packed(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="wb"))


def _records(files: tuple[Path, ...], format_name: str, how: Reading) -> Records:
    for file in files:
        yield from reading.records(file, format_name, how)


def _tell(what: str, count: int) -> None:
    if count % STEP == 0:
        click.echo(f"{what}: {count}", err=True)


def _show(report: Report) -> None:
    for line in report.lines():
        click.echo(line)
