"""The command line: what an operator types, and what it says when it cannot."""

import os
import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from commentsvc.app import create_app
from commentsvc.cli import serve
from commentsvc.db import db
from commentsvc.models import Moderator
from tests.cli.conftest import Command
from tests.servers import free_port, mail_server

SERVE = ["serve", "--port", str(free_port())]  # where no other service is in its way


class TestSites:
    """Blogs and their rules."""

    def test_adding_one_shows_the_two_lines(self, command: Command) -> None:
        status, out, _ = command(
            "site", "add", "blog", "https://Blog.example/", "--moderation", "all", "--language", "de"
        )
        assert status == 0
        assert '<script type="module" src="http://localhost:8000/embed.js"></script>' in out
        assert '<comment-thread site="blog">' in out
        status, out, _ = command("site", "list")
        for line in ("blog: blog", "at         https://blog.example", "language   de", "captcha    always"):
            assert line in out

    def test_rules_change(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        assert command("site", "set", "blog", "--captcha", "never", "--hold-links", "9")[0] == 0
        listed = command("site", "list")[1]
        assert "captcha    never" in listed
        assert "moderation first, hold with 9 links" in listed

    def test_a_path_is_said_to_be_left_out(self, command: Command) -> None:
        _, _, err = command("site", "add", "blog", "https://blog.example/blog/")
        assert "only the origin counts: https://blog.example" in err

    def test_a_wrong_key_is_one_sentence(self, command: Command) -> None:
        status, _, err = command("site", "add", "my_blog", "https://blog.example")
        assert status == 2
        assert err.count("\n") == 1

    def test_no_time_is_longer_than_a_date_can_be(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        assert command("site", "set", "blog", "--same-text-hours", "9999999999")[0] == 2

    def test_removing_asks_first(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        assert command("site", "remove", "blog", stdin="n\n")[0] == 1
        assert "blog" in command("site", "list")[1]
        assert command("site", "remove", "blog", "--yes")[0] == 0
        assert command("site", "list")[1] == ""

    @pytest.mark.parametrize(
        ("words", "status", "sentence"),
        [
            (("site", "add", "blog", "blog.example"), 2, "is not a site address. Write"),
            (("site", "add", "b l", "https://b.example"), 2, "letters, digits and hyphens"),
            (("site", "add", "b", "https://b.example", "--language", "xx"), 2, "is not available"),
            (("site", "add", "b", "https://b.example", "--captcha", "perhaps"), 2, "perhaps"),
            (("site", "add", "b"), 2, "Missing argument"),
            (("site", "set", "nobody", "--captcha", "never"), 1, "There is no site nobody"),
            (("site", "set", "nobody"), 2, "Nothing to change"),
            (("nonsense",), 2, "No such command"),
            (("moderator", "add", "nobody"), 2, "is not an email address"),
            (("moderator", "link", "a@b.example"), 1, "is no moderator"),
        ],
    )
    def test_usage_errors_are_answered_in_one_sentence(
        self, command: Command, words: tuple[str, ...], status: int, sentence: str
    ) -> None:
        got, _, err = command(*words)
        assert got == status
        assert sentence in err
        assert "Traceback" not in err

    def test_a_site_is_added_once(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        status, _, err = command("site", "add", "blog", "https://blog.example")
        assert (status, err.count("\n")) == (1, 1)
        assert "There is a site blog already" in err


class TestModerators:
    """Who may sign in."""

    def test_adding_one_shows_a_link(self, command: Command) -> None:
        status, out, _ = command(
            "moderator", "add", "ada@blog.example", "--password-stdin", stdin="analytical engine\n"
        )
        assert status == 0
        assert re.search(r"http://localhost:8000/admin/link/\S+", out)
        assert "ada@blog.example    owner  password" in command("moderator", "list")[1]
        assert "/admin/link/" in command("moderator", "link", "ADA@blog.example")[1]

    def test_weak_passwords_are_refused(self, command: Command) -> None:
        status, _, err = command("moderator", "add", "ada@blog.example", "--password-stdin", stdin="short\n")
        assert status == 1
        assert "at least 10 characters" in err

    def test_removing_one(self, command: Command) -> None:
        command("moderator", "add", "ada@blog.example")
        status, _, err = command("moderator", "remove", "ada@blog.example")
        assert (status, "at least one owner" in err) == (1, True)
        command("moderator", "add", "grace@blog.example")
        assert command("moderator", "remove", "ada@blog.example")[0] == 0
        assert command("moderator", "list")[1] == "grace@blog.example    owner  links only\n"
        assert command("moderator", "link", "ada@blog.example")[0] == 1
        assert command("moderator", "add", "ada@blog.example")[0] == 0

    def test_one_for_a_single_blog(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        assert command("moderator", "add", "hedy@blog.example", "--site", "blog")[0] == 0
        assert command("moderator", "list")[1] == "hedy@blog.example    moderates blog  links only\n"
        assert command("moderator", "add", "eve@blog.example", "--site", "nowhere")[0] == 1


class TestTheCaptchaSheet:
    """For people to look at."""

    def test_it_shows_many_and_says_what_they_are(self, command: Command, tmp_path: Path) -> None:
        status, out, _ = command("captcha-sheet", str(tmp_path / "sheet.png"), "--count", "7")
        assert status == 0
        assert [len(line.split()) for line in out.splitlines()] == [3, 3, 1]
        assert re.fullmatch(r"([ACFHLNPTU369]{6}\s){7}", out)
        drawn = (tmp_path / "sheet.png").read_bytes()
        assert int.from_bytes(drawn[16:20]) == 3 * 348 + 2 * 24
        assert int.from_bytes(drawn[20:24]) == 3 * 198 + 2 * 24

    def test_a_file_that_cannot_be_written(self, command: Command) -> None:
        assert command("captcha-sheet", "/proc/nowhere/sheet.png")[0] in (1, 2)


class TestTheSpamFilter:
    """What it learned can be read and forgotten."""

    def test_lessons_are_read_and_forgotten(self, command: Command) -> None:
        from commentsvc.db import db
        from commentsvc.models import LearnedWord, Site
        from commentsvc.models.learned_word import ALL_TEXTS

        command("site", "add", "blog", "https://blog.example")
        with create_app().app_context():
            db.begin_write()
            site = Site.named("blog")
            for word, spam, ham in ((ALL_TEXTS, 3, 2), ("offer", 3, 0), ("cat, the", 0, 1), ("gone", 0, 0)):
                db.session.add(LearnedWord(site_id=site.id, word=word, spam=spam, ham=ham))
            db.session.commit()
        status, out, _ = command("spam", "export", "--site", "blog")
        assert (status, out) == (0, 'word,spam,approved\noffer,3,0\n"cat, the",0,1\n')
        assert command("spam", "forget", "--site", "blog", stdin="n\n")[0] == 1
        assert "Forgot what 5 comments taught." in command("spam", "forget", "--site", "blog", "--yes")[1]
        assert command("spam", "export", "--site", "blog")[1] == "word,spam,approved\n"

    def test_a_site_that_is_not_there(self, command: Command) -> None:
        assert command("spam", "forget", "--site", "nobody", "--yes")[2].startswith("There is no site nobody")


class TestBans:
    """``ban``."""

    def test_from_the_first_to_the_last(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        status, out, _ = command("ban", "add", "domain", "casino.example", "--site", "blog", "--days", "9", "--trash")
        assert (status, out) == (0, "casino.example is banned (ban 1); comments moved to the trash: 0.\n")
        assert command("ban", "add", "network", "203.0.113.9/24", "--reason", "a pest")[0] == 0
        assert command("ban", "list")[1].splitlines() == [
            "2: network 203.0.113.0/24, all sites, until lifted  a pest",
            "1: domain casino.example, blog, until 2026-12-02",
        ]
        assert command("ban", "lift", "1", "--undo")[1] == (
            "casino.example is banned no longer; comments given back: 0.\n"
        )
        assert "casino" not in command("ban", "list")[1]

    @pytest.mark.parametrize(
        ("words", "status", "says"),
        [
            (("ban", "add", "network", "here"), 1, "a range such as 203.0.113.0/24"),
            (("ban", "add", "mood", "bad"), 2, "mood"),
            (("ban", "add", "word", "casino", "--days", "0"), 2, "0"),
            (("ban", "add", "word", "casino", "--site", "nobody"), 1, "There is no site nobody"),
            (("ban", "lift", "7"), 1, "There is no ban 7"),
            (("ban", "lift", "99999999999999999999"), 2, "99999999999999999999"),
        ],
    )
    def test_what_cannot_be_done_is_said(
        self, command: Command, words: tuple[str, ...], status: int, says: str
    ) -> None:
        done = command(*words)
        assert done[0] == status
        assert says in done[2]


class TestUpkeep:
    """Keeping it well."""

    def test_a_moderator_of_a_german_blog_speaks_german(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example", "--language", "de")
        command("moderator", "add", "ada@blog.example")
        command("moderator", "add", "hedy@blog.example", "--site", "blog")
        command("moderator", "add", "grace@blog.example", "--language", "fr")
        with create_app().app_context():
            spoken = {one.email: one.language for one in db.session.scalars(select(Moderator))}
            db.session.remove()
            db.engine.dispose()
        assert spoken == {"ada@blog.example": "de", "hedy@blog.example": "de", "grace@blog.example": "fr"}

    def test_upgrade_can_be_repeated(self, command: Command) -> None:
        assert command("upgrade")[0] == command("upgrade")[0] == 0

    def test_a_wrong_setting_stops_the_start_with_its_name(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMMENTSVC_BASE_URL", "nonsense")
        for words in (SERVE, ["work"], ["doctor"], ["upgrade"], ["site", "list"]):
            status, _, err = command(*words)
            assert (status, err.count("\n")) == (1, 1)
            assert "COMMENTSVC_BASE_URL" in err

    def test_a_database_that_cannot_be_opened_stops_it_too(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMMENTSVC_DATABASE_URL", "sqlite:////proc/nowhere/x.sqlite3")
        status, _, err = command(*SERVE)
        assert (status, err.count("\n")) == (1, 1)
        assert "/proc/nowhere" in err
        assert "Check COMMENTSVC_DATABASE_URL or, where that is empty, COMMENTSVC_DATA_DIR." in err

    @pytest.mark.parametrize(("host", "shown"), [("0::1", "http://localhost:8000"), ("2001:db8::1", "[2001:db8::1]")])
    def test_an_address_in_version_6_is_printed_as_one_may_open_it(
        self, monkeypatch: pytest.MonkeyPatch, host: str, shown: str
    ) -> None:
        monkeypatch.setattr(os, "environ", environment := dict[str, str]())
        serve.reachable_at(serve.address_of(host, 8000), 8000)
        assert shown in environment["COMMENTSVC_BASE_URL"]

    def test_a_database_server_that_is_not_there_names_the_setting(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMMENTSVC_DATABASE_URL", "postgresql://ada:hidden-word@127.0.0.1:1/comments")
        for words in (SERVE, ["site", "list"], ["upgrade"]):
            status, _, err = command(*words)
            assert (status, err.count("\n")) == (1, 1)
            assert "COMMENTSVC_DATABASE_URL" in err
            assert "ada@127.0.0.1:1/comments" in err
            assert "hidden-word" not in err

    def test_a_database_of_a_newer_version_is_left_alone(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "data" / "commentsvc.sqlite3"
        (tmp_path / "data" / "commentsvc.sqlite3.before-9998").touch()
        with closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
        for words in (SERVE, ["site", "list"], ["upgrade"]):
            status, _, err = command(*words)
            assert (status, err.count("\n")) == (1, 1)
            assert (
                f"made by a newer version of commentsvc. Install that one, or go back to the copy {file}.before-9998."
                in err
            )

    @pytest.mark.parametrize(("name", "said"), [("localhost", "can"), ("no-such-host.invalid", "is no address")])
    def test_names_of_hosts_are_looked_up(self, command: Command, name: str, said: str) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            status, _, err = command("serve", "--host", name, "--port", str(other.getsockname()[1]))
        assert (status, err.count("\n")) == (1, 1)
        assert name in err or "127.0.0.1" in err
        assert said in err or "cannot be used" in err

    def test_rerender_makes_the_html_anew(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        from commentsvc.cli import demo_thread
        from commentsvc.db import db
        from commentsvc.models import Comment, Site

        app = create_app()
        command("upgrade")
        with app.app_context():
            demo_thread.prepare("http://127.0.0.1:8001", "http://127.0.0.1:8002", "ada@blog.example")
            before = db.session.scalars(select(Site.version)).one()
            db.session.remove()
        monkeypatch.setenv("COMMENTSVC_BASE_URL", "https://moved.example")
        status, out, _ = command("rerender")
        assert status == 0
        assert "8 comments rendered." in out
        app = create_app()
        with app.app_context():
            assert 'src="https://moved.example/static/smilies/smile.svg"' in db.session.get_one(Comment, 1).body_html
            assert db.session.scalars(select(Site.version)).one() > before, "feeds are made anew, too"
            db.session.remove()

    def test_doctor_says_what_to_fix(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "data/secret_key").touch(0o600)
        (tmp_path / "data/secret_key").write_text("4f0c1b6e9d2a7385c6e1f49b0d8a2735")
        monkeypatch.setenv("COMMENTSVC_BASE_URL", "http://localhost:1")
        status, out, err = command("doctor")
        assert status == 1
        assert "✓ Database: can be written to (sqlite)" in out
        assert "✗ Address: http://localhost:1 does not answer" in out
        assert "Set COMMENTSVC_MAIL_URL." in out
        assert "✓ Schema: matches version" in out
        assert "✓ Secret: kept in" in out
        assert "✓ Clock: 2026-11-23 12:00 UTC" in out
        assert "✓ Disk:" in out
        assert "– Backups: no daily backups. Set COMMENTSVC_BACKUP_DIR" in out
        assert "✓ Settings: from the environment" in out
        assert "2 of 18 checks" in err

    def test_the_doctor_talks_to_the_mail_server(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        with mail_server() as server:
            monkeypatch.setenv("COMMENTSVC_MAIL_URL", server.url)
            assert "✓ Email: reachable" in command("doctor")[1]
        assert "✗ Email: the server does not accept emails" in command("doctor")[1]

    def test_a_port_in_use_is_named_with_its_option(self, command: Command) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])
            others = ("--port", str(free_port()), "--neighbour-port", str(free_port()))
            for words in (("serve", "--port", port), ("demo", "--blog-port", port, *others)):
                status, _, err = command(*words)
                assert (status, err.count("\n")) == (1, 1)
                assert f"Port {port}" in err
                assert words[1] in err

    def test_the_demo_touches_no_real_database(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        free = [str(free_port()) for _ in range(3)]
        status, _, err = command("demo", "--port", free[0], "--blog-port", free[1], "--neighbour-port", free[2])
        assert status == 1
        assert "does not belong to the demo" in err
        assert command("moderator", "list")[1] == ""

    def test_somebody_is_forgotten(self, command: Command) -> None:
        command("site", "add", "blog", "https://blog.example")
        done = command("forget", "bob@mail.example", "--yes")
        assert done[:2] == (0, "Erased bob@mail.example: 0 comments.\n")
        assert command("forget", "nonsense", "--yes")[0] == 2

    def test_version_and_help(self, command: Command) -> None:
        assert "commentsvc, version" in command("--version")[1]
        for words in ([], ["serve"], ["site", "add"], ["demo"]):
            assert "Usage:" in command(*words, "--help")[1]


def test_read_only_mode_from_the_command_line(command: Command) -> None:
    command("site", "add", "blog", "https://blog.example")
    assert command("read-only", "on", "--why", "Moving.")[1] == "Read-only: Moving.\n"
    status, _, err = command("site", "add", "cats", "https://cats.example")
    assert status == 1
    assert "Nothing can be saved for now: Moving." in err
    assert command("read-only", "off")[0] == 0
    assert command("site", "add", "cats", "https://cats.example")[0] == 0
