"""Many replies at once, on all cores: each process loads the trained model once and takes the next chunk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from joblib import Parallel, delayed

from classifier import load
from classifier.trained import Classifier
from classifier.values import Prediction, Reply

#: From so many replies on further processes are worth their start, of two to three seconds each.
WITH_ENCODER, WITHOUT_ENCODER = 300, 3_000

_CHUNK = 100


def predict(model: Path | None, encoder: str, replies: Sequence[Reply], jobs: int | None = None) -> list[Prediction]:
    """Predictions in order, the same as `load(model, encoder).predict(replies)` gives.

    Raises:
        ModelError: as `load` does, before anything is predicted.
    """
    here = load(model, encoder)
    jobs = jobs or os.cpu_count() or 1
    if jobs < 2 or len(replies) < (WITH_ENCODER if here.encoder else WITHOUT_ENCODER):
        return here.predict(replies)
    chunks = [replies[at : at + _CHUNK] for at in range(0, len(replies), _CHUNK)]
    found: list[list[Prediction]] = Parallel(n_jobs=jobs)(delayed(_chunk)(model, encoder, each) for each in chunks)
    return [prediction for each in found for prediction in each]


@cache
def _loaded(model: Path | None, encoder: str) -> Classifier:
    return load(model, encoder)


def _chunk(model: Path | None, encoder: str, replies: Sequence[Reply]) -> list[Prediction]:
    return _loaded(model, encoder).predict(replies)
