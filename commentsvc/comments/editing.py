"""Edit or delete a comment: its author for as long as the site allows, a moderator at any time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from commentsvc import clock, content_versions, fields, tokens
from commentsvc.comments import posting
from commentsvc.comments.submission import Submission
from commentsvc.db import db, unindexed
from commentsvc.errors import LinkInvalid, NoLongerEditable, NotYours, or_404
from commentsvc.models.comment import REASON_TAKEN_BACK, Comment, State
from commentsvc.models.decision import is_pending_for_author
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.revision import Revision
from commentsvc.models.thread import Access, Thread
from commentsvc.moderation import actions, decisions, training
from commentsvc.notifications import subscriptions

PURPOSE = "edit"
MAX_WINDOW = timedelta(days=1)
MAX_EDITABLE = 50  # newest comments of a visitor that are considered
TYPED = ("author", "website", "body")


def edit_token(comment: Comment) -> str:
    """Return what the author's browser keeps to prove authorship later."""
    return tokens.sign(PURPOSE, comment.id)


def editable_until(comment: Comment) -> datetime:
    """Return until when the author may edit a comment."""
    return comment.created_at + timedelta(minutes=comment.thread.site.edit_minutes)


def is_editable(comment: Comment) -> bool:
    """Return whether the author may still edit or delete it: for some time, and until somebody replies."""
    is_over = clock.now() >= editable_until(comment) or comment.thread.access == Access.READ_ONLY
    if comment.is_linkback or is_over or not (comment.is_visible or is_pending_for_author(comment)):
        return False
    reply = select(Comment.id).where(Comment.parent_id == comment.id, Comment.state == State.APPROVED).limit(1)
    return db.session.scalar(reply) is None


def own_by_token(comment_id: int, token: str) -> Comment:
    """Return the comment whose author holds ``token``.

    Raises:
        NotFound: there is no such comment.
        NotYours: the token is invalid, or another comment's.
        NoLongerEditable: too late, or somebody has replied.
    """
    try:
        if tokens.read(PURPOSE, token, MAX_WINDOW) != comment_id:
            raise NotYours
    except LinkInvalid:
        raise NotYours from None
    return _check_editable(db.session.get(Comment, comment_id))


def own_by_visitor(comment_id: int, visitor: str) -> Comment:
    """Return the visitor's comment; raises what ``own_by_token`` does."""
    comment = db.session.get(Comment, comment_id)
    if comment is not None and comment.visitor != visitor:
        raise NotYours
    return _check_editable(comment)


def _check_editable(comment: Comment | None) -> Comment:
    if not is_editable(or_404(comment)):
        raise NoLongerEditable
    return or_404(comment)


def editable_of(thread: Thread | None, visitor: str) -> set[int]:
    """Return ids of this visitor's comments in the thread that they may still edit."""
    if thread is None or not thread.site.edit_minutes:
        return set()
    longest_ago = clock.now() - MAX_WINDOW
    newest = select(Comment.id).where(Comment.visitor == visitor).order_by(Comment.id.desc()).limit(MAX_EDITABLE)
    conditions = (unindexed(Comment.thread_id) == thread.id, Comment.created_at > longest_ago)
    mine = select(Comment).where(Comment.id.in_(select(newest.subquery().c.id)), *conditions)
    return {comment.id for comment in db.session.scalars(mine) if is_editable(comment)}


def edit_as_author(comment: Comment, typed: str) -> None:
    """Give a comment a new text; the old one is kept for moderators.

    The new text is judged like a new comment: it is held if the policy would hold it. It may be edited in a thread that
    has closed since, but not in a read-only one.

    Raises:
        InvalidFields: the text is empty or too long.
        NotUnderstood: it is not text.
        AlreadyPosted: another comment says the same.
    """
    body, body_html = fields.checked_body(typed)
    if body == comment.body:
        return
    _replace_body(comment, body, body_html)
    decisions.record_edit(comment, posting.judge(comment))


def delete_own(comment: Comment) -> None:
    """Delete a comment as its author wishes. Replies stay; the author gets no more emails about them.

    Moderators see it in the trash for as long as the site keeps that, and who deleted it.
    """
    decisions.decide(comment, State.TRASHED, by=None, reasons=[REASON_TAKEN_BACK])
    comment.reasons = [REASON_TAKEN_BACK]
    subscriptions.stop_about(comment)


def edit_as_moderator(comment: Comment, new: Submission, by: Moderator) -> ModeratorAction:
    """Give a comment another name, website or text, as a moderator; nothing is judged again."""
    undo_data: dict[str, Any] = {name: getattr(comment, name) for name in TYPED} | {"edited_at": comment.text_version}
    training.unlearn(comment)
    if new.body != comment.body:
        undo_data["revision"] = _replace_body(comment, new.body, new.body_html)
    comment.author, comment.website = new.author, new.website
    if comment.is_visible:
        content_versions.bump_thread(comment.thread)
    undo_data["after"] = _snapshot_fields(comment)
    return actions.record(Verb.TEXT, by, site=comment.thread.site_id, comment=comment, undo_data=undo_data)


def undo_rewriting(action: ModeratorAction) -> list[Comment]:
    """Restore what a moderator changed, unless it was changed again since."""
    comment, undo_data = Comment.locked(action.comment_id or 0), action.undo_data
    if comment is None or _snapshot_fields(comment) != undo_data["after"]:
        return []
    training.unlearn(comment)
    comment.author, comment.website = undo_data["author"], undo_data["website"]
    if revision := db.session.get(Revision, undo_data.get("revision") or 0):
        db.session.delete(revision)
        comment.body, comment.body_html = undo_data["body"], fields.rendered(undo_data["body"])
        comment.body_hash = posting.body_hash(comment.body)
        comment.edited_at = datetime.fromisoformat(undo_data["edited_at"]) if undo_data["edited_at"] else None
    if comment.is_visible:
        content_versions.bump_thread(comment.thread)
    return [comment]


def _snapshot_fields(comment: Comment) -> list[str | None]:
    """Return the comment's current fields, to detect later changes."""
    return [comment.author, comment.website, comment.body_hash, comment.text_version]


def _replace_body(comment: Comment, body: str, body_html: str) -> int:
    """Replace the text and keep the old one; return the revision's id."""
    training.unlearn(comment)
    revision = Revision(comment_id=comment.id, body=comment.body)
    db.session.add(revision)
    comment.body, comment.body_html = body, body_html
    comment.body_hash = posting.body_hash(body)
    comment.edited_at = clock.now()
    db.session.flush()
    return revision.id
