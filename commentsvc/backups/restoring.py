"""Restore a backup into an empty database, or in place of the current one."""

import secrets
from collections.abc import Callable
from pathlib import Path

from commentsvc import clock, files, schema, settings
from commentsvc.backups import archive, database_state, making, of_sqlite
from commentsvc.backups.archive import POSTGRESQL, BackupFailed, Manifest
from commentsvc.settings import SECRET, Settings


def restore(path: Path, on_progress: Callable[[int], None] = lambda _: None, *, replaces: bool = False) -> Manifest:
    """Restore to the configured database. What was there is kept under another name; an old backup is upgraded.

    Nothing is changed unless the backup is whole and fits.

    Raises:
        BackupFailed: it is damaged, of another kind of database, or the place is in use or not empty.
        MadeByNewer: only a newer version knows its schema.
    """
    config = settings.current()
    making.must_be_direct(config)  # a pooler would keep what the script of a backup sets for its session
    with archive.opened(path) as (packed, manifest):
        _must_fit(config, manifest, replaces=replaces)
        secret = archive.secret(packed, manifest)
        _check_secret(config, secret, replaces=replaces)
        place = schema.path_of(config.database) if schema.is_file(config.database) else config.data_dir / "database"
        place.parent.mkdir(parents=True, exist_ok=True)
        with making.beside(place) as copy:
            archive.take_out(packed, manifest, copy, on_progress)
            making.must_be_whole(copy, manifest)
            schema.must_be_known(manifest.schema, schema.migration_config())
            _put(config, manifest, copy)
    if secret and not config.secret_key:
        _write_secret(config.secret_file, secret)
    schema.upgrade(config.direct_database)
    return manifest


def _must_fit(config: Settings, manifest: Manifest, *, replaces: bool) -> None:
    is_file = schema.is_file(config.database)
    if is_file == (manifest.database == POSTGRESQL):
        kind, current = ("PostgreSQL", "SQLite") if is_file else ("SQLite", "PostgreSQL")
        raise BackupFailed(
            f"This is a backup of {kind}, but the settings name a {current} database. Set the database URL to an empty "
            f"{kind} database, restore there, and then use `commentsvc move`."
        )
    if not replaces and not database_state.is_empty(config.direct_database):
        where = schema.display_url(config.database)
        raise BackupFailed(
            f"There are blogs in {where}. With --replace, they are set aside and the backup takes their place."
        )


def _check_secret(config: Settings, secret: str, *, replaces: bool) -> None:
    if not secret:
        return
    if config.secret_key and config.secret_key != secret:
        raise BackupFailed("COMMENTSVC_SECRET_KEY is not the secret of the backup. Remove that setting first.")
    if not config.secret_key and not SECRET.fullmatch(secret):
        raise BackupFailed("Set COMMENTSVC_SECRET_KEY first, as it was where the backup was made.")
    current_secret = _kept(config.secret_file) or secret
    if current_secret != secret and not replaces and not database_state.is_empty(config.direct_database):
        raise BackupFailed(f"{config.secret_file} is not the secret of the backup. With --replace, it is put aside.")


def _put(config: Settings, manifest: Manifest, copy: Path) -> None:
    aside = f"replaced-{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    if manifest.database == POSTGRESQL:
        from commentsvc.backups import of_postgresql  # whose driver need not be installed

        counts = of_postgresql.put(config.direct_database, copy, aside)
        if counts != manifest.counts:
            raise BackupFailed(
                f"Some rows are missing. Do not start the service: your former data is in the schema {aside}."
            )
        return
    place = schema.path_of(config.database)
    files.sync(copy)  # which may take long: until then, the former database stays where it is
    of_sqlite.put_aside(place, place.with_name(f"{place.name}.{aside}"))
    copy.replace(place)
    files.sync(place.parent)


def _write_secret(place: Path, secret: str) -> None:
    current_secret = _kept(place)
    if current_secret and current_secret != secret:
        place.replace(place.with_name(f"{place.name}.replaced-{clock.now():%Y%m%dT%H%M%S}"))
    if current_secret != secret:
        files.write(place, secret.encode())


def _kept(place: Path) -> str:
    return place.read_bytes().decode("latin-1").strip() if place.exists() else ""
