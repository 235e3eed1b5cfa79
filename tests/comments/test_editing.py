"""A writer changes a comment or takes it back: with the token of the API, or on the page with the cookie."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from commentsvc.db import db
from commentsvc.models import Comment, Decision, EmailItem, Revision, Subscription
from commentsvc.web import snapshots
from commentsvc.web.snapshots import Snapshots
from tests.cast import ARTICLE, BLOG, BOB, GRACE, OTHER_BLOG
from tests.post import only, text_of, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor, answer_to, hidden_fields, row


def post_by_api(bob: Visitor, body: str = BOB.says) -> dict[str, str]:
    """A comment posted by a program; the answer."""
    challenge = bob.client.post("/api/v1/challenges", json={"site": "blog", "key": ARTICLE}).json
    assert challenge
    solved = {"token": challenge["token"], "answer": answer_to(challenge["token"])}
    answer = bob.client.post(
        f"/api/v1/threads/blog/{ARTICLE}/comments", json={"author": "Bob", "body": body, "challenge": solved}
    )
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json)  # type: ignore[arg-type]


def by_api(client: FlaskClient, method: str, comment: object, token: str, **options: object) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return client.open(f"/api/v1/comments/{comment}", method=method, headers=headers, **options)


def thread(client: FlaskClient) -> list[dict[str, str]]:
    return list(client.get(f"/api/v1/threads/blog/{ARTICLE}").json["comments"])  # type: ignore[index]


class TestWithTheToken:
    """What the embed and programs do."""

    def test_the_new_text_stands_there_and_the_old_one_is_kept(self, bob: Visitor, client: FlaskClient) -> None:
        posted = post_by_api(bob)
        answer = by_api(client, "PATCH", posted["id"], posted["edit_token"], json={"body": "It _has_ no cord."})
        assert answer.status_code == 200
        assert answer.json
        assert answer.json["body_html"] == "<p>It <u>has</u> no cord.</p>"
        (shown,) = thread(client)
        assert shown["body"] == "It _has_ no cord."
        assert shown["edited_at"]
        assert [old.body for old in db.session.scalars(select(Revision))] == [BOB.says]
        assert "edited" in client.get(f"/embed/blog/{ARTICLE}").text

    @pytest.mark.parametrize("process", ["of this process", "of another"])
    def test_readers_see_it_though_they_read_before(
        self, bob: Visitor, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, process: str
    ) -> None:
        if process == "of another":
            monkeypatch.setattr(Snapshots, "drop", lambda *_: None)
            monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        posted = post_by_api(bob)
        places = (f"/embed/blog/{ARTICLE}", f"/t/blog/{ARTICLE}", "/feed/blog", f"/feed/blog/{ARTICLE}")
        assert all("cord" in client.get(place).text for place in places)
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "A dial"})
        for place in places:
            assert "A dial" in client.get(place).text, place
            assert "cord" not in client.get(place).text, place

    def test_nobody_says_the_same_twice_by_editing(self, bob: Visitor) -> None:
        first, second = post_by_api(bob), post_by_api(bob, "Something else")
        answer = by_api(bob.client, "PATCH", second["id"], second["edit_token"], json={"body": BOB.says})
        assert answer.status_code == 409
        by_api(bob.client, "PATCH", first["id"], first["edit_token"], json={"body": "Now free"})
        answer = by_api(bob.client, "PATCH", second["id"], second["edit_token"], json={"body": BOB.says})
        assert answer.status_code == 200

    def test_too_many_at_a_time(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", comments_per_minute=3)
        posted = post_by_api(bob)
        answers = [
            by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": f"Text {number}"})
            for number in range(3)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["Retry-After"]

    def test_ones_own_approved_comment_is_no_history_for_itself(
        self, bob: Visitor, ada: Visitor, rules: Callable[..., None], client: FlaskClient
    ) -> None:
        rules("blog", moderation="first")
        posted = post_by_api(bob)
        ada.decide(int(posted["id"]), "approval")
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "vile insults"})
        assert thread(client) == []

    def test_moderators_hear_of_each_text_that_is_held(
        self, bob: Visitor, ada: Visitor, rules: Callable[..., None], time: FrozenClock, post_office: MailServer
    ) -> None:
        rules("blog", moderation="all")
        posted = post_by_api(bob)
        ada.decide(int(posted["id"]), "approval")
        time.pass_(seconds=5)
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "vile insults"})
        work(time)
        assert "vile insults" in text_of(only(post_office.messages))
        assert len(db.session.scalars(select(EmailItem)).all()) == 2

    def test_the_log_says_so(self, bob: Visitor, ada: Visitor) -> None:
        posted = post_by_api(bob)
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "Other words"})
        assert "edited by its author" in ada.client.get("/admin/log?of=decisions").text

    def test_the_same_text_is_no_edit(self, bob: Visitor) -> None:
        posted = post_by_api(bob)
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": BOB.says})
        assert row(int(posted["id"])).edited_at is None
        assert not list(db.session.scalars(select(Revision)))

    def test_one_may_read_ones_own_held_text(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        posted = post_by_api(bob)
        answer = by_api(bob.client, "GET", posted["id"], posted["edit_token"])
        assert answer.json
        assert (answer.json["body"], answer.json["state"]) == (BOB.says, "pending")

    def test_what_somebody_answered_stays_as_they_read_it(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        posted = post_by_api(bob)
        visit().comment(GRACE, parent_id=str(posted["id"]))
        changed = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "I never said that."})
        assert changed.status_code == 403
        assert by_api(bob.client, "DELETE", posted["id"], posted["edit_token"]).status_code == 403
        page = bob.client.get(f"/t/blog/{ARTICLE}").text
        assert "I never said that." not in page
        assert "cord" in page
        assert f"/comments/{posted['id']}/revision" not in page

    def test_a_reply_that_was_removed_stops_nobody(
        self, bob: Visitor, visit: Callable[[], Visitor], ada: Visitor
    ) -> None:
        posted = post_by_api(bob)
        visit().comment(GRACE, parent_id=str(posted["id"]))
        reply = db.session.scalars(select(Comment.id).where(Comment.parent_id == int(posted["id"]))).one()
        ada.decide(reply, "trash")
        assert by_api(bob.client, "DELETE", posted["id"], posted["edit_token"]).status_code == 204
        assert row(int(posted["id"])).state == "trashed"
        assert by_api(bob.client, "GET", posted["id"], posted["edit_token"]).status_code == 403

    def test_a_link_added_later_is_judged_like_one_written_at_once(
        self, bob: Visitor, ada: Visitor, client: FlaskClient
    ) -> None:
        posted = post_by_api(bob)
        spam = "https://a.example https://b.example https://c.example"
        answer = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": spam})
        assert answer.json
        assert answer.json["state"] == "pending"
        assert thread(client) == []
        assert "a.example" in ada.client.get("/admin/queue").text

    def test_where_all_are_held_an_edited_one_is_held_again(
        self, bob: Visitor, ada: Visitor, rules: Callable[..., None], client: FlaskClient
    ) -> None:
        rules("blog", moderation="all")
        posted = post_by_api(bob)
        ada.decide(int(posted["id"]), "approval")
        by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "Something else"})
        assert thread(client) == []

    @pytest.mark.parametrize("body", ["", "  \n ", "x" * 20_001])
    def test_what_could_not_be_posted_cannot_be_edited_in(self, bob: Visitor, body: str) -> None:
        posted = post_by_api(bob)
        answer = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": body})
        assert answer.status_code == 422
        assert answer.json
        assert "body" in answer.json["errors"]
        assert row(int(posted["id"])).body == BOB.says

    def test_the_time_ends(self, bob: Visitor, time: FrozenClock) -> None:
        posted = post_by_api(bob)
        assert posted["editable_until"]
        time.pass_(minutes=16)
        answer = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "Too late"})
        assert answer.status_code == 403
        assert answer.json
        assert answer.json["title"] == "This comment can no longer be edited."

    def test_the_owner_says_how_long(self, bob: Visitor, time: FrozenClock, rules: Callable[..., None]) -> None:
        rules("blog", edit_minutes=0)
        posted = post_by_api(bob)
        answer = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "Never"})
        assert answer.status_code == 403

    def test_what_a_moderator_took_away_stays_away(self, bob: Visitor, ada: Visitor) -> None:
        posted = post_by_api(bob)
        ada.decide(int(posted["id"]), "spam")
        answer = by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "Back again"})
        assert answer.status_code == 403
        assert row(int(posted["id"])).state == "spam"

    def test_nobody_elses(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        mine, theirs = post_by_api(bob), post_by_api(visit(), "Another one")
        for token in (theirs["edit_token"], "", "x", mine["edit_token"][:-2]):
            for method in ("GET", "PATCH", "DELETE"):
                answer = by_api(bob.client, method, mine["id"], token, json={"body": "Stolen"})
                assert answer.status_code == 403, (method, token)
        assert row(int(mine["id"])).body == BOB.says

    def test_only_the_sites_pages_may_ask(self, bob: Visitor) -> None:
        posted = post_by_api(bob)
        headers = {"Authorization": f"Bearer {posted['edit_token']}", "Origin": OTHER_BLOG}
        answer = bob.client.patch(f"/api/v1/comments/{posted['id']}", json={"body": "x"}, headers=headers)
        assert answer.status_code == 403
        asks = {"Origin": BLOG, "Access-Control-Request-Method": "PATCH"}
        preflight = bob.client.options(f"/api/v1/comments/{posted['id']}", headers=asks)
        assert preflight.headers["Access-Control-Allow-Origin"] == BLOG
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        asks["Origin"] = OTHER_BLOG
        preflight = bob.client.options(f"/api/v1/comments/{posted['id']}", headers=asks)
        assert "Access-Control-Allow-Origin" not in preflight.headers


class TestOnThePage:
    """Without scripts, by the visitor's cookie."""

    def test_the_writer_finds_the_way_and_others_do_not(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        comment = bob.comment()
        address = f"/comments/{comment}/revision"
        assert address in bob.client.get(f"/t/blog/{ARTICLE}").text
        assert address not in visit().client.get(f"/t/blog/{ARTICLE}").text
        assert visit().client.get(address).status_code == 403

    def test_changing(self, bob: Visitor) -> None:
        comment = bob.comment()
        form = bob.client.get(f"/comments/{comment}/revision")
        assert BOB.says in form.text
        answer = bob.client.post(f"/comments/{comment}/revision", data={"body": "Now *this*"})
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"#comment-{comment}")
        assert "Now <strong>this</strong>" in bob.client.get(f"/t/blog/{ARTICLE}").text

    def test_a_preview_changes_nothing(self, bob: Visitor) -> None:
        comment = bob.comment(BOB, body="a slip of the pen")
        form = {"body": "what I *meant*", "preview": "1"}
        page = bob.client.post(f"/comments/{comment}/revision", data=form)
        assert page.status_code == 200
        assert "what I <strong>meant</strong>" in page.text
        assert ">what I *meant*</textarea>" in page.text
        assert row(comment).body == "a slip of the pen"

    def test_a_mistake_keeps_what_was_typed(self, bob: Visitor) -> None:
        comment = bob.comment()
        answer = bob.client.post(f"/comments/{comment}/revision", data={"body": "y" * 20_001})
        assert answer.status_code == 422
        assert "y" * 20_001 in answer.text
        assert "at most 20000 characters" in answer.text

    def test_taking_back(self, bob: Visitor) -> None:
        comment = bob.comment()
        answer = bob.client.post(f"/comments/{comment}/removal", follow_redirects=True)
        assert "Your comment has been deleted." in answer.text
        assert "cord" not in answer.text

    def test_other_pages_cannot_send_the_forms(self, bob: Visitor) -> None:
        comment = bob.comment()
        for action in ("revision", "removal"):
            answer = bob.client.post(f"/comments/{comment}/{action}", data={"body": "x"}, headers={"Origin": BLOG})
            assert answer.status_code == 403
        assert row(comment).body == BOB.says

    def test_it_speaks_the_readers_language(self, bob: Visitor) -> None:
        comment = bob.comment()
        page = bob.client.get(f"/comments/{comment}/revision", headers={"Accept-Language": "de"})
        assert "Kommentar bearbeiten" in page.text

    def test_and_the_language_that_was_chosen_on_the_page(self, bob: Visitor) -> None:
        comment = bob.comment()
        assert f"/comments/{comment}/revision?lang=de" in bob.client.get(f"/t/blog/{ARTICLE}?lang=de").text


