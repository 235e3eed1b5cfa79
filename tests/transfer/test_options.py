"""What an owner may choose for an import: one site of several, whose comments are mine, copies, broken characters."""

import json
from typing import ClassVar

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.errors import InvalidFields
from commentsvc.models import Comment, Moderator, Revision, Site, Thread, ThreadAlias
from commentsvc.transfer.choices import Choices
from commentsvc.transfer.importing import NoSuchSite
from tests.cast import ADA, BOB
from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import disqus, post, wp, wxr
from tests.visitors import Visitor

PHONE = "2007/05/phone"


def texts() -> list[str]:
    return list(db.session.scalars(select(Comment.body).order_by(*Comment.order())))


def artalk(*rows: tuple[str, str, str]) -> str:
    """An export of several sites: id, site and text."""
    common = {"rid": "0", "created_at": "2007-05-02 18:00:00 +0800", "nick": "Grace", "page_key": "/p/"}
    return json.dumps([common | {"id": id_, "site_name": site, "content": text} for id_, site, text in rows])


class TestSeveralSites:
    """Artalk, Cusdis, Commento, Remark42 and Disqus may hold more than one blog in a file."""

    FILE = artalk(("1", "mine", "of mine"), ("2", "theirs", "of theirs"), ("3", "mine", "of mine, too"))

    def test_they_are_named(self, bring: Bring) -> None:
        report = bring(self.FILE, dry=True)
        assert report.sites == {"mine": 2, "theirs": 1}
        assert any("several sites: 2 mine, 1 theirs" in line for line in report.lines())

    def test_one_of_them(self, bring: Bring) -> None:
        report = bring(self.FILE, only_site="mine")
        assert texts() == ["of mine", "of mine, too"]
        assert report.source == "artalk:mine"
        assert [why for why, _, _ in report.left_out] == [
            ["it belongs to another site in the file: %(site)s", {"site": "theirs"}]
        ]

    def test_one_that_is_not_there(self, bring: Bring) -> None:
        with pytest.raises(NoSuchSite) as refused:
            bring(self.FILE, only_site="ours")
        assert refused.value.values["known"] == "mine, theirs"

    def test_a_file_of_one_names_none(self, bring: Bring) -> None:
        assert bring(disqus(post(1)), dry=True).sites == {}


class TestWhoIsAModerator:
    """Comments of an owner's former address are hers."""

    def test_they_are_marked(self, bring: Bring, moderator: Moderator, bob: Visitor) -> None:
        mine = {"ada@old.example": moderator.id}
        bring(wxr(wp(1, author_email="Ada@Old.example", author="Ada"), wp(2)), mine=mine)
        written_by = list(db.session.scalars(select(Comment.moderator_id).order_by(Comment.created_at)))
        assert written_by == [moderator.id, None]

    def test_who_that_is(self, moderator: Moderator) -> None:
        assert Choices(mine=(f" ada@old.example = {ADA.email} ",)).check().import_options.mine == {
            "ada@old.example": moderator.id
        }

    @pytest.mark.parametrize("line", ["ada@old.example", "ada@old.example=nobody@mail.example", f"ada={ADA.email}"])
    def test_nobody(self, moderator: Moderator, line: str) -> None:
        with pytest.raises(InvalidFields) as refused:
            Choices(mine=(line,)).check()
        assert list(refused.value.fields) == ["mine"]


class TestCopies:
    """The same comment by two routes comes once."""

    def test_a_copy_from_another_system_is_left_out(self, bring: Bring) -> None:
        bring(wxr(wp(1, "The same.", date_gmt="2007-05-02 10:00:01")))
        copy = disqus(
            post(8, "<p>The same.</p>", author="Grace", createdAt="2007-05-02T10:00:01Z"),
            post(9, "<p>A reply.</p>", parent=8),
        )
        report = bring(copy)
        assert report.total == 1
        assert [why for why, _, _ in report.left_out] == ["the same comment is already here from another source"]
        first, reply = db.session.scalars(select(Comment).order_by(Comment.id))
        assert reply.parent_id == first.id, "the reply hangs below what is here"

    def test_it_comes_if_it_is_wanted(self, bring: Bring) -> None:
        bring(wxr(wp(1, "The same.", date_gmt="2007-05-02 10:00:01")))
        assert (
            bring(
                disqus(post(8, "<p>The same.</p>", author="Grace", createdAt="2007-05-02T10:00:01Z")), keeps_copies=True
            ).total
            == 1
        )

    def test_the_same_words_at_another_time_are_no_copy(self, bring: Bring) -> None:
        bring(wxr(wp(1, "The same.")))
        assert bring(disqus(post(8, "<p>The same.</p>", author="Grace", createdAt="2007-05-03T10:00:00Z"))).total == 1

    def test_what_was_written_twice_there_comes_twice(self, bring: Bring) -> None:
        when = "2007-05-02 10:00:01"
        assert bring(wxr(wp(1, "Twice.", date_gmt=when), wp(2, "Twice.", date_gmt=when))).total == 2


