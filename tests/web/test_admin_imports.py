"""An owner uploads what another system exported, looks at it, imports it, and takes it back; and downloads it all."""

import errno
import io
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from commentsvc import settings
from commentsvc.db import db
from commentsvc.models import Comment, ImportRun, ModeratorAction, Site
from commentsvc.transfer import import_runs, importing, thread_import
from commentsvc.web.bodies import Paced, TooSlow
from tests.cast import ADA, ARTICLE, BOB
from tests.jobs import run_job
from tests.time import FrozenClock
from tests.transfer.samples import ITEM, wp, wxr
from tests.visitors import Visitor, hidden_fields

PAGE = "/admin/sites/blog/import"
EXPORT = wxr(wp(1, "First!"), wp(2, "Second", parent=1), wp(3, "Buy now", approved="spam"))


def sqlite_full() -> sqlite3.OperationalError:
    problem = sqlite3.OperationalError("database or disk is full")
    problem.sqlite_errorcode = sqlite3.SQLITE_FULL
    return problem


@pytest.fixture(autouse=True)
def leaves_no_upload(app: Flask) -> Iterator[None]:
    """What was uploaded holds addresses of people."""
    yield
    db.session.rollback()
    needed = set(db.session.scalars(select(ImportRun.file).where(ImportRun.state.in_(["queued", "checked"]))))
    assert {path.name for path in settings.current().data_dir.glob("upload-*")} <= needed
    assert not list(settings.current().data_dir.glob("import-*"))


def send(ada: Visitor, file: str | bytes, name: str = "blog.xml", **fields: str) -> TestResponse:
    content = file if isinstance(file, bytes) else file.encode()
    given = {"file": (io.BytesIO(content), name), **fields}
    return ada.admin_post(PAGE, form_at=PAGE, **given)  # type: ignore[arg-type]


def look(ada: Visitor) -> str:
    """Let the worker do what is due, and look at the page."""
    run_job("import comments")
    return ada.client.get(PAGE).text


def start(ada: Visitor, **fields: str) -> TestResponse:
    return ada.admin_post(f"{PAGE}/run", form_at=PAGE, do="import", **fields)


def texts() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Comment.body).order_by(*Comment.order())))


def run() -> ImportRun:
    db.session.rollback()
    return db.session.scalars(select(ImportRun)).one()


