"""Threads as bytes, ready to send: a WSGI layer in front of Flask.

A thread is read thousands of times for one write. A hit costs a dictionary look-up: no routing, no session, no
template. A snapshot is trusted for a second; after that, one small query compares versions: of the site and the thread
or, for responses about many threads, the site's activity version. A process that writes drops its own snapshots at
once; others agree within that second, without a message bus.

Only what is the same for everybody is kept. The view says so by ``cache``, in the very request that rendered it. The
view is asked with the parameters in the snapshot's name and no others, so that one name cannot mean two responses.
"""

import contextvars
import gzip
import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from flask import Flask, Response, current_app, request
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import content_versions, edge, fields, i18n
from commentsvc.comments.reading import Order
from commentsvc.db import db
from commentsvc.errors import StorageUnavailable
from commentsvc.links import BYTES
from commentsvc.models.site import Site, View
from commentsvc.models.thread import Thread
from commentsvc.telemetry import Counter
from commentsvc.threads.articles import Article
from commentsvc.web.base_url import AtBaseUrl, StartResponse, Wsgi

OUTCOMES = Counter(["hit", "miss"])
REVALIDATE_AFTER = 1.0  # seconds
TIMEOUT = 5.0  # seconds that a request waits for what another is rendering
ALL = "\0"  # instead of a key: all threads of a site
MAX_AGE = 3600.0  # seconds; a thread may close by its age, which raises no version
BUDGET = 16 * 1024 * 1024  # bytes
MAX_CONCURRENT_RENDERS = 2  # at once: Python runs one thread at a time, and what many need at once stays in memory
TURN_TIMEOUT = 0.25  # seconds until one more renders all the same, as the others wait for a slow database
MAX_SIZE = 4 * 1024 * 1024  # bytes; a larger answer is rendered each time
COMPRESSION = 6
# Which parameters make another response, by path prefix.
OF_A_PAGE = frozenset({"lang", "view", "sort", "page"})
PARAMETERS = {
    "/embed/": OF_A_PAGE | {"comment"},
    "/api/v1/threads/": OF_A_PAGE,
    "/api/v1/counts": frozenset({"lang", "site", "key"}),
    "/feed/": frozenset({"lang"}),
    "/latest/": frozenset({"lang", "count"}),
    "/static/": frozenset({"v"}),
    "/embed.js": frozenset(),
    "/health": frozenset({"doctor"}),
}
INTERNAL_PARAMETERS = {"/t/": OF_A_PAGE}  # for what only the service itself asks for
AS_GIVEN = frozenset({"site", "key", "v", "doctor"})  # parameters any value of which may make another response
NOTE = "commentsvc.snapshot"  # where a view leaves a note in the WSGI environment
SHAPE = "commentsvc.shape"  # where a view finds the requested shape
MAX_QUERY_LENGTH = 8000  # characters; longer ones are answered but not kept
HEADERS_OF_EACH_RESPONSE = ("content-length", "etag", "vary")
HEADERS_BY_ORIGIN = ("access-control-", "cross-origin-resource")  # depends on the page that asks
NO_SITE = 0
MAX_LATEST = 20  # comments in a list for a side column
CHOICES = {
    "view": frozenset(View),
    "sort": frozenset(Order),
    "count": frozenset(str(number) for number in range(1, MAX_LATEST + 1)),
}
USUAL_QUERY = 200  # characters; up to here, its parsed form is cached
OVERHEAD = 3000  # bytes, approximately, besides bodies, headers and name

_has_turn = contextvars.ContextVar("has_turn", default=False)

Version = tuple[int | None, int | None]  # of the site, and of the thread or the activity; None for what does not exist
Name = tuple[str, str]  # path, and the parameters that matter
Place = tuple[int, str | None]  # a site and a thread's key, or None if it shows several threads


@dataclass(frozen=True)
class _Subject:
    """What a response shows, and in which version; ``key`` is None if it shows several threads of the site.

    A response about no site is current for its ``lifetime``, in seconds.
    """

    site_id: int
    key: str | None
    version: Version
    origins: frozenset[str]
    lifetime: float = math.inf

    @property
    def place(self) -> Place:
        return self.site_id, self.key

    @property
    def has_no_site(self) -> bool:
        return self.site_id == NO_SITE


@dataclass
class _Snapshot:
    """A response as bytes; ``checked`` is when its version was last known to be current.

    Nearly everybody takes it compressed. ``plain`` is kept as well while somebody wants it.
    """

    subject: _Subject
    etag: str
    packed: bytes
    plain: bytes | None
    packed_headers: list[tuple[str, str]]
    plain_headers: list[tuple[str, str]]
    rendered: float
    checked: float
    used: bool = False  # since it was last considered for removal; set without a lock, like each hit

    @property
    def size(self) -> int:
        headers = sum(len(name) + len(value) for name, value in self.plain_headers)
        return len(self.packed) + len(self.plain or b"") + headers + OVERHEAD

    def unpacked(self) -> bytes:
        plain = self.plain  # read once, as it may be dropped at any moment
        return gzip.decompress(self.packed) if plain is None else plain


