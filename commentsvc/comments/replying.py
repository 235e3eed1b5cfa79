"""Reply to a comment as a moderator, which also approves it."""

from commentsvc import fields
from commentsvc.comments import posting, submission
from commentsvc.comments.posting import CommentAuthor
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.threads.articles import Article


def reply_and_approve(comment: Comment, typed: str, by: Moderator, key: str | None = None) -> ModeratorAction:
    """Approve a comment and post a moderator's reply, as one action; ``key`` prevents posting it twice.

    Raises:
        InvalidFields: the reply is empty or too long.
        ThreadClosed, AlreadyPosted: as for everybody.
    """
    body, body_html = fields.checked_body(typed)
    thread = comment.thread
    was_approved = comment.state == State.APPROVED
    action = actions.record(Verb.REPLY, by, site=thread.site_id, comment=comment)
    actions.decide(comment, State.APPROVED, by, action)
    author = by.name or thread.site.name
    reply = submission.Submission(author=author, body=body, body_html=body_html, parent_id=comment.id)
    writer = CommentAuthor(visitor=None, address_hash=None, language=by.language, moderator=by)
    posted = posting.post_comment(Article(thread.site, thread.key, thread), reply, writer, key)
    action.undo_data = {"reply": posted.id, "was_approved": was_approved}
    return action


def undo(action: ModeratorAction, by: Person) -> list[Comment]:
    """Trash the reply, and give the comment back the state it had."""
    changed = actions.undo_decisions(action, by)
    reply = Comment.locked(action.undo_data["reply"])
    if reply is not None and reply.state == State.APPROVED:
        actions.undo(reply, State.TRASHED, by)
        changed.append(reply)
    return changed
