"""How well spam is told apart: precision and recall over the first 200 decisions of an owner; table and picture.

A text counts as caught where it would be held or put with the spam. The texts come from packages, see ``corpora``;
they are messages and mails, not comments: no labelled comments are shipped by any package that was found.
"""

import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench import corpora, picture
from bench.corpora import Text
from commentsvc.spam import learning, score
from commentsvc.spam.learning import Knowledge, WordCount
from commentsvc.spam.score import Opinion
from commentsvc.spam.signals import Facts

DECISIONS = (0, 10, 20, 40, 60, 80, 100, 150, 200)
ROUNDS = 7
TESTED = 600
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "spam.svg"


def main() -> None:
    """Teach the filter decision by decision, half of them spam, and judge texts it has not seen."""
    with tempfile.TemporaryDirectory() as name:
        kinds = {"messages": corpora.messages(Path(name)), "mails": corpora.mails(Path(name))}
    curves: dict[str, list[tuple[float, float]]] = {}
    print("| decisions | " + " | ".join(f"{kind}: precision | recall" for kind in kinds) + " |")
    print("| ---: |" + " ---: | ---: |" * len(kinds))
    rows: dict[int, list[str]] = {count: [] for count in DECISIONS}
    for kind, texts in kinds.items():
        rounds = [_round(texts, random.Random(number)) for number in range(ROUNDS)]
        for at, count in enumerate(DECISIONS):
            precision, recall = (statistics.mean(one[at][which] for one in rounds) for which in (0, 1))
            rows[count] += [f"{precision:.1%}", f"{recall:.1%}"]
            curves.setdefault(f"{kind}, precision", []).append((count, precision))
            curves.setdefault(f"{kind}, recall", []).append((count, recall))
    for count, cells in rows.items():
        print(f"| {count} | {' | '.join(cells)} |")
    PICTURE.write_text(picture.lines(curves, "share of texts, after so many decisions of the owner"))


def _round(texts: Sequence[Text], chance: random.Random) -> list[tuple[float, float]]:
    """Precision and recall after each number of decisions."""
    spam = chance.sample([text for text in texts if text[1]], (TESTED + max(DECISIONS)) // 2)
    ham = chance.sample([text for text in texts if not text[1]], (TESTED + max(DECISIONS)) // 2)
    both = [text for pair in zip(spam, ham, strict=True) for text in pair]
    taught, tested = both[: max(DECISIONS)], both[max(DECISIONS) :]
    found = []
    for count in DECISIONS:
        knowledge = _taught(taught[:count])
        caught = [is_spam for text, is_spam in tested if _is_caught(text, knowledge)]
        found.append((sum(caught) / len(caught) if caught else 1.0, sum(caught) / (TESTED // 2)))
    return found


def _taught(texts: Sequence[Text]) -> Knowledge:
    spam, ham = Counter[str](), Counter[str]()
    for text, is_spam in texts:
        (spam if is_spam else ham).update(learning.features_of(text))
    words = {word: (WordCount(spam[word], ham[word]), WordCount()) for word in spam | ham}
    return Knowledge(WordCount(*(sum(is_spam is kind for _, is_spam in texts) for kind in (True, False))), words=words)


def _is_caught(text: str, knowledge: Knowledge) -> bool:
    learned = learning.probability(learning.features_of(text), knowledge)
    return score.judge(Facts(body=text, learned=learned)).opinion != Opinion.FINE


if __name__ == "__main__":
    main()
