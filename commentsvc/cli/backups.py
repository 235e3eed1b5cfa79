"""``backup``, ``restore`` and ``move``."""

import json
import os
from pathlib import Path

import click

from commentsvc import logs, schema, secret_mark, settings
from commentsvc.backups import archive, making, restoring
from commentsvc.backups.archive import Manifest
from commentsvc.cli import application
from commentsvc.cli.application import NO_DATABASE_HINT, say_where, with_application
from commentsvc.cli.progress import Progress
from commentsvc.db import db
from commentsvc.settings import PREFIX, Settings, WrongSetting

OUT = click.Path(dir_okay=False, path_type=Path)
IN = click.Path(exists=True, dir_okay=False, path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print what is in it as JSON.")


@click.command()
@click.argument("file", type=OUT)
@click.option("--check", "only_checks", is_flag=True, help="Check a backup that is there, instead of making one.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is a backup.")
@click.option("--without-secret", is_flag=True, help="Leave the secret out: keep it safe elsewhere.")
@AS_JSON
def backup(file: Path, only_checks: bool, overwrite: bool, without_secret: bool, as_json: bool) -> None:
    """Back everything up into FILE while the service runs: the database, as it is at one moment, and the secret.

    The copy is checked before the file is there. It can be read by its owner only.
    """
    if only_checks:
        progress = Progress("bytes")
        manifest = making.check(file, progress)
        progress.end()
        _say(manifest, file, "is whole", as_json=as_json)
        return
    if file.exists() and overwrite and not archive.is_backup(file):
        raise click.ClickException(f"{file} is not a complete backup, so it is not replaced. Move it away.")
    if file.exists() and not overwrite:
        raise click.ClickException(f"{file} already exists. Name another file, or replace a backup with --overwrite.")
    _make(file, without_secret, as_json)


@with_application
def _make(file: Path, without_secret: bool, as_json: bool) -> None:
    progress = Progress("bytes")
    manifest = making.make(file, progress, with_secret=not without_secret)
    progress.end()
    _say(manifest, file, "is made", as_json=as_json)


@click.command()
@click.argument("file", type=IN)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace the existing database, and keep it under another name. Stop the service first.",
)
@AS_JSON
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Restore the backup FILE to the configured database. Nothing is changed unless the file is whole."""
    config = settings.read(os.environ)
    settings.use(config)
    logs.configure(config.log_format)
    progress = Progress("bytes")
    manifest = restoring.restore(file, progress, replaces=replace)
    progress.end()
    _say(manifest, file, "is restored", as_json=as_json)
    if not config.has_secret:
        click.echo(
            f"Put its secret into {config.secret_file} before the service starts: it is not in the backup.", err=True
        )
    elif _has_another_secret(config):
        click.echo(
            f"The secret here is not that of the backup. Put that one into {config.secret_file} first.", err=True
        )
    say_where()


def _has_another_secret(config: Settings) -> bool:
    direct = {"database_url": config.direct_database, "database_pooler": False}  # a pooler may be stopped
    with application.on(Settings(**config.model_dump() | direct)).app_context():
        try:
            return secret_mark.has_changed()
        finally:
            db.session.remove()
            db.engine.dispose()


@click.command()
@click.argument("target", metavar="DATABASE_URL")
@click.option("--json", "as_json", is_flag=True, help="Print the rows of each table as JSON.")
def move(target: str, as_json: bool) -> None:
    """Copy everything to the empty database at DATABASE_URL, and compare.

    If the service runs, it is read-only from now on: readers are served until you start it with the new address. The
    command can be run again after an interruption: it continues. The old database keeps its rows.
    """
    from commentsvc.backups import database_move

    config = settings.read(os.environ, creates_data_dir=False)
    settings.use(config)
    logs.configure(config.log_format)
    source = config.database
    try:
        target = settings.read(os.environ | {f"{PREFIX}DATABASE_URL": target}, creates_data_dir=False).database
    except WrongSetting as wrong:
        raise click.BadParameter(str(wrong).removeprefix(f"{PREFIX}DATABASE_URL: ")) from None
    if not schema.is_there(source):
        raise click.ClickException(f"There is no database at {schema.display_url(source)}. {NO_DATABASE_HINT}")
    schema.upgrade(source)
    progress = Progress("rows", database_move.count(source))
    tables = database_move.move(source, target, progress)
    progress.end()
    if as_json:
        click.echo(json.dumps({name: vars(content) for name, content in tables.items()}, indent=2))
        return
    rows = sum(content.rows for content in tables.values())
    click.echo(f"{rows:,} rows are in {schema.display_url(target)}, the same as here.")
    click.echo("Now set database_url or COMMENTSVC_DATABASE_URL to that address, and restart the service.")


def _say(manifest: Manifest, file: Path, what: str, *, as_json: bool) -> None:
    if as_json:
        report = {"file": str(file), "size": file.stat().st_size, **vars(manifest)}
        click.echo(json.dumps(report, indent=2))
        return
    secret = "with its secret" if manifest.has_secret else "without its secret"
    click.echo(
        f"{file} {what}: {manifest.comments:,} comments, {file.stat().st_size / 1e6:,.1f} MB, {secret}, "
        f"as of {manifest.made_at}, version {manifest.version}."
    )
