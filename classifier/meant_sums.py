"""Which of the sums of a reply is the (first) part promised, and which was paid.

`classifier.facts` reads both by rules of language; the tuned network has an opinion of each sum in the light of the
whole reply. Small logistic maps weigh both with what is plain to see: whether it is the whole of what is owed, what
stands beside it, what is left of what is owed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log

import numpy as np

from classifier.calibration import Weights
from classifier.estimators import Array
from classifier.facts import MAY_PROMISE, PaidFacts, PromiseFacts, Spoken
from classifier.named_sums import SUMS, NamedSum
from classifier.odds import logit
from classifier.portions import owed_on
from classifier.remainders import names_all_but, names_the_rest
from classifier.values import InvoiceRef, Promised

#: Inputs of the maps; part of a trained model's format.
SUM_INPUTS = (
    *SUMS, "lead", "rest of off", "rest of paid", "heard", "by rule", "another by rule", "named", "rest named",
    "whole", "an invoice", "more than owed", "share of owed", "sentence promises", "sentence reports", "first", "last",
    "only", "said again", "asked", "coming day beside", "past day beside",
)  # fmt: skip

#: The least probability of a sum that is told.
LEAST = 0.5

SUM_BY_RULE = Weights(tuple(6.0 * (name == "by rule") for name in SUM_INPUTS), -3.0)
"""The map where none can be fitted: the sum that the rules read."""

Map = Callable[[Sequence[float]], float]

#: Log-odds of what nothing is known of.
_UNHEARD = -5.0


@dataclass(frozen=True, slots=True)
class Money:
    """What a reply says of money: its sums, its sentences, the invoices that it answers; `heard`: what the tuned
    network makes of each sum, log-odds of each of SUMS, of length 0 without one.
    """

    sums: Sequence[NamedSum]
    spoken: Sequence[Spoken]
    invoices: Sequence[InvoiceRef]
    heard: Array


def choose_part(facts: PromiseFacts, money: Money, language: str, probability: Map) -> PromiseFacts:
    """`facts` with the most probable sum as the part promised; with none where none is probable.

    What the rules work out ("less your credit note of 120") stands: they do so only where one sum alone can be meant,
    and few of the replies that the maps are fitted on leave their sum to be worked out.
    """
    by_rule = rule_of_promise(facts)
    if by_rule is not None and all(each.amount != by_rule for each in money.sums):
        return facts
    chosen, probable = _most_probable(sum_inputs(money, by_rule), probability)
    if chosen is None:
        chosen = _what_is_left(money, language)
        # A rest worked out from what the network hears alone is shown to a person, not acted on.
        facts = replace(facts, sureness=1 - probable if chosen is None else LEAST)
    else:
        facts = replace(facts, sureness=probable)
    if chosen == by_rule:
        return facts
    currency = money.invoices[0].currency if money.invoices else None
    return replace(facts, parts=() if chosen is None else (Promised(facts.on, chosen, currency),))


def _what_is_left(money: Money, language: str) -> Decimal | None:
    """What a rest comes to that is promised, where one sum alone is named, which sounds of a payment or a deduction
    rather than of a promise: "500 went out yesterday; what is left follows on Friday".
    """
    owed = owed_on(money.invoices)
    if owed is None or len(money.invoices) != 1 or not len(money.heard):
        return None
    named = [at for at, each in enumerate(money.sums) if each.amount != owed.total]
    off = {money.sums[at].amount for at in named}
    if len(off) != 1 or not max(off) < owed.total or not any(_promises_a_rest(each, language) for each in money.spoken):
        return None
    loudest = dict(zip(SUMS, _loudest(money.heard, named), strict=True))
    is_off = max(loudest["off"], loudest["paid"]) > max(loudest["promised"], loudest["later"])
    return owed.total - off.pop() if is_off else None


def _promises_a_rest(spoken: Spoken, language: str) -> bool:
    if "?" in spoken.sentence.text or spoken.promise < MAY_PROMISE:
        return False
    return names_the_rest(spoken.sentence, language) or names_all_but(spoken.sentence, language)


def choose_paid(facts: PaidFacts, money: Money, probability: Map) -> PaidFacts:
    """`facts` with the most probable sum as the one paid; with none where none is probable."""
    return replace(facts, amount=_most_probable(sum_inputs(money, facts.amount), probability)[0])


def rule_of_promise(facts: PromiseFacts) -> Decimal | None:
    """The first part that the rules read."""
    return facts.parts[0].amount if facts.parts else None


def _most_probable(
    weighed: Sequence[tuple[Decimal, tuple[float, ...]]], probability: Map
) -> tuple[Decimal | None, float]:
    """The most probable sum, None where none is probable; and how probable it is."""
    probable = {amount: probability(inputs) for amount, inputs in weighed}
    best = max(probable, key=probable.__getitem__, default=None)
    if best is None:
        return None, 0.0
    return best if probable[best] >= LEAST else None, probable[best]


def sum_inputs(money: Money, by_rule: Decimal | None) -> list[tuple[Decimal, tuple[float, ...]]]:
    """Each sum that may be meant, with the inputs of the maps: those named, what they leave of all that is owed, and
    the one that the rules read.
    """
    owed = owed_on(money.invoices)
    if owed is None:
        return []
    sums, total = money.sums, owed.total
    heard = money.heard if len(money.heard) else np.full((len(sums), len(SUMS)), _UNHEARD)
    places: dict[Decimal, list[int]] = {}
    for at, each in enumerate(sums):
        places.setdefault(each.amount, []).append(at)
    left = {total - amount for amount in places if 0 < amount < total}
    candidates = sorted({*places, *left, *([by_rule] if by_rule is not None else [])})
    own = {amount: _loudest(heard, places.get(amount, [])) for amount in candidates}
    column = SUMS.index("promised")
    of_invoices = {invoice.amount for invoice in money.invoices}
    last = len(sums) - 1
    found: list[tuple[Decimal, tuple[float, ...]]] = []
    for amount in candidates:
        own_places, rest = places.get(amount, []), _loudest(heard, places.get(total - amount, []))
        beside = [money.spoken[sums[each].sentence] for each in own_places]
        days = [day for each in beside for day in each.sentence.dates]
        rivals = [float(own[other][column]) for other in candidates if other != amount]
        found.append((amount, (
            *map(float, own[amount]),
            float(own[amount][column]) - max(rivals, default=_UNHEARD),
            float(rest[SUMS.index("off")]),
            float(rest[SUMS.index("paid")]),
            float(bool(own_places) and len(money.heard) > 0),
            float(amount == by_rule),
            float(by_rule is not None and amount != by_rule),
            float(bool(own_places)),
            float(total - amount in places),
            float(amount == total),
            float(amount in of_invoices),
            float(amount > total),
            float(amount / total) if 0 < amount <= total else 1.0,
            max((logit(each.promise) for each in beside), default=0.0),
            max((logit(each.paid) for each in beside), default=0.0),
            float(0 in own_places),
            float(last in own_places),
            float(len(places) == 1),
            log(1 + len(own_places)),
            float(any("?" in each.sentence.text for each in beside)),
            float(any(day.ahead is not None for day in days)),
            float(any(day.behind is not None for day in days)),
        )))  # fmt: skip
    return found


def _loudest(heard: Array, places: Sequence[int]) -> Array:
    """What is heard of a sum wherever it stands: of each meaning the most."""
    loudest: Array = heard[list(places)].max(axis=0) if places else np.full(len(SUMS), _UNHEARD)
    return loudest
