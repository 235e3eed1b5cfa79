"""Sites, bans, channels and who has subscribers, kept in memory.

Every comment needs them, and they change rarely. Their version is compared in each transaction, so no outdated rule is
followed, whichever process changed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event, exists, inspect, select
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.attributes import instance_dict
from sqlalchemy.orm.util import identity_key

from commentsvc.db import db
from commentsvc.errors import NotFound
from commentsvc.models.ban import Ban, Bans
from commentsvc.models.channel import Channel, ChannelKind
from commentsvc.models.configuration import Configuration
from commentsvc.models.site import Site
from commentsvc.models.subscription import Subscription

COMPARED = "configuration"  # noted in the session until its transaction ends
VERSION = select(Configuration.version)
WITH_SUBSCRIBERS = select(Site.id).where(exists(select(Subscription.id).where(Subscription.site_id == Site.id)))
BANS = select(Ban.kind, Ban.value, Ban.site_id, Ban.expires_at).where(Ban.lifted_at.is_(None))
Row = TypeVar("Row", Site, Channel)


@dataclass(frozen=True, eq=False)
class LoadedConfiguration:
    """The configuration in one version.

    Its rows belong to no session; ``site`` and ``channels`` return rows that do.
    """

    version: int
    sites: dict[str, Site]
    bans: Bans
    all_channels: Sequence[Channel]
    with_subscribers: frozenset[int]

    def site_id(self, key: str) -> int:
        """Return the id of the site in service with this key; 0, which no site has, if there is none."""
        return self.sites[key].id if key in self.sites else 0

    def site(self, key: str) -> Site:
        """Return the site in service with this key; raises ``NotFound``."""
        if key not in self.sites:
            raise NotFound
        return _in_session(self.sites[key])

    def site_at(self, origin: str) -> Site:
        """Return the first site in service with this origin; raises ``NotFound``."""
        matching = [site for site in self.sites.values() if origin in site.origins]
        if not matching:
            raise NotFound
        return _in_session(min(matching, key=lambda site: site.id))

    def channels(self, site_id: int, kind: ChannelKind) -> list[Channel]:
        """Return the channels of a kind for a site."""
        of_site = (one for one in self.all_channels if one.kind == kind and one.site_id in (None, site_id))
        return [_in_session(one) for one in of_site]

    def has_subscribers(self, site_id: int) -> bool:
        """Return whether anybody ever subscribed on a site."""
        return site_id in self.with_subscribers


_latest: "WeakKeyDictionary[Engine, LoadedConfiguration]" = WeakKeyDictionary()


def current() -> LoadedConfiguration:
    """Return the current configuration; its version is compared once per transaction."""
    known: LoadedConfiguration | None = db.session().info.get(COMPARED)
    return known or of_version(db.session.execute(VERSION).scalar_one())


def latest() -> LoadedConfiguration:
    """Return the configuration that this process read last."""
    return _latest.get(db.engine) or current()


def of_version(version: int) -> LoadedConfiguration:
    """Return the configuration, given that ``version`` was just read as the current one."""
    session = db.session()
    kept = _latest.get(db.engine)
    if kept is None or kept.version != version:
        kept = _read(version)
        # A transaction that writes sees its own changes; others do once it is committed.
        if not session.connection().get_execution_options().get("writes"):
            _latest[db.engine] = kept
    session.info[COMPARED] = kept
    return kept


@event.listens_for(Session, "after_commit")
def _keep_what_is_committed(session: Session) -> None:
    kept: LoadedConfiguration | None = session.info.get(COMPARED)
    if kept is None or session.in_nested_transaction():
        return
    known = _latest.get(db.engine)
    if known is None or known.version < kept.version:
        _latest[db.engine] = kept


def _read(version: int) -> LoadedConfiguration:
    with Session(db.session.connection(), autoflush=False) as reader:
        kept = LoadedConfiguration(
            version,
            {site.key: site for site in reader.scalars(Site.in_service())},
            Bans(reader.execute(BANS).all()),
            reader.scalars(select(Channel).where(Channel.ended_at.is_(None))).all(),
            frozenset(reader.scalars(WITH_SUBSCRIBERS)),
        )
        reader.expunge_all()
    return kept


def _in_session(row: Row) -> Row:
    """Return the row as part of this transaction."""
    present: Row | None = db.session().identity_map.get(identity_key(type(row), row.id))
    if present is not None:
        return db.session.merge(row, load=False) if inspect(present).expired else present
    known, copy = instance_dict(row), type(row)()
    db.attach(copy, {column.key: known[column.key] for column in row.__table__.columns})
    return copy


@event.listens_for(Session, "after_transaction_end")
def _forget_comparison(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(COMPARED, None)
