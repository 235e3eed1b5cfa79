"""The file of a backup: a zip with the database, the secret, and a manifest that says what both must be."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from commentsvc import files, schema
from commentsvc.errors import N_, Explained

MANIFEST, DATABASE, SECRET = "manifest.json", "database", "secret_key"
FORMAT = 1
PIECE = 1 << 20  # bytes
SQLITE, POSTGRESQL = "sqlite", "postgresql"


INCOMPLETE = N_("%(file)s is not a complete backup (%(why)s).")
DAMAGED = N_("The backup is damaged: the SHA-256 of %(part)s does not match.")


class BackupFailed(Explained):
    """A backup that cannot be made, read or put back; the sentence says what to do."""


@dataclass
class Manifest:
    """``counts`` are rows by table; ``sha256`` are the digests of the members, by name."""

    version: str
    schema: str
    made_at: str
    database: str
    counts: dict[str, int]
    sha256: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def comments(self) -> int:
        """How many comments and linkbacks there are."""
        return self.counts.get("comment", 0)

    @property
    def has_secret(self) -> bool:
        """Whether the secret is in it."""
        return SECRET in self.sha256

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Return the manifest that ``raw`` holds."""
        values: dict[str, Any] = json.loads(raw)
        if values["format"] != FORMAT:
            raise BackupFailed(schema.NEWER_BACKUP)
        return cls(**values)


def write(path: Path, manifest: Manifest, database: Path, secret: str, on_progress: Callable[[int], None]) -> None:
    """Write an archive, whole or not at all, for its owner only; ``on_progress`` is told how many bytes are in it."""
    is_packed = manifest.database == POSTGRESQL  # as pg_dump does itself
    with (
        files.made_at(path) as new,
        zipfile.ZipFile(new, "w", zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
    ):
        with database.open("rb") as source, packed.open(DATABASE, "w", force_zip64=True) as target:
            manifest.sha256[DATABASE] = _copied(source, target, on_progress)
        if secret:
            packed.writestr(SECRET, secret)
            manifest.sha256[SECRET] = hashlib.sha256(secret.encode()).hexdigest()
        packed.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open an archive.

    Raises:
        BackupFailed: it is none, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            yield packed, Manifest.read(packed.read(MANIFEST))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, TypeError, EOFError, zlib.error) as error:
        raise BackupFailed(INCOMPLETE, file=path, why=str(error)) from None


def is_backup(path: Path) -> bool:
    """Return whether a file is a backup."""
    try:
        with opened(path):
            return True
    except (BackupFailed, OSError):
        return False


def take_out(packed: zipfile.ZipFile, manifest: Manifest, target: Path, on_progress: Callable[[int], None]) -> None:
    """Write the database to ``target``, which is there and empty; raises ``BackupFailed`` if it is not as it was."""
    with packed.open(DATABASE) as source, target.open("wb") as out:
        digest = _copied(source, out, on_progress)
    if digest != manifest.sha256.get(DATABASE):
        raise BackupFailed(DAMAGED, part=DATABASE)


def secret(packed: zipfile.ZipFile, manifest: Manifest) -> str:
    """Return the secret, or nothing; raises ``BackupFailed`` if it is not as it was."""
    if not manifest.has_secret:
        return ""
    raw = packed.read(SECRET)
    if hashlib.sha256(raw).hexdigest() != manifest.sha256[SECRET]:
        raise BackupFailed(DAMAGED, part=SECRET)
    return raw.decode()


def _copied(source: IO[bytes], target: IO[bytes], on_progress: Callable[[int], None]) -> str:
    digest, done = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        digest.update(piece)
        target.write(piece)
        done += len(piece)
        on_progress(done)
    return digest.hexdigest()
