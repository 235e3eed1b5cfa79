"""One comment in the admin pages: decide, reply, edit, move, pin, and notes."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.comments import editing, replying, submission
from commentsvc.db import db
from commentsvc.errors import ChangedMeanwhile, DecidedMeanwhile, NotFound, Refusal, or_404
from commentsvc.fields import row_id
from commentsvc.markup.render import render
from commentsvc.models.comment import Comment
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.note import Note
from commentsvc.models.thread import Thread
from commentsvc.moderation import actions, audit_log, notes, queue
from commentsvc.threads import moving
from commentsvc.threads import rules as thread_rules
from commentsvc.web.admin import session
from commentsvc.web.admin.listing import Listing
from commentsvc.web.admin.queue import FRAGMENT, fragment, verbs
from commentsvc.web.locked import locked
from commentsvc.web.options import int_arg

blueprint = Blueprint("admin_comments", __name__, url_prefix="/admin/comments/<id:comment_id>")
session.guard(blueprint)


@blueprint.get("")
def show(comment_id: int) -> str:
    """Show everything about a comment, and the forms to change it."""
    return _page(_moderated(comment_id))


@blueprint.post("/<any(approval, hold, spam, trash):verb>")
def decide(comment_id: int, verb: str) -> AnyResponse | str | tuple[str, int]:
    """Approve, hold, mark as spam or trash; back to where it was done, which offers to undo it."""
    who, state, seen = session.current_moderator(), actions.STATES[Verb(verb)], request.values.get("seen")
    try:
        with locked(comment_id) as comment:
            or_404(session.moderated(comment))
            if seen:
                actions.check_unchanged(comment, seen, state, who)
            action = actions.moderate([comment], state, who)
    except (ChangedMeanwhile, DecidedMeanwhile) as refusal:
        if FRAGMENT not in request.headers:
            raise
        db.session.rollback()
        return fragment(Listing.of_form(), shown=[_moderated(comment_id)], refusal=refusal), refusal.status
    return _done(comment_id, action)


@blueprint.post("/reply")
def reply(comment_id: int) -> AnyResponse | str | tuple[str, int]:
    """Approve it and reply to it, as one action; or show what the reply would look like."""
    if request.form.get("preview"):
        return _page(_moderated(comment_id), "reply", is_preview=True)
    db.begin_write()
    comment = _moderated(comment_id, locked=True)
    try:
        with db.session.begin_nested():
            action = replying.reply_and_approve(comment, request.form.get("body", ""), session.current_moderator())
    except Refusal as refusal:
        db.session.rollback()
        return _page(_moderated(comment_id), "reply", refusal), refusal.status
    db.session.commit()
    return _done(comment_id, action)


@blueprint.post("/text")
def rewrite(comment_id: int) -> AnyResponse | str | tuple[str, int]:
    """Change name, website or text; the old text is kept. Or show what the new text would look like."""
    if request.form.get("preview"):
        return _page(_moderated(comment_id), "text", is_preview=True)
    names = ("author", "website", "body")
    try:
        new = submission.validate({name: request.form.get(name, "") for name in names})
    except Refusal as refusal:
        return _page(_moderated(comment_id), "text", refusal), refusal.status
    db.begin_write()
    comment = _moderated(comment_id, locked=True)
    if comment.is_linkback:
        raise NotFound
    action = editing.edit_as_moderator(comment, new, session.current_moderator())
    db.session.commit()
    return _done(comment_id, action)


@blueprint.post("/place")
def move(comment_id: int) -> AnyResponse | str | tuple[str, int]:
    """Move it with all its replies below another comment, or to another article."""
    db.begin_write()
    comment = _moderated(comment_id, locked=True)
    try:
        thread, parent = _place(comment)
        action = moving.move([comment], thread, parent, session.current_moderator())
    except Refusal as refusal:
        db.session.rollback()
        return _page(_moderated(comment_id), "place", refusal), refusal.status
    db.session.commit()
    return _done(comment_id, action)


@blueprint.post("/pin")
def pin(comment_id: int) -> AnyResponse | str:
    """Pin it at the top of its thread, or unpin it."""
    db.begin_write()
    comment = _moderated(comment_id, locked=True)
    is_pinned = comment.thread.pinned_id == comment.id
    action = thread_rules.pin(comment.thread, None if is_pinned else comment, session.current_moderator())
    db.session.commit()
    return _done(comment_id, action)


@blueprint.post("/notes")
def write_note(comment_id: int) -> AnyResponse:
    """Store a note for moderators."""
    db.begin_write()
    comment = _moderated(comment_id)
    notes.write(comment, request.form.get("body", ""), session.current_moderator())
    db.session.commit()
    return redirect(url_for("admin_comments.show", comment_id=comment_id, _anchor="notes"), code=303)


@blueprint.post("/notes/<id:note_id>/removal")
def remove_note(comment_id: int, note_id: int) -> AnyResponse:
    """Delete a note."""
    db.begin_write()
    comment, note = _moderated(comment_id), or_404(db.session.get(Note, note_id))
    if note.comment_id != comment.id:
        raise NotFound
    db.session.delete(note)
    db.session.commit()
    return redirect(url_for("admin_comments.show", comment_id=comment_id, _anchor="notes"), code=303)


def _moderated(comment_id: int, *, locked: bool = False) -> Comment:
    return or_404(session.moderated(Comment.locked(comment_id) if locked else db.session.get(Comment, comment_id)))


def _place(comment: Comment) -> tuple[Thread, Comment | None]:
    typed = request.form.get("address", "").strip()
    thread = moving.thread_at(comment.thread.site, typed) if typed else comment.thread
    parent_id = request.form.get("parent", "").strip().removeprefix("#")
    if not parent_id:
        return thread, None
    parent = db.session.get(Comment, row_id(parent_id) or 0)
    if parent is None:
        raise moving.NoSuchPlace
    return thread, parent


def _done(comment_id: int, action: ModeratorAction) -> AnyResponse | str:
    """Redirect to the list, the item or the thread, as the form says."""
    listing, back = Listing.of_form(), request.values.get("back", "")
    if request.headers.get(FRAGMENT):
        comment = db.session.get_one(Comment, comment_id)
        return fragment(listing, action=action, shown=[comment])
    if back == "item":
        return redirect(url_for("admin_comments.show", comment_id=comment_id, action=action.id), code=303)
    if back == "thread":
        return redirect(session.next_url(), code=303)
    return redirect(listing.url(action=action.id), code=303)


def _page(comment: Comment, form: str = "", refusal: Refusal | None = None, *, is_preview: bool = False) -> str:
    who = session.current_moderator()
    saved = notes.saved_replies(who)
    chosen = next((one.body for one in saved if one.id == int_arg("saved")), "")
    return render_template(
        "admin/comment.html",
        comment=comment,
        page=queue.described(who, [comment.id]),
        decisions=audit_log.decisions_about(comment),
        others=queue.others_of(who, comment),
        saved=saved,
        reply=request.form.get("body", chosen) if form in ("", "reply") else "",
        form=form,
        refusal=refusal,
        preview=render(request.form.get("body", "")) if is_preview else "",
        there=queue.latest_in(comment.thread, besides=comment),
        errors=refusal.fields if refusal else {},
        typed=request.form,
        listing=Listing({}),
        verbs=verbs(),
        action=session.requested_action("action"),
        undone=session.requested_action("undone"),
        last=None,
    )
