"""Probabilities and log-odds. Pure."""

from __future__ import annotations

from math import exp, log

#: No probability is taken for nearer to nought or one than this.
LIMIT = 1e-4
_MOST = 1 - LIMIT


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


def logit(probability: float) -> float:
    if probability < LIMIT:  # half the time of min and max, millions of times in training
        probability = LIMIT
    elif probability > _MOST:
        probability = _MOST
    return log(probability / (1 - probability))