class TestStory:
    """From the file to the thread, and back."""

    def test_nothing_is_imported_before_the_owner_has_seen_what(self, ada: Visitor) -> None:
        assert send(ada, EXPORT).status_code == 303
        assert "nothing is imported yet" in ada.client.get(PAGE).text
        page = look(ada)
        assert "Import 2 comments" in page
        assert "Spam: 1" in page, "what stays behind is said, too"
        assert re.search(r'new: 1 · existing: 0<br><span class="aside" dir="ltr">https://blog.example/[^<]+<', page), (
            "an address, to see whether it is one of this blog"
        )
        assert texts() == []
        start(ada)
        page = look(ada)
        assert "Imported 2 comments." in page
        assert texts() == ["First!", "Second"]

    def test_one_click_undoes_it_and_the_page_says_so(self, ada: Visitor) -> None:
        send(ada, EXPORT)
        look(ada)
        start(ada)
        look(ada)
        action = db.session.scalars(select(ModeratorAction)).one()
        assert action.moderator_id is not None
        assert action.count == 2
        ada.admin_post(f"/admin/actions/{action.id}/reversal", next=PAGE)
        assert "Undoing the import" in ada.client.get(PAGE).text
        run_job("revert imports")
        page = ada.client.get(PAGE).text
        assert "The import was undone." in page
        assert "Imported 2" not in page
        assert texts() == []

    def test_a_second_file_adds_only_what_is_new(self, ada: Visitor) -> None:
        for file, said in ((EXPORT, "Import 2 comments"), (wxr(wp(1), wp(2), wp(4, "Later")), "Import 1 comment<")):
            send(ada, file)
            assert said in look(ada)
            start(ada)
            look(ada)
        assert texts() == ["First!", "Second", "Later"]

    def test_changed_options_are_looked_at_first(self, ada: Visitor) -> None:
        send(ada, EXPORT)
        look(ada)
        start(ada, spam="on", pending_as="trashed")
        page = look(ada)
        assert "Import 3 comments" in page
        assert texts() == []
        assert 'name="spam" checked' in page
        start(ada, spam="on", pending_as="trashed")
        look(ada)
        assert sorted(texts()) == ["Buy now", "First!", "Second"]

    def test_ones_own_address_is_filled_in(self, ada: Visitor) -> None:
        """Most of those who import have written there themselves."""
        assert re.search(rf'name="mine"[^>]*>{re.escape(ADA.email)}</textarea>', ada.client.get(PAGE).text)

    def test_one_site_of_several_and_whose_comments_are_mine(self, ada: Visitor) -> None:
        row = {
            "rid": "0",
            "created_at": "2007-05-02 18:00:00",
            "nick": "Ada",
            "page_key": "/p/",
            "email": "a@old.example",
        }
        rows = [row | {"id": name, "site_name": name, "content": f"of {name}"} for name in ("one", "two")]
        send(ada, json.dumps(rows), mine="a@old.example")
        page = look(ada)
        assert '<option value="two">two (1)</option>' in page
        start(ada, only_site="two", mine="a@old.example")
        assert "Import 1 comment<" in look(ada), "it is checked again first"
        start(ada, only_site="two", mine="a@old.example")
        look(ada)
        assert texts() == ["of two"]
        assert db.session.scalars(select(Comment.moderator_id)).one() is not None

    def test_pages_on_other_hosts_are_ticked(self, ada: Visitor) -> None:
        mirrored = ITEM.format(home="https://mirror.example", status="publish", title="Copy", comments=wp(3, "Third"))
        elsewhere = mirrored.replace("post_id>7<", "post_id>8<")
        send(ada, wxr(wp(1), wp(2)).replace("</channel>", f"{elsewhere}</channel>"))
        page = look(ada)
        assert "https://mirror.example" in page
        assert "Import 2 comments" in page
        ada.admin_post(f"{PAGE}/run", form_at=PAGE, also="https://mirror.example", home="https://old.example")
        assert "Import 3 comments" in look(ada)

    def test_the_owner_discards_the_file(self, ada: Visitor) -> None:
        send(ada, EXPORT)
        look(ada)
        ada.admin_post(f"{PAGE}/cancellation", form_at=PAGE)
        page = ada.client.get(PAGE).text
        assert "Upload and check" in page
        assert "Import 2 comments" not in page


