"""Render emails: each kind is a small function that gathers facts, and two templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from commentsvc import i18n, links, paths, settings
from commentsvc.accounts import one_time_links
from commentsvc.characters import isolated
from commentsvc.errors import N_
from commentsvc.markup import plain_text
from commentsvc.markup.render import render_for_email
from commentsvc.models.comment import Comment, ResponseKind, State
from commentsvc.models.email import Email, EmailKind
from commentsvc.models.email_item import EmailItem
from commentsvc.models.moderator import Moderator
from commentsvc.models.recipient import Frequency, Recipient
from commentsvc.models.subscription import Subscription, Topic
from commentsvc.models.thread import Thread
from commentsvc.notifications import enqueue, moderation_links, return_address, subscriptions

EXCERPT = 600  # characters of each comment in an email
IN_A_DIGEST = 300
TO_DECIDE = 2000  # for whoever decides about it
MAX_SUBJECT_LENGTH = 150
MAX_REFERENCES = 12
MAX_LISTED = 20  # comments in one email; further ones are counted
ANSWER_ABOVE = "✂ – – –"  # in any language, a reply ends where this is


@dataclass(frozen=True)
class RenderedEmail:
    """A rendered email. ``references`` are Message-IDs, oldest first.

    ``is_secret`` if only its reader may ever see the text.
    """

    subject: str
    text: str
    html: str
    sender_name: str = ""
    references: tuple[str, ...] = ()
    list_id: str | None = None
    stop_url: str | None = None
    reply_to: str | None = None
    is_secret: bool = False


@dataclass(frozen=True)
class _Plan:
    """The templates to use, their facts, and the headers."""

    template: str
    facts: Mapping[str, Any]
    headers: Mapping[str, Any] = field(default_factory=dict)


def render_email(email: Email) -> RenderedEmail | None:
    """Render an email as things are now; None if nothing is left to report, or nobody wants it."""
    recipient = Recipient.with_email(email.recipient)
    if recipient is None or not (recipient.is_open or email.kind in SENT_DESPITE_BOUNCES):
        return None
    with i18n.using_language(email.language):
        plan = RENDERERS[email.kind](email, recipient)
        if plan is None:
            return None
        facts = {
            "manage_url": None,
            "stop_url": None,
            "why": "",
            "answers": False,
            **plan.facts,
        }
        subject = plain_text.crop(plain_text.fold(_render(f"{plan.template}.subject.txt", facts)), MAX_SUBJECT_LENGTH)
        text = _render(f"{plan.template}.txt", facts)
        html = _render(f"{plan.template}.html", facts | {"subject": subject})
    return RenderedEmail(subject, text.strip() + "\n", html, **plan.headers)


def _confirm(email: Email, _recipient: Recipient) -> _Plan | None:
    """Ask whether emails are wanted; contains nothing that anybody typed."""
    subscription = email.subscription
    if subscription is None or subscription.is_active:
        return None
    stop_url = subscriptions.never_url(subscription)
    facts = {
        "site": subscription.site,
        "confirm_url": subscriptions.confirm_url(subscription, email.facts.get("requester", "")),
        "stop_url": stop_url,
        "why": i18n.gettext("Is someone else using your address?"),
    }
    return _Plan("confirm", facts, {"sender_name": subscription.site.name, "stop_url": stop_url})


def _one_comment(email: Email, recipient: Recipient) -> _Plan | None:
    """Notify somebody of a reply to their comment, or of a new comment in a thread they follow."""
    items = _items_still_relevant(email, State.APPROVED)
    if not items:
        return None
    (item, *_), template = items, "reply" if email.kind == EmailKind.REPLY else "thread"
    comment, subscription, thread = item.comment, item.subscription, item.comment.thread
    stop_url = subscriptions.stop_url([subscription])
    reply_to = return_address.of_replies(subscription, comment) if _may_answer(subscription) else None
    facts = {
        "comment": comment,
        "parent": comment.parent if comment.parent and comment.parent.is_visible else None,
        "thread": thread,
        "why": i18n.gettext(WHY[subscription.topic], site=thread.site.name),
        "comment_url": _url(comment),
        "own_page_url": links.comment(thread.site.key, thread.key, comment.id),
        "stop_url": stop_url,
        "manage_url": subscriptions.manage_url(recipient),
        "answers": reply_to is not None,
    }
    headers = {
        "sender_name": thread.site.name,
        "references": _references(comment, recipient),
        "list_id": f"thread-{thread.id}",
        "stop_url": stop_url,
        "reply_to": reply_to,
    }
    return _Plan(template, facts, headers)


def _digest(email: Email, recipient: Recipient) -> _Plan | None:
    """Report everything since the last digest, by thread."""
    items = _items_still_relevant(email, State.APPROVED)
    if not items:
        return None
    comments, more = _listed(items, lambda one: (one.thread.site.name, one.thread_id, one.id))
    threads = [(thread, list(those)) for thread, those in groupby(comments, key=lambda one: one.thread)]
    sites = {one.comment.thread.site_id: one.comment.thread.site for one in items}
    stop_url = subscriptions.stop_url([item.subscription for item in items])
    names = ", ".join(site.name for site in sites.values())
    facts = {
        "threads": threads,
        "count": len(items),
        "more": more,
        "why": _why_together(recipient, items),
        "site_name": names,
        "stop_url": stop_url,
        "manage_url": subscriptions.manage_url(recipient),
    }
    return _Plan("digest", facts, {"sender_name": names, "list_id": "digest", "stop_url": stop_url})


def _why_together(recipient: Recipient, items: Sequence[EmailItem]) -> str:
    """Return why several comments come in one email: that was asked for, or many were approved at once."""
    if recipient.frequency != Frequency.IMMEDIATE:
        return i18n.gettext("You asked for a digest.")
    reasons = (i18n.gettext(WHY[one.subscription.topic], site=one.comment.thread.site.name) for one in items)
    return " ".join(dict.fromkeys(reasons))


def _held(email: Email, recipient: Recipient) -> _Plan | None:
    """Notify moderators of one pending comment or several."""
    items = _items_still_relevant(email, State.PENDING)
    if not items:
        return None
    subscription = items[0].subscription
    site, one = items[0].comment.thread.site, items[0].comment
    stop_url = subscriptions.stop_url(item.subscription for item in items)
    facts: dict[str, Any] = {
        "site": site,
        "stop_url": stop_url,
        "manage_url": subscriptions.manage_url(recipient),
        "queue_url": links.absolute("/admin/queue"),
        "why": i18n.gettext(WHY[Topic.HELD], site=site.name),
    }
    headers: dict[str, Any] = {"sender_name": site.name, "list_id": f"queue-{site.id}", "stop_url": stop_url}
    if len(items) > 1:
        comments, more = _listed(items, lambda one: one.id)
        facts |= {"comments": comments, "count": len(items), "more": more}
        return _Plan("held_digest", facts, headers)
    may_decide = moderation_links.may_decide(subscription, one)
    reply_to = return_address.of_decisions(subscription, one) if may_decide else None
    facts |= {
        "comment": one,
        "kind": _kind(one),
        "thread": one.thread,
        "queue_url": links.absolute(f"/admin/queue#comment-{one.id}"),
        "actions": moderation_links.urls(one, subscription) if may_decide else {},
        "answers": reply_to is not None,
        "may_write": one.is_discussion and moderation_links.moderator_of(subscription) is not None,
    }
    headers |= {"references": (enqueue.message_id_of_thread(one.thread_id),), "reply_to": reply_to}
    return _Plan("held", facts, headers)


def _sign_in(email: Email, recipient: Recipient) -> _Plan | None:
    """Send a sign-in link, perhaps as an invitation. It is made when the email is sent."""
    moderator = Moderator.with_email(recipient.email)
    if moderator is None:
        return None
    invited_by = email.facts.get("invited_by", "")
    url = one_time_links.invitation_url(moderator) if invited_by else one_time_links.sign_in_url(moderator)
    minutes = int(one_time_links.LIFETIME.total_seconds() // 60)
    blogs = ", ".join(site.name for site in moderator.visible_sites()) or settings.current().host
    facts = {"url": url, "minutes": minutes, "invited_by": invited_by, "blogs": blogs}
    return _Plan("sign_in", facts, {"is_secret": True})


def _personal_data(email: Email, _recipient: Recipient) -> _Plan:
    """Send the link to what is stored about the address."""
    return _Plan("personal_data", {"url": links.absolute(f"/privacy/{email.facts['token']}")}, {"is_secret": True})


def _confirm_address(email: Email, recipient: Recipient) -> _Plan:
    """Ask a moderator to confirm a new address, by a link in it."""
    url = one_time_links.new_address_url(email.facts["moderator"], email.facts["old"], recipient.email)
    return _Plan("confirm_address", {"url": url, "host": settings.current().host}, {"is_secret": True})


def _address_changed(email: Email, recipient: Recipient) -> _Plan:
    """Tell the old and the new address of a moderator that it was changed."""
    facts = {"new": email.facts["new"], "is_old": recipient.email != email.facts["new"]}
    return _Plan("address_changed", facts | {"host": settings.current().host, "url": links.absolute("/admin/account")})


def _test(_email: Email, _recipient: Recipient) -> _Plan:
    """Show the owner that emails arrive."""
    return _Plan("test", {"emails_url": links.absolute("/admin/email")})


def _returned(email: Email, _recipient: Recipient) -> _Plan:
    """Return what somebody sent by email, with the reason why it was not accepted."""
    facts = email.facts
    sentence = i18n.reason([facts["sentence"], facts["values"]] if facts["values"] else facts["sentence"])
    headers = {"references": (facts["answered"],) if facts["answered"] else (), "is_secret": True}
    names = ("body", "url", "is_to_moderator")
    return _Plan("returned", {"sentence": sentence} | {name: facts.get(name) for name in names}, headers)


RENDERERS: Mapping[EmailKind, Callable[[Email, Recipient], _Plan | None]] = {
    EmailKind.CONFIRM: _confirm,
    EmailKind.REPLY: _one_comment,
    EmailKind.THREAD: _one_comment,
    EmailKind.SITE: _one_comment,
    EmailKind.DIGEST: _digest,
    EmailKind.HELD: _held,
    EmailKind.SIGN_IN: _sign_in,
    EmailKind.PERSONAL_DATA: _personal_data,
    EmailKind.CONFIRM_ADDRESS: _confirm_address,
    EmailKind.ADDRESS_CHANGED: _address_changed,
    EmailKind.TEST: _test,
    EmailKind.RETURNED: _returned,
}
WHY = {
    Topic.REPLIES: N_("You asked to be notified of replies."),
    Topic.THREAD: N_("You follow this conversation."),
    Topic.SITE: N_("You are following all comments on %(site)s."),
    Topic.HELD: N_("You moderate comments on %(site)s."),
}
RESPONSES = {
    ResponseKind.REPLY: N_("Reply"),
    ResponseKind.LIKE: N_("Like"),
    ResponseKind.REPOST: N_("Repost"),
    ResponseKind.RSVP_YES: N_("will attend"),
    ResponseKind.RSVP_NO: N_("cannot attend"),
    ResponseKind.RSVP_MAYBE: N_("might attend"),
    ResponseKind.RSVP_INTERESTED: N_("is interested"),
}
SENT_DESPITE_BOUNCES = (
    EmailKind.PERSONAL_DATA,
    EmailKind.SIGN_IN,
    EmailKind.CONFIRM_ADDRESS,
    EmailKind.ADDRESS_CHANGED,
    EmailKind.TEST,
)  # requested by its reader at this moment
NAMES = {
    EmailKind.CONFIRM: N_("Confirmation request"),
    EmailKind.REPLY: N_("Reply"),
    EmailKind.THREAD: N_("New comment"),
    EmailKind.SITE: N_("New comment"),
    EmailKind.DIGEST: N_("Digest"),
    EmailKind.HELD: N_("Comments awaiting approval"),
    EmailKind.SIGN_IN: N_("Sign-in link"),
    EmailKind.PERSONAL_DATA: N_("Your data"),
    EmailKind.CONFIRM_ADDRESS: N_("Confirmation request"),
    EmailKind.ADDRESS_CHANGED: N_("Email address change"),
    EmailKind.TEST: N_("Test email"),
    EmailKind.RETURNED: N_("Your reply could not be posted"),
}


def _items_still_relevant(email: Email, state: State) -> list[EmailItem]:
    """Return the items that are still true and still wanted."""
    return [item for item in email.items if item.comment.state == state and item.subscription.is_active]


def _listed(items: list[EmailItem], order: Callable[[Comment], Any]) -> tuple[list[Comment], int]:
    """Return the first comments in this order, and the number of further ones."""
    comments = sorted((item.comment for item in items), key=order)
    return comments[:MAX_LISTED], max(0, len(comments) - MAX_LISTED)


def _references(comment: Comment, recipient: Recipient) -> tuple[str, ...]:
    """Return the Message-IDs from the thread down to the parent comment (RFC 5322, 3.6.4)."""
    chain: list[str] = []
    ancestor = comment.parent
    while ancestor is not None and len(chain) < MAX_REFERENCES:
        chain.append(enqueue.message_id_of(ancestor.id, recipient.email))
        ancestor = ancestor.parent
    return (enqueue.message_id_of_thread(comment.thread_id), *reversed(chain))


def _may_answer(subscription: Subscription) -> bool:
    """Return whether it is known how this reader signs a reply."""
    return bool(subscription.name) and subscription.is_readers


def _render(name: str, facts: Mapping[str, Any]) -> str:
    return _environment().get_template(f"mail/{name}").render(language=i18n.language(), **facts)


def _comment_html(comment: Comment, most: int = EXCERPT) -> Markup:
    """Return a comment's HTML for an email: marked up, without links and images."""
    text = plain_text.crop(comment.body, most)
    if comment.is_linkback:
        return Markup("<p>{}</p>").format(text)
    return Markup(render_for_email(text))  # noqa: S704 - our own renderer's


def _quoted(text: str) -> str:
    """Return plain text with a quote mark on each line."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _kind(comment: Comment) -> str:
    """Return the kind of a linkback; empty for comments."""
    if not comment.is_linkback:
        return ""
    response = RESPONSES.get(ResponseKind(comment.response)) if comment.response else None
    return " · ".join([comment.kind.capitalize(), *([i18n.gettext(response)] if response else [])])


def _url(comment: Comment) -> str:
    """Return the address of a comment below its article."""
    return links.comment_in_article(comment.thread.url, comment.id)


def _title(thread: Thread) -> str:
    """Return what readers call the article."""
    return thread.title or thread.key or thread.site.name


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(paths.TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(excerpt=plain_text.crop, reason=i18n.reason, comment_html=_comment_html, quoted=_quoted)
    environment.filters.update(isolated=isolated, title_of=_title, url=_url)
    lengths = {"EXCERPT": EXCERPT, "IN_A_DIGEST": IN_A_DIGEST, "TO_DECIDE": TO_DECIDE}
    environment.globals.update(lengths, direction=i18n.direction, ANSWER_ABOVE=ANSWER_ABOVE)
    return environment
