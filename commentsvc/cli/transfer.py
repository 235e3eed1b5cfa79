"""``import`` and ``export``: comments of other systems in, and everything out."""

import gzip
import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, cast

import click

from commentsvc import files, settings
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import SIZE, site_named
from commentsvc.cli.progress import Progress
from commentsvc.db import db
from commentsvc.errors import NotFound
from commentsvc.markup import plain_text
from commentsvc.models.comment import State
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation.actions import Operator
from commentsvc.threads import threads
from commentsvc.transfer import exporting, importing, reading
from commentsvc.transfer.choices import KEYS, PENDING_AS, Choices
from commentsvc.transfer.conversion import Converter
from commentsvc.transfer.conversion_pool import LOW_PRIORITY, converting
from commentsvc.transfer.exporting import Scope
from commentsvc.transfer.formats.wordpress_out import WordPressWriter
from commentsvc.transfer.records import Records
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import staged

MIN_SIZE_FOR_WORKERS = 1_000_000  # bytes; with less it would take longer to start further processes
FORMATS = click.Choice([reading.AUTO, *reading.FORMATS])
KEY, STATE = click.Choice(KEYS), click.Choice(PENDING_AS)
HOW = "Match articles by their address, or by the identifier in the old system."
PATTERN = "Pattern of article addresses if the file has none, e.g. '/{date:%Y/%m}/{slug}.html'."
MINE = "Mark comments by EMAIL as written by MODERATOR; repeatable."
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="import")
@click.argument("format", metavar="FORMAT", type=FORMATS)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--site", "site_key", required=True, help="The blog that they belong to.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@click.option("--from", "origins", multiple=True, metavar="ORIGIN", help="A former address of the blog; repeatable.")
@click.option("--map", "map_file", type=FILE, help="A CSV file of old and new addresses of articles.")
@click.option("--key", type=KEY, default="address", show_default=True, help=HOW)
@click.option("--timezone", default="UTC", show_default=True, help="For dates without one, e.g. Europe/Berlin.")
@click.option("--charset", default="", help="Encoding of text files that do not declare one, e.g. shift_jis.")
@click.option("--permalink", default="", help=PATTERN)
@click.option("--pending-as", type=STATE, default=State.PENDING, show_default=True, help="State of pending comments.")
@click.option("--spam", is_flag=True, help="Import spam, too, as spam.")
@click.option("--trash", is_flag=True, help="Import deleted comments, too, into the trash.")
@click.option("--source", default="", help="A name for the old blog, if several files of one format come to this one.")
@click.option("--closed", is_flag=True, help="Close the threads that are closed there.")
@click.option("--only-site", default="", help="Import only this site of a file that holds several.")
@click.option("--mine", multiple=True, metavar="EMAIL=MODERATOR", help=MINE)
@click.option("--fix-mojibake", is_flag=True, help="Repair texts such as “Ã¼” where “ü” was written.")
@click.option("--keep-copies", is_flag=True, help="Also import comments that are already here from another source.")
@click.option("--strict", is_flag=True, help="Import nothing if anything would be left out.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="Also write the report to a JSON file.")
@with_application
def import_(
    files: tuple[Path, ...],
    site_key: str,
    dry_run: bool,
    map_file: Path | None,
    strict: bool,
    report_file: Path | None,
    **typed: Any,
) -> None:
    """Import the comments of FILE…, which another system exported. FORMAT `auto` finds out the format.

    Running it again adds only what is new. The activity log in the dashboard can undo an import.
    """
    is_postgresql = db.engine.dialect.name == "postgresql"
    if is_postgresql:  # on SQLite, this process holds the lock for writing
        os.nice(LOW_PRIORITY)
    site = site_named(site_key)
    choices = Choices(map=plain_text.decode(map_file.read_bytes()) if map_file else "", **typed).check()
    options, workers = choices.import_options, _workers(files, dry_run, is_postgresql)
    with staged(settings.current().data_dir) as staging, converting(Converter(site, options), workers) as convert:
        reading_on = Progress("read")
        report = importing.stage(staging, _records(files, choices), site, options, reading_on)
        reading_on.end()
        if strict:
            rehearsal = deepcopy(report)
            deque(importing.load(staging, site, options, rehearsal, None, convert), maxlen=0)
            if rehearsal.left_out:
                _tell(rehearsal, report_file)
                raise click.ClickException("Nothing was imported, as something would be left out.")
        action_id = None if dry_run else _begun(site, report)
        progress = Progress("checked" if dry_run else "imported", staging.taken())
        steps = importing.load(staging, site, options, report, action_id, convert)
        for done in importing.prepared(steps) if dry_run else db.commit_each(steps):
            progress(done)
        progress.end()
    _tell(report, report_file)


@click.command()
@click.option("--site", "key", required=True, help="The blog.")
@click.option("--format", "name", type=click.Choice(list(exporting.FORMATS)), default="jsonl", show_default=True)
@click.option("--with-addresses", is_flag=True, help="Include email addresses; the activity log says so.")
@click.option("--thread", "keys", multiple=True, metavar="KEY", help="Only this thread; repeatable.")
@click.option("--since", type=click.DateTime(), help="Only comments from this time on, UTC.")
@click.option("--articles", type=FILE, help="WordPress’ own export, for matching titles and dates; wxr only.")
@click.option("--split", "most", type=SIZE, metavar="SIZE", help="Write several files of at most this size, e.g. 10M.")
@click.option("--output", type=click.Path(path_type=Path), help="A file; .gz compresses it. Default: stdout.")
@with_application
def export(
    key: str,
    name: str,
    with_addresses: bool,
    keys: tuple[str, ...],
    since: datetime | None,
    articles: Path | None,
    most: int | None,
    output: Path | None,
) -> None:
    """Write every thread and comment of a blog.

    `jsonl` is what `import` reads back; `wxr` is for WordPress, `disqus` for Disqus, `yaml` for Staticman and Jekyll (a
    tar), and `html` a web page to keep. With --split, `out.xml` becomes `out-1.xml`, `out-2.xml` and so on.
    """
    if most and (output is None or name == "yaml"):
        raise click.UsageError("--split needs --output, and is of no use for yaml.")
    if articles and name != "wxr":
        raise click.UsageError("--articles is for wxr.")
    site = site_named(key)
    scope = Scope([_thread(site, one).id for one in keys], since.replace(tzinfo=UTC) if since else None)
    if with_addresses:
        db.run_in_transaction(partial(exporting.log_addresses, site, Operator()))
    writer = exporting.writer(site, name, with_addresses=with_addresses)
    if articles and isinstance(writer, WordPressWriter):
        writer.articles = exporting.articles(articles)
    parts = exporting.parts(writer, scope, most)
    if output is None:
        sys.stdout.buffer.writelines(chunk for _, chunk in parts)
    else:
        for number, chunks in groupby(parts, itemgetter(0)):
            with _opened(_numbered(output, number) if most else output) as file:
                file.writelines(chunk for _, chunk in chunks)
    for what, count in writer.left_out.items():
        if count:
            click.echo(f"Not in this file: {count} {what}.", err=True)


def _thread(site: Site, key: str) -> Thread:
    try:
        found = Thread.at(site, threads.key_of(key))
    except NotFound:
        found = None
    if found is None:
        raise click.ClickException(f"There is no thread {key}; the dashboard shows them.")
    return found


def _numbered(path: Path, number: int) -> Path:
    """Return ``out-2.xml.gz`` for ``out.xml.gz``."""
    first, dot, rest = path.name.partition(".")
    return path.with_name(f"{first}-{number}{dot}{rest}")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with files.output(path) as new, new.open("wb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        with gzip.GzipFile(path.name, fileobj=plain, mode="wb") as packed:
            yield cast(IO[bytes], packed)


def _records(files: tuple[Path, ...], choices: Choices) -> Records:
    for file in files:
        yield from reading.records(file, choices.format, choices.parse_options)


def _begun(site: Site, report: Report) -> int:
    return db.run_in_transaction(partial(importing.begin, site, Operator(), report))


def _workers(files: tuple[Path, ...], dry_run: bool, is_postgresql: bool) -> int:
    """Return how many further processes the command starts. An import leaves one processor to PostgreSQL."""
    size = sum(one.stat().st_size for file in files for one in (file, *file.rglob("*")))
    if size < MIN_SIZE_FOR_WORKERS:
        return 0
    processors = len(os.sched_getaffinity(0))
    if dry_run:
        return processors if processors > 1 else 0
    return max(processors - (2 if is_postgresql else 1), 0)


def _tell(report: Report, file: Path | None) -> None:
    for line in report.lines():
        click.echo(line)
    if file:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=2)
        with files.output(file) as new:
            new.write_text(f"{text}\n", encoding="utf-8")
