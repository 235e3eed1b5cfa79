"""What a person does in the tests: reads the page, solves the picture, posts, signs in."""

import re
from dataclasses import dataclass, field
from html import unescape
from secrets import token_urlsafe
from urllib.parse import unquote

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from commentsvc.captcha import challenge
from commentsvc.db import db
from commentsvc.models import Comment, ModeratorAction
from commentsvc.threads.threads import key_of
from commentsvc.web import gate
from tests.cast import ARTICLE, BOB, Person
from tests.time import FrozenClock

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def answer_to(token: str) -> str:
    """What the picture of a token shows: known only to who has the secret, as the tests do."""
    return challenge.answer_of(challenge._contents(token).nonce)


def digits_of(token: str) -> str:
    """What the sound of a token says; known to the tests alone, too."""
    return challenge.digits_of(challenge._contents(token).nonce)


@dataclass
class Visitor:
    """Somebody at a browser."""

    client: FlaskClient
    time: FrozenClock
    tokens: dict[str, str] = field(
        default_factory=dict
    )  # of forms in the admin pages, by their page: good for the session

    def open_form(self, site: str = "blog", key: str = ARTICLE, query: str = "") -> dict[str, str]:
        """Open the page; the form's hidden fields."""
        return hidden_fields(self.client.get(f"/t/{site}/{key}{query}"))

    def fill(self, person: Person = BOB, site: str = "blog", key: str = ARTICLE, **fields: str) -> dict[str, str]:
        """Open the page, type, and solve the picture, taking as long as a person does; the form as it would be sent."""
        form = self.open_form(site, key)
        form |= {"author": person.name, "email": "", "website": "", "body": person.says}
        form["challenge_answer"] = answer_to(form["challenge_token"])
        self.take_time()
        return form | fields

    def take_time(self) -> None:
        """Be no faster than people are."""
        self.time.pass_(seconds=gate.MAX_WAIT.total_seconds())

    def send(
        self, form: dict[str, str], site: str = "blog", key: str = ARTICLE, endpoint: str = "t", **request: object
    ) -> TestResponse:
        """Send the form to an endpoint: the page (``t``) or ``embed``."""
        return self.client.post(f"/{endpoint}/{site}/{key}", data=form, **request)

    def post(self, person: Person = BOB, site: str = "blog", key: str = ARTICLE, **fields: str) -> TestResponse:
        """Open, type, solve, send."""
        return self.send(self.fill(person, site, key, **fields), site, key)

    def comment(self, person: Person = BOB, site: str = "blog", key: str = ARTICLE, **fields: str) -> int:
        """Post and be sure that it was taken; the comment's id.

        The page is not opened for it, as that is nothing new: the form holds what it would have held.
        """
        form = self._hidden(site, key) | {"author": person.name, "email": "", "website": "", "body": person.says}
        form["challenge_answer"] = answer_to(form["challenge_token"])
        self.take_time()
        answer = self.send(form | fields, site, key)
        assert answer.status_code == 303, answer.text
        return int(answer.headers["Location"].rpartition("#comment-")[2])

    def _hidden(self, site: str, key: str) -> dict[str, str]:
        """What the page hides in its form, with a cookie beside it."""
        with self.client.session_transaction(base_url="https://comments.example") as session:
            identity = session.setdefault("visitor", token_urlsafe(16))
            session.permanent = True
        token = challenge.issue(challenge.scope_of(site, key_of(unquote(key))), identity)
        return {"challenge_token": token, "challenge_asked": "1", "idempotency_key": token_urlsafe(12), "parent_id": ""}

    def sign_in(self, email: str, password: str) -> None:
        """Sign in in the admin pages."""
        answer = self.admin_post("/admin/sign-in", form_at="/admin/sign-in", email=email, password=password)
        assert answer.status_code == 303, answer.text

    def admin_post(self, path: str, form_at: str = "/admin/queue", **fields: str | list[str]) -> TestResponse:
        """Send a form of the admin pages with its token; the page to which it leads is there."""
        answer = self._send_form(path, form_at, **fields)
        if answer.status_code == 303:
            assert self.client.get(answer.headers["Location"]).status_code < 500
        return answer

    def _send_form(self, path: str, form_at: str = "/admin/queue", **fields: str | list[str]) -> TestResponse:
        if form_at not in self.tokens:
            self.tokens[form_at] = hidden_fields(self.client.get(form_at)).get("csrf_token", "")
        return self.client.post(path, data={"csrf_token": self.tokens[form_at], **fields})

    def decide(self, comment: int, resource: str) -> TestResponse:
        """Approve, hold, mark as spam or trash a comment."""
        answer = self._send_form(f"/admin/comments/{comment}/{resource}")
        assert answer.status_code == 303, answer.text
        return answer

    def undo_last(self) -> None:
        """Take the last action back that was not taken back yet."""
        db.session.rollback()
        action = db.session.scalars(
            select(ModeratorAction.id).where(ModeratorAction.undone_at.is_(None)).order_by(ModeratorAction.id.desc())
        ).first()
        answer = self._send_form(f"/admin/actions/{action}/reversal")
        assert answer.status_code == 303, answer.text
        db.session.rollback()


def hidden_fields(page: TestResponse) -> dict[str, str]:
    """Names and values of a page's hidden inputs."""
    return {name: unescape(value) for name, value in HIDDEN.findall(page.text)}


def texts_of(page: TestResponse) -> list[str]:
    """What the comments on a page say, as HTML, in their order."""
    return [
        body.strip()
        for body in re.findall(r'<div class="body e-content" part="body" dir="auto">(.*?)</div>', page.text, re.S)
    ]


def row(comment_id: int) -> Comment:
    """The row of a comment, read anew."""
    db.session.rollback()
    return db.session.get_one(Comment, comment_id)