class TestBrokenCharacters:
    """UTF-8 that was read as Latin-1 once."""

    @pytest.mark.parametrize("encoding", ["euc_jp", "shift_jis", "gb18030"])
    def test_other_encodings_are_not_taken_for_it(self, bring: Bring, encoding: str) -> None:
        text = "日本語のテスト。漢字かな交じり文のコメントを書きました。".encode(encoding).decode("cp1252", "replace")
        assert bring(wxr(wp(1, text), wp(2, "Caf\ufffd Ã¼ \ufffd")), dry=True).broken == 0

    BROKEN = "Das ist schÃ¶n fÃ¼r uns, sagt â€œGraceâ€\x9d."

    def test_they_are_named_and_repaired_if_wanted(self, bring: Bring) -> None:
        file = wxr(wp(1, self.BROKEN), wp(2, "schön, Ã ist ein Buchstabe"))
        report = bring(file, dry=True)
        assert report.broken == 1
        assert any("--fix-mojibake" in line for line in report.lines())
        repaired = bring(file, repairs_text=True)
        assert texts() == ["Das ist schön für uns, sagt “Grace”.", "schön, Ã ist ein Buchstabe"]
        assert "repaired" in " ".join(repaired.lines())

    def test_one_of_many_is_as_somebody_wrote_it(self, bring: Bring) -> None:
        file = wxr(
            wp(0, "They wrote Ã¼ for ü"), *(wp(number, date_gmt="2007-05-02 10:00:00") for number in range(1, 101))
        )
        assert bring(file, dry=True).broken == 0


def test_an_articles_address_keeps_the_slash_at_its_end(bring: Bring) -> None:
    """Its thread has none in its key, and the blog may answer only with it."""
    bring(wxr(wp(1)))
    thread = Thread.at(Site.named("blog"), "2007/05/phone")
    assert thread is not None
    assert thread.url == "https://blog.example/2007/05/phone/"


class TestFormerAddresses:
    """Where a rule led an article to a new address, the old one finds the thread, too."""

    RULES: ClassVar = {"https://old.example/2007/05/phone/": "https://blog.example/phone"}

    def test_the_old_address_finds_the_thread(self, bring: Bring, bob: Visitor) -> None:
        bring(wxr(wp(1, "First!")), rules=self.RULES)
        assert db.session.scalars(select(Thread.key)).all() == ["phone"]
        assert "First!" in bob.client.get(f"/t/blog/{PHONE}", follow_redirects=True).text

    def test_another_article_there_keeps_it(self, bring: Bring, bob: Visitor) -> None:
        bob.comment(BOB, key=PHONE)
        bring(wxr(wp(1, "First!")), rules=self.RULES)
        assert db.session.scalars(select(ThreadAlias.key)).all() == []


def test_an_export_keeps_former_addresses_and_earlier_texts(bring: Bring, bob: Visitor) -> None:
    first = bob.comment(BOB, body="before")
    db.begin_write()
    db.session.add(Revision(comment_id=first, body="befor"))
    thread = db.session.scalars(select(Thread)).one()
    db.session.add(ThreadAlias(site_id=thread.site_id, key="old/phone", thread_id=thread.id))
    db.session.commit()
    out = exported()
    assert '"aliases": ["old/phone"]' in out
    assert '"revisions": [{"body": "befor"' in out
    bring(out, site="other", origins=["https://blog.example"])
    assert exported(site="other").count('"aliases": ["old/phone"]') == 1
    assert exported(site="other").count('"revisions": [{"body": "befor"') == 1


def test_an_export_of_somebody_else_is_no_more_trusted_than_others(bring: Bring, bob: Visitor) -> None:
    """What it says of languages, keys and earlier texts is looked at like everything else."""
    bob.comment(BOB, body="one")
    head, thread, comment = exported().splitlines()
    said = json.loads(comment) | {"language": '"><script>' * 9, "revisions": [{"body": "a\0b", "replaced_at": "never"}]}
    named = json.loads(thread) | {"aliases": ["x" * 900, "//", "old/\ud800phone", "/Old/Phone/#top"]}
    bring("\n".join([head, json.dumps(named), json.dumps(said)]), site="other", origins=["https://blog.example"])
    there = db.session.scalars(select(Comment).order_by(Comment.id.desc())).first()
    assert there is not None
    assert there.language == "de"
    assert db.session.scalars(select(Revision.body)).one() == "ab"
    assert all(len(key) < 100 for key in db.session.scalars(select(ThreadAlias.key)))
    assert "<script>" not in exported("html", site="other")
