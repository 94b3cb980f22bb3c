"""Training: labelled replies → a trained model with calibrated probabilities and thresholds that hold a bound.

    rows → folds by hand and idea → estimators of each fold → raw scores of rows that they never saw
         → calibration (fitted on those) → outcomes (each hand judged by a calibration without it) → thresholds
    rows → estimators of all rows = the trained model

Deterministic: the same rows and library versions give the same predictions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from joblib import delayed

from classifier import labels
from classifier.acting import ACTION_INPUTS, action_inputs
from classifier.calibration import (
    AS_A_MESSAGE,
    CONFIDENCE_INPUTS,
    PART_INPUTS,
    PARTED_INPUTS,
    PRIMARY_INPUTS,
    Calibration,
    Weights,
    confidence_inputs,
    fit_weights,
    intent_inputs,
    parted_inputs,
    primary_inputs,
    said_of,
)
from classifier.data import Row
from classifier.encoders.values import Encoder
from classifier.errors import DataError
from classifier.estimators import Array, Estimators, RawScores, with_heard
from classifier.examples import Examples, Progress, add_encoder, make_examples, silent
from classifier.facts import PromiseFacts, Spoken, paid_facts, promise_facts
from classifier.fitting import fit_estimators
from classifier.folds import Fold, by_hand
from classifier.judgement import Standards, judge, spoken_of, understand
from classifier.meant_sums import SUM_BY_RULE, Money, rule_of_promise, sum_inputs
from classifier.processes import in_processes
from classifier.promise_days import BY_RULE, day_inputs
from classifier.thresholds import Bounded, Outcome, choose_thresholds
from classifier.trained import HORIZON, in_context, opinions_of_segments
from classifier.values import InvoiceRef, Prediction

#: A language with fewer rows than this in calibration is never automatic.
LANGUAGE_ROWS = 100


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
    examples, folds = make_examples(rows, encoder, progress), by_hand(rows)
    scores, estimators = _score_and_learn(examples, folds, progress)
    progress("choosing thresholds")
    return _trained(examples, folds, scores)(estimators)


def train_both(rows: Sequence[Row], encoder: Encoder, progress: Progress = silent) -> tuple[Trained, Trained]:
    """Train on `rows` without an encoder, and with `encoder`. The regressions are learnt once where it adds no vectors
    to them. Raises `DataError` as `train` does.
    """
    if encoder.identity.parts:
        return train(rows, lambda step: progress(f"without encoder: {step}")), train(rows, progress, encoder)
    _check(rows)
    examples, folds = make_examples(rows, None, progress), by_hand(rows)
    scores, estimators = _score_and_learn(examples, folds, progress)
    heard = add_encoder(examples, encoder, progress)
    progress("choosing thresholds")
    tasks = [delayed(_trained)(each.to_judge(), folds, scores) for each in (examples, heard)]
    without, beside = in_processes(len(rows), tasks)
    vectors = replace(estimators.vectors, vocabulary=heard.vocabulary)
    return without(estimators), beside(replace(estimators, vectors=vectors))


def _trained(examples: Examples, folds: Sequence[Fold], scores: HeldOut) -> Callable[[Estimators], Trained]:
    """What is made of the scores; it is whole with the estimators of all rows."""
    judged, calibration = judge_held_out(examples, folds, scores)
    bounded = choose_thresholds(judged.outcomes)
    return partial(
        Trained, calibration=calibration, bounded=bounded, languages=enough_rows(examples.rows), held_out=judged
    )


def enough_rows(rows: Sequence[Row]) -> frozenset[str]:
    """Languages with enough rows to be automatic."""
    return frozenset(
        language for language in labels.LANGUAGES if sum(row.language == language for row in rows) >= LANGUAGE_ROWS
    )


def hold_out(examples: Examples, folds: Sequence[Fold], progress: Progress = silent) -> tuple[Judged, Calibration]:
    """Judge every row by models that never saw its fold.

    Returns those predictions, and the calibration over all folds, which a model trained on all rows takes.
    """
    return judge_held_out(examples, folds, score_held_out(examples, folds, progress))


@dataclass(frozen=True, slots=True)
class ReadByRule:
    """What the rules of language read in a reply: what it promises, and the sum paid, where it does either."""

    promised: PromiseFacts
    paid: Decimal | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores of all rows, and of the segments of each, by models that never saw their fold; `read`: by those scores
    what the rules read in the rows that promise or report a payment.
    """

    scores: Mapping[int, RawScores]
    segments: Mapping[int, Sequence[RawScores]]
    read: Mapping[int, ReadByRule] = field(default_factory=dict)

    def spoken(self, examples: Examples, index: int) -> list[Spoken]:
        """The sentences of a row with how much each promises and reports a payment."""
        return spoken_of(examples.prepared[index], self.scores[index])

    def heard(self, examples: Examples) -> HeldOut:
        """With what the tuned network heard in the examples, where there is one."""
        if examples.heard is None or examples.segments.heard is None:
            return self
        chosen = list(self.scores)
        scores = with_heard(list(self.scores.values()), [examples.heard[index] for index in chosen])
        segments = {
            index: with_heard(self.segments[index], [examples.segments.heard[at] for at in own])
            for index, own in zip(chosen, examples.segments.of(chosen), strict=True)
        }
        return replace(self, scores=dict(zip(chosen, scores, strict=True)), segments=segments)


