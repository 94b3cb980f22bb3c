"""Training: labelled replies → a trained model with calibrated probabilities and thresholds that hold a bound.

    rows → folds by hand and idea → estimators of each fold → raw scores of rows that they never saw
         → calibration (fitted on those) → outcomes (each hand judged by a calibration without it) → thresholds
    rows → estimators of all rows = the trained model

Deterministic: the same rows and library versions give the same predictions. Sentences have no labels of their own: a
message's intent is carried by its strongest sentence, found in turns with the model that scores sentences.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from classifier import labels
from classifier.acting import ACTION_INPUTS, action_inputs
from classifier.calibration import (
    AS_A_MESSAGE,
    CONFIDENCE_INPUTS,
    PARTED_INPUTS,
    Calibration,
    Weights,
    confidence_inputs,
    fit_weights,
    intent_inputs,
    parted_inputs,
    primary_inputs,
)
from classifier.data import Row
from classifier.encoders.tuned import Heard, Tuned
from classifier.encoders.values import Encoder, Named
from classifier.errors import DataError
from classifier.estimators import NO_REASON, Estimators, RawScores
from classifier.facts import promise_facts
from classifier.features import DETAIL_CUE_WEIGHT, Counts, Vocabulary, fit_vectors
from classifier.findings import Findings, find
from classifier.folds import Fold, by_hand
from classifier.invoices import Segment
from classifier.judgement import Standards, judge, spoken_of, understand
from classifier.marks import Marks, marks_of
from classifier.preprocess import Prepared, prepare
from classifier.promise_days import BY_RULE, day_inputs
from classifier.thresholds import Bounded, Outcome, choose_thresholds
from classifier.trained import HORIZON, month_first, opinions, segments_of
from classifier.values import Prediction

#: Inverse strength of regularisation of all regressions.
C = 10.0

#: The solver stops here: a hundred times its default, half the time, and the same figures.
TOLERANCE = 0.01

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


def train(rows: Sequence[Row], progress: Progress = silent, encoder: Encoder | None = None) -> Trained:
    """Train on `rows`, with the vectors of `encoder` and what its tuned network hears, where there is one.

    Raises:
        DataError: an intent has no rows, or all rows are one hand's.
    """
    _check(rows)
    examples = make_examples(rows, encoder, progress)
    judged, calibration = hold_out(examples, by_hand(rows), progress)
    progress("choosing thresholds")
    bounded = choose_thresholds(judged.outcomes)
    progress("learning from all replies")
    estimators = fit_estimators(examples, range(len(rows)))
    return Trained(estimators, calibration, bounded, enough_rows(rows), judged)


def enough_rows(rows: Sequence[Row]) -> frozenset[str]:
    """Languages with enough rows to be automatic."""
    return frozenset(
        language for language in labels.LANGUAGES if sum(row.language == language for row in rows) >= LANGUAGE_ROWS
    )


def prepare_rows(rows: Sequence[Row]) -> list[Prepared]:
    return [prepare(row.reply.text, row.reply.date.date(), month_first(row.reply)) for row in rows]


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled rows made ready: prepared, searched, counted and encoded once for all folds."""

    rows: tuple[Row, ...]
    prepared: tuple[Prepared, ...]
    findings: tuple[Findings, ...]
    vocabulary: Vocabulary
    counts: Counts
    heard: tuple[Heard, ...] | None
    segments: Segments

    def without_encoder(self) -> Examples:
        """These examples for another process: all is encoded, so that only what the encoder is called is needed."""
        encoder = self.vocabulary.encoder
        named = replace(self.vocabulary, encoder=Named(encoder.identity) if encoder else None)
        return replace(self, vocabulary=named, prepared=())


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of all rows one after the other: whose they are, their counts, and what each says, where the labels
    of its invoices agree on it; such a segment is an example of its own.
    """

    rows: tuple[int, ...]
    counts: Counts | None
    heard: tuple[Heard, ...] | None
    intents: tuple[str | None, ...]

    def of(self, chosen: Sequence[int]) -> list[list[int]]:
        """For each row the indices of its segments."""
        found: dict[int, list[int]] = {index: [] for index in chosen}
        for at, row in enumerate(self.rows):
            if row in found:
                found[row].append(at)
        return [found[index] for index in chosen]


def make_examples(rows: Sequence[Row], encoder: Encoder | None, progress: Progress = silent) -> Examples:
    """Each row is heard by an adapter of the tuned network that never saw its hand."""
    tuned = encoder.tuned if encoder else None
    progress(f"reading {len(rows)} replies with {encoder.identity.name}" if encoder else f"reading {len(rows)} replies")
    prepared = prepare_rows(rows)
    vocabulary, counts = Vocabulary.of(prepared, encoder)
    findings = tuple(find(row.reply, each) for row, each in zip(rows, prepared, strict=True))
    segments = _segments(rows, prepared, findings, vocabulary, tuned)
    marks = [marks_of(message, seen) for message, seen in zip(prepared, findings, strict=True)]
    heard = _heard(tuned, prepared, [row.hand for row in rows], marks)
    return Examples(tuple(rows), tuple(prepared), findings, vocabulary, counts, heard, segments)


def _heard(
    tuned: Tuned | None, messages: Sequence[Prepared], hands: Sequence[str], marks: Sequence[Marks] | None = None
) -> tuple[Heard, ...] | None:
    if tuned is None:
        return None
    texts = [[sentence.text for sentence in each.sentences] for each in messages]
    return tuple(tuned.hear(texts, [tuned.unseen_by(hand) for hand in hands], marks))


def _segments(
    rows: Sequence[Row], prepared: Sequence[Prepared], findings: Sequence[Findings], vocabulary: Vocabulary,
    tuned: Tuned | None,
) -> Segments:  # fmt: skip
    owners: list[int] = []
    texts: list[Prepared] = []
    intents: list[str | None] = []
    for index, (row, message, seen) in enumerate(zip(rows, prepared, findings, strict=True)):
        is_split = len(set(row.labels.per_invoice.values())) > 1
        for segment, text in zip(seen.parts.segments, segments_of(message, seen), strict=True):
            owners.append(index)
            texts.append(text)
            intents.append(said_of(segment, row) if is_split else None)
    heard = _heard(tuned, texts, [rows[owner].hand for owner in owners])
    return Segments(tuple(owners), vocabulary.counts(texts) if texts else None, heard, tuple(intents))


def said_of(segment: Segment, row: Row) -> str | None:
    """What a segment says by the labels of its invoices; None where they differ. Where a reply passes from one invoice
    to the next its labels do not say: such parts have no numbers.
    """
    said = {row.labels.per_invoice.get(number) for number in segment.numbers}
    return said.pop() if len(said) == 1 else None


def hold_out(examples: Examples, folds: Sequence[Fold], progress: Progress = silent) -> tuple[Judged, Calibration]:
    """Judge every row by models that never saw its fold.

    Returns those predictions, and the calibration over all folds, which a model trained on all rows takes.
    """
    rows = examples.rows
    held: list[_Held] = []
    jobs = _JOBS if len(rows) >= _MANY_ROWS else 1
    alone = examples.without_encoder()
    scoring = Parallel(n_jobs=jobs, return_as="generator")(delayed(_score_fold)(alone, fold) for fold in folds)
    for part, (fold, scored) in enumerate(zip(folds, scoring, strict=True), start=1):
        progress(f"judged part {part} of {len(folds)} without having learnt from it: {fold.name}")
        held.append(scored)
    scores = {index: raw for each in held for index, raw in each.scores.items()}
    segments = {
        index: raws for fold, each in zip(folds, held, strict=True)
        for index, raws in zip(fold.test, each.segments, strict=True)
    }  # fmt: skip
    return judge_held_out(examples, folds, HeldOut(scores, segments))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores of all rows, and of the segments of each, by models that never saw their fold."""

    scores: Mapping[int, RawScores]
    segments: Mapping[int, Sequence[RawScores]]


