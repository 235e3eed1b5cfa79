"""Invite moderators, change their role or address, remove them: each is logged; who changes an address is emailed."""

from collections.abc import Sequence

from commentsvc import settings, throttle
from commentsvc.accounts import moderators, one_time_links
from commentsvc.models.email import EmailKind
from commentsvc.models.moderator import Badge, Moderator, Role
from commentsvc.models.moderator_action import Verb
from commentsvc.models.recipient import Recipient
from commentsvc.models.site import Site
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Operator
from commentsvc.notifications import enqueue, subscriptions


def add(
    email: str, name: str, role: Role, sites: Sequence[Site], language: str, *, by: Moderator | Operator
) -> Moderator:
    """Add a moderator. Raises ``InvalidFields`` if the address is already a moderator's."""
    added = moderators.add(email, name, role, sites, language)
    _record(Verb.INVITATION, added, by)
    return added


def change(moderator: Moderator, role: Role, sites: Sequence[Site], badge: Badge, by: Moderator) -> None:
    """Change role, sites or badge; raises ``LastOwner``."""
    moderators.change(moderator, role, sites, badge)
    _record(Verb.ROLE, moderator, by)


def remove(moderator: Moderator, by: Moderator | Operator) -> None:
    """Remove a moderator and end their sessions; raises ``LastOwner``."""
    moderators.remove(moderator)
    _record(Verb.DISMISSAL, moderator, by)


def bring_back(moderator: Moderator, by: Moderator) -> None:
    """Undo a removal; they have to sign in again."""
    moderators.bring_back(moderator)
    _record(Verb.RETURN, moderator, by)


def request_email_change(moderator: Moderator, email: str) -> None:
    """Email a link to a new address, which changes it; without a mail server, change it at once.

    Raises:
        InvalidFields: it is another moderator's.
    """
    moderators.check_email(moderator, email)
    if not settings.current().mail_url:
        change_email(moderator, email)
    elif email != moderator.email:
        recipient = Recipient.get_or_create(email, moderator.language)
        facts = {"moderator": moderator.id, "old": moderator.email}
        enqueue.add_email(EmailKind.CONFIRM_ADDRESS, recipient, facts=facts).language = moderator.language


def confirm_email(moderator: Moderator, token: str) -> None:
    """Change the address of a moderator to the one at which they got this link.

    Raises:
        LinkInvalid, LinkExpired: it is not theirs, or no longer.
        InvalidFields: it has become another moderator's.
    """
    change_email(moderator, one_time_links.new_address(token, moderator))


def change_email(moderator: Moderator, email: str) -> None:
    """Change the address that somebody signs in with and gets emails at, and write to the old and the new one.

    Raises:
        InvalidFields: it is another moderator's.
    """
    old = moderator.email
    moderators.change_email(moderator, email)
    if moderator.email == old:
        return
    subscriptions.move_watched(old, moderator.email, moderator.language)
    _record(Verb.EMAIL, moderator, moderator)
    for address in (old, moderator.email):
        recipient = Recipient.get_or_create(address, moderator.language)
        enqueue.add_email(EmailKind.ADDRESS_CHANGED, recipient, facts={"new": moderator.email})


def send_link(moderator: Moderator | None, invited_by: str = "") -> None:
    """Email a link to sign in, unless nobody signs in with the address or enough links are on their way."""
    if moderator is None or not throttle.has_remaining(throttle.LINKS_ASKED_FOR, str(moderator.id)):
        return
    throttle.hit(throttle.LINKS_ASKED_FOR, str(moderator.id))
    recipient = Recipient.get_or_create(moderator.email, moderator.language)
    email = enqueue.add_email(EmailKind.SIGN_IN, recipient, facts={"invited_by": invited_by} if invited_by else None)
    email.language = moderator.language


def _record(verb: Verb, about: Moderator, by: Moderator | Operator) -> None:
    actions.record(verb, by, count=0, undo_data={"person": about.display_name})
