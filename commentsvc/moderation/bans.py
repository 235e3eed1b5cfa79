"""Bans, and what happens to the comments of banned authors: one action, undone as one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select, true, update
from sqlalchemy.orm import QueryableAttribute

from commentsvc import clock, configuration, links
from commentsvc.db import db, octet_length, unindexed
from commentsvc.errors import N_, Banned, BannedWord, InvalidFields, Refusal
from commentsvc.markup.render import one_line
from commentsvc.models.ban import Ban, BanKind, Bans
from commentsvc.models.comment import Comment, State
from commentsvc.models.decision import Decision, is_last
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.site import Site
from commentsvc.moderation import actions, decisions
from commentsvc.moderation.actions import Person
from commentsvc.moderation.author_identity import AuthorIdentity, normalised
from commentsvc.moderation.search import with_email

REASON_BANNED = N_("the author is banned: %(whom)s")
MAX_DAYS = 3650
IDS_PER_QUERY = 20_000  # comments per query
BATCH_SIZE = 20  # comments per transaction
FEW = 10  # comments that are moved without asking again
MAX_DOMAINS = 3  # of a comment's links that are offered
OPEN = (State.PENDING, State.APPROVED)  # spam stays spam, so that it counts as evidence


class SiteGone(Refusal):
    """A blog that was removed in the meantime."""

    status = 422
    sentence = N_("This blog no longer exists. Please choose another one.")


class BansYourself(Refusal):
    """A ban of whoever imposes it."""

    status = 422
    sentence = N_("This would ban you, too. Please choose something narrower.")


class NotSoLong(Refusal):
    """A number of days that is invalid or too large."""

    status = 422
    sentence = N_("Please enter a number of days from 1 to %(most)d.")


def check(site: Site, author: AuthorIdentity) -> None:
    """Raise ``Banned`` or ``BannedWord`` if a ban of this site or of all sites matches."""
    bans = configuration.current().bans
    identifiers = author.ban_identifiers(bans.network_lengths)
    if bans.matches(site.id, identifiers):
        raise Banned
    if bans.find_word_in(site.id, author.everything):
        raise BannedWord


def draft(
    kind: BanKind,
    typed: str,
    *,
    of: Comment | None = None,
    site: Site | None = None,
    reason: str = "",
    days: int | None = None,
) -> Ban:
    """Return a ban that is not stored yet: of what was typed, else of the author of the comment ``of``.

    Raises:
        InvalidFields: there is no valid value of this kind.
    """
    value, label = _value_and_label_of_author(kind, of) if of and not typed.strip() else normalised(kind, typed)
    return Ban(
        kind=kind,
        value=value,
        label=label,
        site_id=site.id if site else None,
        reason=one_line(reason)[:300],
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )


def check_not_banning_self(ban: Ban, author: AuthorIdentity) -> None:
    """Raise ``InvalidFields`` if a ban would refuse this moderator while they are not signed in."""
    alone = Bans([(ban.kind, ban.value, ban.site_id, ban.expires_at)])
    if alone.matches(ban.site_id or 0, author.ban_identifiers(alone.network_lengths)):
        raise InvalidFields({"value": BansYourself()})


def impose(ban: Ban, by: Person, of: Comment | None = None) -> Ban:
    """Store a ban, so that it holds from the commit on."""
    ban.moderator = by if isinstance(by, Moderator) else None
    db.session.add(ban)
    db.session.flush()
    actions.record(Verb.BAN, by, site=ban.site_id, comment=of, count=0, undo_data={"ban": ban.id})
    return ban


@dataclass(frozen=True)
class Affected:
    """The banned author's pending and approved comments: how many, in which names, the most frequent first.

    ``spam`` is how many more are in spam, where they stay.
    """

    comments: int
    names: Sequence[str]
    spam: int

    @property
    def is_wide(self) -> bool:
        """Whether more than one person's few comments may be meant: the moderator should be asked again."""
        return self.comments > FEW or len(self.names) > 1


