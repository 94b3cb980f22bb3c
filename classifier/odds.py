"""Probabilities and log-odds. Pure."""

from __future__ import annotations

from math import exp, log

#: No probability is taken for nearer to nought or one than this.
LIMIT = 1e-4


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


def logit(probability: float) -> float:
    clipped = min(max(probability, LIMIT), 1 - LIMIT)
    return log(clipped / (1 - clipped))
