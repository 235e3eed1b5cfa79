"""A moderator answers from the admin pages: the comment is approved, and the answer stands below it."""

from commentsvc.comments import posting, submission
from commentsvc.comments.articles import Article
from commentsvc.comments.posting import Writer
from commentsvc.models.comment import Comment, State
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.moderation import actions, decisions


def answer(comment: Comment, typed: str, by: Moderator) -> ModeratorAction:
    """Approve a comment and answer it, as one action; writes.

    Raises:
        InvalidFields: the answer is empty or too long.
        ThreadClosed, AlreadySaid: as for everybody.
    """
    body, body_html = submission.checked_body(typed)
    thread = comment.thread
    action = actions.begin("answer", by, site=thread.site_id, comment=comment)
    actions.decide([comment], "approval", by, of=action)
    said = submission.Submission(
        author=by.name or thread.site.name, body=body, body_html=body_html, parent_id=comment.id
    )
    writer = Writer(visitor=None, address_hash=None, language=by.language, moderator=by)
    action.undo_data = {"answer": posting.post_comment(Article(thread.site, thread.key, thread), said, writer).id}
    return action


def undo(action: ModeratorAction, by: Moderator) -> list[Comment]:
    """Take the answer away, and give the comment back the state it had; writes."""
    given_back = actions.undo_decisions(action, by)
    answered = Comment.locked(action.undo_data["answer"])
    if answered is not None and answered.state == State.APPROVED:
        decisions.undo(answered, State.TRASHED, by)
        given_back.append(answered)
    return given_back
