"""A naive Bayes filter: how likely a text is spam, from words that moderators called spam or not.

Each word's share is estimated from the site's own decisions, drawn towards what other sites of this service found, and
that towards "says nothing", the more the fewer examples there are (Robinson's smoothing). The most telling words are
combined as independent evidence. Knows no database: who asks brings the counts.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from commentsvc import links
from commentsvc.spam import addresses

MIN_COUNT = 5  # texts of each kind, before the filter has an opinion
STRENGTH = 1.0  # how many examples the neutral prior weighs
STRENGTH_OF_OTHERS = 3.0  # how many own examples a site needs to outweigh the others
MAX_COMBINED = 50  # words, the most telling ones
MIN_DISTANCE = 0.1  # distance from one half below which a word is ignored
MAX_LENGTH = 40  # characters of a word
MAX_WORDS = 400  # of a text
RUN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+")


@dataclass(frozen=True)
class WordCount:
    """In how many texts of each kind something stood."""

    spam: int = 0
    ham: int = 0

    def share(self, of: "WordCount") -> float:
        """How much more often in spam than in ham, each as a part of all such texts; one half without examples."""
        in_spam, in_ham = self.spam / max(of.spam, 1), self.ham / max(of.ham, 1)
        return in_spam / (in_spam + in_ham) if in_spam + in_ham else 0.5

    @property
    def total(self) -> int:
        """In how many texts."""
        return self.spam + self.ham

    def __add__(self, other: "WordCount") -> "WordCount":
        return WordCount(self.spam + other.spam, self.ham + other.ham)


@dataclass(frozen=True)
class Knowledge:
    """What was learned: all texts and the words of one, on this site and on the others."""

    site: WordCount = WordCount()
    others: WordCount = WordCount()
    words: Mapping[str, tuple[WordCount, WordCount]] = field(default_factory=dict)

    @property
    def suffices(self) -> bool:
        """Whether there are enough examples of both kinds to have an opinion."""
        known = self.site + self.others
        return min(known.spam, known.ham) >= MIN_COUNT


def probability(words: Iterable[str], knowledge: Knowledge) -> float | None:
    """How likely a text of these words is spam, from 0 to 1; None where too little was learned."""
    if not knowledge.suffices:
        return None
    shares = [_share(*knowledge.words[word], knowledge) for word in words if word in knowledge.words]
    decisive = (share for share in shares if abs(share - 0.5) > MIN_DISTANCE)
    strongest = sorted(decisive, key=lambda share: -abs(share - 0.5))
    evidence = sum(math.log(share / (1 - share)) for share in strongest[:MAX_COMBINED])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, evidence))))


def features_of(body: str, author: str = "", home: str | None = None, email: str | None = None) -> frozenset[str]:
    """What of a comment is learned: its words, the hosts of its links, its name, and the domain of its address."""
    text = unicodedata.normalize("NFKC", addresses.without(body)).casefold()
    hosts = [links.host_of(link.casefold()) for link in addresses.in_text(body)]
    # The author's features come first: a long text must not displace them.
    words = [f"links:{min(len(hosts), 3)}"]
    if home:
        words.append(website(home))
    if email:
        words.append(f"mail:{email.rpartition('@')[2].casefold()}")
    words += [f"name:{word}" for word in _words(unicodedata.normalize("NFKC", author).casefold())]
    words += [*(f"host:{host}" for host in hosts), *_words(text)]
    return frozenset(word[:MAX_LENGTH] for word in words[:MAX_WORDS])


def website(address: str) -> str:
    """What is learned of a commenter's website: its host."""
    return f"website:{links.host_of(address.casefold())}"[:MAX_LENGTH]


def _share(own: WordCount, elsewhere: WordCount, knowledge: Knowledge) -> float:
    among_others = _smoothed(elsewhere, knowledge.others, towards=0.5, strength=STRENGTH)
    strength = STRENGTH + min(elsewhere.total, STRENGTH_OF_OTHERS)
    return _smoothed(own, knowledge.site, towards=among_others, strength=strength)


def _smoothed(word_count: WordCount, of: WordCount, towards: float, strength: float) -> float:
    return (strength * towards + word_count.total * word_count.share(of)) / (strength + word_count.total)


def _words(text: str) -> list[str]:
    words = []
    for run in RUN.findall(text):
        if WITHOUT_SPACES.search(run):
            words += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        elif len(run) > 1:
            words.append(run)
    return words
