"""The links in a moderator's letter: each leads to one button for one decision about one comment."""

from flask import Blueprint, render_template

from commentsvc import i18n
from commentsvc.models.comment import Comment
from commentsvc.moderation import decisions
from commentsvc.notifications import mandates
from commentsvc.notifications.mandates import Mandate
from commentsvc.web import current, deciding, security

blueprint = Blueprint("mandates", __name__)
blueprint.after_request(security.never_keep)


@blueprint.get("/moderate/<token>")
def show(token: str) -> str:
    """The comment and the button; nothing is decided by looking at it."""
    return _page(mandates.find(token), is_done=False)


@blueprint.post("/moderate/<token>")
def decide(token: str) -> str:
    """What the button says; raises ``ChangedMeanwhile`` where the comment says something else by now."""

    def act(comment: Comment) -> None:
        mandate = mandates.find(token)  # as it is now: who held it may have lost it
        decisions.decide(comment, mandate.state, by=mandate.moderator, is_by_owner=mandate.moderator is None)

    mandate = mandates.find(token)
    deciding.decide(mandate.comment.id, mandate.seen_as, act)
    return _page(mandates.find(token), is_done=True)


def _page(mandate: Mandate, *, is_done: bool) -> str:
    speaks = mandate.moderator.language if mandate.moderator else current.reader_language(mandate.comment.thread.site)
    i18n.speak(speaks)
    is_changed = mandate.comment.seen_as != mandate.seen_as
    return render_template("subscriptions/mandate.html", mandate=mandate, is_done=is_done, is_changed=is_changed)
