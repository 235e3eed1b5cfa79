"""The links in a moderator's letter: each leads to one button for one decision about one comment."""

from flask import Blueprint, render_template

from commentsvc import i18n
from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile
from commentsvc.linkbacks import verifying
from commentsvc.models.comment import Comment
from commentsvc.moderation import decisions
from commentsvc.notifications import mandates
from commentsvc.notifications.mandates import Mandate
from commentsvc.web import current, security, snapshots

blueprint = Blueprint("mandates", __name__)
blueprint.after_request(security.never_keep)


@blueprint.get("/moderate/<token>")
def show(token: str) -> str:
    """The comment and the button; nothing is decided by looking at it."""
    return _page(mandates.find(token), is_done=False)


@blueprint.post("/moderate/<token>")
def decide(token: str) -> str:
    """What the button says; raises ``ChangedMeanwhile`` where the comment says something else by now."""
    db.begin_write()
    mandate = mandates.find(token)
    comment = Comment.locked(mandate.comment.id)
    if comment is None or comment.seen_as != mandate.seen_as:
        raise ChangedMeanwhile
    place = (comment.thread.site_id, comment.thread.key)
    decisions.decide(comment, mandate.state, by=mandate.moderator, is_by_owner=mandate.moderator is None)
    if comment.is_linkback and comment.is_visible:
        verifying.look_soon(comment)
    db.session.commit()
    snapshots.drop(*place)
    return _page(mandates.find(token), is_done=True)


def _page(mandate: Mandate, *, is_done: bool) -> str:
    speaks = mandate.moderator.language if mandate.moderator else current.reader_language(mandate.comment.thread.site)
    i18n.speak(speaks)
    is_changed = mandate.comment.seen_as != mandate.seen_as
    return render_template("subscriptions/mandate.html", mandate=mandate, is_done=is_done, is_changed=is_changed)
