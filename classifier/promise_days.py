"""Which of the coming days of a reply is the promised one, and how probable that is.

`classifier.facts` reads a day by rules of language; the tuned network has an opinion of each day in the light of the
whole reply. A small logistic map weighs both with what is plain to see: where the day stands, how far ahead it is,
whether another is beside it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from math import log

import numpy as np

from classifier.calibration import Weights
from classifier.clauses import topics
from classifier.dates import DateMention
from classifier.estimators import Array
from classifier.facts import PromiseFacts, Spoken, is_of_document, rank_of
from classifier.marks import coming_days
from classifier.odds import logit
from classifier.other_matters import is_of_another_matter
from classifier.struck_days import opens_with_a_correction
from classifier.values import InvoiceRef

#: Inputs of the map; part of a trained model's format.
DAY_INPUTS = (
    "tuned", "tuned lead", "by rule", "another by rule", "promise", "promises most", "reports more", "rank",
    "best rank", "days", "only", "first", "last", "first of its sentence", "latest", "earliest", "said again",
    "may lie behind", "is done", "today", "due day", "far", "vague", "asked", "a sum beside", "document", "event",
    "condition", "another matter", "day of month", "written out", "weekday", "in some days", "part of a day",
)  # fmt: skip

#: The least probability of a day that is told.
LEAST = 0.35

#: The most probable that a day can be whose clause speaks of a condition, an event, a refusal or another matter, or
#: that is asked about, or where one is taken back: a person's to judge, however plain the rest is.
MOST_OPEN = 0.9
_RANK, _ASKED, _ANOTHER = (DAY_INPUTS.index(name) for name in ("rank", "asked", "another matter"))

BY_RULE = Weights(tuple(6.0 * (name == "by rule") for name in DAY_INPUTS), -3.0)
"""The map where none can be fitted: the day that the rules read."""

#: Characters between a day and the sum that stands beside it.
_BESIDE = 30

Map = Callable[[Sequence[float]], float]


def choose_day(
    facts: PromiseFacts, spoken: Sequence[Spoken], heard: Array, said_at: datetime, invoices: Sequence[InvoiceRef],
    language: str, probability: Map,
) -> PromiseFacts:  # fmt: skip
    """`facts` with the most probable day and its probability; with none where none is probable."""
    probable: dict[date, float] = {}
    taken_back = _is_taken_back(spoken, language)
    for day, inputs in day_inputs(facts, spoken, heard, said_at, invoices, language):
        open_yet = taken_back or inputs[_RANK] < 0 or inputs[_ASKED] > 0 or inputs[_ANOTHER] > 0
        probable[day] = max(probable.get(day, 0.0), min(probability(inputs), MOST_OPEN if open_yet else 1.0))
    best = max(probable, key=probable.__getitem__, default=None)
    if best is None or probable[best] < LEAST:
        return replace(facts, on=None)
    return replace(facts, on=best, probability=probable[best])


def _is_taken_back(spoken: Sequence[Spoken], language: str) -> bool:
    """Whether a sentence corrects the one before it and names a coming day: which of all days is meant is a person's
    to judge.
    """
    named = {at for at, _ in coming_days([each.sentence for each in spoken])}
    return any(at and opens_with_a_correction(spoken[at].sentence.folded, language) for at in named)


def day_inputs(
    facts: PromiseFacts, spoken: Sequence[Spoken], heard: Array, said_at: datetime, invoices: Sequence[InvoiceRef],
    language: str,
) -> list[tuple[date, tuple[float, ...]]]:  # fmt: skip
    """Each coming day of a reply, in order, with the inputs of the map.

    `facts` is what the rules read; `heard` what the tuned network thinks of each of `coming_days`, as log-odds, of
    length 0 without one; `said_at` the date of the reply.
    """
    found = list(coming_days([each.sentence for each in spoken]))
    if not found:
        return []
    opinions = heard if len(heard) else np.zeros(len(found))
    most = max(each.promise for each in spoken)
    ranks = [rank_of(spoken[at].sentence, mention, language) for at, mention in found]
    days = [mention.ahead for _, mention in found if mention.ahead]
    due = {invoice.due for invoice in invoices}
    inputs: list[tuple[date, tuple[float, ...]]] = []
    for index, (at, mention) in enumerate(found):
        each, day = spoken[at], days[index]
        said = topics(each.sentence, mention.start, mention.end, language)
        rivals = [float(opinions[other]) for other, rival in enumerate(days) if rival != day]
        inputs.append((day, (
            float(opinions[index]),
            float(opinions[index]) - max(rivals, default=0.0),
            float(day == facts.on),
            float(facts.on is not None and day != facts.on),
            logit(each.promise),
            float(each.promise == most),
            float(each.paid > each.promise),
            float(ranks[index]),
            float(ranks[index] == max(ranks)),
            log(len(set(days))),
            float(len(set(days)) == 1),
            float(index == 0),
            float(index == len(found) - 1),
            float(index == 0 or found[index - 1][0] != at),
            float(day == max(days)),
            float(day == min(days)),
            float(days.count(day) > 1),
            float(mention.behind is not None),
            float(mention.behind is not None and "done" in said and "coming" not in said),
            float(day == said_at.date()),
            float(day in due),
            log(1 + max(0, (day - said_at.date()).days)),
            float(mention.vague),
            float("?" in each.sentence.text),
            float(_has_sum_beside(each, mention)),
            float(is_of_document(each.sentence, mention, language)),
            float("event" in said),
            float("condition" in said),
            float(is_of_another_matter(each.sentence, mention, language)),
            *(float(mention.family == family) for family in _FAMILIES),
        )))  # fmt: skip
    return inputs


_FAMILIES = ("day_of_month", "explicit", "weekday", "in_span", "day_part")


def _has_sum_beside(spoken: Spoken, mention: DateMention) -> bool:
    return any(
        0 <= mention.start - each.end < _BESIDE or 0 <= each.start - mention.end < _BESIDE
        for each in spoken.sentence.amounts
    )