def affected(ban: Ban) -> Affected:
    """Return what ``trash_matching`` would move. Takes time, so nothing is locked."""
    names = Counter(comment.author for comment in _matching(ban))
    spam = sum(1 for _ in _matching(ban, [State.SPAM]))
    return Affected(names.total(), [name for name, _ in names.most_common()], spam)


def preset_bans(comment: Comment) -> list[Ban]:
    """Return the bans that are possible for a comment's author, the narrowest first."""
    known = [
        (BanKind.BROWSER, "", comment.visitor),
        (BanKind.EMAIL, "", comment.email),
        *((BanKind.DOMAIN, host, "." in host) for host in _linked_hosts(comment)[:MAX_DOMAINS]),
        (BanKind.ADDRESS, "", comment.address_hash),
    ]
    return [draft(kind, value, of=comment, site=comment.thread.site) for kind, value, is_known in known if is_known]


def _value_and_label_of_author(kind: BanKind, comment: Comment) -> tuple[str, str]:
    """Return what to compare, and what to show, of a comment's author. A domain may be shared: it must be typed."""
    hashed = {BanKind.BROWSER: comment.visitor, BanKind.ADDRESS: comment.address_hash}.get(kind)
    if hashed:
        return hashed, f"{comment.author} (#{comment.id})"
    typed = {BanKind.EMAIL: comment.email, BanKind.DOMAIN: _linking_host(comment)}.get(kind)
    return normalised(kind, typed or "")


def _linked_hosts(comment: Comment) -> list[str]:
    return [_linking_host(comment)] if comment.is_linkback else AuthorIdentity.of(comment).linked_hosts()


def _linking_host(comment: Comment) -> str:
    return links.host_of(comment.website or "") if comment.is_linkback else ""


def matching_comment_ids(ban: Ban) -> list[int]:
    """Return ids of pending and approved comments that the ban would have refused. Takes time, so nothing is locked.

    Networks match nothing, as addresses are stored as hashes; moderators' own comments never match.
    """
    return [comment.id for comment in _matching(ban)]


def _matching(ban: Ban, states: Sequence[State] = OPEN) -> Iterator[Comment]:
    for part in _id_ranges(ban):
        near = select(Comment).where(part, _prefilter(ban), Comment.state.in_(states), Comment.moderator_id.is_(None))
        if ban.site_id is not None:
            near = near.where(unindexed(Comment.site_id) == ban.site_id)
        comments = db.session.scalars(near.order_by(Comment.id).execution_options(yield_per=500))
        yield from (comment for comment in comments if _matches(comment, ban))


def trash_matching(ban: Ban) -> int:
    """Trash what a ban would have refused, in batches; its log entry counts them. Return how many. Commits."""
    return sum(db.in_batches(partial(_trash_some, ban, matching_comment_ids(ban))))


def _trash_some(ban: Ban, comment_ids: list[int]) -> int:
    """Take the last ids off ``comment_ids`` and trash these comments, unless the ban was lifted in the meantime."""
    imposed, changed = db.locked(Ban, ban.id), list[Comment]()
    while comment_ids and not changed and imposed is not None and imposed.lifted_at is None:
        some, comment_ids[-BATCH_SIZE:] = comment_ids[-BATCH_SIZE:], []
        changed = [comment for comment in Comment.all_locked(some) if comment.state in OPEN]
    for comment in changed:
        decisions.decide(comment, State.TRASHED, ban.moderator, [[REASON_BANNED, {"whom": ban.label}]], ban=ban)
    counted = {ModeratorAction.count: ModeratorAction.count + len(changed)}
    db.session.execute(update(ModeratorAction).where(_action_of(ban)).values(counted))
    return len(changed)


def lift(ban: Ban, by: Person) -> None:
    """Lift a ban. What it trashed stays trashed."""
    if ban.lifted_at is None:
        actions.record(Verb.UNBAN, by, site=ban.site_id, count=0, undo_data={"ban": ban.id})
    undo(ban)