def judge_held_out(examples: Examples, folds: Sequence[Fold], held: HeldOut) -> tuple[Judged, Calibration]:
    """Predictions from held-out scores, each by a calibration that never saw its fold, and the calibration over all."""
    rows = examples.rows
    standards = Standards(dict.fromkeys(labels.ACTIONABLE, 0.0), enough_rows(rows), HORIZON)

    def judged(index: int, calibration: Calibration) -> Prediction:
        parts = opinions(calibration, held.scores[index], held.segments[index])
        return judge(
            rows[index].reply, examples.prepared[index], examples.findings[index], held.scores[index], calibration,
            standards, parts, "",
        )  # fmt: skip

    found: dict[int, Prediction] = {}
    for fold in folds:
        rest = [index for other in folds if other is not fold for index in other.test]
        calibration = fit_calibration(examples, rest, held)
        found.update((index, judged(index, calibration)) for index in fold.test)
    everything = fit_calibration(examples, range(len(rows)), held)
    outcomes = {index: outcome(rows[index], each) for index, each in found.items()}
    inputs = {
        index: action_inputs(
            rows[index].reply, examples.prepared[index], examples.findings[index], held.scores[index], each
        )
        for index, each in found.items()
    }
    for fold in folds:
        rest = [index for other in folds if other is not fold for index in other.test]
        action = _fit_action(rest, inputs, outcomes)
        for index in fold.test:
            found[index] = replace(found[index], action_confidence=action.of(inputs[index]))
    everything = replace(everything, action=_fit_action(range(len(rows)), inputs, outcomes))
    ordered = tuple(found[index] for index in range(len(rows)))
    return Judged(ordered, tuple(outcome(row, each) for row, each in zip(rows, ordered, strict=True))), everything