class TestRefused:
    """Files and options that are none, and people who may not."""

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            (b"<!doctype html><p>Sign in", "This is a web page, not an export."),
            (b"\x00\x01\x02 what is this", "The format of this file is unknown."),
            (wxr().encode(), "The file holds no comments."),
            (b"\x1f\x8b damaged", "The file cannot be read:"),
        ],
    )
    def test_a_file_that_is_none(self, ada: Visitor, file: bytes, said: str) -> None:
        send(ada, file)
        page = look(ada)
        assert said in page
        assert "Upload and check" in page

    def test_no_file(self, ada: Visitor) -> None:
        answer = send(ada, b"", name="", timezone="Asia/Tokyo")
        assert answer.status_code == 422
        assert "Asia/Tokyo" in answer.text

    def test_options_that_are_none_and_nothing_typed_is_lost(self, ada: Visitor) -> None:
        wrong = {"timezone": "CET+1", "origins": "old.example", "map": "one column", "permalink": "/{date[0]}/"}
        answer = send(ada, EXPORT, charset="utf-9", **wrong)
        assert answer.status_code == 422
        for said in (*wrong.values(), "utf-9", "Write it like Europe/Berlin.", "Line 1 of the moved articles"):
            assert said in answer.text
        assert run_job("import comments") == 0

    def test_more_than_200_megabytes(self, ada: Visitor) -> None:
        answer = ada.client.post(PAGE, environ_overrides={"CONTENT_LENGTH": str(import_runs.MAX_UPLOAD + 1)})
        assert answer.status_code == 413
        assert "commentsvc import" in answer.text

    def test_only_while_nothing_is_running(self, ada: Visitor) -> None:
        send(ada, EXPORT)
        answer = send(ada, EXPORT)
        assert answer.status_code == 409
        assert "An import for this blog is running." in answer.text

    def test_only_with_the_form_of_this_page(self, ada: Visitor) -> None:
        assert ada.client.post(PAGE, data={"file": (io.BytesIO(EXPORT.encode()), "x")}).status_code == 403

    def test_only_by_owners(self, bob: Visitor, hedy: Visitor) -> None:
        """The file of anybody else is not even read."""
        unread = io.BytesIO(EXPORT.encode())
        given = {"input_stream": unread, "content_type": "multipart/form-data; boundary=x", "content_length": 4000}
        assert bob.client.post(PAGE, **given).status_code == 303
        assert hedy.client.post(PAGE, **given).status_code == 403
        assert unread.tell() == 0

    def test_a_body_that_hardly_arrives(self) -> None:
        class Dripping(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                clock[0] += 20
                return super().read(1)

        clock = [0.0]
        with patch("commentsvc.web.bodies.time.monotonic", lambda: clock[0]), pytest.raises(TooSlow):
            Paced(Dripping(b"many bytes")).read()


class TestBrokenOff:
    """Workers die, nodes differ, people change their minds."""

    def test_it_goes_on_where_it_broke_off(self, ada: Visitor, time: FrozenClock) -> None:
        send(ada, wxr(*[wp(number, f"number {number}") for number in range(1, 50)]))
        look(ada)
        start(ada)
        broken = OperationalError("INSERT", {}, Exception("gone"))
        with patch.object(thread_import, "batch_size", lambda: 10):
            with (
                patch.object(import_runs, "renew", side_effect=[None, None, None, broken]),
                pytest.raises(OperationalError),
            ):
                run_job("import comments")
            db.session.rollback()
            assert len(texts()) == 30
            assert run_job("import comments") == 0, "somebody may still be at it"
            time.pass_(minutes=3)
            page = look(ada)
        assert "Imported 49 comments." in page
        assert sorted(texts()) == sorted(f"number {number}" for number in range(1, 50))
        assert db.session.scalar(select(func.count(ModeratorAction.id))) == 1

    def test_it_is_given_up_if_each_worker_dies(self, ada: Visitor, time: FrozenClock) -> None:
        send(ada, EXPORT)
        with patch("commentsvc.jobs.imports._perform", side_effect=OperationalError("", {}, Exception())):
            for _ in range(import_runs.MAX_TRIES):
                with pytest.raises(OperationalError):
                    run_job("import comments")
                db.session.rollback()
                time.pass_(minutes=3)
        assert "interrupted several times" in look(ada)

    def test_a_file_on_another_machine_waits_for_it(self, ada: Visitor, tmp_path: Path) -> None:
        send(ada, EXPORT)
        elsewhere = settings.current().data_dir / run().file
        elsewhere.rename(tmp_path / "there")
        assert run_job("import comments") == 0
        (tmp_path / "there").rename(elsewhere)
        assert "Import 2 comments" in look(ada)

    def test_a_file_is_kept_for_a_day(self, ada: Visitor, time: FrozenClock) -> None:
        send(ada, EXPORT)
        look(ada)
        time.pass_(hours=25)
        run_job("delete expired rows")
        assert run().problem == import_runs.FileGone.sentence

    def test_what_a_crash_left_behind_goes(self, app: Flask) -> None:
        left = settings.current().data_dir / "upload-left"
        left.touch()
        os.utime(left, (0, 0))
        run_job("delete expired rows")
        assert not left.exists()

    def test_cancelled_while_it_runs(self, ada: Visitor) -> None:
        send(ada, EXPORT)
        look(ada)
        start(ada)
        site = Site.named("blog")
        real = importing.stage

        def cancel_then_stage(*given: object) -> object:
            db.begin_write()
            import_runs.cancel(run_ := import_runs.last_of(site))  # type: ignore[arg-type]
            db.session.commit()
            assert run_
            return real(*given)  # type: ignore[arg-type]

        with patch.object(importing, "stage", cancel_then_stage):
            page = look(ada)
        assert "Upload and check" in page
        assert texts() == []

    def test_undone_while_it_runs(self, ada: Visitor, time: FrozenClock) -> None:
        """Neither this worker nor the next one goes on."""
        send(ada, wxr(*[wp(number, f"number {number}") for number in range(1, 50)]))
        look(ada)
        start(ada)
        broken = OperationalError("INSERT", {}, Exception("gone"))
        interrupted = patch.object(import_runs, "renew", side_effect=[None, None, broken])
        with patch.object(thread_import, "batch_size", lambda: 10), interrupted, pytest.raises(OperationalError):
            run_job("import comments")
        db.session.rollback()
        action = db.session.scalars(select(ModeratorAction)).one()
        ada.admin_post(f"/admin/actions/{action.id}/reversal")
        time.pass_(minutes=3)
        run_job("import comments")
        run_job("revert imports")
        assert texts() == []
        assert "The import was undone." in ada.client.get(PAGE).text

    def test_cancelled_half_way_it_can_be_undone(self, ada: Visitor) -> None:
        send(ada, wxr(*[wp(number, f"number {number}") for number in range(1, 50)]))
        look(ada)
        start(ada)
        with (
            patch.object(thread_import, "batch_size", lambda: 10),
            patch.object(import_runs, "renew", side_effect=[None, None, import_runs.Cancelled]),
        ):
            run_job("import comments")
        assert len(texts()) == 20
        assert "Imported 20 comments." in ada.client.get("/admin/log").text
        action = db.session.scalars(select(ModeratorAction)).one()
        ada.admin_post(f"/admin/actions/{action.id}/reversal")
        run_job("revert imports")
        assert texts() == []


class TestExport:
    """Everything, as a download."""

    def download(self, ada: Visitor, **fields: str) -> TestResponse:
        form = {"csrf_token": hidden_fields(ada.client.get(PAGE))["csrf_token"], **fields}
        return ada.client.post("/admin/sites/blog/export", data=form, buffered=True)

    def test_lines_that_can_be_imported(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment(email=BOB.email)
        answer = self.download(ada, format="jsonl")
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=blog-")
        records = [json.loads(line) for line in answer.text.splitlines()]
        assert any(record.get("body") == BOB.says for record in records)
        assert BOB.email not in answer.text

    def test_addresses_are_asked_for_and_logged(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment(email=BOB.email)
        assert BOB.email in self.download(ada, format="jsonl", addresses="on").text
        assert "Exported comments with email addresses." in ada.client.get("/admin/log").text

    def test_for_wordpress(self, ada: Visitor, bob: Visitor) -> None:
        bob.comment()
        answer = self.download(ada, format="wxr")
        assert "<wp:comment_content>" in answer.text
        assert ARTICLE.strip("/") in answer.text

    def test_of_no_format(self, ada: Visitor) -> None:
        assert self.download(ada, format="doc").status_code == 404

    def test_only_by_owners(self, hedy: Visitor, rules: Callable[..., None]) -> None:
        assert hedy.admin_post("/admin/sites/other/export", format="jsonl").status_code == 403


class TestFullDisk:
    """It is no fault of the file."""

    def test_an_upload_without_room(self, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        def full() -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(import_runs, "receiving", full)
        answer = send(ada, EXPORT)
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers

    @pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "full"), sqlite_full()])
    def test_a_staging_file_without_room_is_tried_again(
        self, ada: Visitor, monkeypatch: pytest.MonkeyPatch, problem: Exception
    ) -> None:
        send(ada, EXPORT)

        def full(*_: object) -> None:
            raise problem

        with monkeypatch.context() as patch:
            patch.setattr(importing, "stage", full)
            with pytest.raises(type(problem)):
                run_job("import comments")
        db.session.rollback()
        assert run().state == "queued"
