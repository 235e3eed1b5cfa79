"""What was done and decided, newest first."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from commentsvc.db import db
from commentsvc.models.ban import Ban
from commentsvc.models.comment import Comment
from commentsvc.models.decision import Decision
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb

PAGE_SIZE = 100  # entries


def actions(who: Moderator, before: int | None = None) -> list[ModeratorAction]:
    """Return what a moderator did and what others did on their sites, with ids below ``before``."""
    own = ModeratorAction.site_id.is_(None) & (ModeratorAction.moderator_id == who.id)
    shown = (ModeratorAction.comment, ModeratorAction.thread, ModeratorAction.site)
    rows = select(ModeratorAction).where(who.may_see(ModeratorAction.site_id) | own).options(*map(selectinload, shown))
    rows = rows.order_by(ModeratorAction.id.desc()).limit(PAGE_SIZE)
    return list(db.session.scalars(rows.where(ModeratorAction.id < before) if before else rows))


def bans_of(actions: Iterable[ModeratorAction]) -> dict[int, Ban]:
    """Return the bans that these actions set or lifted, by the actions' ids."""
    ban_ids = {action.id: action.undo_data["ban"] for action in actions if action.verb in (Verb.BAN, Verb.UNBAN)}
    bans = {ban.id: ban for ban in db.session.scalars(select(Ban).where(Ban.id.in_(ban_ids.values())))}
    return {action_id: bans[ban_id] for action_id, ban_id in ban_ids.items() if ban_id in bans}


def decisions(who: Moderator, before: int | None = None) -> list[Decision]:
    """Return decisions on a moderator's sites, by people and by rules, with ids below ``before``."""
    rows = select(Decision).where(who.may_see(Decision.site_id)).order_by(Decision.id.desc()).limit(PAGE_SIZE)
    return list(db.session.scalars(rows.where(Decision.id < before) if before else rows))


def decisions_about(comment: Comment) -> list[Decision]:
    """Return every decision about a comment, oldest first."""
    rows = select(Decision).where(Decision.comment_id == comment.id).order_by(Decision.id)
    return list(db.session.scalars(rows))
