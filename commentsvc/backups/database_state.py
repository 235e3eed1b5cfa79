"""What is in a database, whichever kind it is."""

from commentsvc import schema
from commentsvc.backups import of_sqlite


def is_empty(url: str) -> bool:
    """Return whether nothing of anybody is there."""
    if schema.is_file(url):
        return of_sqlite.is_empty(schema.path_of(url))
    from commentsvc.backups import of_postgresql  # whose driver need not be installed

    return of_postgresql.is_empty(url)


def is_used(url: str) -> bool:
    """Return whether anybody else has it open. To find out, an SQLite file is taken out of WAL mode."""
    if schema.is_file(url):
        return not of_sqlite.leave_wal_mode(schema.path_of(url))
    from commentsvc.backups import of_postgresql

    return of_postgresql.is_used(url)
