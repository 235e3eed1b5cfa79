"""Process incoming email: a reader's reply, a moderator's decision, a bounce."""

from collections.abc import Mapping

from sqlalchemy import select

from commentsvc import fields, i18n, links, settings, throttle, tokens
from commentsvc.comments import posting, replying, submission
from commentsvc.comments.posting import CommentAuthor
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal, TooMany
from commentsvc.models.comment import Comment, State
from commentsvc.models.email import Email, EmailKind
from commentsvc.models.subscription import Subscription, SubscriptionState
from commentsvc.moderation import actions, bans
from commentsvc.moderation.actions import SiteMailbox
from commentsvc.moderation.author_identity import AuthorIdentity
from commentsvc.notifications import bounces, enqueue, moderation_links, outbox, return_address, subscriptions
from commentsvc.notifications.incoming import Incoming, Report
from commentsvc.notifications.return_address import Purpose, ReturnAddress
from commentsvc.threads import threads
from commentsvc.threads.articles import Article

MAX_ORDER_LENGTH = 40  # characters
MIN_REPLY = 4  # words of a reply that begins with the word of a decision
# What buttons say, in English and in the moderator's language; and what people write instead, if nothing follows.
COMMANDS = {State.APPROVED: N_("Approve"), State.SPAM: N_("Spam"), State.TRASHED: N_("Trash")}
COMMANDS_WITHOUT_TEXT = {
    State.APPROVED: ("approved", "ok", "yes"),
    State.SPAM: ("junk",),
    State.TRASHED: (N_("Delete"), "remove", "no"),
}


class AnswerTooLate(Refusal):
    """A signed address that has expired, or is about a text that changed."""

    sentence = N_("This reply arrived too late, or the comment has changed since. Please use its page instead.")


class Unsubscribed(Refusal):
    """A reader's reply to an email that they have unsubscribed from."""

    sentence = N_("You have unsubscribed from these emails, so you cannot reply to them. Please use the page instead.")


class FromElsewhere(Refusal):
    """A reply from another address than the one the email went to."""

    sentence = N_(
        "Your reply came from a different address. Please send it from the address that this email was sent to."
    )


class EmailQuoted(Refusal):
    """A reply that contains parts of our email: its links are for its reader alone."""

    sentence = N_("Your reply contains parts of our email. Please send it again without them.")


class UnclearDecision(Refusal):
    """A line that begins like a decision and goes on: published as a reply, it could not be taken back."""

    sentence = N_(
        "This may be a decision or a reply. For a decision, put “approve”, “spam” or “trash” alone on the first line. "
        "A reply needs more words."
    )


class OnlyModeratorsWrite(Refusal):
    """A text from somebody who may decide but has no name here."""

    sentence = N_("Only moderators can reply to this email. Put “approve”, “spam” or “trash” on the first line.")


def process(mail: Incoming) -> str:
    """Process one incoming email and return the outcome. Only our own signed address in it is trusted."""
    to = next(filter(None, map(return_address.read, mail.addresses)), None)
    if mail.report:
        return _note_report(mail, mail.report, to)
    if to is None:
        return "ignored: it went to none of our signed addresses"
    if to.purpose == Purpose.BOUNCE or mail.is_automatic:
        return "ignored: no person wrote it"
    subscription = db.session.get(Subscription, to.first)
    if subscription is None:
        return "ignored: nobody has this address any more"
    try:
        throttle.hit(throttle.MAILS, str(subscription.recipient_id))
    except TooMany:
        return "ignored: too many mails from there"
    with i18n.using_language(subscription.recipient.language):
        return _dispatch(mail, to, subscription)


def _dispatch(mail: Incoming, to: ReturnAddress, subscription: Subscription) -> str:
    comment = Comment.locked(to.second)
    action = _decide if to.purpose == Purpose.MODERATE else _answer
    try:
        if mail.sender != subscription.recipient.email:
            raise FromElsewhere
        if comment is None or to.is_too_old or (to.purpose == Purpose.MODERATE and not to.is_about(comment)):
            raise AnswerTooLate
        mailbox = settings.current().mail_reply_to.partition("@")[0]
        if any(one in mail.reply_text for one in (*outbox.SIGNED_PATHS, f"{mailbox}+{to.purpose}")):
            raise EmailQuoted
        with db.session.begin_nested():
            return action(mail, comment, subscription)
    except Refusal as refusal:
        reason = _plainest(refusal)
        _return_to_sender(mail, subscription, comment, reason, to.purpose)
        return f"refused: {i18n.sentence(reason)}"


def _answer(mail: Incoming, parent: Comment, subscription: Subscription) -> str:
    """Post a reader's reply. It passes the checks that need no browser, and the same policy as any comment."""
    if subscription.state not in (SubscriptionState.ACTIVE, SubscriptionState.PAUSED):
        raise Unsubscribed
    # Whose browser confirmed the address may edit what is written from it; whose browser only asked may not.
    visitor = subscriptions.confirmed_by(subscription.recipient)
    typed = {"author": subscription.name, "email": subscription.recipient.email, "notify": "on"}
    writer = CommentAuthor(visitor=visitor, address_hash=None, language=i18n.language(), has_proved_address=True)
    return _post(mail, parent, typed, writer)