@dataclass(eq=False)
class _PendingRender:
    """A response being rendered; ``changed`` is what was written in the meantime, ``done`` is set when it is done."""

    name: Name
    changed: set[Place] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)


def install(app: Flask) -> None:
    """Put an empty layer in front of an application, replacing one that is there."""
    with app.app_context():
        engine = db.engine
    extension = app.extensions.get("snapshots")
    layer = app.extensions["snapshots"] = Snapshots(extension.app if extension else app.wsgi_app, engine)
    app.wsgi_app = AtBaseUrl(layer)  # type: ignore[method-assign]


def cache(response: Response, article: Article) -> Response:
    """Keep ``response`` for everybody, as long as site and thread have their current versions."""
    site, thread = article.site, article.thread
    response.headers.update(edge.headers(site.id, article.own_key))
    version = (site.version, thread.version if thread else None)
    request.environ[NOTE] = _Subject(site.id, article.own_key, version, frozenset(site.origins))
    return response


def cache_for_many(response: Response, site: Site, activity_version: int) -> Response:
    """The same for a response about several threads of ``site``, as of its ``activity_version``."""
    response.headers.update(edge.headers(site.id, None))
    request.environ[NOTE] = _Subject(site.id, None, (site.version, activity_version), frozenset(site.origins))
    return response


def cache_of_no_site(response: Response, lifetime: float = math.inf) -> Response:
    """Keep a response about no site for so many seconds, by default while this process runs."""
    request.environ[NOTE] = _Subject(NO_SITE, None, (None, None), frozenset(), lifetime=lifetime)
    return response


@content_versions.thread_changed.connect
def _drop(site_id: int, key: str) -> None:
    """Drop the snapshots of a thread that this process changed, and those that show several threads."""
    if layer := current_app.extensions.get("snapshots"):
        layer.drop(site_id, key)


@content_versions.site_changed.connect
def _drop_site(site_id: int) -> None:
    """Drop all snapshots of a site."""
    if layer := current_app.extensions.get("snapshots"):
        layer.drop_site(site_id)


def counts() -> dict[str, float]:
    """Return how many responses came from memory, and how many were rendered, in all processes."""
    _layer().report_hits()
    return OUTCOMES.values()


def body_of(path: str, parameters: Iterable[tuple[str, str]], shape: str = "") -> bytes:
    """Return the body that a reader gets from ``path``; the same object each time while it is kept.

    With a ``shape``, a response that only the service itself asks for: the view finds it by ``shape_asked_for``.

    Raises:
        StorageUnavailable: there is none.
    """
    return _layer().body_of(path, urlencode([*parameters]), shape)


def shape_asked_for() -> str:
    """Return in which shape the service asks itself for a response; empty for a reader's request."""
    return str(request.environ.get(SHAPE, ""))


def _layer() -> "Snapshots":
    layer: Snapshots = current_app.extensions["snapshots"]
    return layer


