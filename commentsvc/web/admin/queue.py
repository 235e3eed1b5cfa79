"""The moderation queue: filter, search, bulk actions."""

from collections.abc import Sequence
from functools import partial

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from commentsvc.db import db, in_parts
from commentsvc.errors import ChangedMeanwhile, InvalidFields, NotFound, Refusal
from commentsvc.fields import row_id
from commentsvc.i18n import gettext as _
from commentsvc.models.comment import Comment, Kind, State, reason_tag
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.moderation import actions, queue, search
from commentsvc.threads import moving
from commentsvc.web.admin import first_steps, session
from commentsvc.web.admin.listing import Listing
from commentsvc.web.options import int_arg

OFFERED = (*actions.STATES, Verb.MOVE)  # for several comments at once
FRAGMENT = "X-Fragment"  # sent by admin.js, which moves the rows itself
MAX_PER_ACTION = 200  # comments of one action
BATCH_SIZE = 50  # comments per transaction, so that writers do not wait

blueprint = Blueprint("queue", __name__, url_prefix="/admin")
session.guard(blueprint)


@blueprint.get("/queue")
def show() -> str:
    """Show comments and linkbacks that match; pending ones by default."""
    return _list(Listing.of_address())


@blueprint.post("/comments/decisions")
def decide_about_many() -> AnyResponse | tuple[str, int]:
    """Decide about all chosen comments, or all that match, as one action.

    Chosen comments that have changed since are left alone, and counted.
    """
    verb, listing = request.form.get("verb", ""), Listing.of_form()
    if verb not in set(OFFERED):
        raise NotFound
    chosen = _found(listing) if request.form.get("all") else _chosen()
    if not chosen:
        return redirect(listing.url(), code=303)
    try:
        action, count = _move_chosen(chosen) if verb == "move" else _decide_chosen(chosen, actions.STATES[Verb(verb)])
    except Refusal as refusal:
        db.session.rollback()
        return _list(listing, refusal), refusal.status
    return redirect(listing.url(action=action, skipped=len(chosen) - count or None), code=303)


def verbs() -> dict[State, list[tuple[str, str, str]]]:
    """Return the actions offered per state: verb, label, and key."""
    approve, spam, trash = ("approval", _("Approve"), "a"), ("spam", _("Spam"), "s"), ("trash", _("Trash"), "t")
    return {
        State.PENDING: [approve, spam, trash],
        State.APPROVED: [("hold", _("Move to pending"), "h"), spam, trash],
        State.SPAM: [("approval", _("Not spam: approve"), "a"), ("spam", _("Confirm spam"), "s"), trash],
        State.TRASHED: [approve, ("hold", _("Back to pending"), "h")],
    }


def fragment(
    listing: Listing,
    action: ModeratorAction | None = None,
    undone: ModeratorAction | None = None,
    shown: Sequence[Comment] = (),
    refusal: Refusal | None = None,
) -> str:
    """Return what admin.js inserts: the bar, the counts, and the rows that are in the list now.

    After a ``refusal``, rows are shown as they are now, whatever the list is of.
    """
    who = session.current_moderator()
    still_listed = [comment for comment in shown if refusal or search.matches(who, listing.filter, comment.id)]
    sites = queue.waiting_by_site(who)
    return render_template(
        "admin/_done.html",
        action=action,
        undone=undone,
        refusal=refusal,
        last=actions.last_of(who),
        page=queue.described(who, [comment.id for comment in still_listed]),
        listing=listing,
        verbs=verbs(),
        states=State,
        counts=queue.counts(who, listing.filter.site),
        many=queue.MANY,
        sites=sites,
        waits=sum(waiting for _, waiting in sites),
    )


def _list(listing: Listing, refusal: Refusal | None = None) -> str:
    who, wanted = session.current_moderator(), listing.filter
    page, sites = queue.page(who, wanted, int_arg("before")), queue.waiting_by_site(who)
    return render_template(
        "admin/queue.html",
        page=page,
        listing=listing,
        wanted=wanted,
        verbs=verbs(),
        states=State,
        kinds=Kind,
        counts=queue.counts(who, wanted.site),
        many=queue.MANY,
        most=MAX_PER_ACTION,
        found=search.count(who, [wanted], queue.MANY)[0] if listing.is_filtered else 0,
        sites=sites,
        waits=sum(waiting for _, waiting in sites),
        steps=first_steps.current() if who.is_owner and not page.comments else None,
        reasons=[(reason_tag(one), one) for one in queue.reasons_of(who, wanted.state)],
        person=session.moderated(db.session.get(Comment, wanted.same_author_as or 0)),
        thread=session.moderated_thread(wanted.thread),
        listed=actions.shown_to(who, wanted.action),
        action=session.requested_action("action"),
        undone=session.requested_action("undone"),
        last=actions.last_of(who),
        skipped=int_arg("skipped"),
        refusal=refusal.fields.get("address", refusal) if refusal else None,
    )


def _chosen() -> dict[int, str | None]:
    """Return the chosen ids, each with the version that was seen."""
    pairs = (one.partition(" ") for one in request.form.getlist("chosen"))
    found = [(comment_id, seen or None) for text, _, seen in pairs if (comment_id := row_id(text))]
    return dict(found[:MAX_PER_ACTION])


def _found(listing: Listing) -> dict[int, str | None]:
    """Return all that match and existed when the list was shown."""
    newest = row_id(request.form.get("newest")) or 0
    found = search.ids(session.current_moderator(), listing.filter, MAX_PER_ACTION, upto=newest) if newest else []
    return dict.fromkeys(found)


def _decide_chosen(chosen: dict[int, str | None], state: State) -> tuple[int | None, int]:
    """Decide in batches; return the action's id, if anything could be decided, and about how many. Commits."""
    action_id: int | None = None
    count = 0

    def decide(ids: Sequence[int]) -> tuple[int | None, int]:
        own = _moderated({comment_id: chosen[comment_id] for comment_id in ids}, state)
        if not own:
            return action_id, 0
        known = db.session.get(ModeratorAction, action_id or 0)
        decided = actions.moderate(own, state, session.current_moderator(), of=known)
        if known is not None:
            known.count, known.comment_id = known.count + len(own), None
            known.site_id = known.site_id if {one.thread.site_id for one in own} == {known.site_id} else None
        return decided.id, len(own)

    for done, more in db.commit_each(partial(decide, some) for some in in_parts(sorted(chosen), BATCH_SIZE)):
        action_id, count = done, count + more
    return action_id, count


def _move_chosen(chosen: dict[int, str | None]) -> tuple[int, int]:
    db.begin_write()
    own = _moderated(chosen)
    sites = {comment.thread.site for comment in own}
    if len(sites) != 1:
        raise InvalidFields({"address": moving.NoSuchPlace()})
    thread = moving.thread_at(sites.pop(), request.form.get("address", ""))
    action = moving.move(own, thread, None, session.current_moderator())
    action_id = action.id
    db.session.commit()
    return action_id, len(own)


def _moderated(chosen: dict[int, str | None], state: State | None = None) -> list[Comment]:
    """Return the chosen comments, locked, that are this moderator's and may be given ``state``, if any."""
    own = (comment for comment in Comment.all_locked(chosen) if session.moderated(comment))
    return [comment for comment in own if _is_unchanged(comment, chosen[comment.id], state or comment.state)]


def _is_unchanged(comment: Comment, seen_version: str | None, state: State) -> bool:
    seen = f"{comment.state} {comment.text_version}" if seen_version is None else seen_version
    try:
        actions.check_unchanged(comment, seen, state, session.current_moderator())
    except ChangedMeanwhile:
        return False
    return True
