"""Subscribe to every comment of an article without writing one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, make_response, render_template, request

from commentsvc import fields, i18n, throttle
from commentsvc.db import db
from commentsvc.errors import HiddenFieldFilled, InvalidFields, Refusal
from commentsvc.moderation import bans
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.notifications import subscriptions
from commentsvc.threads.articles import Article
from commentsvc.web import current, errors, gate, security, visitor

blueprint = Blueprint("follow", __name__)
blueprint.after_request(security.no_store)


@dataclass(frozen=True)
class FollowForm:
    """What was typed, and what is wrong with it."""

    email: str = ""
    refusal: Refusal | None = None
    errors: Mapping[str, Refusal] = field(default_factory=dict)


@blueprint.get("/follow/<site_key>/")
@blueprint.get("/follow/<site_key>/<key:key>")
def show(site_key: str, key: str = "") -> Response:
    """Show one field and a button."""
    return _page(current.article_for_reader(site_key, key), FollowForm())


@blueprint.post("/follow/<site_key>/")
@blueprint.post("/follow/<site_key>/<key:key>")
def follow(site_key: str, key: str = "") -> Response:
    """Mail a confirmation; the response does not reveal whether the address is known."""
    article = current.article_for_reader(site_key, key)
    site = article.site
    typed = request.form.get("email", "")
    try:
        security.check_origin(site)
        throttle.hit(throttle.FOLLOWS, current.source())
        if request.form.get(gate.HONEYPOT):
            raise HiddenFieldFilled
        email = fields.checked_email(typed)
        person = visitor.known()
        bans.check(site, AuthorIdentity(current.address(), email, visitor=person.hash if person else ""))
        article = article.for_writing()
        subscriptions.follow(article.site, article.own_key, email, i18n.language(), person.hash if person else None)
        db.session.commit()
    except InvalidFields as wrong:
        return _page(article, FollowForm(typed, errors=wrong.fields), wrong.status)
    except Refusal as refusal:
        return errors.set_retry_after(_page(article, FollowForm(typed, refusal), refusal.status), refusal)
    return _page(article, None)


def _page(article: Article, form: FollowForm | None, status: int = 200) -> Response:
    """Render the form, or what happens next."""
    visitor.current()
    title = article.title or article.url
    html = render_template("subscriptions/follow.html", site=article.site, title=title, article=article.url, form=form)
    return make_response(html, status)
