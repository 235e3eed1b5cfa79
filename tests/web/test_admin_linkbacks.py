"""The admin pages's list of linkbacks: what came, what went, why not, and another try."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from commentsvc.comments import posting
from commentsvc.db import db
from commentsvc.models import Announcement, Ping, SentLinkback, Site
from commentsvc.models.comment import Kind
from commentsvc.sites import sites
from commentsvc.threads.articles import Article
from tests.cast import ARTICLE, BLOG
from tests.visitors import Visitor

SOURCE = "https://exchange.example/rotary"


def received(client: FlaskClient, **values: object) -> int:
    client.post(f"/trackback/blog/{ARTICLE}", data={"url": SOURCE})
    db.begin_write()
    ping = db.session.scalars(select(Ping)).one()
    for name, value in values.items():
        setattr(ping, name, value)
    db.session.commit()
    return ping.id


def sent(**values: object) -> int:
    db.begin_write()
    site = Site.named("blog")
    article = Announcement(site_id=site.id, site=site, url=f"{BLOG}/new.html", url_hash="x", state="read")
    db.session.add(article)
    db.session.flush()
    row = SentLinkback(announcement_id=article.id, target="https://friend.example/post", target_hash="x", **values)
    db.session.add(row)
    db.session.commit()
    return row.id


class TestLists:
    """What a moderator reads."""

    def test_both_empty(self, ada: Visitor) -> None:
        page = ada.client.get("/admin/linkbacks").text
        assert "No mentions yet." in page
        assert "Nothing sent yet." in page
        assert "No feed is being watched." in page

    def test_why_something_is_not_shown(self, ada: Visitor, client: FlaskClient) -> None:
        received(client, state="refused", reason="the page does not link to the article")
        page = ada.client.get("/admin/linkbacks").text
        assert SOURCE in page
        assert "refused" in page
        assert "the page does not link to the article" in page

    def test_what_became_of_a_verified_one(self, ada: Visitor, client: FlaskClient) -> None:
        number = received(client, state="verified")
        db.begin_write()
        site = Site.named("blog")
        mention = posting.Mention(Kind.TRACKBACK, SOURCE, "Rotary", "x", "<p>x</p>", "The Exchange")
        site.moderation = "all"
        comment = posting.post_linkback(Article.at(site, ARTICLE), mention)
        db.session.get_one(Ping, number).comment_id = comment.id
        db.session.commit()
        page = ada.client.get("/admin/linkbacks").text
        assert f'<a href="/admin/queue?state=pending#comment-{comment.id}">Pending</a>' in page
        ban = ada.client.get(f"/admin/bans?comment={comment.id}").text
        assert "<bdi>exchange.example</bdi>" in ban
        assert 'value="domain exchange.example" checked' in ban

    def test_what_others_answered(self, ada: Visitor) -> None:
        sent(state="failed", protocol="pingback", answer="fault 17: no link <b>")
        page = ada.client.get("/admin/linkbacks").text
        assert "https://friend.example/post" in page
        assert "fault 17: no link &lt;b&gt;" in page

    def test_feeds_and_articles_in_trouble(self, ada: Visitor) -> None:
        sent()
        db.begin_write()
        sites.watch(Site.named("blog"), f"{BLOG}/feed")
        db.session.scalars(select(Announcement)).one().reason = "the page answers with status 500"
        db.session.commit()
        page = ada.client.get("/admin/linkbacks").text
        assert "Watching the feed of A blog for new articles:" in page
        assert "could not be read: the page answers with status 500" in page

    def test_in_german(self, ada: Visitor) -> None:
        assert "Noch keine Erwähnungen." in ada.client.get("/admin/linkbacks?lang=de").text


class TestAnotherTry:
    """The buttons."""

    def test_looking_again(self, ada: Visitor, client: FlaskClient) -> None:
        number = received(client, state="failed", tries=5)
        answer = ada.admin_post(f"/admin/linkbacks/received/{number}/attempts", form_at="/admin/linkbacks")
        assert answer.status_code == 303
        assert db.session.scalars(select(Ping.state)).one() == "queued"

    def test_telling_again(self, ada: Visitor) -> None:
        number = sent(state="failed", tries=6)
        answer = ada.admin_post(f"/admin/linkbacks/sent/{number}/attempts", form_at="/admin/linkbacks")
        assert answer.status_code == 303
        assert db.session.scalars(select(SentLinkback.state)).one() == "queued"

    @pytest.mark.parametrize("path", ["received", "sent"])
    def test_only_moderators_and_only_what_is_there(
        self, ada: Visitor, client: FlaskClient, visit: Callable[[], Visitor], path: str
    ) -> None:
        sent()
        assert ada.admin_post(f"/admin/linkbacks/{path}/999/attempts", form_at="/admin/linkbacks").status_code == 404
        assert client.get("/admin/linkbacks").status_code == 303
        assert visit().client.post(f"/admin/linkbacks/{path}/1/attempts").status_code in (303, 400, 403)
        assert ada.client.get(f"/admin/linkbacks/{path}/1/attempts").status_code == 405
