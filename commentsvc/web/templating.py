"""What every template can use: translations, addresses, times."""

import hashlib
import threading
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from flask import Flask, Request
from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, Template, Undefined
from jinja2.utils import missing
from markupsafe import Markup

from commentsvc import i18n, links, paths
from commentsvc.backups import daily
from commentsvc.characters import isolated
from commentsvc.hosts import readable
from commentsvc.markup import plain_text, smilies
from commentsvc.moderation import actions, queue
from commentsvc.notifications import outbox
from commentsvc.web import avatars, sharing, ui_strings


def init_app(app: Flask) -> None:
    """Register globals and filters."""
    app.jinja_env.loader = _OneAtATime(FileSystemLoader(paths.TEMPLATES))
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.undefined = _Missing
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=asset,
        links=links,
        i18n=i18n,
        avatar=avatars.draw,
        smiley=_smiley,
        ui_strings=ui_strings,
        shares=sharing.links_for,
        state_name=actions.state_name,
    )
    app.jinja_env.globals.update(
        delivery_problem=outbox.delivery_problem, backup_status=daily.status, waiting=queue.waiting
    )
    app.jinja_env.filters.update(
        number=i18n.number,
        short_days=i18n.short_days,
        span=i18n.span,
        exact_time=i18n.exact_time,
        day=i18n.day,
        relative_time=i18n.relative_time,
        short_time=i18n.short_time,
        isolated=isolated,
        readable=readable,
        as_text=plain_text.from_html,
    )
    # Variables are translated by the filter: _() would interpret their % as places and their < as ours.
    app.jinja_env.filters.update(
        sentence=i18n.sentence,
        reason=i18n.reason,
        translated=i18n.gettext,
        bare_reason=i18n.bare_reason,
        stored_reason=i18n.stored_reason,
    )
    app.teardown_request(_forget_language)


class _Missing(StrictUndefined):
    """A name or attribute that does not exist is a mistake; a key may be missing, as in what somebody typed."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, *args: Any, **kwargs: Any) -> Undefined:  # type: ignore[misc]
        """Return something strict, or what jinja2 has by default."""
        if isinstance(obj, Mapping):
            return Undefined(hint, obj, *args, **kwargs)
        return super().__new__(cls)


class _OneAtATime(BaseLoader):
    """Compile each template only once, however many requests need it at the same time: it takes time and memory."""

    def __init__(self, loader: BaseLoader) -> None:
        self.loader = loader
        self._known: dict[str, Template] = {}
        self._lock = threading.RLock()  # a template brings others

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - theirs
    ) -> Template:
        """Return the template with this name."""
        with self._lock:
            if name not in self._known:
                self._known[name] = self.loader.load(environment, name, globals)
            return self._known[name]


def asset(name: str) -> str:
    """Return the full address of a static file, with its fingerprint, so that it may be cached for ever."""
    return links.absolute(f"/static/{name}?v={fingerprint(name)}")


@lru_cache(maxsize=256)
def fingerprint(name: str) -> str:
    """Return ten hex digits that change when the file does."""
    return hashlib.sha256((paths.STATIC / name).read_bytes()).hexdigest()[:10]


def _smiley(code: str) -> Markup:
    return Markup(smilies.picture(code, links.absolute(smilies.FOLDER)))  # noqa: S704 - made of constants


def _forget_language(_problem: BaseException | None) -> None:
    i18n.set_language(i18n.SOURCE)


def is_fingerprinted(incoming: Request, name: str) -> bool:
    """Return whether the address has the file's current fingerprint."""
    return incoming.args.get("v") == fingerprint(name)
