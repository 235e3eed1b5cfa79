"""Moderators: owners of everything, others of single sites."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import clock, content_versions, i18n
from commentsvc.accounts import sessions
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.fields import compared_email
from commentsvc.models.moderator import Badge, Moderator, Role
from commentsvc.models.passkey import Passkey
from commentsvc.models.site import Site


class LastOwner(Refusal):
    """Without an owner nobody could change anything."""

    status = 409
    sentence = N_("There must be at least one owner. Please make someone else an owner first.")


class AlreadyModerates(Refusal):
    """The address is already a moderator's."""

    status = 422
    sentence = N_("This address already belongs to a moderator.")


def add(
    email: str, name: str = "", role: Role = Role.OWNER, sites: Sequence[Site] = (), language: str = "en"
) -> Moderator:
    """Add a moderator, or bring back a removed one.

    Raises:
        InvalidFields: the address is already a moderator's.
    """
    address = compared_email(email)
    moderator = db.session.scalar(select(Moderator).where(Moderator.email == address))
    if moderator is None:
        moderator = Moderator(email=address)
        db.session.add(moderator)
    elif moderator.removed_at is None:
        raise InvalidFields({"email": AlreadyModerates()})
    else:
        # What let them in before does not.
        db.session.execute(delete(Passkey).where(Passkey.moderator_id == moderator.id))
    moderator.name, moderator.language = name or moderator.name or "", language
    moderator.removed_at = moderator.password_hash = None
    moderator.role, moderator.sites = role, list(sites)
    moderator.badge = Badge.AUTHOR if role == Role.OWNER else Badge.MODERATOR
    db.session.flush()
    return moderator


def change(moderator: Moderator, role: Role, sites: Sequence[Site], badge: Badge) -> None:
    """Change role, sites or badge; raises ``LastOwner``. Another badge is shown beside earlier comments, too."""
    if role != Role.OWNER:
        _must_leave_an_owner(moderator)
    moderator.role, moderator.sites = role, list(sites)
    if badge != moderator.badge:
        moderator.badge = badge
        for site_id in db.session.scalars(select(Site.id)):
            content_versions.bump_site(site_id)


def check_email(moderator: Moderator, email: str) -> None:
    """Raise ``InvalidFields`` if an address is another moderator's."""
    owner = db.session.scalar(select(Moderator).where(Moderator.email == compared_email(email)))
    if owner not in (None, moderator):
        raise InvalidFields({"email": AlreadyModerates()})


def change_email(moderator: Moderator, email: str) -> None:
    """Change the address that somebody signs in with; raises ``InvalidFields`` if it is another moderator's."""
    check_email(moderator, email)
    moderator.email = compared_email(email)
    db.session.flush()


def remove(moderator: Moderator) -> None:
    """Remove a moderator and end their sessions; the log keeps their name. Raises ``LastOwner``."""
    _must_leave_an_owner(moderator)
    moderator.removed_at = clock.now()
    sessions.end_all(moderator)


def bring_back(moderator: Moderator) -> None:
    """Undo a removal; they have to sign in again."""
    moderator.removed_at = None


def everybody() -> Sequence[Moderator]:
    """Return everybody who may sign in, by address."""
    is_present = Moderator.removed_at.is_(None)
    return db.session.scalars(select(Moderator).where(is_present).order_by(Moderator.email)).all()


def removed() -> Sequence[Moderator]:
    """Return those who were removed and may be brought back, the latest first."""
    is_gone = Moderator.removed_at.is_not(None)
    return db.session.scalars(select(Moderator).where(is_gone).order_by(Moderator.removed_at.desc())).all()


def is_anybody_there() -> bool:
    """Return whether anybody may sign in."""
    return db.session.scalar(select(Moderator.id).where(Moderator.removed_at.is_(None)).limit(1)) is not None


def _must_leave_an_owner(moderator: Moderator) -> None:
    db.advisory_lock("owners")
    others = select(func.count()).where(
        Moderator.role == Role.OWNER, Moderator.removed_at.is_(None), Moderator.id != moderator.id
    )
    if not db.session.scalar(others):
        raise LastOwner


def owners_language() -> str:
    """Return the language of the first owner; English if there is none, or the database does not answer."""
    owners = select(Moderator.language).where(Moderator.role == Role.OWNER, Moderator.removed_at.is_(None))
    try:
        return db.session.scalar(owners.order_by(Moderator.id).limit(1)) or i18n.SOURCE
    except SQLAlchemyError:
        db.session.rollback()
        return i18n.SOURCE
