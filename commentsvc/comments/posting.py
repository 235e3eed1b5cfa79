"""Post a comment or an accepted linkback."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from commentsvc import clock, links, tokens
from commentsvc.comments.submission import Submission
from commentsvc.db import db
from commentsvc.errors import AlreadyPosted, ChallengeNeeded, ParentUnavailable
from commentsvc.fields import compared_email
from commentsvc.models.comment import Comment, Kind, ResponseKind
from commentsvc.models.moderator import Moderator
from commentsvc.models.revision import Revision
from commentsvc.models.thread import Thread
from commentsvc.moderation import decisions, evidence, policy, second_opinion, training
from commentsvc.moderation.evidence import SubmissionContext
from commentsvc.notifications import subscriptions
from commentsvc.threads import threads
from commentsvc.threads.articles import Article


@dataclass(frozen=True)
class CommentAuthor:
    """What is known about who writes; browser and network address as hashes."""

    visitor: str | None
    address_hash: str | None
    language: str
    moderator: Moderator | None = None
    seconds: float | None = None  # from seeing the form to sending it
    is_unasked: bool = False  # no solved challenge, as nothing required one before the text was known
    is_unsolved: bool = False  # could not solve one
    has_proved_address: bool = False  # answers an email that went there

    @property
    def seed(self) -> str:
        """What the avatar is drawn from: the same for one moderator or visitor, and not traceable."""
        who = compared_email(self.moderator.email) if self.moderator else self.visitor
        return tokens.keyed_hash("avatar", who, length=8) if who else secrets.token_hex(8)


@dataclass(frozen=True)
class Mention:
    """A verified linkback, ready to be shown. A reply may have ``parent_id``."""

    kind: Kind
    source: str
    title: str
    excerpt: str
    excerpt_html: str
    author: str
    response: ResponseKind = ResponseKind.MENTION
    author_url: str | None = None
    published_at: datetime | None = None
    parent_id: int | None = None
    context: SubmissionContext = evidence.ORDINARY


def post_comment(
    article: Article, submission: Submission, writer: CommentAuthor, idempotency_key: str | None = None
) -> Comment:
    """Store a submitted comment in the state that the policy decides.

    Raises:
        ThreadClosed: the thread was closed in the meantime.
        ParentUnavailable: the parent is gone.
        AlreadyPosted: the same text is already there.
        WrongOrigin: the article's address is not on the site.
        ChallengeNeeded: the text looks like spam, and its author was not asked for a solved challenge.
    """
    article_url = threads.article_url(article.site, submission.url)
    article.check_open()
    thread = article.thread or threads.open_thread(article.site, article.key)
    parent = _parent(thread, submission.parent_id)
    comment = Comment(
        thread_id=thread.id,
        thread=thread,
        parent_id=parent.id if parent else None,
        kind=Kind.COMMENT,  # set here, since it is judged before the row is created
        root_id=(parent.root_id or parent.id) if parent else None,
        title=threads.article_title(article.site, submission.title),
        article_url=article_url,
        author=submission.author,
        email=submission.email,
        website=submission.website,
        body=submission.body,
        body_html=submission.body_html,
        body_hash=body_hash(submission.body),
        language=writer.language,
        visitor=writer.visitor,
        address_hash=writer.address_hash,
        seed=writer.seed,
        moderator_id=writer.moderator.id if writer.moderator else None,
        idempotency_key=idempotency_key,
    )
    verdict = judge(comment, SubmissionContext(seconds=writer.seconds, unsolved=writer.is_unsolved))
    if verdict.is_suspicious and writer.is_unasked:
        raise ChallengeNeeded
    comment.state, comment.reasons = verdict.state, list(verdict.reasons)
    _store(comment)
    if comment.email:
        _subscribe(comment, comment.email, submission, has_proved_address=writer.has_proved_address)
    return comment


def _subscribe(comment: Comment, email: str, submission: Submission, *, has_proved_address: bool) -> None:
    site, key = comment.thread.site, comment.thread.key
    # Without a visitor, the comment identifies who asks: one confirmation covers both subscriptions.
    requester = comment.visitor or tokens.keyed_hash("requester", str(comment.id))
    if submission.notify:
        subscriptions.subscribe_to_replies(comment, email, requester, is_confirmed=has_proved_address)
    if submission.follow:
        subscriptions.follow(site, key, email, comment.language, requester, comment.author)


def post_linkback(article: Article, mention: Mention) -> Comment:
    """Store a verified linkback in the state that the policy decides.

    Raises:
        ThreadClosed: the thread was closed in the meantime.
    """
    article.check_open()
    thread = article.thread or threads.open_thread(article.site, article.key)
    parent = _parent_if_there(thread, mention.parent_id)
    comment = Comment(
        thread_id=thread.id,
        thread=thread,
        parent_id=parent.id if parent else None,
        root_id=(parent.root_id or parent.id) if parent else None,
        body_hash=tokens.keyed_hash("body", mention.source),
        language=article.site.language,
        seed=tokens.keyed_hash("avatar", mention.author_url or links.host_of(mention.source), length=8),
        **_columns_of(mention),
        is_discussion=mention.response == ResponseKind.REPLY,
    )
    verdict = judge(comment, mention.context)
    comment.state, comment.reasons = verdict.state, list(verdict.reasons)
    _store(comment)
    return comment


def update_linkback(comment: Comment, mention: Mention, *, was_withdrawn: bool) -> None:
    """Update a linkback from its page, and judge it again if it has changed.

    What we withdrew comes back; what a moderator removed stays removed. A linkback that readers see keeps its place; a
    hidden one may move into the discussion.
    """
    columns = _columns_of(mention)
    is_same = all(getattr(comment, name) == value for name, value in columns.items())
    if is_same and not was_withdrawn:
        return
    if comment.body != mention.excerpt:
        training.unlearn(comment)
        db.session.add(Revision(comment_id=comment.id, body=comment.body))
    for name, value in columns.items():
        setattr(comment, name, value)
    if not comment.is_visible:
        comment.is_discussion = comment.is_discussion or mention.response == ResponseKind.REPLY
    comment.edited_at = clock.now()
    verdict = judge(comment, mention.context)
    decisions.record_edit(comment, verdict, policy.REASON_PAGE_CHANGED)
    if was_withdrawn:
        decisions.decide(comment, verdict.state, by=None, reasons=verdict.reasons)


def _columns_of(mention: Mention) -> dict[str, object]:
    """Return the columns of a linkback that its page determines."""
    return {
        "kind": mention.kind,
        "response": mention.response,
        "author": mention.author,
        "author_url": mention.author_url,
        "website": mention.source,
        "title": mention.title,
        "body": mention.excerpt,
        "body_html": mention.excerpt_html,
        "published_at": mention.published_at,
    }


def judge(comment: Comment, context: SubmissionContext = evidence.ORDINARY) -> policy.Verdict:
    """Return the policy's verdict about a comment as it is now.

    Raises:
        AlreadyPosted: its thread shows the same text, or holds it from the same author.
    """
    known = evidence.gather(comment)
    if known.duplicate is not None and not comment.is_linkback:
        raise AlreadyPosted(known.duplicate)
    if comment.moderator_id is not None:
        return policy.BY_MODERATOR
    return policy.judge(comment.thread, evidence.facts(comment, known, context))


def body_hash(body: str) -> str:
    """Return a hash that ignores spaces and capitals."""
    return tokens.keyed_hash("body", " ".join(body.split()).casefold())


def find_by_idempotency_key(idempotency_key: str) -> Comment | None:
    """Return the comment that the same form already posted: a double click, or a retry after a lost response."""
    comment_id = db.session.scalar(select(Comment.id).where(Comment.idempotency_key == idempotency_key))
    return db.session.get_one(Comment, comment_id) if comment_id else None


def _store(comment: Comment) -> None:
    comment.insert()
    decisions.record_first(comment)
    second_opinion.enqueue(comment)


def _parent(thread: Thread, parent_id: int | None) -> Comment | None:
    if parent_id is None:
        return None
    parent = db.session.get(Comment, parent_id)
    if parent is None or parent.thread_id != thread.id or not parent.is_visible or not parent.is_discussion:
        raise ParentUnavailable
    return parent


def _parent_if_there(thread: Thread, parent_id: int | None) -> Comment | None:
    try:
        return _parent(thread, parent_id)
    except ParentUnavailable:
        return None
