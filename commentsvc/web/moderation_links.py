"""The pages behind moderation links in emails: one button for one decision."""

from flask import Blueprint, render_template

from commentsvc import i18n
from commentsvc.moderation import actions
from commentsvc.moderation.actions import SiteOwner
from commentsvc.notifications import moderation_links
from commentsvc.notifications.moderation_links import ModerationLink
from commentsvc.web import current, security
from commentsvc.web.locked import locked

blueprint = Blueprint("moderation_links", __name__)
blueprint.after_request(security.never_keep)


@blueprint.get("/moderate/<token>")
def show(token: str) -> str:
    """Show the comment and the button; looking decides nothing."""
    return _page(moderation_links.find(token), is_done=False)


@blueprint.post("/moderate/<token>")
def decide(token: str) -> str:
    """Carry out the decision; raises ``ChangedMeanwhile`` if the comment's text has changed."""
    link = moderation_links.find(token)
    with locked(link.comment.id, link.text_version) as comment:
        link = moderation_links.find(token)  # as it is now: its holder may have lost the right
        actions.moderate([comment], link.state, link.moderator or SiteOwner())
    return _page(moderation_links.find(token), is_done=True)


def _page(link: ModerationLink, *, is_done: bool) -> str:
    speaks = link.moderator.language if link.moderator else current.reader_language(link.comment.thread.site)
    i18n.speak(speaks)
    is_changed = link.comment.text_version != link.text_version
    return render_template("subscriptions/moderation_link.html", link=link, is_done=is_done, is_changed=is_changed)