def _fit_action(
    chosen: Sequence[int], inputs: Mapping[int, Sequence[float]], outcomes: Mapping[int, Outcome]
) -> Weights:
    """From the predictions that would be acted on: is that right?"""
    acted = [index for index in chosen if outcomes[index].candidate]
    if not acted:
        return Weights((0.0,) * len(ACTION_INPUTS), 0.0)
    return fit_weights([inputs[index] for index in acted], [not outcomes[index].wrong for index in acted])


#: Folds at once, each in a process of its own: the solver's random numbers are one stream a process, and training must
#: give the same each time. Few rows are not worth the start of a process.
_JOBS = 2
_MANY_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class _Held:
    """Scores of the rows of one fold, and of their segments in the fold's order, by a model that never saw them."""

    scores: Mapping[int, RawScores]
    segments: Sequence[Sequence[RawScores]]


def _score_fold(examples: Examples, fold: Fold) -> _Held:
    estimators = fit_estimators(examples, fold.train)
    scores = estimators.scores_of(examples.counts.take(fold.test), _taken(examples.heard, fold.test))
    of_rows = examples.segments.of(fold.test)
    wanted = [at for own in of_rows for at in own]
    counted = examples.segments.counts
    heard = _taken(examples.segments.heard, wanted)
    scored = iter(estimators.scores_of(counted.take(wanted), heard) if counted and wanted else [])
    segments = [list(itertools.islice(scored, len(own))) for own in of_rows]
    return _Held(dict(zip(fold.test, scores, strict=True)), segments)


def _taken(heard: Sequence[Heard] | None, chosen: Sequence[int]) -> list[Heard] | None:
    return [heard[at] for at in chosen] if heard is not None else None


