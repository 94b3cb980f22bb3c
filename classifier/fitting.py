"""Labelled examples → the regressions that score a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from classifier import labels
from classifier.data import Row
from classifier.estimators import NO_REASON, Estimators
from classifier.examples import Examples
from classifier.features import DETAIL_CUE_WEIGHT, Counts, fit_vectors

#: Inverse strength of regularisation of all regressions.
C = 10.0

#: The solver stops here; at LIBLINEAR's own default for the dual problem, 0.1, it takes a third longer for the same
#: figures. The few rows that have a detail are worth that: at 1 reasons lose half a point.
TOLERANCE, DETAIL_TOLERANCE = 0.3, 0.1

#: What the sentences of a message weigh that do not carry its intent.
OTHER_SENTENCES = 0.3

#: A detail needs this many rows of two values before it is learnt.
DETAIL_ROWS = 8


def fit_estimators(examples: Examples, chosen: Sequence[int]) -> Estimators:
    """The estimators of some of the examples."""
    rows = [examples.rows[index] for index in chosen]
    own = examples.counts.take(chosen)
    vectors = fit_vectors(examples.vocabulary, own)
    with_cues = vectors.whole(own, DETAIL_CUE_WEIGHT)
    parts = [at for of_row in examples.segments.of(chosen) for at in of_row if examples.segments.intents[at]]
    counts = own.beside(examples.segments.counts.take(parts)) if examples.segments.counts and parts else own
    of_parts = [str(examples.segments.intents[at]) for at in parts]
    whole, by_sentence = vectors.whole(counts), vectors.sentences(counts)
    intents = [*(row.labels.intents for row in rows), *((intent,) for intent in of_parts)]
    said = {intent: np.array([intent in each for each in intents]) for intent in labels.INTENTS}
    by_text = {intent: _regression(whole, said[intent]) for intent in labels.INTENTS}
    sentence = {
        intent: _sentence_regression(by_sentence, counts, said[intent], by_text[intent]) for intent in labels.INTENTS
    }
    primary = _multiclass(whole, np.array([*(row.labels.primary for row in rows), *of_parts]))
    details = {name: model for name, _, _ in labels.DETAILS if (model := _detail(name, rows, with_cues)) is not None}
    # Models that see one side only: where they agree, the answer is surer than any one of them says.
    of_rows = np.array([row.labels.primary for row in rows])
    views = {name: _multiclass(whole[: len(rows), columns], of_rows) for name, columns in vectors.blocks().items()}
    late = np.array([row.labels.late_reason or NO_REASON for row in rows])
    if len(set(late)) > 1:
        details["late_reason"] = _multiclass(with_cues, late)
    return Estimators(vectors, by_text, sentence, primary, views, details)


def _sentence_regression(
    by_sentence: sparse.csr_matrix, counts: Counts, said: np.ndarray[Any, Any], by_text: LogisticRegression
) -> LogisticRegression:
    """Which sentence of a message carries its intent is not labelled: the strongest one is taken to, by the model of
    whole texts; its neighbours count little as counter-examples, the sentences of other messages in full. To look once
    more for the strongest, by the model that comes out, changes no figure.
    """
    strength = by_text.decision_function(by_sentence)
    carries = np.zeros(by_sentence.shape[0], dtype=bool)
    weights = np.ones(by_sentence.shape[0])
    for message in np.flatnonzero(said):
        span = counts.span(int(message))
        weights[span] = OTHER_SENTENCES
        strongest = span.start + int(strength[span].argmax())
        carries[strongest], weights[strongest] = True, 1.0
    return _regression(by_sentence, carries, weights)


def _regression(
    rows: sparse.csr_matrix, said: np.ndarray[Any, Any], weights: np.ndarray[Any, Any] | None = None
) -> LogisticRegression:
    return _binary().fit(rows, said, sample_weight=weights)


def _binary(*, balanced: bool = False) -> LogisticRegression:
    """Few rows over many columns: the dual problem is solved ten times faster than the primal one."""
    return LogisticRegression(
        C=C,
        tol=DETAIL_TOLERANCE if balanced else TOLERANCE,
        solver="liblinear",
        dual=True,
        max_iter=5000,
        random_state=0,
        class_weight="balanced" if balanced else None,
    )


def _multiclass(
    rows: sparse.csr_matrix, classes: np.ndarray[Any, Any], *, balanced: bool = False
) -> OneVsRestClassifier:
    return OneVsRestClassifier(_binary(balanced=balanced)).fit(rows, classes)


def _detail(name: str, rows: Sequence[Row], whole: sparse.csr_matrix) -> OneVsRestClassifier | None:
    """A model of one detail over the messages that have it; None where they are too few to learn from.

    Balanced: some values are rare, and each is worth the same to the person who works on it.
    """
    having = [index for index, row in enumerate(rows) if row.labels.detail(name) is not None]
    values = np.array([rows[index].labels.detail(name) for index in having])
    if len(having) < DETAIL_ROWS or len(set(values)) < 2:
        return None
    return _multiclass(whole[having], values, balanced=True)
