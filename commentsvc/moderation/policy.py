"""The one function that decides in which state a new or edited comment stands, and says why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from commentsvc.errors import N_
from commentsvc.models.comment import State
from commentsvc.models.site import Moderation, Site

LINK = re.compile(r"https?://|\bwww\.", re.I)


@dataclass(frozen=True)
class Verdict:
    """A state and the reasons for it, as message ids."""

    state: State
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What is known about a comment when its state is decided."""

    body: str
    is_by_moderator: bool = False
    is_linkback: bool = False
    has_approved_history: bool = False


REASON_MODERATOR = N_("written by a moderator")
REASON_ALL = N_("this site holds every comment")
REASON_FIRST = N_("nothing from this browser was approved yet")
REASON_LINKS = N_("holds many links")
REASON_LINKBACK = N_("verified linkback")
REASON_PASSED = N_("passed all rules")
REASON_EDITED = N_("edited by its writer")
REASON_TAKEN_BACK = N_("taken back by its writer")


def first_state(site: Site, facts: Facts) -> Verdict:
    """Approved or pending for a comment or linkback on ``site``, as it reads now."""
    if facts.is_by_moderator:
        return Verdict(State.APPROVED, (REASON_MODERATOR,))
    if reasons := tuple(_reasons_to_hold(site, facts)):
        return Verdict(State.PENDING, reasons)
    return Verdict(State.APPROVED, (REASON_PASSED,))


def _reasons_to_hold(site: Site, facts: Facts) -> Iterator[str]:
    if site.moderation == Moderation.ALL:
        yield REASON_ALL
    elif site.moderation == Moderation.FIRST and not facts.has_approved_history:
        yield REASON_LINKBACK if facts.is_linkback else REASON_FIRST
    if len(LINK.findall(facts.body)) >= site.hold_links:
        yield REASON_LINKS