def score_held_out(examples: Examples, folds: Sequence[Fold], progress: Progress = silent) -> HeldOut:
    """Scores of every row by regressions that never saw its fold; what the tuned network hears is not in them."""
    alone = examples.to_score()
    done = in_processes(len(examples.rows), [delayed(_score_fold)(alone, fold) for fold in folds])
    return _held_out(examples, done, folds, progress)


def _score_and_learn(examples: Examples, folds: Sequence[Fold], progress: Progress) -> tuple[HeldOut, Estimators]:
    """As `score_held_out`, and the estimators of all rows, learnt beside those of the folds; first, since they take
    longest.
    """
    alone = examples.to_score()
    tasks = [delayed(fit_estimators)(alone, range(len(examples.rows)))]
    done = in_processes(len(examples.rows), [*tasks, *(delayed(_score_fold)(alone, fold) for fold in folds)])
    progress("learning from all replies")
    estimators: Estimators = next(done)
    held = _held_out(examples, done, folds, progress)
    return held, replace(estimators, vectors=replace(estimators.vectors, vocabulary=examples.vocabulary))


def _held_out(examples: Examples, scoring: Iterator[HeldOut], folds: Sequence[Fold], progress: Progress) -> HeldOut:
    held: list[HeldOut] = []
    for part, (fold, scored) in enumerate(zip(folds, scoring, strict=True), start=1):
        progress(f"judged part {part} of {len(folds)} without having learnt from it: {fold.name}")
        held.append(scored)
    found = HeldOut(
        {index: raw for each in held for index, raw in each.scores.items()},
        {index: raws for each in held for index, raws in each.segments.items()},
    )
    return replace(found, read=read_by_rule(examples, found))


def judge_held_out(examples: Examples, folds: Sequence[Fold], held: HeldOut) -> tuple[Judged, Calibration]:
    """Predictions from held-out scores and what the tuned network heard, each by a calibration that never saw its fold,
    and the calibration over all.
    """
    rows, held = examples.rows, held.heard(examples)
    standards = Standards(dict.fromkeys(labels.ACTIONABLE, 0.0), enough_rows(rows), HORIZON)

    def judged(chosen: Sequence[int], calibration: Calibration) -> Iterator[tuple[int, Prediction]]:
        raws = [held.scores[index] for index in chosen]
        parts = opinions_of_segments(calibration, raws, [held.segments[index] for index in chosen])
        for index, raw, said, own in zip(chosen, raws, calibration.opinions(raws), parts, strict=True):
            reply, prepared, findings = rows[index].reply, examples.prepared[index], examples.findings[index]
            yield index, judge(reply, prepared, findings, raw, said, own, calibration, standards, "")

    places = find_places(examples, held)
    found: dict[int, Prediction] = {}
    for fold in folds:
        rest = [index for other in folds if other is not fold for index in other.test]
        calibration = fit_calibration(examples, rest, held, places)
        found.update(judged(fold.test, calibration))
    everything = fit_calibration(examples, range(len(rows)), held, places)
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


