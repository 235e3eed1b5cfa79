"""Other blogs, on this machine, which the fetcher may reach all the same."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from commentsvc import settings as all_settings
from commentsvc.db import db
from commentsvc.models import Comment, Ping
from tests.cast import ARTICLE_URL
from tests.servers import Web, web


@pytest.fixture
def neighbour() -> Iterator[Web]:
    """Another blog."""
    with web() as site:
        yield site


@pytest.fixture
def allowed(app: Flask, neighbour: Web) -> Iterator[None]:
    """Settings in which the neighbour may be fetched."""
    before = all_settings.current()
    all_settings.use(before.model_copy(update={"fetch_allow": frozenset({neighbour.address})}))
    yield
    all_settings.use(before)


@pytest.fixture
def the_ping() -> Callable[[], Ping]:
    """The one row, read anew."""

    def read() -> Ping:
        db.session.rollback()
        return db.session.scalars(select(Ping)).one()

    return read


@pytest.fixture
def shown() -> Callable[[], list[Comment]]:
    """All rows of comments and linkbacks, read anew."""

    def read() -> list[Comment]:
        db.session.rollback()
        return list(db.session.scalars(select(Comment).order_by(Comment.id)))

    return read


@pytest.fixture
def linking() -> Callable[..., str]:
    """A page that links to the article."""

    def write(href: str = ARTICLE_URL) -> str:
        return f'<title>Why &amp; how</title><p>I read <a href="{href}">the phone</a>, and liked it.</p>'

    return write
