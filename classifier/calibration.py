"""From raw scores to probabilities that hold: small logistic maps fitted on predictions that never saw their author.

`intents` weighs the three views of each intent; `confidence` says how probable it is that the chosen primary is
right. Both are a handful of numbers kept as JSON beside the estimators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from sklearn.linear_model import LogisticRegression

from classifier import labels
from classifier.estimators import Array, RawScores
from classifier.odds import LIMIT, logit, sigmoid

#: Inputs of the maps; part of a trained model's format.
INTENT_INPUTS = ("whole", "strongest sentence", "as primary", "tuned", "tuned as primary")
PRIMARY_INPUTS = (
    "said",
    "none before it said",
    "as primary",
    "strongest sentence",
    "views",
    "least view",
    "agreeing views",
    "tuned",
    "tuned as primary",
)
CONFIDENCE_INPUTS = ("probability", "next probability", "as primary", "agrees", "alone", "sentence", "length",
    "views", "least view", "agreeing views", "tuned", "tuned lead",
)  # fmt: skip

#: Of one part of a message that is parted by its invoices, for each intent.
PART_INPUTS = ("as a message", "said", "tuned", "tuned in context")

PARTED_INPUTS = ("least sure part", "parts", "sentence", "tuned")

#: From this probability on an intent counts as said.
SAID = 0.5

_JUST_UNDER = 0.49


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic map: weights of its inputs and a constant."""

    weights: tuple[float, ...]
    constant: float

    def of(self, inputs: Sequence[float]) -> float:
        return sigmoid(sum(w * x for w, x in zip(self.weights, inputs, strict=True)) + self.constant)


AS_A_MESSAGE = Weights((1.0, *(0.0 for _ in PART_INPUTS[1:])), 0.0)
"""The map of a part where none can be fitted: what it says read as a message of its own."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """Probability of each intent (a message may say several), and the primary: the first by order among those said."""

    probabilities: dict[str, float]
    primary: str


@dataclass(frozen=True, slots=True)
class Calibration:
    intents: Mapping[str, Weights]
    primary: Weights
    part: Weights
    confidence: Weights
    parted: Weights
    day: Weights
    promised_sum: Weights
    paid_sum: Weights
    action: Weights

    def opinion(self, raw: RawScores) -> Opinion:
        """What a message says.

        The set of intents and its primary are chosen together: an intent that goes before the chosen primary by order
        is then not said, however close it came; and the primary is said, since every message says something.
        """
        said = {
            intent: self.intents[intent].of(intent_inputs(raw, column)) for column, intent in enumerate(labels.INTENTS)
        }
        primary = max(labels.INTENTS, key=lambda intent: self.primary.of(primary_inputs(intent, said, raw)))
        rank = labels.PRIMARY_ORDER.index
        for intent in labels.INTENTS:
            if rank(intent) < rank(primary):
                said[intent] = min(said[intent], _JUST_UNDER)
        said[primary] = max(said[primary], SAID)
        return Opinion(said, primary)

    def opinion_of_part(self, raw: RawScores, in_context: Array | None) -> Opinion:
        """What a part of a message says of its invoices: one intent.

        Args:
            raw: its scores, read as a message of its own.
            in_context: what the tuned network makes of it in the light of the whole message, where there is one.
        """
        said = {
            intent: self.part.of(each)
            for intent, each in zip(labels.INTENTS, self.part_inputs(raw, in_context), strict=True)
        }
        return Opinion(said, max(labels.INTENTS, key=said.__getitem__))

    def part_inputs(self, raw: RawScores, in_context: Array | None) -> list[tuple[float, ...]]:
        """The inputs of `part` for each intent."""
        said = {
            intent: self.intents[intent].of(intent_inputs(raw, column)) for column, intent in enumerate(labels.INTENTS)
        }
        return [
            (
                logit(self.primary.of(primary_inputs(intent, said, raw))),
                logit(said[intent]),
                raw.of_intents[column].tuned,
                float(in_context[column]) if in_context is not None else 0.0,
            )
            for column, intent in enumerate(labels.INTENTS)
        ]

    def certainty(self, opinion: Opinion, raw: RawScores, sureness: Sequence[float] = ()) -> float:
        """Probability that the primary is right. `sureness`: of each part, where the message is parted."""
        if sureness:
            return self.parted.of(parted_inputs(opinion, raw, sureness))
        return self.confidence.of(confidence_inputs(opinion, raw))


def intent_inputs(raw: RawScores, column: int) -> tuple[float, ...]:
    own = raw.of_intents[column]
    return own.whole, own.strongest, own.primary, own.tuned_said, own.tuned


def primary_inputs(intent: str, said: Mapping[str, float], raw: RawScores) -> tuple[float, ...]:
    """How well `intent` would do as primary: it is said, nothing before it is, and texts like this have it."""
    rank = labels.PRIMARY_ORDER.index(intent)
    before = [said[each] for each in labels.PRIMARY_ORDER[:rank]]
    none_before = sum(log(max(1 - probability, LIMIT)) for probability in before)
    own = raw.of_intents[labels.INTENTS.index(intent)]
    return logit(said[intent]), none_before, own.primary, own.strongest, *own.views, own.tuned_said, own.tuned


def tuned_inputs(raw: RawScores, column: int) -> tuple[float, float]:
    """What the tuned network thinks of an intent as primary, and how far it is ahead of its best rival."""
    own = raw.of_intents[column].tuned
    return own, own - max(each.tuned for at, each in enumerate(raw.of_intents) if at != column)


def confidence_inputs(opinion: Opinion, raw: RawScores) -> tuple[float, ...]:
    column = labels.INTENTS.index(opinion.primary)
    own = raw.of_intents[column]
    highest = max(p for intent, p in opinion.probabilities.items() if intent != opinion.primary)
    return (
        logit(opinion.probabilities[opinion.primary]),
        logit(highest),
        own.primary,
        float(int(raw.primary.argmax()) == column) + float(int(raw.strongest.argmax()) == column),
        float(highest < _JUST_UNDER),
        own.strongest,
        log(1 + raw.sentences.shape[0]),
        *own.views,
        *tuned_inputs(raw, column),
    )


def parted_inputs(opinion: Opinion, raw: RawScores, sureness: Sequence[float]) -> tuple[float, ...]:
    own = raw.of_intents[labels.INTENTS.index(opinion.primary)]
    return logit(min(sureness)), logit(sum(sureness) / len(sureness)), own.strongest, own.tuned


def fit_weights(inputs: Sequence[Sequence[float]], right: Sequence[bool], strength: float = 1.0) -> Weights:
    """The logistic map from `inputs` to `right`; a constant where only one answer was seen."""
    rows: Array = np.asarray(inputs, dtype=np.float64)
    if len(set(right)) < 2:
        return Weights((0.0,) * rows.shape[1], logit(float(right[0])))
    model = LogisticRegression(C=strength, max_iter=1000).fit(rows, np.asarray(right, dtype=int))
    return Weights(tuple(float(weight) for weight in model.coef_[0]), float(model.intercept_[0]))
