"""Comments of other systems come under their articles, once, with date, parent and state; and go again as one."""

import gzip
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from commentsvc.db import db
from commentsvc.models import (
    Comment,
    Decision,
    Email,
    Imported,
    LearnedWord,
    Moderator,
    ModeratorAction,
    Revision,
    Site,
    Subscription,
    Thread,
)
from commentsvc.models.comment import State
from commentsvc.privacy import personal_data
from commentsvc.threads import moving
from commentsvc.transfer import conversion, databases, importing, thread_import
from commentsvc.transfer.opening import NotReadable
from tests.cast import BOB
from tests.jobs import run_job
from tests.transfer import samples
from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import disqus, post, wp, wxr
from tests.visitors import Visitor

KEY = "2007/05/phone"


def rows() -> list[Comment]:
    return list(db.session.scalars(select(Comment).order_by(*Comment.order())))


class TestWordPress:
    """WXR files."""

    def test_each_comment_comes_with_date_parent_and_text(self, bring: Bring, bob: Visitor) -> None:
        report = bring(wxr(wp(2, "I <em>agree</em>,\nreally. :-)", parent=1), wp(1, "First! 2*3*4 and *so* on")))
        first, second = rows()
        assert report.taken == {"approved comments": 2}
        assert (first.body, second.body) == ("First! 2*3*4 and \\*so\\* on", "I _agree_,\nreally. :-)")
        assert second.parent_id == first.id
        assert first.created_at == datetime(2007, 5, 2, 10, 0, 1, tzinfo=UTC)
        assert (first.author, first.email, first.website) == ("Grace", "grace@mail.example", None)
        thread = db.session.scalars(select(Thread)).one()
        assert (thread.key, thread.title, thread.comment_count) == (KEY, "The & phone", 2)
        assert thread.created_at == datetime(2007, 5, 1, 10, tzinfo=UTC)
        page = bob.client.get(f"/t/blog/{KEY}").text
        assert "First! 2*3*4 and *so* on" in page
        assert page.index("First!") < page.index("agree")

    def test_a_second_run_adds_only_what_is_new(self, bring: Bring) -> None:
        bring(wxr(wp(1), wp(2)))
        again = bring(wxr(wp(1), wp(2), wp(3, "new", parent=2)))
        assert (again.total, again.already) == (1, 2)
        assert rows()[-1].parent_id == rows()[1].id
        assert bring(wxr(wp(1), wp(2), wp(3))).total == 0

    def test_what_was_erased_here_does_not_come_back(self, bring: Bring) -> None:
        bring(wxr(wp(1)))
        personal_data.erase("grace@mail.example")
        db.session.commit()
        assert bring(wxr(wp(1))).total == 0
        assert "A text." not in [one.body for one in rows()]

    def test_two_blogs_in_one_do_not_collide(self, bring: Bring) -> None:
        bring(wxr(wp(1)))
        assert bring(wxr(wp(1, "of the other one"), home="https://second.example")).total == 1

    def test_spam_and_the_trash_stay_there_unless_wanted(self, bring: Bring) -> None:
        file = wxr(wp(1, approved="spam"), wp(2, approved="trash"), wp(3, approved="0"), wp(4))
        assert bring(file).taken == {"pending comments": 1, "approved comments": 1}
        assert bring(file, takes_spam=True, takes_deleted=True).taken == {"spam comments": 1, "trashed comments": 1}

    def test_a_reply_to_spam_keeps_its_place(self, bring: Bring, bob: Visitor) -> None:
        bring(wxr(wp(1, "casino", approved="spam"), wp(2, "No casino here", parent=1)))
        placeholder, reply = rows()
        assert (placeholder.state, placeholder.body, placeholder.email) == (State.TRASHED, "", None)
        assert reply.parent_id == placeholder.id
        assert "This comment was removed." in bob.client.get(f"/t/blog/{KEY}").text

    def test_linkbacks_are_linkbacks(self, bring: Bring) -> None:
        ping = {"type": "pingback", "author": "Of phones &laquo; Cat blog", "author_url": "https://cats.example/1"}
        track = {"type": "trackback", "author": "Dogs", "author_url": "https://dogs.example/2"}
        odd = {"type": "pingback", "author_url": "nowhere"}
        report = bring(
            wxr(
                wp(1, "[...] they ring [...]", **ping),
                wp(2, "<strong>Barks</strong>\n\nThey bark.", **track),
                wp(3, **odd),
            )
        )
        pingback, trackback = rows()
        assert (pingback.kind, pingback.title, pingback.author, pingback.body) == (
            *("pingback", "Of phones « Cat blog", "Cat blog", "they ring"),
        )
        assert (trackback.kind, trackback.title, trackback.author, trackback.body) == (
            *("trackback", "Barks", "Dogs", "They bark."),
        )
        assert trackback.website == "https://dogs.example/2"
        assert [count for _, count, _ in report.left_out] == [1]
        assert db.session.scalars(select(Thread.linkback_count)).one() == 2

    def test_dates_that_cannot_be(self, bring: Bring) -> None:
        local = {"date_gmt": "0000-00-00 00:00:00", "date": "2007-05-02 12:00:00"}
        bring(wxr(wp(1, date_gmt="2199-01-01 00:00:00"), wp(2, **local), wp(3, date_gmt="", date="")))
        times = [one.created_at for one in rows()]
        assert times[0] == datetime(2007, 5, 2, 12, tzinfo=UTC)
        assert all(time <= datetime.now(UTC) for time in times)

    def test_drafts_and_unknown_kinds_are_said(self, bring: Bring) -> None:
        report = bring(wxr(wp(1, type="note"), wp(2)))
        assert report.total == 1
        assert bring(wxr(wp(9), status="draft", home="https://b.example"), dry=True).total == 0

    def test_a_cycle_of_replies_is_broken(self, bring: Bring) -> None:
        assert bring(wxr(wp(1, parent=2), wp(2, parent=1), wp(3, parent=99))).total == 3
        assert all(one.root_id is None or one.parent_id is not None for one in rows())

    def test_a_damaged_file_gives_what_it_has(self, bring: Bring) -> None:
        whole = wxr(wp(1, "with a \x0b control"), wp(2), wp(3))
        report = bring(whole)
        assert report.total == 3
        cut = wxr(*(wp(number) for number in range(1, 9)), home="https://cut.example")
        with pytest.raises(NotReadable):
            bring("<!DOCTYPE rss [<!ENTITY a 'aaaa'>]>" + whole.partition("?>")[2], name="wordpress")
        assert bring(cut[: len(cut) // 2], dry=True).left_out


class TestDisqus:
    """XML files, threads after their posts."""

    def test_posts_come_with_their_states(self, bring: Bring) -> None:
        report = bring(
            disqus(
                post(1, '<p>One <a href="https://x.example/a" rel="nofollow">https://x.exa…</a></p><p>two</p>'),
                post(2, parent=1, isApproved="false"),
                post(3, isSpam="true"),
                post(4, isDeleted="true"),
                post(5, parent=4),
            ),
            origins=[samples.OLD],
        )
        assert report.found == {"approved": 2, "pending": 1, "spam": 1, "deleted": 1}
        assert report.taken == {"approved comments": 2, "pending comments": 1}
        assert rows()[0].body == "One https://x.example/a\n\ntwo"
        assert [one.state for one in rows()] == ["approved", "pending", "trashed", "approved"]

    def test_a_deleted_thread_stays_there_with_its_posts(self, bring: Bring) -> None:
        file = disqus(post(1), post(2)).replace(
            "<isDeleted>false</isDeleted></thread>", "<isDeleted>true</isDeleted></thread>"
        )
        report = bring(file, dry=True)
        assert (report.found, report.total) == ({"deleted": 2}, 0)
        assert bring(file, takes_deleted=True).taken == {"trashed comments": 2}

    def test_the_host_with_most_posts_is_the_blog_and_others_are_named(self, bring: Bring) -> None:
        """A Disqus file does not say whose it is."""
        elsewhere = post(3).replace('thread dsq:id="100"', 'thread dsq:id="200"')
        mirror = '<thread dsq:id="200"><id/><link>https://mirror.example/a</link></thread></disqus>'
        report = bring(disqus(post(1), post(2), elsewhere).replace("</disqus>", mirror))
        assert report.home == samples.OLD
        assert report.total == 2
        assert report.elsewhere == {"https://mirror.example": 1}
        assert any("--from https://mirror.example" in line for line in report.lines())

    def test_what_came_from_wordpress_is_not_taken_twice(self, bring: Bring) -> None:
        bring(wxr(wp(42)))
        assert bring(disqus(post(1, own="wp_id=42"), post(2)), origins=[samples.OLD]).total == 1

    def test_a_map_leads_old_addresses_to_new_ones(self, bring: Bring) -> None:
        rules = {
            f"{samples.OLD}/2007/*": "https://blog.example/archive/*",
            "https://old.example/unused": "https://b.example/",
        }
        report = bring(disqus(post(1)), rules=rules)
        assert db.session.scalars(select(Thread.key)).one() == "archive/05/phone"
        assert report.unused_rules == ["https://old.example/unused"]

    @pytest.mark.parametrize(
        "old",
        [
            "http://old.example/café",
            "https://old.example/caf%C3%A9/",
            "HTTP://OLD.EXAMPLE/café",
            "http://old.example:80/café",
            "/café",
            "http://OLD.example/caf*",
            "https://old.example/c*",
            "/ca*",
        ],
    )
    def test_a_map_knows_an_address_in_any_spelling(self, bring: Bring, old: str) -> None:
        new = "https://blog.example/archive/" + ("*" if old.endswith("*") else "x")
        file = disqus(post(1)).replace(f"{samples.OLD}/2007/05/phone/", "http://old.example/café")
        report = bring(file, rules={old: new})
        assert db.session.scalars(select(Thread.key)).one().startswith("archive/")
        assert report.unused_rules == []


class TestIsso:
    """Databases."""

    def test_markdown_and_deleted_ones(self, bring: Bring, tmp_path: Path) -> None:
        report = bring(samples.isso(tmp_path / "comments.db"))
        assert report.taken == {"approved comments": 1, "pending comments": 1}
        told = "\n".join(report.lines())
        assert "1 likes and other votes, left out" in told
        assert "1 deleted comments that have replies, kept as placeholders" in told
        assert "Left out, 1: deleted comments, which were not chosen" in told
        gone, reply, waiting = rows()
        assert (gone.state, gone.body) == (State.TRASHED, "")
        assert (reply.body, reply.website, reply.parent_id) == (
            "With *stars* and `code`",
            "https://bob.example",
            gone.id,
        )
        assert reply.edited_at is not None
        assert (waiting.author, waiting.email, waiting.state) == ("Anonymous", None, State.PENDING)

    def test_two_of_them_are_told_apart_by_a_name(self, bring: Bring, tmp_path: Path) -> None:
        file = samples.isso(tmp_path / "comments.db")
        assert bring(file, source="first").total == 2
        assert bring(file, source="first").total == 0
        assert bring(file, source="second", keeps_copies=True).total == 2

    def test_its_log_is_read_too_and_missed_if_it_is_not_there(self, bring: Bring, tmp_path: Path) -> None:
        """SQLite's newest rows may be in the file that ends in -wal."""
        file = samples.isso(tmp_path / "comments.db")
        running = sqlite3.connect(file)
        running.execute("PRAGMA journal_mode=WAL")
        running.execute("UPDATE comments SET text = 'from the log' WHERE id = (SELECT MAX(id) FROM comments)")
        running.commit()
        copies = [tmp_path / "whole" / "comments.db", tmp_path / "torn" / "comments.db"]
        for copy in copies:
            copy.parent.mkdir()
            shutil.copy(file, copy)
        shutil.copy(f"{file}-wal", f"{copies[0]}-wal")
        running.close()
        whole, torn = (bring(copy, dry=True) for copy in copies)
        assert (whole.notices, len(torn.notices)) == ([], 1)
        assert "from the log" in {row for _, row in _bodies(copies[0])}

    def test_another_database_is_refused(self, bring: Bring, tmp_path: Path) -> None:
        sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE a (b)").connection.close()
        with pytest.raises(NotReadable):
            bring(tmp_path / "x.db")


class TestWhatItLeavesAlone:
    """Nobody hears of it, nothing learns from it, and what is there stays."""

    def test_no_email_no_lesson_no_subscription(self, bring: Bring, ada: Visitor) -> None:
        bring(wxr(wp(1), wp(2, approved="0")))
        for table in (Email, LearnedWord, Subscription):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
        decisions = db.session.scalars(select(Decision)).all()
        assert {one.moderator_id for one in decisions} == {None}
        assert {str(one.reasons[0][1]) for one in decisions} == {"{'source': 'wordpress:https://old.example'}"}

    def test_it_joins_a_thread_that_is_there_in_the_order_of_time(self, bring: Bring, bob: Visitor) -> None:
        bob.comment(BOB, key=KEY)
        report = bring(wxr(wp(1, "of long ago")))
        assert (report.opened, report.joined) == (0, 1)
        page = bob.client.get(f"/t/blog/{KEY}").text
        assert page.index("of long ago") < page.index("Bob</bdi>")

    def test_a_dry_run_writes_nothing_and_says_the_same(self, bring: Bring) -> None:
        file = wxr(wp(1), wp(2, "<table><tr><td>a<td>b</table>"), wp(3, ""))
        dry = bring(file, dry=True)
        assert rows() == []
        assert db.session.scalars(select(ModeratorAction)).all() == []
        real = bring(file)
        assert dry.as_json() | {"dry_run": False} == real.as_json()

    def test_a_dry_run_knows_what_is_here_from_another_source(self, bring: Bring) -> None:
        bring(wxr(wp(1, "The same.")))
        file = disqus(post(8, "<p>The same.</p>", author="Grace", createdAt="2007-05-02T10:00:01Z"), post(9))
        dry = bring(file, origins=[samples.OLD], dry=True)
        assert (dry.total, [why for why, _, _ in dry.left_out]) == (1, [thread_import.A_COPY])
        assert dry.as_json() | {"dry_run": False} == bring(file, origins=[samples.OLD]).as_json()

    def test_a_comment_in_which_nothing_is_seen_stays_there(self, bring: Bring) -> None:
        report = bring(wxr(wp(1, "\u2800\u200b"), wp(2, "seen")))
        assert (report.total, [why for why, _, _ in report.left_out]) == (1, [conversion.NO_TEXT])

    def test_what_our_markup_cannot_say_is_kept_for_moderators(self, bring: Bring) -> None:
        spam = wp(2, "casino", approved="spam")  # whose place is kept, as somebody answered
        bring(wxr(wp(1, "<table><tr><td>a<td>b</table>"), spam, wp(3, "plain", parent=2)))
        assert [one.body for one in db.session.scalars(select(Revision))] == ["<table><tr><td>a<td>b</table>"]

    def test_compressed_files(self, bring: Bring, tmp_path: Path) -> None:
        assert bring(gzip.compress(wxr(wp(1)).encode())).total == 1
        with zipfile.ZipFile(tmp_path / "parts.zip", "w") as archive:
            for number in (2, 3):
                archive.writestr(f"{number}.xml", wxr(wp(number)))
        assert bring(tmp_path / "parts.zip").total == 2

    @pytest.mark.parametrize("nonsense", ["", "hello", "<html><body>", "\x00\x01", '{"a": 1}', "<rss><channel/></rss>"])
    def test_what_is_no_export_is_said_in_one_sentence(self, bring: Bring, nonsense: str) -> None:
        with pytest.raises(NotReadable):
            bring(nonsense)


class TestStrangeFiles:
    """Rows that look right by themselves."""

    def twikoo(self, **fields: object) -> dict[str, object]:
        return {
            "_id": "1",
            "nick": "Zoë",
            "mail": "",
            "mailMd5": "",
            "ua": "",
            "url": "/2007/05/phone/",
            "comment": "A text.",
            **fields,
        }

    def test_different_comments_with_the_same_number_all_come_once(self, bring: Bring) -> None:
        file = json.dumps(
            [
                self.twikoo(comment="first", created=1_178_100_000_000),
                self.twikoo(comment="another", created=1_178_100_001_000),
                self.twikoo(comment="elsewhere", created=1_178_100_000_000, url="/b/"),
                self.twikoo(comment="of another", created=1_178_100_000_000, nick="Linus"),
                self.twikoo(comment="first, edited", created=1_178_100_000_000),
            ]
        )
        report = bring(file)
        assert sorted(one.body for one in rows()) == ["another", "elsewhere", "first", "of another"]
        assert (report.total, report.already) == (4, 1)
        assert (again := bring(file)).total == 0
        assert again.already == 5

    def test_halves_of_emoji_and_nul(self, bring: Bring) -> None:
        strange = self.twikoo(nick="Zo\ud83d", comment="one \ud83d and \u0000 two", _id="\u00001", created=1)
        assert bring(json.dumps([strange])).total == 1
        assert rows()[0].body.split() == ["one", "and", "two"]

    def test_a_reply_to_what_was_moved_elsewhere(self, bring: Bring, bob: Visitor, moderator: Moderator) -> None:
        bring(wxr(wp(1, "moved away")))
        bob.comment(BOB)
        db.begin_write()
        elsewhere = db.session.scalars(select(Thread).where(Thread.key != KEY)).one()
        away = db.session.scalars(select(Comment).where(Comment.body == "moved away")).one()
        moving.move([away], elsewhere, None, moderator)
        db.session.commit()
        bring(wxr(wp(1, "moved away"), wp(2, "a reply", parent=1)))
        reply = db.session.scalars(select(Comment).where(Comment.body == "a reply")).one()
        assert reply.parent_id is None
        assert reply.thread.key == KEY

    def test_a_reply_in_a_thread_with_a_new_address(self, bring: Bring, ada: Visitor) -> None:
        bring(wxr(wp(1, "first")))
        thread = db.session.scalars(select(Thread)).one()
        ada.admin_post(f"/admin/threads/{thread.id}/address", address="/new-address")
        report = bring(wxr(wp(1, "first"), wp(2, "a reply", parent=1)))
        first, reply = rows()
        assert reply.parent_id == first.id
        assert "replies to missing comments, now at the top level" not in +report.changed


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_import, "BATCH_SIZE", {"sqlite": 2, "postgresql": 2})


@pytest.mark.usefixtures("small_batches")
class TestMeanwhile:
    """What others do between two batches."""

    FILE = wxr(*(wp(number, f"number {number}", parent=min(number - 1, 1)) for number in range(1, 7)))

    def once(self, act: Callable[[], None]) -> Callable[[], None]:
        left = [act]
        return lambda: left.pop()() if left else None

    def test_a_comment_with_replies_is_moved(self, bring: Bring, bob: Visitor, moderator: Moderator) -> None:
        bob.comment(BOB)

        def move() -> None:
            db.begin_write()
            elsewhere = db.session.scalars(select(Thread).where(Thread.key != KEY)).one()
            first = db.session.scalars(select(Comment).where(Comment.body == "number 1")).one()
            moving.move([first], elsewhere, None, moderator)
            db.session.commit()

        bring(self.FILE, meanwhile=self.once(move))
        places = {one.id: one for one in rows()}
        for one in places.values():
            assert one.parent_id is None or places[one.parent_id].thread_id == one.thread_id
            assert one.root_id is None or places[one.root_id].thread_id == one.thread_id
        page = bob.client.get(f"/t/blog/{KEY}").text
        assert all(f"number {number}" in page for number in range(3, 7))

    def test_it_is_moved_below_another_one(self, bring: Bring, bob: Visitor, moderator: Moderator) -> None:
        other = bob.comment(BOB, key=KEY)

        def move() -> None:
            db.begin_write()
            first = db.session.scalars(select(Comment).where(Comment.body == "number 1")).one()
            moving.move([first], first.thread, db.session.get_one(Comment, other), moderator)
            db.session.commit()

        bring(self.FILE, meanwhile=self.once(move))
        assert {one.root_id for one in rows() if one.id != other} == {other}

    def test_it_is_undone(self, bring: Bring, ada: Visitor) -> None:
        def undo() -> None:
            action = db.session.scalars(select(ModeratorAction).where(ModeratorAction.verb == "import")).one()
            ada.admin_post(f"/admin/actions/{action.id}/reversal")
            run_job("revert imports")

        with pytest.raises(importing.Cancelled):
            bring(self.FILE, meanwhile=self.once(undo))
        db.session.rollback()
        assert rows() == []

    def test_another_process_imports_the_same(self, bring: Bring) -> None:
        def elsewhere() -> None:
            db.begin_write()
            site = Site.named("blog")
            db.session.add(Imported(site_id=site.id, source="wordpress:https://old.example", key="7/6"))
            db.session.commit()

        with pytest.raises(importing.AlreadyRunning):
            bring(self.FILE, meanwhile=self.once(elsewhere))


class TestCounts:
    """Whatever is in the file is taken, here already, or left out, and named."""

    def elsewhere(self, *posts: str) -> list[str]:
        return [one.replace('<thread dsq:id="100"/>', '<thread dsq:id="9"/>') for one in posts]

    def test_an_article_of_another_blog(self, bring: Bring) -> None:
        foreign = self.elsewhere(post(3), post(4), post(5, isSpam="true"))
        file = disqus(post(1), *foreign).replace("</disqus>", MIRROR + "</disqus>")
        report = bring(file, origins=[samples.OLD])
        counts = {str(why): count for why, count, _ in report.left_out}
        assert sum(report.found.values()) == report.total + sum(counts.values()) == 4

    def test_posts_without_an_article(self, bring: Bring) -> None:
        report = bring(disqus(post(1), *self.elsewhere(post(2), post(3, isSpam="true"))))
        assert sum(report.found.values()) == report.total + sum(count for _, count, _ in report.left_out) == 3

    def test_an_empty_deleted_one_that_nobody_answered(self, bring: Bring) -> None:
        lines = [
            {"version": 1, "users": [], "posts": []},
            *(
                {"id": name, "pid": above, "text": text, "delete": not text, "time": "2020-01-01T00:00:00Z"}
                | {"locator": {"site": "old", "url": f"{samples.OLD}/2007/05/phone/"}, "user": {"name": "Grace"}}
                for name, above, text in (("a", "", ""), ("b", "a", "a reply"), ("c", "", ""))
            ),
            {"id": "d", "text": "of no article", "locator": "?"},
        ]
        report = bring("\n".join(map(json.dumps, [*lines, "a text"])), origins=[samples.OLD], takes_deleted=True)
        assert (report.total, len(rows())) == (1, 2)
        assert sorted((str(why), count) for why, count, _ in report.left_out) == [
            ("it has no text", 1),
            ("its article is not in the file", 1),
            ("the line is not of this format", 1),
        ]


MIRROR = '<thread dsq:id="9"><id/><link>https://mirror.example/x/</link><title>Mirror</title></thread>'


class TestUndo:
    """One action, taken back as one."""

    def undo(self, ada: Visitor) -> None:
        action = db.session.scalars(select(ModeratorAction).where(ModeratorAction.verb == "import")).one()
        ada.admin_post(f"/admin/actions/{action.id}/reversal")
        run_job("revert imports")

    def test_everything_goes_and_may_come_again(self, bring: Bring, ada: Visitor) -> None:
        bring(wxr(wp(1), wp(2, parent=1), wp(3)))
        page = ada.client.get("/admin/log").text
        assert "Imported 3 comments." in page
        self.undo(ada)
        assert rows() == []
        assert db.session.scalars(select(Thread)).all() == []
        assert db.session.scalars(select(Imported)).all() == []
        assert bring(wxr(wp(1))).total == 1

    def test_what_was_erased_stays_erased(self, bring: Bring, ada: Visitor) -> None:
        file = wxr(wp(1, "private"), wp(2, "a reply", parent=1, author="Linus", author_email="linus@mail.example"))
        bring(file)
        personal_data.erase("grace@mail.example")
        self.undo(ada)
        db.session.expire_all()
        assert rows() == []
        bring(file)
        assert [(one.author, one.body) for one in rows()] == [("Linus", "a reply")]

    def test_what_somebody_decided_about_does_not_come_twice(self, bring: Bring, ada: Visitor) -> None:
        file = wxr(wp(1, "decided about"), wp(2, "not"))
        bring(file)
        ada.decide(rows()[0].id, "hold")
        self.undo(ada)
        again = bring(file)
        assert (again.total, again.already) == (1, 1)
        assert sorted(one.body for one in rows()) == ["decided about", "not"]

    def test_replies_that_stay_keep_their_order(self, bring: Bring, ada: Visitor, bob: Visitor) -> None:
        bring(wxr(wp(1), wp(2, parent=1), wp(3, parent=2)))
        reply = bob.comment(BOB, key=KEY, parent_id=str(rows()[-1].id))
        second = bob.comment(BOB, key=KEY, parent_id=str(reply), body="to myself")
        self.undo(ada)
        db.session.expire_all()
        placeholder, *kept = rows()
        assert (placeholder.body, placeholder.parent_id, placeholder.root_id) == ("", None, None)
        assert [(one.id, one.parent_id, one.root_id) for one in kept] == [
            (reply, placeholder.id, placeholder.id),
            (second, reply, placeholder.id),
        ]

    def test_what_people_did_since_stays(self, bring: Bring, ada: Visitor, bob: Visitor) -> None:
        bring(wxr(wp(1, "answered"), wp(2, "decided about"), wp(3, "neither")))
        answered, decided, _ = rows()
        bob.comment(BOB, key=KEY, parent_id=str(answered.id))
        ada.decide(decided.id, "hold")
        self.undo(ada)
        db.session.expire_all()
        assert sorted(one.body for one in rows()) == sorted(["", "decided about", BOB.says])
        assert db.session.scalars(select(Thread.comment_count)).one() == 1


class TestRoundTrip:
    """Out and in again."""

    def test_an_export_comes_back_as_it_was(self, bring: Bring, bob: Visitor, ada: Visitor) -> None:
        first = bob.comment(BOB, body="with *stars*", email=BOB.email)
        bob.comment(BOB, body="a reply", parent_id=str(first))
        ada.decide(bob.comment(BOB, body="pending one", key="another"), "hold")
        out = exported(with_addresses=True).splitlines(keepends=True)
        assert bring("".join(out), site="other", origins=["https://blog.example"]).total == 3
        back = exported(site="other", with_addresses=True).splitlines(keepends=True)
        numbers = {"id", "parent_id", "url", "site", "home", "name"}
        assert [_without(line, numbers) for line in back] == [_without(line, numbers) for line in out]

    def test_what_goes_to_wordpress_says_the_same(self, bring: Bring, bob: Visitor, ada: Visitor) -> None:
        first = bob.comment(
            BOB, body="with *stars*, ]]> and :-)\nin two lines\n\nand two paragraphs https://x.example/a"
        )
        bob.comment(BOB, body="a reply", parent_id=str(first))
        ada.decide(bob.comment(BOB, body="pending one", key="another"), "hold")
        wxr = exported("wxr")
        assert BOB.email not in wxr
        bring(wxr, site="other", origins=["https://blog.example"])
        blog, other = Site.named("blog").id, Site.named("other").id
        said = [(one.site_id, one.author, one.body, one.state, one.created_at.replace(microsecond=0)) for one in rows()]
        there, here = ([rest for site, *rest in said if site == wanted] for wanted in (other, blog))
        assert there == here

    def test_what_goes_to_disqus(self, bob: Visitor, ada: Visitor, bring: Bring) -> None:
        """Every field is there; short texts and what is no comment stay behind; replies keep their parents."""
        first = bob.comment(BOB, body="with *stars*", email=BOB.email)
        bob.comment(BOB, body="a reply", parent_id=str(first))
        bob.comment(BOB, body="ok", key="another")
        ada.decide(bob.comment(BOB, body="spam of the day"), "spam")
        out = exported("disqus")
        assert BOB.email not in out
        assert out.count("<wp:comment>") == 2
        assert out.count("@example.invalid") == 2
        for name in ("content:encoded", "dsq:thread_identifier", "wp:comment_author_IP", "wp:comment_parent"):
            assert f"<{name}>" in out
        assert BOB.email in exported("disqus", with_addresses=True)
        assert bring(out, site="other", origins=["https://blog.example"]).total == 2

    def test_a_page_to_keep(self, bob: Visitor, ada: Visitor) -> None:
        first = bob.comment(BOB, body="with *stars* and <b>tags</b> :-)", email=BOB.email)
        bob.comment(BOB, body="a reply", parent_id=str(first))
        ada.decide(bob.comment(BOB, body="not for everybody"), "hold")
        page = exported("html")
        assert "<strong>stars</strong> and &lt;b&gt;tags&lt;/b&gt; :-)" in page
        assert f'href="#comment-{first}"' in page
        assert "<img" not in page, "it does not depend on this server"
        assert "not for everybody" not in page
        assert BOB.email not in page

    def test_addresses_go_out_only_if_asked_for(self, bob: Visitor) -> None:
        bob.comment(BOB, email=BOB.email)
        assert BOB.email not in exported()


def _bodies(file: Path) -> list[tuple[str, str]]:
    return [
        (table, row.get("text", "")) for table, row in databases.rows_of_file(file, {"comments": frozenset({"text"})})
    ]


def _without(line: str, names: set[str]) -> dict[str, object]:
    return {name: value for name, value in json.loads(line).items() if name not in names}
