"""What the signals say together: pass, hold, or spam; and why."""

from dataclasses import dataclass
from enum import StrEnum

from commentsvc.spam import signals
from commentsvc.spam.signals import Facts, Signal

HOLD = 4.0  # points from which a moderator should look
SPAM = 10.0  # points from which it is spam


class Opinion(StrEnum):
    """What to do with it."""

    FINE = "fine"
    HOLD = "hold"
    SPAM = "spam"


@dataclass(frozen=True)
class Score:
    """The sum of all points and the signals that spoke for spam, the loudest first."""

    points: float
    signals: tuple[Signal, ...]

    @property
    def opinion(self) -> Opinion:
        """What the points mean."""
        if self.points >= SPAM:
            return Opinion.SPAM
        return Opinion.HOLD if self.points >= HOLD else Opinion.FINE


def judge(facts: Facts) -> Score:
    """Weigh everything that is known."""
    found = list(signals.all_of(facts))
    against = sorted((one for one in found if one.points > 0), key=lambda one: -one.points)
    return Score(sum(one.points for one in found), tuple(against))
