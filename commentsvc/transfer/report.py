"""What an import found, took and left out: for people, and as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from commentsvc import i18n
from commentsvc.errors import Reason

MAX_EXAMPLES = 3


@dataclass
class Report:
    """``left_out`` has each reason with its number and the first places. ``taken`` counts by kind and state.

    ``lost`` and ``changed`` count message ids. ``sites`` counts the comments of each, if the file holds several.
    ``broken`` counts comments with broken characters, if there are many.
    """

    source: str = ""
    home: str = ""
    found: dict[str, int] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    already: int = 0
    opened: int = 0  # threads
    joined: int = 0  # threads that were there
    examples: list[str] = field(default_factory=list)  # keys of the first new threads, to be looked at
    elsewhere: dict[str, int] = field(default_factory=dict)
    sites: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    is_repaired: bool = False
    lost: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)  # fields that did not fit
    left_out: list[tuple[Reason, int, list[tuple[str, str]]]] = field(default_factory=list)
    unused_rules: list[str] = field(default_factory=list)
    notices: list[Reason] = field(default_factory=list)
    is_dry: bool = False

    @property
    def total(self) -> int:
        """How many comments and linkbacks were taken, or would be."""
        return self.taken.total()

    def add_thread(self, key: str, *, is_new: bool) -> None:
        """Count a thread."""
        self.opened += is_new
        self.joined += not is_new
        if is_new and len(self.examples) < MAX_EXAMPLES:
            self.examples.append(key)

    def lines(self) -> Iterator[str]:
        """Yield the report as text, in English."""
        yield f"{self.source}" + (f", paths of {self.home}" if self.home else "")
        yield from (f"Note: {i18n.reason(one)}" for one in self.notices)
        yield f"Found: {_listed(self.found)}."
        yield f"{'Would import' if self.is_dry else 'Imported'} {_listed(self.taken) or 'nothing'}."
        if self.already:
            yield f"Already here: {self.already}."
        such_as = f" (such as {' '.join(self.examples)})" if self.examples else ""
        yield f"Threads: {self.opened} new{such_as}, {self.joined} existing."
        for host, count in sorted(self.elsewhere.items(), key=lambda one: -one[1]):
            home = f" --from {self.home}" if self.home not in ("", host) else ""
            yield f"Not on this blog: {count} pages on {host}. If they belong to it, say --from {host}{home}."
        if self.sites:
            yield f"The file holds several sites: {_listed(self.sites)}. For one of them, say --only-site."
        if self.broken:
            advice = "now repaired" if self.is_repaired else "say --fix-mojibake to repair them"
            yield f"Comments with broken characters such as “Ã¼”: {self.broken}; {advice}."
        if lost := _listed(self.lost):
            yield f"Formatting that has changed: {lost}."
        if changed := _listed(self.changed):
            yield f"Fields that did not fit: {changed}."
        for why, count, places in self.left_out:
            yield f"Left out, {count}: {i18n.reason(why)}"
            for place, text in places[:3]:
                yield f"    {place}: {' '.join(text.split())[:60]}".rstrip(": ")
        for rule in self.unused_rules:
            yield f"Unused line of the map: {rule}"

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "source": self.source,
            "home": self.home,
            "dry_run": self.is_dry,
            "found": self.found,
            "taken": dict(self.taken),
            "already": self.already,
            "threads": {"opened": self.opened, "joined": self.joined, "examples": self.examples},
            "elsewhere": self.elsewhere,
            "sites": self.sites,
            "broken": self.broken,
            "repaired": self.is_repaired,
            "lost": dict(self.lost),
            "changed": dict(self.changed),
            "unused_rules": self.unused_rules,
            "notices": self.notices,
            "left_out": [
                {
                    "why": i18n.reason(why),
                    "reason": why,
                    "count": count,
                    "first": [{"place": at, "text": text} for at, text in places],
                }
                for why, count, places in self.left_out
            ],
        }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