def fit_calibration(examples: Examples, chosen: Sequence[int], held: HeldOut) -> Calibration:
    """The maps to probabilities, primary and confidence, from scores by models that never saw their row. What acting on
    it would do is not known yet: that map is fitted afterwards.
    """
    raws = [held.scores[index] for index in chosen]
    truth = [examples.rows[index].labels for index in chosen]
    intents = {
        intent: fit_weights([intent_inputs(raw, column) for raw in raws], [intent in label.intents for label in truth])
        for column, intent in enumerate(labels.INTENTS)
    }
    inputs, right = [], []
    for raw, label in zip(raws, truth, strict=True):
        said = {intent: intents[intent].of(intent_inputs(raw, at)) for at, intent in enumerate(labels.INTENTS)}
        inputs += [primary_inputs(intent, said, raw) for intent in labels.INTENTS]
        right += [intent == label.primary for intent in labels.INTENTS]
    nothing = {"confidence": CONFIDENCE_INPUTS, "parted": PARTED_INPUTS, "action": ACTION_INPUTS}
    empty = {name: Weights((0.0,) * len(names), 0.0) for name, names in nothing.items()}
    day = _fit_day(examples, chosen, held)
    unsure = Calibration(intents, fit_weights(inputs, right), part=AS_A_MESSAGE, day=day, **empty)
    unsure = replace(unsure, part=_fit_part(examples, chosen, held, unsure))
    whole: list[tuple[tuple[float, ...], bool]] = []
    parted: list[tuple[tuple[float, ...], bool]] = []
    for index, raw, label in zip(chosen, raws, truth, strict=True):
        parts = opinions(unsure, held.scores[index], held.segments[index])
        understood = understand(examples.rows[index].reply, examples.findings[index], unsure.opinion(raw), parts)
        is_right = understood.opinion.primary == label.primary
        if understood.sureness:
            parted.append((parted_inputs(understood.opinion, raw, understood.sureness), is_right))
        else:
            whole.append((confidence_inputs(understood.opinion, raw), is_right))
    return replace(
        unsure,
        confidence=fit_weights([each for each, _ in whole], [right for _, right in whole]),
        parted=fit_weights([each for each, _ in parted], [right for _, right in parted]) if parted else unsure.parted,
    )


def _fit_part(examples: Examples, chosen: Sequence[int], held: HeldOut, unsure: Calibration) -> Weights:
    """From the parts whose labels say one thing: is that what is said?"""
    inputs, right = [], []
    for index, own in zip(chosen, examples.segments.of(chosen), strict=True):
        whole = held.scores[index]
        for at, (segment, raw) in enumerate(zip(own, held.segments[index], strict=True)):
            if (label := examples.segments.intents[segment]) is not None:
                inputs += unsure.part_inputs(raw, whole.parts[at] if len(whole.parts) else None)
                right += [intent == label for intent in labels.INTENTS]
    return fit_weights(inputs, right) if right else AS_A_MESSAGE


def _fit_day(examples: Examples, chosen: Sequence[int], held: HeldOut) -> Weights:
    """From the coming days of replies that promise: is it the promised one?"""
    inputs, right = [], []
    for index in chosen:
        row, prepared, raw = examples.rows[index], examples.prepared[index], held.scores[index]
        if "promise" not in row.labels.intents:
            continue
        spoken, invoices = spoken_of(prepared, raw), row.reply.invoices
        facts = promise_facts(spoken, prepared.language, invoices)
        for day, each in day_inputs(facts, spoken, raw.days, row.reply.date, invoices, prepared.language):
            inputs.append(each)
            right.append(day == row.labels.promise_date)
    return fit_weights(inputs, right) if right else BY_RULE


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
    return Outcome(said.primary, said.action_confidence, said.automatic, wrong, is_actionable(row))


def is_actionable(row: Row) -> bool:
    """Whether the labels allow an automatic action: one intent, paid, dispute or a promise with a date in reach."""
    truth = row.labels
    if len(truth.intents) > 1 or truth.primary not in labels.ACTIONABLE:
        return False
    if truth.primary == "promise":
        today = row.reply.date.date()
        return truth.promise_date is not None and today <= truth.promise_date <= today + HORIZON
    return True


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
        C=C,
        tol=TOLERANCE,
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


def _check(rows: Sequence[Row]) -> None:
    missing = [intent for intent in labels.INTENTS if not any(intent == row.labels.primary for row in rows)]
    if missing:
        raise DataError([f"no row has the primary intent {intent}: training needs some of each" for intent in missing])
    if len({row.author for row in rows}) < 2:
        raise DataError(["all rows are by one author: a bound can only be measured on authors that training left out"])
