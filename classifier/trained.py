"""A trained model at work: replies in, predictions out, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from classifier import labels
from classifier.calibration import Calibration, sigmoid
from classifier.estimators import Estimators
from classifier.invoices import Clause
from classifier.judgement import ClauseScorer, Standards, judge
from classifier.preprocess import Prepared, Sentence, prepare
from classifier.text import fold
from classifier.values import Prediction, Reply

#: How far ahead a promise may lie to be automatic, where nothing else is set.
HORIZON = timedelta(days=30)

_BATCH = 512


@dataclass(frozen=True, slots=True)
class Classifier:
    """Predicts. `version` names the trained model; `thresholds` the least confidence by actionable intent."""

    version: str
    estimators: Estimators
    calibration: Calibration
    standards: Standards

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self.standards.thresholds

    def predict(self, replies: Sequence[Reply]) -> list[Prediction]:
        """One prediction a reply, in order; the same for a reply alone and in any batch."""
        found: list[Prediction] = []
        for start in range(0, len(replies), _BATCH):
            batch = replies[start : start + _BATCH]
            prepared = [prepare(reply.text, reply.date.date(), month_first(reply)) for reply in batch]
            scores = self.estimators.scores(prepared)
            scorer = clause_scorer(self.estimators)
            found += [
                judge(reply, message, raw, self.calibration, self.standards, scorer, self.version)
                for reply, message, raw in zip(batch, prepared, scores, strict=True)
            ]
        return found

    def with_horizon(self, horizon: timedelta) -> Classifier:
        """The same classifier with another horizon for promises."""
        return replace(self, standards=replace(self.standards, horizon=horizon))


def month_first(reply: Reply) -> bool | None:
    """How 03/04 is read in this reply: a customer billed in dollars may write either way, so not at all."""
    return None if any(invoice.currency == "USD" for invoice in reply.invoices) else False


def clause_scorer(estimators: Estimators | None) -> ClauseScorer:
    """Scores clauses as sentences of their own; without estimators all clauses score alike."""

    def score(prepared: Prepared, clauses: Sequence[Clause]) -> list[Mapping[str, float]]:
        if estimators is None:
            return [dict.fromkeys(labels.INTENTS, 0.0) for _ in clauses]
        pieces = tuple(_cut(prepared.sentences[clause.sentence], clause) for clause in clauses)
        counts = estimators.vectors.counts([Prepared(prepared.language, "", pieces)])
        rows = estimators.scores_of(counts)[0].sentences
        return [{intent: sigmoid(float(row[column])) for column, intent in enumerate(labels.INTENTS)} for row in rows]

    return score


def _cut(sentence: Sentence, clause: Clause) -> Sentence:
    """The clause as a sentence, with the dates and amounts that lie inside it."""
    text = sentence.text[clause.start : clause.end]
    dates = tuple(
        replace(each, start=each.start - clause.start, end=each.end - clause.start)
        for each in sentence.dates
        if clause.start <= each.start and each.end <= clause.end
    )
    amounts = tuple(
        replace(each, start=each.start - clause.start, end=each.end - clause.start)
        for each in sentence.amounts
        if clause.start <= each.start and each.end <= clause.end
    )
    return Sentence(text, fold(text), dates, amounts)
