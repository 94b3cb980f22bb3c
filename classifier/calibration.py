"""From raw scores to probabilities that hold: small logistic maps fitted on predictions that never saw their author.

`intents` weighs the three views of each intent; `confidence` says how probable it is that the chosen primary is
right. Both are a handful of numbers kept as JSON beside the estimators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
from sklearn.linear_model import LogisticRegression

from classifier import labels
from classifier.estimators import Array, OfIntent, RawScores
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

    def of_each(self, rows: Array) -> Array:
        """The same for many rows at once; the inputs lie along the last axis."""
        total: Array = np.zeros(rows.shape[:-1])
        for weight, column in zip(self.weights, np.moveaxis(rows, -1, 0), strict=True):
            total = total + weight * column
        return _each(sigmoid, total + self.constant)


AS_A_MESSAGE = Weights((1.0, *(0.0 for _ in PART_INPUTS[1:])), 0.0)
"""The map of a part where none can be fitted: what it says read as a message of its own."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """Probability of each intent (a message may say several), and the primary: the first by order among those said.

    `details`: of a part of a message, how probable each value of each detail is, were its intent said.
    """

    probabilities: dict[str, float]
    primary: str
    details: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


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

    def opinions(self, raws: Sequence[RawScores]) -> list[Opinion]:
        """What each message says.

        The set of intents and its primary are chosen together: an intent that goes before the chosen primary by order
        is then not said, however close it came; and the primary is said, since every message says something.
        """
        said = said_of(self.intents, raws)
        firsts = self.primary.of_each(primary_inputs(said, raws)).argmax(axis=1)
        return [
            _together(dict(zip(labels.INTENTS, own, strict=True)), labels.INTENTS[first])
            for own, first in zip(said.tolist(), firsts.tolist(), strict=True)
        ]

    def opinions_of_parts(self, raws: Sequence[RawScores], in_context: Sequence[Array | None]) -> list[Opinion]:
        """What each part of a message says of its invoices: one intent.

        Args:
            raws: its scores, read as a message of its own.
            in_context: what the tuned network makes of it in the light of the whole message, where there is one.
        """
        said = self.part.of_each(self.part_inputs(raws, in_context))
        return [
            Opinion(dict(zip(labels.INTENTS, own, strict=True)), labels.INTENTS[first], raw.details)
            for own, first, raw in zip(said.tolist(), said.argmax(axis=1).tolist(), raws, strict=True)
        ]

    def part_inputs(self, raws: Sequence[RawScores], in_context: Sequence[Array | None]) -> Array:
        """The inputs of `part`: parts × intents × inputs."""
        said = said_of(self.intents, raws)
        context = [np.zeros(len(labels.INTENTS)) if each is None else each for each in in_context]
        return np.stack([
            _each(logit, self.primary.of_each(primary_inputs(said, raws))),
            _each(logit, said),
            _columns(raws, "tuned")[..., 0],
            np.array(context, np.float64).reshape(-1, len(labels.INTENTS)),
        ], axis=-1)  # fmt: skip

    def certainty(self, opinion: Opinion, raw: RawScores, sureness: Sequence[float] = ()) -> float:
        """Probability that the primary is right. `sureness`: of each part, where the message is parted."""
        if sureness:
            return self.parted.of(parted_inputs(opinion, raw, sureness))
        return self.confidence.of(confidence_inputs(opinion, raw))


def _together(said: dict[str, float], primary: str) -> Opinion:
    rank = labels.PRIMARY_ORDER.index
    for intent in labels.INTENTS:
        if rank(intent) < rank(primary):
            said[intent] = min(said[intent], _JUST_UNDER)
    said[primary] = max(said[primary], SAID)
    return Opinion(said, primary)


def intent_inputs(raws: Sequence[RawScores]) -> Array:
    """Messages × intents × inputs."""
    return _columns(raws, "whole", "strongest", "primary", "tuned_said", "tuned")


def said_of(intents: Mapping[str, Weights], raws: Sequence[RawScores]) -> Array:
    """How probable it is that each message says each intent: messages × intents."""
    inputs = intent_inputs(raws)
    return np.stack([intents[intent].of_each(inputs[:, at]) for at, intent in enumerate(labels.INTENTS)], axis=-1)


def primary_inputs(said: Array, raws: Sequence[RawScores]) -> Array:
    """How well each intent would do as primary: it is said, nothing before it is, and texts like this have it.

    Messages × intents × inputs; `said` as from `said_of`.
    """
    before: Array = np.zeros(said.shape)
    none_before: Array = np.zeros(len(raws))
    for intent in labels.PRIMARY_ORDER:
        column = labels.INTENTS.index(intent)
        before[:, column] = none_before
        none_before = none_before + _each(_log_of_rest, said[:, column])
    given = _columns(raws, "primary", "strongest", "mean_view", "least_view", "agreeing_views", "tuned_said", "tuned")
    return np.concatenate([_each(logit, said)[..., None], before[..., None], given], axis=-1)


def _log_of_rest(probability: float) -> float:
    return log(max(1 - probability, LIMIT))


def _columns(raws: Sequence[RawScores], *names: str) -> Array:
    """Some of the scores of each intent: messages × intents × names."""
    tables = np.array([raw.table for raw in raws], np.float64).reshape(-1, len(labels.INTENTS), len(OfIntent._fields))
    chosen: Array = tables[..., [OfIntent._fields.index(name) for name in names]]
    return chosen


def _each(function: Callable[[float], float], values: Array) -> Array:
    """The function of each value. numpy's own exponential may give a value another last digit among many than alone."""
    return np.array([function(value) for value in values.ravel().tolist()], np.float64).reshape(values.shape)


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
        own.mean_view,
        own.least_view,
        own.agreeing_views,
        *tuned_inputs(raw, column),
    )


def parted_inputs(opinion: Opinion, raw: RawScores, sureness: Sequence[float]) -> tuple[float, ...]:
    own = raw.of_intents[labels.INTENTS.index(opinion.primary)]
    return logit(min(sureness)), logit(sum(sureness) / len(sureness)), own.strongest, own.tuned


def fit_weights(inputs: Sequence[Sequence[float]] | Array, right: Sequence[bool], strength: float = 1.0) -> Weights:
    """The logistic map from `inputs` to `right`; a constant where only one answer was seen."""
    rows: Array = np.asarray(inputs, dtype=np.float64)
    if len(set(right)) < 2:
        return Weights((0.0,) * rows.shape[1], logit(float(right[0])))
    model = LogisticRegression(C=strength, max_iter=1000).fit(rows, np.asarray(right, dtype=int))
    return Weights(tuple(float(weight) for weight in model.coef_[0]), float(model.intercept_[0]))
