"""Judgement of the learning room: what may be learnt from, which candidate may be promoted, what is audited. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

#: A candidate may be this much worse in a class than the trained model in use, which is about the noise of the figure.
SLACK = 0.02

#: No class may fall below this, whatever the model in use does.
LEAST_F1 = 0.5

#: One customer's corrections: at most so many, and at most this part of all of them.
MOST_OF_A_CUSTOMER = 40
SHARE_OF_A_CUSTOMER = 5

#: Every fifth customer's corrections are never trained on: on them a candidate and the model in use are compared.
FROZEN = 5

#: A class is judged on the frozen corrections from this many of them on.
ENOUGH_FROZEN = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fall:
    """A class in which a candidate falls below its floor, and on which replies."""

    on: str
    intent: str
    floor: float
    f1: float

    def __str__(self) -> str:
        return f"{self.intent} on {self.on}: F1 {self.f1:.3f}, and its floor is {self.floor:.3f}"


def falls(on: str, current: Mapping[str, Any] | None, candidate: Mapping[str, Any], least: int = 1) -> list[Fall]:
    """Classes in which `candidate` is below its floor; both have F1 and rows by intent, measured on the same replies.

    `current` is None where no trained model can be compared with: then only the absolute floor holds. A class of fewer
    than `least` replies is not judged.
    """
    found = []
    for intent, figures in candidate.items():
        if figures["rows"] < least:
            continue
        before = (current or {}).get(intent)
        floor = max(LEAST_F1, before["f1"] - SLACK) if before else LEAST_F1
        if figures["f1"] < floor:
            found.append(Fall(on, intent, floor, figures["f1"]))
    return found


def is_frozen(customer: str, salt: str) -> bool:
    """Whether a customer's corrections are kept from training. The same for ever, and told by nobody from outside."""
    return hashlib.sha256(f"{salt}:{customer}".encode()).digest()[0] % FROZEN == 0


def without_dominance(items: Sequence[tuple[str, T]]) -> list[T]:
    """Of (customer, correction), oldest first, those that are learnt from: the newest of each customer, and of none so
    many that its way of writing, or its ill will, outweighs the others'.
    """
    most = min(MOST_OF_A_CUSTOMER, max(SHARE_OF_A_CUSTOMER, len(items) // SHARE_OF_A_CUSTOMER))
    seen: Counter[str] = Counter()
    kept: list[T] = []
    for customer, item in reversed(items):
        seen[customer] += 1
        if seen[customer] <= most:
            kept.append(item)
    return kept[::-1]


def is_drawn(message: str, salt: str, percent: int) -> bool:
    """Whether an automatic action is drawn for the audit: at random, but the same when asked again."""
    return int.from_bytes(hashlib.sha256(f"audit:{salt}:{message}".encode()).digest()[:4], "big") % 100 < percent


@dataclass(frozen=True, slots=True)
class Judged:
    """One automatic action that a person has judged."""

    language: str
    intent: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """A language or an intent in which more automatic actions were wrong than the bound allows; `at_least` is the lower
    limit of the true share, with 95 % confidence.
    """

    kind: str
    name: str
    judged: int
    wrong: int
    at_least: float
    target: float

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.name}: {self.wrong} of {self.judged} audited automatic actions were wrong, so at least"
            f" {self.at_least:.1%} of all are, and {self.target:.1%} are meant"
        )


def drifts(judged: Sequence[Judged], target: float, lower_limit: Any) -> list[Drift]:
    """Where the share of wrong automatic actions is above `target` for certain.

    `lower_limit(wrong, judged)` is the exact binomial limit, which only the classifier's libraries can work out.
    """
    by: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for each in judged:
        by["language", each.language].append(each.wrong)
        by["intent", each.intent].append(each.wrong)
    found = []
    for (kind, name), wrong in sorted(by.items()):
        at_least = lower_limit(sum(wrong), len(wrong))
        if at_least > target:
            found.append(Drift(kind, name, len(wrong), sum(wrong), at_least, target))
    return found
