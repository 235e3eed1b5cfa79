"""Ask an external spam checker (Akismet's protocol) about pending comments; it can only mark them as spam.

Published comments stay published. A job asks, so no visitor waits. Network addresses are not stored, so none is sent.
"""

from dataclasses import dataclass
from datetime import timedelta

from commentsvc import safe_http
from commentsvc.db import db
from commentsvc.errors import N_, SENDING_INTERRUPTED, PermanentFailure, reason_to_store
from commentsvc.models.comment import Comment, State
from commentsvc.models.second_opinion import OpinionState, SecondOpinion
from commentsvc.moderation import decisions

REASON_SPAM = N_("an external service considers it spam")
LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=2)
MAX_TRIES = 6
NOBODY = "0.0.0.0"  # noqa: S104 - the protocol wants an address, and we keep none


@dataclass(frozen=True)
class Question:
    """A claimed question: where to send what."""

    opinion_id: int
    url: str
    fields: dict[str, str]


def enqueue(comment: Comment) -> None:
    """Enqueue a question about a pending comment, if the site wants that."""
    if comment.state == State.PENDING and comment.thread.site.akismet_key:
        db.session.add(SecondOpinion(comment_id=comment.id))


def claim() -> Question | None:
    """Lease the question that is due next."""
    for row in SecondOpinion.claim(1, LEASE):
        question = Question(row.id, row.comment.thread.site.akismet_url, _fields(row.comment))
        if row.tries < MAX_TRIES:
            return question
        retry(question, SENDING_INTERRUPTED)
    return None


def perform(question: Question) -> bool:
    """Ask whether it is spam.

    Raises:
        FetchRefused, FetchFailed: no answer, or none of the protocol's.
    """
    page = safe_http.post_form(question.url, question.fields)
    answer = page.body[:100].decode("utf-8", "replace").strip()
    if page.status != 200 or answer not in ("true", "false"):
        hint = page.headers.get("x-akismet-debug-help", "")
        raise safe_http.FetchFailed(f"status {page.status}: {answer} {hint}".strip())
    return answer == "true"


def complete(question: Question, is_spam: bool) -> None:
    """Store the answer, and mark the comment as spam if it is still pending."""
    row = db.locked(SecondOpinion, question.opinion_id)
    comment = Comment.locked(row.comment_id) if row else None
    if row is None or comment is None:
        return
    row.answer, row.leased_until = "true" if is_spam else "false", None
    if comment.state != State.PENDING:
        row.state = OpinionState.MOOT
        return
    row.state = OpinionState.SPAM if is_spam else OpinionState.HAM
    if is_spam:
        comment.reasons = [*comment.reasons, REASON_SPAM]
        decisions.decide(comment, State.SPAM, by=None, reasons=[REASON_SPAM])


def retry(question: Question, reason: str) -> None:
    """Try again later, six times in all; the comment stays pending."""
    row = db.locked(SecondOpinion, question.opinion_id)
    if row is None:
        return
    row.answer = reason
    if not row.postpone(FIRST_GAP, MAX_TRIES):
        row.state = OpinionState.FAILED


def give_up(question: Question, failure: PermanentFailure) -> None:
    """Retry as well: the address may be allowed later."""
    retry(question, reason_to_store(failure))


def _fields(comment: Comment) -> dict[str, str]:
    site = comment.thread.site
    return {
        "api_key": site.akismet_key,
        "blog": site.home,
        "user_ip": NOBODY,
        "permalink": comment.thread.url,
        "comment_type": "comment" if not comment.is_linkback else str(comment.kind),
        "comment_author": comment.author,
        "comment_author_email": comment.email or "",
        "comment_author_url": comment.website or "",
        "comment_content": comment.body,
        "comment_date_gmt": comment.created_at.isoformat(timespec="seconds"),
        "blog_lang": site.language,
        "blog_charset": "UTF-8",
    }
