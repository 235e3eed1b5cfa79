"""Decide the state of a new or edited comment, with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

from commentsvc.errors import N_, Reason
from commentsvc.models.comment import State
from commentsvc.models.site import Linkbacks, Moderation
from commentsvc.models.thread import Thread
from commentsvc.spam import score, signals
from commentsvc.spam.score import Opinion
from commentsvc.spam.signals import Facts, Signal


@dataclass(frozen=True)
class Verdict:
    """A state with reasons; ``is_suspicious`` if the score indicates spam, whatever the site's rules are."""

    state: State
    reasons: tuple[Reason, ...]
    is_suspicious: bool = False


REASON_MODERATOR = N_("written by a moderator")
REASON_ALL = N_("this blog holds all comments")
REASON_FIRST = N_("no other comment by this author has been approved yet")
REASON_LINKBACK = N_("verified mention")
REASON_WORD = N_("contains a word on the hold list: %(word)s")
REASON_DISALLOWED = N_("contains a spam word: %(word)s")
REASON_UNSOLVED = N_("the author could not pass the robot check")
REASON_PASSED = N_("passed all checks")
REASON_EDITED = N_("edited by its author")
REASON_PAGE_CHANGED = N_("the linking page has changed")
REASON_UNDONE = N_("undone")

EDITS = frozenset({REASON_EDITED, REASON_PAGE_CHANGED})
BY_MODERATOR = Verdict(State.APPROVED, (REASON_MODERATOR,))


def judge(thread: Thread, facts: Facts) -> Verdict:
    """Return the state for a comment or linkback in ``thread``: approved, pending or spam."""
    opinion = score.judge(facts)
    signs = tuple(_in_words(signal) for signal in opinion.signals)
    is_suspicious = opinion.opinion != Opinion.FINE
    disallowed = tuple([REASON_DISALLOWED, {"word": word}] for word in _listed(thread.site.disallowed_words, facts))
    if disallowed or opinion.opinion == Opinion.SPAM:
        return Verdict(State.SPAM, disallowed + signs, is_suspicious)
    rules = tuple(_rules_that_hold(thread, facts))
    if rules or is_suspicious:
        return Verdict(State.PENDING, rules + tuple(one for one in signs if one not in rules), is_suspicious)
    return Verdict(State.APPROVED, (REASON_PASSED,))


def _rules_that_hold(thread: Thread, facts: Facts) -> Iterator[Reason]:
    site, rule = thread.site, thread.moderation_rule
    if facts.unsolved:
        yield REASON_UNSOLVED
    if facts.linkback:
        if _holds_linkbacks(thread, facts.linkback) and not facts.is_shown:
            yield REASON_LINKBACK
    elif rule == Moderation.ALL:
        yield REASON_ALL
    elif rule == Moderation.FIRST and not facts.approved_count:
        yield REASON_FIRST
    for word in _listed(site.hold_words, facts):
        yield [REASON_WORD, {"word": word}]
    if (count := len(facts.links)) >= site.hold_links:
        yield [signals.LINKS, {"count": count}]


def _holds_linkbacks(thread: Thread, protocol: str) -> bool:
    rule = thread.site.linkbacks[protocol]
    return rule == Linkbacks.HOLD or (rule == Linkbacks.LIKE_COMMENTS and thread.moderation_rule != Moderation.NONE)


def _listed(words: str, facts: Facts) -> Iterator[str]:
    """Yield the site's words found in the text or addresses, also within longer words, as in WordPress."""
    addresses = (facts.website, facts.author_url, facts.email)
    text = "\n".join((facts.title, facts.body, facts.author, *filter(None, addresses))).casefold()
    for line in words.splitlines():
        if (word := line.strip()) and word.casefold() in text:
            yield word


def _in_words(signal: Signal) -> Reason:
    return [signal.reason, dict(signal.values)] if signal.values else signal.reason