def _decide(mail: Incoming, comment: Comment, subscription: Subscription) -> str:
    """Carry out the decision in a moderator's first line; any other text is a reply that approves the comment."""
    if not moderation_links.may_decide(subscription, comment):
        raise AnswerTooLate
    moderator, state = moderation_links.moderator_of(subscription), _command(mail.reply_text)
    if state is None and not mail.reply_text:
        raise fields.BodyMissing
    if state is None and (moderator is None or not comment.is_discussion):
        raise OnlyModeratorsWrite
    if state is None and _is_unclear(mail.reply_text):
        raise UnclearDecision
    by, decided = moderator or SiteMailbox(), state or State.APPROVED
    actions.check_unchanged(comment, f"{State.PENDING} {comment.text_version}", decided, by)  # as the email said
    if state is not None or moderator is None:
        actions.moderate([comment], decided, by)
        return f"decided: {decided}"
    key = _idempotency_key(mail, comment)
    if key and posting.find_by_idempotency_key(key):
        return "taken before"
    replying.reply_and_approve(comment, mail.reply_text, moderator, key)
    return "replied and approved"


def _command(reply_text: str) -> State | None:
    """Return the decision in the first line, in English or in the moderator's language."""
    first, _, rest = reply_text.partition("\n")
    order = first.strip(" .!*_").casefold()[:MAX_ORDER_LENGTH]
    for state, word in COMMANDS.items():
        known = (word, *(() if rest.strip() else COMMANDS_WITHOUT_TEXT[state]))
        if any(order in (one.casefold(), i18n.gettext(one).casefold()) for one in known):
            return state
    return None


def _is_unclear(reply_text: str) -> bool:
    """Return whether a few words begin with a decision."""
    words = reply_text.split()
    return len(words) < MIN_REPLY and _command(words[0]) is not None


def _post(mail: Incoming, parent: Comment, typed: Mapping[str, str], writer: CommentAuthor) -> str:
    key = _idempotency_key(mail, parent)
    if key and posting.find_by_idempotency_key(key):
        return "taken before"
    thread = parent.thread
    parsed = submission.parse({**typed, "body": mail.reply_text, "parent_id": str(parent.id)})
    limit = throttle.comments_per_minute(thread.site.comments_per_minute)
    throttle.hit(limit, thread.site.key, tokens.keyed_hash("mail", mail.sender))
    bans.check(thread.site, AuthorIdentity("", parsed.email or "", parsed.website or "", parsed.text))
    threads.check_open(thread)
    checked = parsed.checked()
    comment = posting.post_comment(Article(thread.site, thread.key, thread), checked, writer, key)
    return f"posted: {comment.state}"


def _idempotency_key(mail: Incoming, parent: Comment) -> str | None:
    return tokens.keyed_hash("mail", f"{mail.message_id} {parent.id}") if mail.message_id else None


def _note_report(mail: Incoming, report: Report, to: ReturnAddress | None) -> str:
    """Process a bounce or a complaint, found by our signed address or by the email enclosed."""
    email = db.session.get(Email, to.first) if to and to.purpose == Purpose.BOUNCE else _enclosed(mail)
    if email is None or not report.is_failure:
        return "ignored: not about an email of this service, or only about a delay"
    if report.is_complaint:
        bounces.record_complaint(email.recipient, report.reason)
    elif report.is_final:
        bounces.pause_address(email.recipient, report.reason)
    elif report.is_about_address:  # rather than about the email's content, or about us
        bounces.count_bounce(email.recipient, report.reason)
    email.last_answer = report.reason[:500] or email.last_answer
    return "complaint" if report.is_complaint else "bounce"


def _enclosed(mail: Incoming) -> Email | None:
    known = select(Email).where(Email.message_id.in_([one for one in mail.email_ids if one]))
    return db.session.scalars(known).first()


def _return_to_sender(
    mail: Incoming, subscription: Subscription, comment: Comment | None, refusal: Refusal, purpose: Purpose
) -> None:
    """Return the text to its sender, once, with the reason."""
    identity = enqueue.message_id("returned", tokens.keyed_hash("mail", mail.message_id or mail.reply_text))
    if db.session.scalar(select(Email.id).where(Email.message_id == identity)):
        return
    try:
        throttle.hit(throttle.RETURNED, str(subscription.recipient_id))
    except TooMany:  # two programs may be talking
        return
    url = None
    if comment and purpose == Purpose.MODERATE:
        url = links.absolute(f"/admin/comments/{comment.id}")
    elif comment:
        url = links.thread_page(comment.thread.site.key, comment.thread.key)
    facts = {
        "sentence": refusal.sentence,
        "values": dict(refusal.values),
        "body": mail.reply_text[: fields.MAX_BODY_LENGTH],
        "answered": mail.message_id,
        "url": url,
        "is_to_moderator": purpose == Purpose.MODERATE,
    }
    enqueue.add_email(EmailKind.RETURNED, subscription.recipient, facts=facts, own_message_id=identity)


def _plainest(refusal: Refusal) -> Refusal:
    """Return the reason of the first field: it says more than "look at the marked fields"."""
    if isinstance(refusal, InvalidFields):
        return next(iter(refusal.fields.values()))
    return refusal
