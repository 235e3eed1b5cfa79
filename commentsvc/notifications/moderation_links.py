"""Signed links in emails to moderators: each allows one decision about one comment, as it read when sent."""

from dataclasses import dataclass
from datetime import timedelta

from commentsvc import links, tokens
from commentsvc.db import db
from commentsvc.errors import LinkInvalid
from commentsvc.fields import compared_email
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.subscription import Subscription

PURPOSE = "moderate"
LIFETIME = timedelta(days=14)
STATES = (State.APPROVED, State.SPAM, State.TRASHED)


@dataclass(frozen=True)
class ModerationLink:
    """Who may give which comment which state. ``moderator`` is None for the site's own mailbox."""

    comment: Comment
    state: State
    subscription: Subscription
    text_version: str

    @property
    def moderator(self) -> Moderator | None:
        """The moderator whose link it is."""
        return moderator_of(self.subscription)

    @property
    def is_outdated(self) -> bool:
        """Whether the comment has been edited since the email was sent."""
        return self.comment.text_version != self.text_version

    @property
    def urls(self) -> dict[State, str]:
        """The links to each decision, of the same holder, about the text as it is now."""
        return urls(self.comment, self.subscription)


def urls(comment: Comment, subscription: Subscription) -> dict[State, str]:
    """Return the addresses of the pages with the buttons."""
    return {state: url(comment, state, subscription) for state in STATES}


def url(comment: Comment, state: State, subscription: Subscription) -> str:
    """Return the address of the page with the button."""
    token = tokens.sign(PURPOSE, [comment.id, state, subscription.id, comment.text_version])
    return links.absolute(f"/moderate/{token}")


def find(token: str) -> ModerationLink:
    """Return what a link allows.

    Raises:
        LinkInvalid, LinkExpired: it allows nothing, its comment is gone, or its holder no longer moderates.
    """
    comment_id, state, subscription_id, text_version = tokens.read(PURPOSE, token, LIFETIME)
    comment = db.session.get(Comment, comment_id)
    subscription = db.session.get(Subscription, subscription_id)
    if comment is None or subscription is None or not may_decide(subscription, comment):
        raise LinkInvalid
    return ModerationLink(comment, State(state), subscription, text_version)


def may_decide(subscription: Subscription, comment: Comment) -> bool:
    """Return whether this recipient may decide about comments of the site: its own mailbox, or a moderator."""
    site = comment.thread.site
    if subscription.site_id != site.id:
        return False
    is_owners = compared_email(site.email or "") == subscription.recipient.email
    return is_owners or moderator_of(subscription) is not None


def moderator_of(subscription: Subscription) -> Moderator | None:
    """Return the site's moderator with this recipient's address."""
    found = Moderator.with_email(subscription.recipient.email)
    return found if found and found.moderates(subscription.site_id) else None
