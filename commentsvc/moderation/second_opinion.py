"""Ask an outside checker of spam about what waits, as Akismet's protocol does; it may only move it to the spam.

What is published stays published, whatever a stranger's service says of it, and moderators decide as before. Only the
worker asks: no visitor waits for it. The address a comment came from is not kept, so none is sent.
"""

from dataclasses import dataclass
from datetime import timedelta

from commentsvc import safe_http
from commentsvc.db import db
from commentsvc.errors import N_, PermanentFailure
from commentsvc.models.comment import Comment, State
from commentsvc.models.second_opinion import OpinionState, SecondOpinion
from commentsvc.moderation import decisions

REASON_SPAM = N_("an outside service calls it spam")
LEASE = timedelta(minutes=2)
FIRST_GAP = timedelta(minutes=2)
MAX_TRIES = 6
NOBODY = "0.0.0.0"  # noqa: S104 - the protocol wants an address, and we keep none


@dataclass(frozen=True)
class Question:
    """A claimed question: what to send where, without the database."""

    opinion_id: int
    url: str
    fields: dict[str, str]


def enqueue(comment: Comment) -> None:
    """Have the worker ask about a comment that waits, if its site wants that."""
    if comment.state == State.PENDING and comment.thread.site.akismet_key:
        db.session.add(SecondOpinion(comment_id=comment.id))


def claim() -> Question | None:
    """The question that is due first, leased to the caller."""
    for row in SecondOpinion.claim(1, LEASE):
        return Question(row.id, row.comment.thread.site.akismet_url, _fields(row.comment))
    return None


def perform(question: Question) -> bool:
    """Whether the checker calls it spam; no database, as it may take its time.

    Raises:
        FetchRefused, FetchFailed: it gives no answer, or none of the protocol's.
    """
    page = safe_http.post_form(question.url, question.fields)
    said = page.body[:100].decode("utf-8", "replace").strip()
    if page.status != 200 or said not in ("true", "false"):
        hint = page.headers.get("x-akismet-debug-help", "")
        raise safe_http.FetchFailed(f"status {page.status}: {said} {hint}".strip())
    return said == "true"


def complete(question: Question, is_spam: bool) -> None:
    """Take the answer down, and move the comment if it still waits."""
    row = _locked(question)
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
    """No answer came: again later, six times in all; the comment waits as before."""
    row = _locked(question)
    if row is None:
        return
    row.answer = reason[:300]
    if not row.postpone(FIRST_GAP, MAX_TRIES):
        row.state = OpinionState.FAILED


def give_up(question: Question, failure: PermanentFailure) -> None:
    """The address may be allowed later, so this is no end, either."""
    retry(question, str(failure))


def _locked(question: Question) -> SecondOpinion | None:
    """None where the comment was deleted meanwhile."""
    return db.session.get(SecondOpinion, question.opinion_id, with_for_update={"of": SecondOpinion})


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
