"""Train the spam filter with moderators' decisions, as word counts per site."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, update

from commentsvc.db import db
from commentsvc.models.comment import Comment, State
from commentsvc.models.learned_word import ALL_TEXTS, LearnedWord
from commentsvc.models.site import Site
from commentsvc.spam import learning
from commentsvc.spam.learning import Knowledge, WordCount

LEARNED_FROM = {State.SPAM: "spam", State.APPROVED: "ham"}


def opinion(comment: Comment, own: WordCount, others: WordCount) -> float | None:
    """Return the probability of spam, from 0 to 1; None if too little was learned here and on other sites."""
    if not Knowledge(own, others).suffices:
        return None
    words = _words(comment)
    return learning.probability(words, Knowledge(own, others, _learned(comment.thread.site, words)))


def learn(comment: Comment, state: State) -> None:
    """Learn from a moderator's decision. It replaces an earlier one about the same text.

    Trashing says nothing about spam, so it changes nothing.
    """
    if state == State.TRASHED:
        return
    wanted = LEARNED_FROM.get(state)
    if comment.learned_as != wanted:
        unlearn(comment)
        _count(comment, wanted, +1)
        comment.learned_as = wanted


def unlearn(comment: Comment) -> None:
    """Remove what was learned from a comment whose text is about to change."""
    _count(comment, comment.learned_as, -1)
    comment.learned_as = None


def forget(site: Site) -> int:
    """Delete everything learned on a site; return the number of texts."""
    texts = db.session.get(LearnedWord, (site.id, ALL_TEXTS))
    count = texts.spam + texts.ham if texts else 0
    db.session.execute(delete(LearnedWord).where(LearnedWord.site_id == site.id))
    of_site = select(Comment.id).where(Comment.site_id == site.id)
    db.session.execute(
        update(Comment).where(Comment.id.in_(of_site)).values(learned_as=None),
        execution_options={"synchronize_session": False},
    )
    return count


def export_words(site: Site) -> Iterable[LearnedWord]:
    """Return everything learned on a site, the most frequent words first."""
    rows = select(LearnedWord).where(LearnedWord.site_id == site.id)
    rows = rows.where(LearnedWord.word != ALL_TEXTS, LearnedWord.spam + LearnedWord.ham > 0)
    return db.session.scalars(rows.order_by((LearnedWord.spam + LearnedWord.ham).desc(), LearnedWord.word))


def _words(comment: Comment) -> frozenset[str]:
    return learning.features_of(comment.body, comment.author, comment.website, comment.email)


def _learned(site: Site, words: frozenset[str]) -> dict[str, tuple[WordCount, WordCount]]:
    """Return the counts of these words, on this site and on the others."""
    found = db.session.execute(_counts_of_words(), {"site": site.id, "words": list(words)})
    return {word: (WordCount(*counts[:2]), WordCount(*counts[2:])) for word, *counts in found}


@cache
def _counts_of_words() -> Select[*tuple[Any, ...]]:
    places = (LearnedWord.site_id == bindparam("site"), LearnedWord.site_id != bindparam("site"))
    counters = (LearnedWord.spam, LearnedWord.ham)
    sums = [func.coalesce(func.sum(counter).filter(place), 0) for place in places for counter in counters]
    is_one_of_them = LearnedWord.word.in_(bindparam("words", expanding=True))
    return select(LearnedWord.word, *sums).where(is_one_of_them).group_by(LearnedWord.word)


def _count(comment: Comment, kind: str | None, step: int) -> None:
    if kind is None:
        return
    words = sorted({*_words(comment), ALL_TEXTS})  # in one order, so that concurrent decisions do not deadlock
    counter = LearnedWord.spam if kind == "spam" else LearnedWord.ham
    first = {"site_id": comment.thread.site_id, "spam": 0, "ham": 0, counter.key: max(step, 0)}
    rows = [first | {"word": word} for word in words]
    db.insert_or_update(LearnedWord, rows, {counter.key: counter + step})