def test_nobody_decides_about_a_text_they_have_not_seen(bob: Visitor, ada: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", moderation="all")
    posted = post_by_api(bob)
    approval, form = _approval(ada)
    by_api(bob.client, "PATCH", posted["id"], posted["edit_token"], json={"body": "BUY PILLS"})
    answer = ada.client.post(approval, data=form)
    assert answer.status_code == 409
    assert "has been edited in the meantime" in answer.text
    assert row(int(posted["id"])).state == "pending"
    approval, form = _approval(ada)
    answer = ada.client.post(approval, data=form)
    assert (answer.status_code, row(int(posted["id"])).state) == (303, "approved")


def _approval(ada: Visitor) -> tuple[str, dict[str, str]]:
    """The address and the fields of the button that approves what waits."""
    page = ada.client.get("/admin/queue")
    found = re.search(r'formaction="([^"]+/approval[^"]*)"', page.text)
    assert found
    return unescape(found[1]), hidden_fields(page)


def test_two_at_once_count_once(bob: Visitor, visit: Callable[[], Visitor]) -> None:
    """A double click on "Delete for good", in two processes."""
    posted = post_by_api(bob)
    clients = [visit().client for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as together:
        answers = list(
            together.map(
                lambda client: by_api(client, "DELETE", posted["id"], posted["edit_token"]).status_code, clients
            )
        )
    assert sorted(answers) == [204] + [403] * 7
    comment = row(int(posted["id"]))
    assert (comment.state, comment.thread.comment_count) == ("trashed", 0)


def test_every_change_is_a_decision_in_the_log(bob: Visitor) -> None:
    comment = bob.comment()
    bob.client.post(f"/comments/{comment}/revision", data={"body": "Now this"})
    bob.client.post(f"/comments/{comment}/removal")
    steps = [
        (one.before, one.after, one.reasons[0]) for one in db.session.scalars(select(Decision).order_by(Decision.id))
    ]
    assert steps == [
        (None, "approved", "passed all checks"),
        ("approved", "approved", "edited by its author"),
        ("approved", "trashed", "deleted by its author"),
    ]


def test_the_token_is_in_no_public_answer(bob: Visitor, client: FlaskClient) -> None:
    posted = post_by_api(bob)
    for path in (f"/t/blog/{ARTICLE}", f"/embed/blog/{ARTICLE}", f"/api/v1/threads/blog/{ARTICLE}", "/feed/blog"):
        text = client.get(path).text
        assert posted["edit_token"] not in text
        assert not re.search("edit_token|data-edit=", text)


def test_who_deleted_a_comment_hears_of_no_replies_and_moderators_see_who_it_was(
    subscribed: int, bob: Visitor, ada: Visitor, visit: Callable[[], Visitor], post_office: MailServer
) -> None:
    """It lies in the trash as deleted by its author; approving it would publish what somebody took back."""
    bob.client.post(f"/comments/{subscribed}/removal")
    assert "deleted by its author" in ada.client.get("/admin/queue?state=trashed").text
    subscriptions = db.session.scalars(select(Subscription).where(Subscription.comment_id == subscribed)).all()
    assert [one.state for one in subscriptions] == ["stopped"]
