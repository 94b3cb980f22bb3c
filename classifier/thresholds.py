"""Thresholds that hold an error bound: of all human messages, at most so many may cause a wrong automatic action.

The bound is on the share of all inbound human messages, not of the automatic ones: that risk only grows as thresholds
fall, so one walk from strict to lenient needs no correction for looking often (risk-controlling prediction sets,
Bates et al. 2021). The walk has one parameter, the tolerated chance of error; a wrong dispute only pauses reminders
where a wrong paid stops them, so a dispute may be half as uncertain again, and a promise half as uncertain only, for
its day is read worse in replies of hands that nobody had before. The upper bound is exact (Clopper and Pearson 1934),
one-sided, at 95 % confidence. Outcomes come from predictions by models that never saw the message's author.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta

from classifier.labels import ACTIONABLE

BOUNDS = (0.005, 0.01, 0.02, 0.03)

#: The bound that is held: of all inbound human messages.
BOUND = 0.01

#: Besides, of the automatic actions no more than this were wrong on the calibration messages: what a person feels. The
#: mark is 2 %; what was chosen to be 2 % on one mix of mail is more on every other mix that is a little harder.
MOST_WRONG = 0.017
CONFIDENCE = 0.95

#: How uncertain each intent may be, relative to the others.
TOLERANCE = {"paid": 1.0, "promise": 0.5, "dispute": 1.5}

NEVER = 1.01
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Outcome:
    """One calibration message: what would be done if its confidence sufficed, and whether that would be wrong.

    `candidate` is false where something other than confidence keeps it from being automatic. `actionable`: its label
    allows an automatic action.
    """

    intent: str
    confidence: float
    candidate: bool
    wrong: bool
    actionable: bool


@dataclass(frozen=True, slots=True)
class Bounded:
    """Thresholds by intent and what they hold: `wrong` of `messages` would be wrong automatic actions, so that the
    true share is below `bound` with 95 % confidence (`upper` is the exact upper limit).
    """

    thresholds: dict[str, float]
    bound: float
    upper: float
    messages: int
    automatic: int
    wrong: int
    actionable: int
    actionable_automatic: int


def upper_limit(wrong: int, messages: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson one-sided upper limit of a share.

    >>> round(upper_limit(0, 299), 4), round(upper_limit(0, 298), 4)
    (0.01, 0.01)
    """
    if messages == 0 or wrong >= messages:
        return 1.0
    return float(beta.ppf(confidence, wrong + 1, messages - wrong))


def lower_limit(wrong: int, messages: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson one-sided lower limit of a share.

    >>> lower_limit(0, 10), round(lower_limit(3, 10), 3)
    (0.0, 0.087)
    """
    return float(beta.ppf(1 - confidence, wrong, messages - wrong + 1)) if wrong else 0.0


def choose_thresholds(outcomes: Sequence[Outcome]) -> Bounded:
    """The most lenient thresholds that hold `BOUND`, with no more than `MOST_WRONG` of the automatic actions wrong."""
    return bound_thresholds(outcomes, BOUND, MOST_WRONG)


def bound_thresholds(outcomes: Sequence[Outcome], bound: float, most_wrong: float = 1.0) -> Bounded:
    """The most lenient thresholds on the walk whose upper limit stays within `bound`, and at which no more than
    `most_wrong` of the automatic actions are wrong.
    """
    candidates = sorted(
        (each for each in outcomes if each.candidate and each.intent in ACTIONABLE),
        key=lambda each: (1 - each.confidence) / TOLERANCE[each.intent],
    )
    tolerated = 0.0
    wrong = taken = 0
    for at, each in enumerate(candidates):
        wrong += each.wrong
        if upper_limit(wrong, len(outcomes)) > bound:
            break
        tolerance = (1 - each.confidence) / TOLERANCE[each.intent]
        following = candidates[at + 1] if at + 1 < len(candidates) else None
        if wrong > most_wrong * (at + 1):
            continue
        if following is None or (1 - following.confidence) / TOLERANCE[following.intent] > tolerance:
            tolerated, taken = tolerance, at + 1
    accepted = candidates[:taken]
    count = sum(each.wrong for each in accepted)
    limits = {intent: 1 - tolerated * TOLERANCE[intent] - _ROUNDING if taken else NEVER for intent in ACTIONABLE}
    return Bounded(
        limits, bound, upper_limit(count, len(outcomes)), len(outcomes), taken, count,
        sum(each.actionable for each in outcomes), sum(each.actionable and not each.wrong for each in accepted),
    )  # fmt: skip
