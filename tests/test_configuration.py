"""What moderators and owners decide is kept in memory, and no change of it is ever missed."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update

from commentsvc import clock, configuration
from commentsvc.db import db
from commentsvc.errors import Banned, NotFound, ThreadClosed
from commentsvc.models import Ban, Channel, Configuration, Recipient, Site, Subscription, Thread
from commentsvc.models.ban import BanKind, Bans
from commentsvc.models.channel import ChannelKind
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.threads.articles import Article
from tests.cast import ARTICLE, BLOG, BOB, MALLORY
from tests.visitors import Visitor

BAN = {"kind": BanKind.WORD, "value": "cord", "label": "cord"}
CHANNEL = {"kind": ChannelKind.WEBHOOK, "url": "https://hooks.example/x"}
MAIL = AuthorIdentity(email=MALLORY.email)


def version() -> int:
    """What every process compares."""
    db.session.rollback()
    return db.session.scalars(select(Configuration.version)).one()


def written(*statements: object) -> None:
    """What another process commits: this one is told nothing."""
    db.session.rollback()
    with db.engine.connect().execution_options(writes=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]
        connection.commit()


@pytest.fixture
def recipient(app: Flask) -> Recipient:
    """Somebody with a mailbox."""
    db.begin_write()
    one = Recipient.get_or_create(BOB.email, "en")
    db.session.commit()
    return one


class TestTheVersion:
    """It rises with every change of what is kept, whoever writes and however."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda: update(Site).where(Site.key == "blog").values(captcha="never"),
            lambda: update(Site).where(Site.key == "blog").values(version=Site.version + 1),
            lambda: delete(Site).where(Site.key == "other"),
            lambda: insert(Site).values(key="third", name="Third", origins=[]),
            lambda: insert(Ban).values(**BAN),
            lambda: insert(Channel).values(**CHANNEL),
            lambda: text("UPDATE site SET name = 'Another'"),
        ],
    )
    @pytest.mark.every_value
    def test_rises(self, app: Flask, change: Callable[[], object]) -> None:
        before = version()
        written(change())
        assert version() > before

    def test_rises_when_a_ban_or_a_channel_changes_or_goes(self, app: Flask) -> None:
        written(insert(Ban).values(**BAN), insert(Channel).values(**CHANNEL))
        for change in (
            update(Ban).values(lifted_at=clock.now()),
            update(Channel).values(ended_at=clock.now()),
            delete(Ban),
            delete(Channel),
        ):
            before = version()
            written(change)
            assert version() > before, change

    def test_stays_when_somebody_writes_a_comment(self, bob: Visitor) -> None:
        before = version()
        bob.comment()
        written(update(Site).values(activity_version=Site.activity_version + 1))
        assert version() == before

    def test_rises_with_the_first_subscription_of_a_site_only(self, site: Site, recipient: Recipient) -> None:
        number, whose = site.id, recipient.id
        before = version()
        written(insert(Subscription).values(recipient_id=whose, topic="thread", site_id=number, key="a"))
        first = version()
        written(insert(Subscription).values(recipient_id=whose, topic="thread", site_id=number, key="b"))
        assert before < first == version()
        assert configuration.current().has_subscribers(number)

    def test_rises_if_the_first_two_come_in_one_transaction(self, site: Site, recipient: Recipient) -> None:
        number, whose, before = site.id, recipient.id, version()
        rows = [{"recipient_id": whose, "topic": "thread", "site_id": number, "key": key} for key in ("a", "b")]
        written(insert(Subscription).values(rows))
        assert version() > before
        assert configuration.current().has_subscribers(number)


