"""Prepared statements give each database what SQLAlchemy would have given it."""

import pytest
from flask import Flask
from sqlalchemy import bindparam, func, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models import Site
from commentsvc.models.daily_count import DailyCount, Event
from commentsvc.prepared import Prepared
from commentsvc.storage_errors import Meaning, meaning

NAMES = ("day", "site_id", "event", "count", "seconds")


def test_values_of_every_kind_are_stored_as_by_the_models(app: Flask) -> None:
    """Dates, enums, lists and texts with quotes are read back as they were given."""
    row = {"day": clock.now().date(), "site_id": 0, "event": Event.SPAM, "count": 2, "seconds": 7}
    naming = Prepared(
        lambda: (
            update(Site)
            .where(Site.key == bindparam("where"))
            .values(name=bindparam("called"), origins=bindparam("at"), created_at=bindparam("when"))
        )
    )
    when = clock.now()
    db.begin_write()
    Prepared(lambda: insert(DailyCount).values({name: bindparam(name) for name in NAMES})).execute(row)
    naming.execute({"where": "blog", "called": "100 % 'ours'", "at": ["https://ü.example"], "when": when})
    db.session.commit()
    stored = db.session.scalars(select(DailyCount)).one()
    assert {name: getattr(stored, name) for name in NAMES} == row
    site = db.session.scalars(select(Site).where(Site.key == "blog")).one()
    assert (site.name, site.origins, site.created_at) == ("100 % 'ours'", ["https://ü.example"], when)


def test_one_statement_serves_many_times(app: Flask) -> None:
    counting = Prepared(lambda: select(func.count()).select_from(Site).where(Site.key == bindparam("key")))
    assert [counting.fetch_int({"key": key}) for key in ("blog", "nobody's", "other")] == [1, 0, 1]


def test_rows_mean_what_the_models_say(app: Flask) -> None:
    """Moments, enums and lists, which the drivers return as texts or numbers."""
    names = ("id", "key", "origins", "moderation", "created_at", "close_after_days")
    one = Prepared(lambda: select(*(getattr(Site, name) for name in names)).where(Site.key == bindparam("key")))
    site = db.session.scalars(select(Site).where(Site.key == "blog")).one()
    assert one.to_python(one.fetch_one({"key": "blog"})) == [getattr(site, name) for name in names]


def test_a_percent_sign_stays_one(app: Flask) -> None:
    """It begins a parameter for one driver, and is nothing special for the other."""
    naming = Prepared(lambda: select(literal("100 %"), literal("50 %s")).where(Site.key == bindparam("key")))
    assert naming.fetch_one({"key": "blog"}) == ("100 %", "50 %s")


class TestErrors:
    """They are SQLAlchemy's, so that whoever handles those handles them."""

    def test_a_constraint(self, app: Flask) -> None:
        row = {"day": clock.now().date(), "site_id": 0, "event": Event.SPAM, "count": 2, "seconds": 7}
        adding = Prepared(lambda: insert(DailyCount).values({name: bindparam(name) for name in NAMES}))
        db.begin_write()
        adding.execute(row)
        with pytest.raises(IntegrityError) as problem:
            adding.execute(row)
        assert problem.value.params is None, "what strangers typed is not logged"
        db.session.rollback()
        assert not db.session.scalars(select(DailyCount)).all()

    def test_a_connection_that_died(self, app: Flask) -> None:
        if db.engine.dialect.name != "postgresql":
            pytest.skip("about PostgreSQL")
        counting = Prepared(lambda: select(func.count()).select_from(Site))
        number = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with db.engine.connect() as other:
            other.execute(text(f"SELECT pg_terminate_backend({number})"))
        with pytest.raises(OperationalError) as problem:
            counting.fetch_int({})
        assert meaning(problem.value) == Meaning.OUT_OF_SERVICE
        db.session.rollback()
        assert counting.fetch_int({}) == 2, "by a new connection"


def test_a_missing_value_is_a_mistake(app: Flask) -> None:
    with pytest.raises(KeyError):
        Prepared(lambda: select(Site.id).where(Site.key == bindparam("key"))).execute({})


def test_lists_of_any_length_cannot_be_prepared(app: Flask) -> None:
    """Their text depends on how many there are."""
    among = Prepared(lambda: select(Site.id).where(Site.key.in_(bindparam("keys", expanding=True))))
    with pytest.raises(TypeError):
        among.execute({"keys": ["blog"]})
