"""Training: labelled replies → a trained model with calibrated probabilities and thresholds that hold a bound.

    rows → folds by hand and idea → estimators of each fold → raw scores of rows that they never saw
         → calibration (fitted on those) → outcomes (each hand judged by a calibration without it) → thresholds
    rows → estimators of all rows = the trained model

Deterministic: the same rows and library versions give the same predictions. Sentences have no labels of their own: a
message's intent is carried by its strongest sentence, found in turns with the model that scores sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from classifier import labels
from classifier.calibration import (
    CONFIDENCE_INPUTS,
    Calibration,
    Weights,
    confidence_inputs,
    fit_weights,
    intent_inputs,
    primary_inputs,
)
from classifier.data import Row
from classifier.errors import DataError
from classifier.estimators import Estimators, RawScores
from classifier.features import DETAIL_CUE_WEIGHT, Counts, fit_vectors
from classifier.folds import Fold, by_hand
from classifier.judgement import Findings, Standards, find, judge, understand
from classifier.preprocess import Prepared, prepare
from classifier.thresholds import Bounded, Outcome, choose_thresholds
from classifier.trained import HORIZON, month_first, read_segments
from classifier.values import Prediction

#: Inverse strength of regularisation of all regressions.
C = 10.0

#: Turns of finding the sentence that carries a message's intent, and weight of the other sentences of such a message.
TURNS = 2
OTHER_SENTENCES = 0.3

#: A language with fewer rows than this in calibration is never automatic.
LANGUAGE_ROWS = 100

#: A detail needs this many rows of two values before it is learnt.
DETAIL_ROWS = 8

Progress = Callable[[str], None]


def silent(_step: str) -> None:
    """Tell no progress."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Predictions for rows by models that never saw their author, in the order of the rows."""

    predictions: tuple[Prediction, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gives: what predicts, and what it was measured to do."""

    estimators: Estimators
    calibration: Calibration
    bounded: Bounded
    languages: frozenset[str]
    held_out: Judged


def train(rows: Sequence[Row], progress: Progress = silent) -> Trained:
    """Train on `rows`. Raises `DataError` where an intent has no rows, or all rows are one hand's."""
    _check(rows)
    prepared = prepare_rows(rows)
    judged, calibration = hold_out(rows, prepared, by_hand(rows), progress)
    progress("thresholds")
    bounded = choose_thresholds(judged.outcomes)
    progress("all rows")
    estimators = fit_estimators(rows, prepared)
    return Trained(estimators, calibration, bounded, enough_rows(rows), judged)


def enough_rows(rows: Sequence[Row]) -> frozenset[str]:
    """Languages with enough rows to be automatic."""
    return frozenset(
        language for language in labels.LANGUAGES if sum(row.language == language for row in rows) >= LANGUAGE_ROWS
    )


def prepare_rows(rows: Sequence[Row]) -> list[Prepared]:
    return [prepare(row.reply.text, row.reply.date.date(), month_first(row.reply)) for row in rows]


def hold_out(
    rows: Sequence[Row], prepared: Sequence[Prepared], folds: Sequence[Fold], progress: Progress = silent
) -> tuple[Judged, Calibration]:
    """Judge every row by models that never saw its fold.

    Returns those predictions, and the calibration over all folds, which a model trained on all rows takes.
    """
    examples = [Example(row, each, find(row.reply, each)) for row, each in zip(rows, prepared, strict=True)]
    scores: dict[int, RawScores] = {}
    fitted: list[Estimators] = []
    for fold in folds:
        progress(f"without {fold.name}")
        estimators = fit_estimators([rows[i] for i in fold.train], [prepared[i] for i in fold.train])
        scores.update(zip(fold.test, estimators.scores([prepared[i] for i in fold.test]), strict=True))
        fitted.append(estimators)
    open_standards = Standards(dict.fromkeys(labels.ACTIONABLE, 0.0), enough_rows(rows), HORIZON)
    predictions: dict[int, Prediction] = {}
    for fold, estimators in zip(folds, fitted, strict=True):
        rest = [index for other in folds if other is not fold for index in other.test]
        calibration = fit_calibration([(examples[index], scores[index]) for index in rest])
        tested = [examples[index] for index in fold.test]
        segments = read_segments(
            estimators, calibration, [each.prepared for each in tested], [each.findings for each in tested]
        )
        for index, each, parts in zip(fold.test, tested, segments, strict=True):
            predictions[index] = judge(
                each.row.reply, each.prepared, each.findings, scores[index], calibration, open_standards, parts, ""
            )
    everything = fit_calibration([(examples[index], scores[index]) for index in range(len(rows))])
    ordered = tuple(predictions[index] for index in range(len(rows)))
    return Judged(ordered, tuple(outcome(row, each) for row, each in zip(rows, ordered, strict=True))), everything


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled row, made ready."""

    row: Row
    prepared: Prepared
    findings: Findings


def fit_calibration(scored: Sequence[tuple[Example, RawScores]]) -> Calibration:
    """The maps to probabilities, primary and confidence, from scores by models that never saw their row."""
    intents = {
        intent: fit_weights(
            [intent_inputs(raw, column) for _, raw in scored],
            [intent in each.row.labels.intents for each, _ in scored],
        )
        for column, intent in enumerate(labels.INTENTS)
    }
    inputs, right = [], []
    for each, raw in scored:
        said = {intent: intents[intent].of(intent_inputs(raw, at)) for at, intent in enumerate(labels.INTENTS)}
        inputs += [primary_inputs(intent, said, raw) for intent in labels.INTENTS]
        right += [intent == each.row.labels.primary for intent in labels.INTENTS]
    unsure = Calibration(intents, fit_weights(inputs, right), Weights((0.0,) * len(CONFIDENCE_INPUTS), 0.0))
    inputs, right = [], []
    for each, raw in scored:
        opinion = unsure.opinion(raw)
        as_a_whole = [opinion] * len(each.findings.mentions.segments)
        said_of = understand(each.row.reply, each.findings, opinion, as_a_whole)
        inputs.append(confidence_inputs(said_of.opinion, raw))
        right.append(said_of.opinion.primary == each.row.labels.primary)
    return Calibration(intents, unsure.primary, fit_weights(inputs, right))


def outcome(row: Row, said: Prediction) -> Outcome:
    """What acting on `said` would do, judged by the row's labels: wrong where the primary intent, the promised date
    or the state of an invoice would be wrong.
    """
    truth = row.labels
    wrong = said.primary != truth.primary
    if said.primary == "promise":
        wrong = wrong or said.promise_date != truth.promise_date
    acted = {number: intent for number, intent in said.per_invoice.items() if intent in labels.ACTIONABLE}
    wrong = wrong or any(truth.per_invoice.get(number) != intent for number, intent in acted.items())
    return Outcome(said.primary, said.confidence, said.automatic, wrong, is_actionable(row))


def is_actionable(row: Row) -> bool:
    """Whether the labels allow an automatic action: one intent, paid, dispute or a promise with a date in reach."""
    truth = row.labels
    if len(truth.intents) > 1 or truth.primary not in labels.ACTIONABLE:
        return False
    if truth.primary == "promise":
        today = row.reply.date.date()
        return truth.promise_date is not None and today <= truth.promise_date <= today + HORIZON
    return True


def fit_estimators(rows: Sequence[Row], prepared: Sequence[Prepared]) -> Estimators:
    vectors, counts = fit_vectors(prepared)
    whole, by_sentence = vectors.whole(counts), vectors.sentences(counts)
    said = {intent: np.array([intent in row.labels.intents for row in rows]) for intent in labels.INTENTS}
    by_text = {intent: _regression(whole, said[intent]) for intent in labels.INTENTS}
    sentence = {
        intent: _sentence_regression(by_sentence, counts, said[intent], by_text[intent]) for intent in labels.INTENTS
    }
    primary = _multiclass(whole, np.array([row.labels.primary for row in rows]))
    with_cues = vectors.whole(counts, DETAIL_CUE_WEIGHT)
    details = {name: model for name, _, _ in labels.DETAILS if (model := _detail(name, rows, with_cues)) is not None}
    return Estimators(vectors, by_text, sentence, primary, details)


def _sentence_regression(
    by_sentence: sparse.csr_matrix, counts: Counts, said: np.ndarray[Any, Any], first: LogisticRegression
) -> LogisticRegression:
    """Which sentence of a message carries its intent is not labelled: the strongest one is taken to, by the model of
    the turn before; its neighbours count little as counter-examples, the sentences of other messages in full.
    """
    strength = first.decision_function(by_sentence)
    model = first
    for _ in range(TURNS):
        carries = np.zeros(by_sentence.shape[0], dtype=bool)
        weights = np.ones(by_sentence.shape[0])
        for message in np.flatnonzero(said):
            span = counts.span(int(message))
            weights[span] = OTHER_SENTENCES
            strongest = span.start + int(strength[span].argmax())
            carries[strongest], weights[strongest] = True, 1.0
        model = _regression(by_sentence, carries, weights)
        strength = model.decision_function(by_sentence)
    return model


def _regression(
    rows: sparse.csr_matrix, said: np.ndarray[Any, Any], weights: np.ndarray[Any, Any] | None = None
) -> LogisticRegression:
    return _binary().fit(rows, said, sample_weight=weights)


def _binary(*, balanced: bool = False) -> LogisticRegression:
    """Few rows over many columns: the dual problem is solved ten times faster than the primal one."""
    return LogisticRegression(
        C=C, solver="liblinear", dual=True, max_iter=5000, random_state=0, class_weight="balanced" if balanced else None
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


def _check(rows: Sequence[Row]) -> None:
    missing = [intent for intent in labels.INTENTS if not any(intent == row.labels.primary for row in rows)]
    if missing:
        raise DataError([f"no row has the primary intent {intent}: training needs some of each" for intent in missing])
    if len({row.author for row in rows}) < 2:
        raise DataError(["all rows are by one author: a bound can only be measured on authors that training left out"])