class TestKept:
    """Its parts come from memory, as they are at the beginning of the transaction."""

    def test_one_small_question_a_transaction(self, app: Flask, questions: list[str]) -> None:
        configuration.current()
        db.session.rollback()
        questions.clear()
        site = configuration.current().site("blog")
        assert site.origins == [BLOG]
        bans.check(site, MAIL)
        assert len(questions) == 1

    def test_a_site_is_one_of_the_session(self, app: Flask) -> None:
        site = configuration.current().site("blog")
        assert site is db.session.scalars(select(Site).where(Site.key == "blog")).one()
        assert site is configuration.current().site_at(BLOG)

    def test_what_this_transaction_changed_is_not_undone(self, app: Flask) -> None:
        db.begin_write()
        site = configuration.current().site("blog")
        site.name = "Renamed"
        assert configuration.current().site("blog").name == "Renamed"
        db.session.commit()
        assert configuration.current().site("blog").name == "Renamed"

    def test_nobody_believes_what_was_rolled_back(self, app: Flask) -> None:
        configuration.current()
        db.begin_write()
        db.session.execute(update(Site).where(Site.key == "blog").values(name="Never"))
        assert configuration.current().version
        db.session.rollback()
        written(update(Site).where(Site.key == "blog").values(name="For good"))
        assert configuration.current().site("blog").name == "For good"

    def test_a_site_that_was_removed_is_none(self, app: Flask) -> None:
        assert configuration.current().site("other")
        written(update(Site).where(Site.key == "other").values(removed_at=clock.now()))
        with pytest.raises(NotFound):
            configuration.current().site("other")

    def test_what_another_process_bans_is_banned(self, site: Site) -> None:
        bans.check(configuration.current().site("blog"), MAIL)
        written(insert(Ban).values(kind=BanKind.EMAIL, value=MALLORY.email, label=""))
        with pytest.raises(Banned):
            bans.check(configuration.current().site("blog"), MAIL)

    def test_a_channel_of_another_blog_hears_nothing_of_this_one(self, site: Site) -> None:
        written(insert(Channel).values(**CHANNEL, site_id=site.id), insert(Channel).values(**CHANNEL))
        here = configuration.current()
        other = here.site("other").id
        assert len(here.channels(here.site("blog").id, ChannelKind.WEBHOOK)) == 2
        assert len(here.channels(other, ChannelKind.WEBHOOK)) == 1
        assert here.channels(other, ChannelKind.PUSH) == []


class TestAnArticle:
    """Its site and its thread in one question, and again when somebody writes."""

    def test_who_closes_a_thread_meanwhile_is_heard(self, bob: Visitor) -> None:
        bob.comment()
        db.session.rollback()
        article = Article.find("blog", ARTICLE)
        article.check_open()
        written(update(Thread).values(access="closed"))
        with pytest.raises(ThreadClosed):
            article.for_writing().check_open()
        db.session.rollback()

    def test_who_changes_a_rule_meanwhile_is_heard(self, bob: Visitor) -> None:
        bob.comment()
        db.session.rollback()
        article = Article.find("blog", ARTICLE)
        assert article.moderation_rule == "none"
        written(update(Site).where(Site.key == "blog").values(moderation="all"))
        assert article.for_writing().moderation_rule == "all"
        db.session.rollback()

    def test_further_comments_change_nothing_of_it(self, bob: Visitor) -> None:
        bob.comment()
        db.session.rollback()
        article = Article.find("blog", ARTICLE)
        written(update(Thread).values(comment_count=7, version=9))
        assert article.for_writing() is article
        db.session.rollback()


class TestBans:
    """Found by what they name."""

    @pytest.mark.usefixtures("app")
    def test_where_and_until_when(self) -> None:
        soon, gone = clock.now().replace(year=2999), clock.now().replace(year=1999)
        found = Bans(
            [
                (BanKind.EMAIL, "a@b.example", 1, None),
                (BanKind.EMAIL, "old@b.example", None, gone),
                (BanKind.NETWORK, "203.0.113.0/24", None, soon),
                (BanKind.NETWORK, "2001:db8::/32", None, None),
                (BanKind.WORD, "cord", 2, None),
            ]
        )
        assert found.network_lengths == {(4, 24), (6, 32)}
        assert found.matches(1, [(BanKind.EMAIL, "a@b.example")])
        assert not found.matches(2, [(BanKind.EMAIL, "a@b.example")])
        assert not found.matches(1, [(BanKind.EMAIL, "old@b.example")])
        assert found.matches(2, AuthorIdentity("203.0.113.9").ban_identifiers(found.network_lengths))
        assert found.matches(2, AuthorIdentity("2001:db8:1::9").ban_identifiers(found.network_lengths))
        assert not found.matches(2, AuthorIdentity("198.51.100.9").ban_identifiers(found.network_lengths))
        assert found.find_word_in(2, "a cord")
        assert not found.find_word_in(1, "a cord")
