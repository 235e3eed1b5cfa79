"""Import as the command does, into the blog of the cast."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from commentsvc.db import db
from commentsvc.models import Site
from commentsvc.moderation.actions import Operator
from commentsvc.transfer import exporting, importing, reading
from commentsvc.transfer.conversion import Converter
from commentsvc.transfer.conversion_pool import converting
from commentsvc.transfer.import_options import ImportOptions
from commentsvc.transfer.records import ParseOptions, SkippedRecord, SourceArticle, SourceComment
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import staged

Bring = Callable[..., Report]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """The records of a file, found out by its beginning."""

    def read(said: Any, **how: str) -> tuple[list[SourceArticle], list[SourceComment], list[SkippedRecord]]:
        file = tmp_path / "file"
        if isinstance(said, bytes):
            file.write_bytes(said)
        else:
            file.write_text(said if isinstance(said, str) else json.dumps(said))
        found = list(reading.records(file, "auto", ParseOptions(**how)))
        return tuple(
            [one for one in found if isinstance(one, kind)] for kind in (SourceArticle, SourceComment, SkippedRecord)
        )  # type: ignore[return-value]

    return read


@pytest.fixture
def bring(app: Flask, tmp_path: Path) -> Bring:
    """Import a text or a file; what the report says."""

    def bring(
        file: str | bytes | Path,
        site: str = "blog",
        name: str = "auto",
        *,
        dry: bool = False,
        workers: int = 0,
        meanwhile: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> Report:
        path = file if isinstance(file, Path) else tmp_path / "export"
        if not isinstance(file, Path):
            path.write_bytes(file.encode() if isinstance(file, str) else file)
        here, wanted = Site.named(site), ImportOptions(**options)
        with staged(tmp_path) as staging, converting(Converter(here, wanted), workers) as convert:
            report = importing.stage(staging, reading.records(path, name, ParseOptions()), here, wanted, lambda _: None)
            db.begin_write()
            action_id = None if dry else importing.begin(here, Operator(), report)
            db.session.commit()
            steps = importing.load(staging, here, wanted, report, action_id, convert)
            for _ in steps if dry else db.commit_each(steps):
                meanwhile()
            assert not list(tmp_path.glob("import-*")), "the staging file holds addresses"
        json.dumps(report.as_json())
        assert list(report.lines())
        return report

    return bring


def exported(name: str = "jsonl", site: str = "blog", *, with_addresses: bool = False) -> str:
    """What an export holds."""
    writer = exporting.writer(Site.named(site), name, with_addresses=with_addresses)
    return b"".join(exporting.chunks(writer)).decode()
