"""Languages: translations, plural forms, dates. Independent of requests, so emails use it, too."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from commentsvc import clock, paths
from commentsvc.errors import Reason, Refusal

SOURCE = "en"
# From the CLDR as Babel has it, which a test compares; loading all of Babel's languages here would take 17 MiB.
OWN_NAMES = {
    "ar": "العربية",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fa": "فارسی",
    "fi": "Suomi",
    "fr": "Français",
    "he": "עברית",
    "it": "Italiano",
    "ja": "日本語",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "sv": "Svenska",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh": "中文",
}
PLACE = re.compile(r"%\(\w+\)[sd]")
_language: ContextVar[str] = ContextVar("language", default=SOURCE)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the available languages, English first."""
    return (
        SOURCE,
        *sorted(folder.name for folder in paths.TRANSLATIONS.iterdir() if (folder / "LC_MESSAGES").is_dir()),
    )


def nearest(*wanted: str | None) -> str:
    """Return the first of ``wanted`` (``de-AT``, ``de``, …) that is available, else English."""
    for tag in wanted:
        base = (tag or "").replace("_", "-").lower().split("-")[0]
        if base in languages():
            return base
    return SOURCE


def language() -> str:
    """Return the current language."""
    return _language.get()


def set_language(tag: str) -> None:
    """Use the available language nearest to ``tag`` for the rest of this request or thread."""
    _language.set(nearest(tag))


@contextmanager
def using_language(tag: str) -> Iterator[None]:
    """Use the available language nearest to ``tag`` inside the block."""
    mark = _language.set(nearest(tag))
    try:
        yield
    finally:
        _language.reset(mark)


@lru_cache(maxsize=64)
def _catalogue(tag: str) -> NullTranslations:
    source = paths.TRANSLATIONS / tag / "LC_MESSAGES" / "messages.po"
    if not source.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=tag))
    compiled.seek(0)
    return Translations(compiled)


def gettext(message: str, **values: Any) -> str:
    """Return ``message`` in the current language, with its ``%(name)s`` places filled."""
    translated = _catalogue(language()).gettext(message)
    return translated % values if values else translated


def ngettext(one: str, many: str, n: int) -> str:
    """Return the plural form for ``n``; its places are left for the caller to fill."""
    return _catalogue(language()).ngettext(one, many, n)


def plural_forms(one: str, many: str) -> dict[str, str]:
    """Return a sentence for every plural category (CLDR), its places left for a script to fill."""
    return {category: ngettext(one, many, n) for category, n in _plural_samples(language()).items()}


@cache
def _plural_samples(tag: str) -> dict[str, int]:
    """Return a number of each plural category of a language."""
    rule = _locale_of(tag).plural_form
    return {rule(n): n for n in (*range(111, -1, -1), 1_000_000)}


def sentence(refusal: Refusal) -> str:
    """Return a refusal's sentence."""
    return gettext(refusal.sentence, **refusal.values)


def reason(given: Reason) -> str:
    """Return a reason as a sentence."""
    message, values = (given, {}) if isinstance(given, str) else given
    return gettext(message, **values)


def stored_reason(stored: str) -> str:
    """Return what ``Explained.stored`` made, as a sentence; any other text as it is."""
    try:
        given = json.loads(stored) if stored.startswith("[") else stored
    except ValueError:
        return stored
    is_reason = isinstance(given, list) and len(given) == len(("sentence", "values")) and isinstance(given[1], dict)
    return reason(given if is_reason else stored) if stored else ""


def bare_reason(message: str) -> str:
    """Return a reason without its values."""
    return PLACE.sub("…", gettext(message))


def exact_time(moment: datetime) -> str:
    """Return date and time in words, UTC."""
    return _exact_time(moment, language())


@lru_cache(maxsize=4096)  # the same comments are shown again and again, and this takes time
def _exact_time(moment: datetime, tag: str) -> str:
    return format_datetime(moment, "long", locale=_locale_of(tag))


def relative_time(moment: datetime) -> str:
    """``3 days ago``."""
    return format_timedelta(moment - clock.now(), add_direction=True, locale=_locale())


def short_time(moment: datetime) -> str:
    """Return a date with time of day, UTC, as readers write it."""
    return _short_time(moment.replace(second=0, microsecond=0), language())


@lru_cache(maxsize=4096)
def _short_time(moment: datetime, tag: str) -> str:
    locale = _locale_of(tag)
    return f"{format_date(moment, 'medium', locale=locale)}, {format_time(moment, 'short', locale=locale)} UTC"


def short_days(first: date, count: int = 1) -> str:
    """Return a date, or so many days, without a year: ``Jan 5 – 11``."""
    return _short_days(first, count, language())


@lru_cache(maxsize=2048)
def _short_days(first: date, count: int, tag: str) -> str:
    last = first + timedelta(days=count - 1)
    return str(format_interval(first, last, "MMMd", locale=_locale_of(tag)))


def span(days: int) -> str:
    """Return so many days in words, approximately: ``2 weeks``, ``1 year``."""
    return format_timedelta(timedelta(days=days), granularity="day", locale=_locale())


def number(value: float) -> str:
    """Return a number as readers write it, with one decimal if it is small."""
    return _number(value, language())


@lru_cache(maxsize=4096)
def _number(value: float, tag: str) -> str:
    return format_decimal(value, "#,##0.#" if value < 10 else "#,##0", locale=_locale_of(tag))


def day(moment: datetime) -> str:
    """Return a date in words, UTC."""
    return format_date(moment, "long", locale=_locale())


def _locale() -> Locale:
    return _locale_of(language())


@cache
def _locale_of(tag: str) -> Locale:
    return Locale.parse(tag)


def own_name(tag: str) -> str:
    """Return a language's own name: ``Deutsch``; the tag if it is not available."""
    return OWN_NAMES.get(tag, tag)


def direction(tag: str) -> str:
    """Return ``ltr`` or ``rtl``."""
    return _locale_of(tag).text_direction