def _score_fold(examples: Examples, fold: Fold) -> HeldOut:
    estimators = fit_estimators(examples, fold.train)
    scores = estimators.scores_of(examples.counts.take(fold.test))
    of_rows = examples.segments.of(fold.test)
    wanted = [at for own in of_rows for at in own]
    counted = examples.segments.counts
    scored = iter(estimators.scores_of(counted.take(wanted)) if counted and wanted else [])
    segments = [list(itertools.islice(scored, len(own))) for own in of_rows]
    return HeldOut(dict(zip(fold.test, scores, strict=True)), dict(zip(fold.test, segments, strict=True)))


def fit_calibration(examples: Examples, chosen: Sequence[int], held: HeldOut, places: Places) -> Calibration:
    """The maps to probabilities, primary and confidence, from scores by models that never saw their row. What acting on
    it would do is not known yet: that map is fitted afterwards.
    """
    raws = [held.scores[index] for index in chosen]
    truth = [examples.rows[index].labels for index in chosen]
    inputs = intent_inputs(raws)
    intents = {
        intent: fit_weights(inputs[:, column], [intent in label.intents for label in truth])
        for column, intent in enumerate(labels.INTENTS)
    }
    inputs = primary_inputs(said_of(intents, raws), raws).reshape(-1, len(PRIMARY_INPUTS))
    right = [intent == label.primary for label in truth for intent in labels.INTENTS]
    nothing = {"confidence": CONFIDENCE_INPUTS, "parted": PARTED_INPUTS, "action": ACTION_INPUTS}
    empty = {name: Weights((0.0,) * len(names), 0.0) for name, names in nothing.items()}
    days_and_sums = {
        "day": _fit_places(places.days, chosen, BY_RULE),
        "promised_sum": _fit_places(places.promised_sums, chosen, SUM_BY_RULE),
        "paid_sum": _fit_places(places.paid_sums, chosen, SUM_BY_RULE),
    }
    unsure = Calibration(intents, fit_weights(inputs, right), part=AS_A_MESSAGE, **days_and_sums, **empty)
    unsure = replace(unsure, part=_fit_part(examples, chosen, held, unsure))
    whole: list[tuple[tuple[float, ...], bool]] = []
    parted: list[tuple[tuple[float, ...], bool]] = []
    of_parts = opinions_of_segments(unsure, raws, [held.segments[index] for index in chosen])
    for index, raw, label, said, parts in zip(chosen, raws, truth, unsure.opinions(raws), of_parts, strict=True):
        understood = understand(examples.rows[index].reply, examples.findings[index], said, parts)
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
    known: list[tuple[RawScores, Array | None, str]] = []
    for index, own in zip(chosen, examples.segments.of(chosen), strict=True):
        raws = held.segments[index]
        for segment, raw, context in zip(own, raws, in_context(held.scores[index], raws), strict=True):
            if (label := examples.segments.intents[segment]) is not None:
                known.append((raw, context, label))
    if not known:
        return AS_A_MESSAGE
    inputs = unsure.part_inputs([raw for raw, _, _ in known], [context for _, context, _ in known])
    right = [intent == label for _, _, label in known for intent in labels.INTENTS]
    return fit_weights(inputs.reshape(-1, len(PART_INPUTS)), right)


#: Inputs of a map, and whether it should say yes; and those of each row.
_Pair = tuple[tuple[float, ...], bool]
_ByRow = Mapping[int, Sequence[_Pair]]


