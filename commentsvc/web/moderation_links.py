"""The pages behind moderation links in emails: one button for one decision."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import i18n
from commentsvc.comments import undoing
from commentsvc.errors import Withdrawn
from commentsvc.moderation import actions
from commentsvc.moderation.actions import SiteMailbox
from commentsvc.notifications import moderation_links
from commentsvc.notifications.moderation_links import ModerationLink
from commentsvc.web import current, security
from commentsvc.web.locked import locked

blueprint = Blueprint("moderation_links", __name__)
blueprint.after_request(security.no_store)


@blueprint.get("/moderate/<token>")
def show(token: str) -> str:
    """Show the comment and the button; looking decides nothing."""
    link = moderation_links.find(token)
    return _page(token, link, is_done="done" in request.args and link.comment.state == link.state)


@blueprint.post("/moderate/<token>")
def decide(token: str) -> AnyResponse:
    """Carry out the decision; raises ``ChangedMeanwhile`` if the comment's text has changed."""
    link = moderation_links.find(token)
    with locked(link.comment.id, link.text_version) as comment:
        link = moderation_links.find(token)  # as it is now: its holder may have lost the right
        if comment.state != link.state:  # not the same once more
            actions.moderate([comment], link.state, link.moderator or SiteMailbox())
    return redirect(url_for("moderation_links.show", token=token, done=1), code=303)


@blueprint.post("/moderate/<token>/reversal")
def undo(token: str) -> AnyResponse:
    """Take back what was decided through this link, unless somebody decided since."""
    link = moderation_links.find(token)
    with locked(link.comment.id, link.text_version) as comment:
        link = moderation_links.find(token)
        undoing.undo_last(comment, link.state, link.moderator or SiteMailbox())
    return redirect(url_for("moderation_links.show", token=token), code=303)


def _page(token: str, link: ModerationLink, *, is_done: bool) -> str:
    speaks = link.moderator.language if link.moderator else current.reader_language(link.comment.thread.site)
    i18n.set_language(speaks)
    withdrawn = i18n.sentence(Withdrawn())
    return render_template(
        "subscriptions/moderation_link.html", link=link, token=token, is_done=is_done, withdrawn=withdrawn
    )
