"""Make a backup, and check one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commentsvc import __version__, clock, files, schema, settings
from commentsvc.backups import archive, of_sqlite
from commentsvc.backups.archive import POSTGRESQL, SQLITE, BackupFailed, Manifest
from commentsvc.errors import N_
from commentsvc.settings import Settings

NAME = "commentsvc-backup"
# What pg_dump sets in its session would stay behind for others.
POOLED = N_("A backup needs PostgreSQL itself, not a pooler. Set COMMENTSVC_DATABASE_DIRECT_URL to its address.")
MISSING_ROWS = N_("The backup has %(found)s rows of %(table)s instead of %(expected)s.")
PREFIX = f".{NAME}."  # of temporary files, beside the archive


def make(path: Path, on_progress: Callable[[int], None] = lambda _: None, *, with_secret: bool = True) -> Manifest:
    """Back the database up while the service runs, check the copy, and write the archive.

    Raises:
        BackupFailed: the copy is damaged, or a program is missing.
        OSError: the file cannot be written; nothing is left of it.
    """
    config = settings.current()
    is_file = schema.is_file(config.database)
    with beside(path) as copy:
        if is_file:
            of_sqlite.copy(schema.path_of(config.database), copy, on_progress)
            counts = of_sqlite.check(copy)
        else:
            from commentsvc.backups import of_postgresql  # its driver is loaded where it is used

            must_be_direct(config)
            counts = of_postgresql.dump(config.direct_database, copy)
        manifest = Manifest(
            version=__version__,
            schema=schema.NEWEST,
            made_at=clock.now().isoformat(timespec="seconds"),
            database=SQLITE if is_file else POSTGRESQL,
            counts=counts,
        )
        archive.write(path, manifest, copy, config.secret if with_secret else "", on_progress)
    return manifest


def must_be_direct(config: Settings) -> None:
    """Raise ``BackupFailed`` if only a pooler is known: it would share what is set for one session."""
    if config.database_pooler and not config.database_direct_url:
        raise BackupFailed(POOLED)


def check(path: Path, on_progress: Callable[[int], None] = lambda _: None) -> Manifest:
    """Unpack a backup beside itself, and check that it is whole: digests, integrity, references and counts.

    Raises:
        BackupFailed: it is not.
    """
    with archive.opened(path) as (packed, manifest), beside(path) as copy:
        archive.take_out(packed, manifest, copy, on_progress)
        archive.secret(packed, manifest)
        must_be_whole(copy, manifest)
    return manifest


def must_be_whole(database: Path, manifest: Manifest) -> None:
    """Raise ``BackupFailed`` unless a database that was taken out is as it was."""
    if manifest.database == POSTGRESQL:
        from commentsvc.backups import of_postgresql

        of_postgresql.check(database)
        return
    counts = of_sqlite.check(database)
    if counts != manifest.counts:
        wrong = next(name for name in counts | manifest.counts if counts.get(name) != manifest.counts.get(name))
        found, expected = counts.get(wrong, 0), manifest.counts.get(wrong, 0)
        raise BackupFailed(MISSING_ROWS, table=wrong, found=found, expected=expected)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield an empty file in the same folder for a database; it is removed on exit, with the files that SQLite adds."""
    with files.beside(path.with_name(NAME)) as copy:
        try:
            yield copy
        finally:
            for end in of_sqlite.BESIDE:
                copy.with_name(f"{copy.name}{end}").unlink(missing_ok=True)