@dataclass(frozen=True, slots=True)
class Places:
    """What the maps of days and sums are fitted on, by row: the inputs of each, and whether it is the right one. It
    depends on no calibration, so it is worked out once for all folds.
    """

    days: _ByRow
    promised_sums: _ByRow
    paid_sums: _ByRow


#: Replies that a process reads by the rules at a time.
_CHUNK = 500

_Asked = tuple[frozenset[str], tuple[InvoiceRef, ...], str, list[Spoken]]


def read_by_rule(examples: Examples, held: HeldOut) -> dict[int, ReadByRule]:
    """What the rules read in each reply that promises or reports a payment. They see the regressions' scores, and
    nothing that the tuned network heard: models that share the regressions share this.
    """
    asked: dict[int, _Asked] = {}
    for index in held.scores:
        row, language = examples.rows[index], examples.prepared[index].language
        if said := frozenset(row.labels.intents) & {"promise", "paid"}:
            asked[index] = (said, tuple(row.reply.invoices), language, held.spoken(examples, index))
    every = list(asked.values())
    chunks = [delayed(_read)(every[at : at + _CHUNK]) for at in range(0, len(every), _CHUNK)]
    return dict(zip(asked, itertools.chain.from_iterable(in_processes(len(every), chunks)), strict=True))


def _read(asked: Sequence[_Asked]) -> list[ReadByRule]:
    return [
        ReadByRule(
            promise_facts(spoken, language, invoices) if "promise" in said else PromiseFacts(),
            paid_facts(spoken, language, invoices).amount if "paid" in said else None,
        )
        for said, invoices, language, spoken in asked
    ]


def find_places(examples: Examples, held: HeldOut) -> Places:
    """Of each reply that promises, which coming day is the promised one, and which sum the (first) part promised; of
    each that reports a payment, which sum is the one paid.
    """
    days: dict[int, list[_Pair]] = {}
    promised_sums: dict[int, list[_Pair]] = {}
    for index, money in _money(examples, held, "promise"):
        row, language, facts = examples.rows[index], examples.prepared[index].language, held.read[index].promised
        weighed = day_inputs(facts, money.spoken, held.scores[index].days, row.reply.date, money.invoices, language)
        days[index] = [(each, day == row.labels.promise_date) for day, each in weighed]
        promised = row.labels.promised
        promised_sums[index] = [
            (each, bool(promised) and amount == promised[0].amount)
            for amount, each in sum_inputs(money, rule_of_promise(facts))
        ]
    paid_sums: dict[int, list[_Pair]] = {}
    for index, money in _money(examples, held, "paid"):
        paid = examples.rows[index].labels.paid_amount
        paid_sums[index] = [(each, amount == paid) for amount, each in sum_inputs(money, held.read[index].paid)]
    return Places(days, promised_sums, paid_sums)


def _fit_places(places: _ByRow, chosen: Sequence[int], by_rule: Weights) -> Weights:
    pairs = [pair for index in chosen for pair in places.get(index, ())]
    return fit_weights([each for each, _ in pairs], [right for _, right in pairs]) if pairs else by_rule


def _money(examples: Examples, held: HeldOut, intent: str) -> Iterator[tuple[int, Money]]:
    """What each of the replies with this intent says of money."""
    for index in held.scores:
        if intent in examples.rows[index].labels.intents:
            invoices, sums = examples.rows[index].reply.invoices, examples.findings[index].sums
            yield index, Money(sums, held.spoken(examples, index), invoices, held.scores[index].sums)


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


def _check(rows: Sequence[Row]) -> None:
    missing = [intent for intent in labels.INTENTS if not any(intent == row.labels.primary for row in rows)]
    if missing:
        raise DataError([f"no row has the primary intent {intent}: training needs some of each" for intent in missing])
    if len({row.author for row in rows}) < 2:
        raise DataError(["all rows are by one author: a bound can only be measured on authors that training left out"])
