"""From raw scores to probabilities that hold: small logistic maps fitted on predictions that never saw their author.

`intents` weighs the three views of each intent; `confidence` says how probable it is that the chosen primary is
right. Both are a handful of numbers kept as JSON beside the estimators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from sklearn.linear_model import LogisticRegression

from classifier import labels
from classifier.estimators import Array, RawScores

#: Inputs of the map of each intent, and of the map to confidence; part of a trained model's format.
INTENT_INPUTS = ("whole", "strongest sentence", "as primary")
CONFIDENCE_INPUTS = ("probability", "next probability", "as primary", "agrees", "alone", "sentence", "length")

_LIMIT = 1e-4


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic map: weights of its inputs and a constant."""

    weights: tuple[float, ...]
    constant: float

    def of(self, inputs: Sequence[float]) -> float:
        return sigmoid(sum(w * x for w, x in zip(self.weights, inputs, strict=True)) + self.constant)


@dataclass(frozen=True, slots=True)
class Calibration:
    intents: Mapping[str, Weights]
    confidence: Weights

    def probabilities(self, raw: RawScores) -> dict[str, float]:
        """Probability of each intent, independent of each other: a message may say several."""
        return {
            intent: self.intents[intent].of(intent_inputs(raw, column)) for column, intent in enumerate(labels.INTENTS)
        }

    def certainty(self, primary: str, probabilities: Mapping[str, float], raw: RawScores) -> float:
        """Probability that `primary` is right."""
        return self.confidence.of(confidence_inputs(primary, probabilities, raw))


def intent_inputs(raw: RawScores, column: int) -> tuple[float, ...]:
    return float(raw.whole[column]), float(raw.strongest[column]), logit(float(raw.primary[column]))


def confidence_inputs(primary: str, probabilities: Mapping[str, float], raw: RawScores) -> tuple[float, ...]:
    column = labels.INTENTS.index(primary)
    others = [probabilities[intent] for intent in labels.INTENTS if intent != primary]
    return (
        logit(probabilities[primary]),
        logit(max(others)),
        logit(float(raw.primary[column])),
        float(int(raw.primary.argmax()) == column) + float(int(raw.strongest.argmax()) == column),
        float(max(others) < 0.5),
        float(raw.strongest[column]),
        log(1 + raw.sentences.shape[0]),
    )


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


def logit(probability: float) -> float:
    clipped = min(max(probability, _LIMIT), 1 - _LIMIT)
    return log(clipped / (1 - clipped))


def fit_weights(inputs: Sequence[Sequence[float]], right: Sequence[bool], strength: float = 1.0) -> Weights:
    """The logistic map from `inputs` to `right`; a constant where only one answer was seen."""
    rows: Array = np.asarray(inputs, dtype=np.float64)
    if len(set(right)) < 2:
        return Weights((0.0,) * rows.shape[1], logit(float(right[0])))
    model = LogisticRegression(C=strength, max_iter=1000).fit(rows, np.asarray(right, dtype=int))
    return Weights(tuple(float(weight) for weight in model.coef_[0]), float(model.intercept_[0]))