@dataclass
class Snapshots:
    """The layer: responses from memory if possible, else from ``app``, kept."""

    app: Wsgi
    engine: Engine
    budget: int = BUDGET
    hits: int = 0  # since ``report_hits``; hits and misses are approximate, as they are counted without a lock
    misses: int = 0
    _kept: OrderedDict[Name, _Snapshot] = field(default_factory=OrderedDict)
    _names: dict[Place, set[Name]] = field(default_factory=dict)
    _pending: set[_PendingRender] = field(default_factory=set)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _renders: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MAX_CONCURRENT_RENDERS))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self.app(environ, start_response)
        name = path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if name not in self._kept:  # mostly the requested address is the name itself
            prefix = next((one for one in PARAMETERS if path.startswith(one)), None)
            if prefix is None or len(query) > MAX_QUERY_LENGTH:
                return self.app(environ, start_response)
            name = (path, _parameters_in(prefix, query))
        found = self._current(name)
        if isinstance(found, _PendingRender):
            self.misses += 1
            OUTCOMES.add("miss")
            return self._render(found, environ, start_response)
        self.hits += 1
        return self._send(found, name, environ, start_response)

    def body_of(self, path: str, query: str, shape: str = "") -> bytes:
        """Return the uncompressed body, to build a larger response from it; raises ``StorageUnavailable``."""
        prefix = next(one for one in (*PARAMETERS, *INTERNAL_PARAMETERS) if path.startswith(one))
        path = path.encode().decode("latin-1")
        name = (shape + path, _parameters_in(prefix, query))
        found = self._current(name)
        if isinstance(found, _Snapshot):
            return self._plain(found, name)
        answers: list[str] = []
        # A context of its own, so that the inner request does not change this one's language.
        inner = contextvars.copy_context()
        request_environ = _anonymous(path) | {SHAPE: shape}
        body = inner.run(self._render, found, request_environ, lambda status, _: answers.append(status))
        if not answers[0].startswith("200"):
            raise StorageUnavailable
        return b"".join(body)

    def report_hits(self) -> None:
        """Report the hits to where all processes count."""
        hits, self.hits = self.hits, 0
        OUTCOMES.add("hit", hits)

    def drop(self, site_id: int, key: str) -> None:
        """Drop every snapshot that shows a thread."""
        with self._lock:
            self._drop({(site_id, key), (site_id, None)})

    def drop_site(self, site_id: int) -> None:
        """Drop every snapshot of a site."""
        with self._lock:
            self._drop({(site_id, ALL), *(place for place in self._names if place[0] == site_id)})

    def _drop(self, places: set[Place]) -> None:
        for pending in self._pending:
            pending.changed |= places
        for place in places:
            for name in self._names.pop(place, ()):
                if old := self._kept.pop(name, None):
                    self._bytes -= old.size + _length(name)

    def _current(self, name: Name) -> _Snapshot | _PendingRender:
        """Return what is kept, if nothing newer is known, or the response that is being rendered.

        If there is neither, the caller must render it: the returned pending has begun.
        """
        if snapshot := self._trusted(name):
            return snapshot
        own = _PendingRender(name)
        with self._lock:
            other = next((one for one in self._pending if one.name == name), None)
            if other is None:
                self._pending.add(own)
                return own
        if other.done.wait(TIMEOUT) and (snapshot := self._trusted(name)):
            return snapshot
        with self._lock:
            self._pending.add(own)
        return own

    def _trusted(self, name: Name) -> _Snapshot | None:
        snapshot = self._kept.get(name)
        return snapshot if snapshot is not None and self._is_current(snapshot) else None

    def _is_current(self, snapshot: _Snapshot) -> bool:
        snapshot.used = True
        now = time.monotonic()
        if snapshot.subject.has_no_site:
            return now - snapshot.rendered < snapshot.subject.lifetime
        if now - snapshot.checked < REVALIDATE_AFTER:
            return True
        if now - snapshot.rendered > MAX_AGE:
            return False
        self.report_hits()
        snapshot.checked = now  # one reader queries the database, the others do not wait
        try:
            is_newest = self._version_now(snapshot.subject) == snapshot.subject.version
        except SQLAlchemyError:
            return True  # reading goes on while the database is unavailable for a moment
        if not is_newest:
            snapshot.checked = -REVALIDATE_AFTER
        return is_newest

    def _version_now(self, subject: _Subject) -> Version:
        of_thread = select(Thread.version).where(Thread.site_id == subject.site_id, Thread.key == subject.key)
        beneath = Site.activity_version if subject.key is None else of_thread.scalar_subquery()
        of_site = select(Site.version, beneath).where(Site.id == subject.site_id)
        with self.engine.connect() as connection:
            found = connection.execute(of_site).first()
        return (found[0], found[1]) if found else (None, None)

    def _render(
        self, pending: _PendingRender, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        """Ask the application for the whole response, unconditionally, and keep it if its view said so."""
        request_environ = {**environ, "REQUEST_METHOD": "GET", "QUERY_STRING": pending.name[1]}
        for header in ("HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING"):
            request_environ.pop(header, None)
        started = time.monotonic()
        with self._finish_render(pending), self._turn():
            status, headers, body = self._answer(request_environ)
            subject = request_environ.get(NOTE)
            if subject is None or not status.startswith("200") or len(body) > MAX_SIZE:
                start_response(status, headers)
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
            snapshot = _new_snapshot(subject, headers, body, started)
            if not takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
                snapshot.plain = body
            self._keep(snapshot, pending)
        return self._send(snapshot, pending.name, environ, start_response)

    def _send(
        self, snapshot: _Snapshot, name: Name, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        is_packed = takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        headers = snapshot.packed_headers if is_packed else snapshot.plain_headers
        if origin in snapshot.subject.origins:
            allowed = [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]
            headers = [*headers, *allowed, ("Access-Control-Expose-Headers", "ETag")]
        if snapshot.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            start_response("304 Not Modified", [header for header in headers if not header[0].startswith("Content-")])
            return []
        start_response("200 OK", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [snapshot.packed if is_packed else self._plain(snapshot, name)]

    def _plain(self, snapshot: _Snapshot, name: Name) -> bytes:
        """Return the uncompressed body, and keep it from now on."""
        body = snapshot.unpacked()
        if snapshot.plain is None:
            with self._lock:
                if snapshot.plain is None and self._kept.get(name) is snapshot:
                    snapshot.plain = body
                    self._bytes += len(body)
                    self._make_room()
        return body

    @contextmanager
    def _finish_render(self, pending: _PendingRender) -> Iterator[None]:
        try:
            yield
        finally:
            with self._lock:
                self._pending.remove(pending)
            pending.done.set()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Limit how many render at once. A nested render uses the slot of the response that it is part of."""
        if _has_turn.get() or not self._renders.acquire(timeout=TURN_TIMEOUT):
            yield
            return
        before = _has_turn.set(True)
        try:
            yield
        finally:
            _has_turn.reset(before)
            self._renders.release()

    def _answer(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        answer: list[Any] = []
        chunks = self.app(environ, lambda *given: answer.append(given))
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return answer[0][0], answer[0][1], body

    def _keep(self, snapshot: _Snapshot, pending: _PendingRender) -> None:
        name, place = pending.name, snapshot.subject.place
        with self._lock:
            if pending.changed & {place, (place[0], ALL)}:
                # Somebody wrote there in the meantime: the next request compares its version.
                snapshot.checked = -REVALIDATE_AFTER
            if old := self._kept.pop(name, None):
                self._bytes -= old.size + _length(name)
            self._kept[name] = snapshot
            self._names.setdefault(place, set()).add(name)
            self._bytes += snapshot.size + _length(name)
            self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self.budget:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        name, oldest = self._kept.popitem(last=False)
        if oldest.used:  # a second chance, but not for uncompressed copies
            self._bytes -= len(oldest.plain or b"")
            oldest.plain, oldest.used = None, False
            self._kept[name] = oldest
            return
        self._bytes -= oldest.size + _length(name)
        names = self._names.get(oldest.subject.place, set())
        names.discard(name)
        if not names:
            self._names.pop(oldest.subject.place, None)


def _anonymous(path: str) -> dict[str, Any]:
    """Return the environment of an anonymous request for ``path``, within the current one."""
    personal = ("HTTP_", "CONTENT_", "werkzeug.", "commentsvc.")
    kept = {name: value for name, value in request.environ.items() if not name.startswith(personal)}
    return kept | {"REQUEST_METHOD": "GET", "PATH_INFO": path}


def _length(name: Name) -> int:
    return 2 * (len(name[0]) + len(name[1]))  # it stands in two dictionaries


def _parameters_in(prefix: str, query: str) -> str:
    """Return the parameters that matter, in one form and order."""
    if not query:
        return ""
    return (
        _normalised_query(prefix, query) if len(query) < USUAL_QUERY else _normalised_query.__wrapped__(prefix, query)
    )


@lru_cache(maxsize=4096)
def _normalised_query(prefix: str, query: str) -> str:
    given = parse_qsl(query, keep_blank_values=True, errors=BYTES)
    wanted = (PARAMETERS | INTERNAL_PARAMETERS)[prefix]
    known = {(name, _value(name, value)) for name, value in given if name in wanted}
    return urlencode(sorted((name, value) for name, value in known if value is not None), quote_via=quote, errors=BYTES)


def _value(name: str, value: str) -> str | None:
    """Return a value in one form; None if it means the default."""
    if name in AS_GIVEN:
        return value
    if name == "lang":
        nearest = i18n.nearest(value)
        return nearest if nearest != i18n.SOURCE or value[:2].lower() == i18n.SOURCE else None
    if name in CHOICES:
        return value if value in CHOICES[name] else None
    number = fields.row_id(value)
    return str(number) if number else None


def _new_snapshot(subject: _Subject, headers: list[tuple[str, str]], body: bytes, rendered: float) -> _Snapshot:
    said_anew = HEADERS_OF_EACH_RESPONSE if subject.has_no_site else HEADERS_OF_EACH_RESPONSE + HEADERS_BY_ORIGIN
    kept = [(name, value) for name, value in headers if not name.lower().startswith(said_anew)]
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    packed = gzip.compress(body, COMPRESSION, mtime=0)
    shared = [
        *kept,
        ("ETag", etag),
        ("Vary", "Accept-Encoding" if subject.has_no_site else "Origin, Accept-Encoding"),
    ]
    gzip_headers = [*shared, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))]
    plain_headers = [*shared, ("Content-Length", str(len(body)))]
    return _Snapshot(subject, etag, packed, None, gzip_headers, plain_headers, rendered, rendered)


def takes_gzip(accepted: str) -> bool:
    """Return whether this ``Accept-Encoding`` allows gzip."""
    return "gzip" in accepted and "gzip;q=0" not in accepted.replace(" ", "")