def undo(ban: Ban) -> None:
    """Lift a ban as if it had never been imposed; ``restore_trashed`` then restores what it trashed."""
    ban.lifted_at = ban.lifted_at or clock.now()
    undone = update(ModeratorAction).where(_action_of(ban), ModeratorAction.undone_at.is_(None))
    db.session.execute(undone.values(undone_at=clock.now()))


def restore_trashed(ban: Ban, by: Moderator | None = None) -> int:
    """Restore what a ban trashed, except what was decided about since, in batches; return how many. Commits."""
    some = decisions.in_effect(Decision.ban_id == ban.id).limit(BATCH_SIZE)
    return sum(db.in_batches(lambda: len(decisions.restore_states(some, by))))


def _action_of(ban: Ban) -> ColumnElement[bool]:
    is_its: ColumnElement[bool] = ModeratorAction.undo_data["ban"].as_integer() == ban.id
    return is_its & (ModeratorAction.verb == Verb.BAN)


def has_trashed(ban_id: int) -> bool:
    """Return whether anything that a ban trashed is still in the trash, with no decision since."""
    return db.session.scalar(decisions.in_effect(Decision.ban_id == ban_id).limit(1)) is not None


def trashed_counts(bans: Sequence[Ban]) -> dict[int, int]:
    """Return how many comments each ban has in the trash, with no decision since."""
    of_these = Decision.ban_id.in_([ban.id for ban in bans])
    rows = db.session.execute(
        select(Decision.ban_id, func.count()).where(of_these, is_last()).group_by(Decision.ban_id)
    )
    return {ban_id: count for ban_id, count in rows if ban_id}


def newest(who: Moderator | None = None, most: int | None = None, before: int | None = None) -> list[Ban]:
    """Return the newest bans, of a moderator's sites if given, with ids below ``before``."""
    rows = select(Ban).where(who.may_see(Ban.site_id) if who else true()).order_by(Ban.id.desc()).limit(most)
    return list(db.session.scalars(rows.where(Ban.id < before) if before else rows))


def _id_ranges(ban: Ban) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that together cover all comments; a single one where an index finds the few that match."""
    if ban.kind not in (BanKind.WORD, BanKind.DOMAIN):
        yield true()
        return
    last = db.session.scalar(select(func.max(Comment.id))) or 0
    for start in range(0, last, IDS_PER_QUERY):
        yield Comment.id.between(start + 1, start + IDS_PER_QUERY)


def _prefilter(ban: Ban) -> ColumnElement[bool]:
    """Return a condition for comments that may match the ban; exact if it is an equality."""
    if ban.kind == BanKind.BROWSER:
        return Comment.visitor == ban.value
    if ban.kind == BanKind.ADDRESS:
        return Comment.address_hash == ban.value
    if ban.kind == BanKind.EMAIL:
        return with_email(ban.value)
    if ban.kind == BanKind.NETWORK:
        return false()
    columns = (Comment.body, Comment.author, Comment.author_url, Comment.title, Comment.website, Comment.email)
    plainly = (func.lower(place).contains(ban.value, autoescape=True) for place in columns)
    return or_(*plainly, *(_is_not_plain(place) for place in (Comment.body, Comment.author, Comment.website)))


def _is_not_plain(place: QueryableAttribute[Any]) -> ColumnElement[bool]:
    """A text has characters beyond ASCII, as a condition.

    SQL does not fold their case, and hosts have several spellings.
    """
    return octet_length(place) != func.length(place)


def _matches(comment: Comment, ban: Ban) -> bool:
    writer = AuthorIdentity.of(comment)
    if ban.kind == BanKind.WORD:
        return ban.value in writer.everything
    return ban.kind != BanKind.DOMAIN or (ban.kind, ban.value) in set(writer.ban_identifiers())
