"""A trained model at work: replies in, predictions out, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from classifier.amounts import AmountMention
from classifier.calibration import Calibration, Opinion
from classifier.dates import DateMention
from classifier.estimators import Estimators
from classifier.invoices import Piece, Segment
from classifier.judgement import SegmentReader, Standards, find, judge
from classifier.preprocess import Prepared, Sentence, prepare
from classifier.text import fold
from classifier.values import Prediction, Reply

#: How far ahead a promise may lie to be automatic, where nothing else is set.
HORIZON = timedelta(days=30)

_BATCH = 512

_M = TypeVar("_M", DateMention, AmountMention)


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
            read = segment_reader(self.estimators, self.calibration)
            found += [
                judge(reply, message, find(reply, message), raw, self.calibration, self.standards, read, self.version)
                for reply, message, raw in zip(batch, prepared, scores, strict=True)
            ]
        return found

    def with_horizon(self, horizon: timedelta) -> Classifier:
        """The same classifier with another horizon for promises."""
        return replace(self, standards=replace(self.standards, horizon=horizon))


def month_first(reply: Reply) -> bool | None:
    """How 03/04 is read in this reply: a customer billed in dollars may write either way, so not at all."""
    return None if any(invoice.currency == "USD" for invoice in reply.invoices) else False


def segment_reader(estimators: Estimators, calibration: Calibration) -> SegmentReader:
    """Reads the segments of a reply as messages of their own."""

    def read(prepared: Prepared, segments: Sequence[Segment]) -> list[Opinion]:
        parts = [
            Prepared(
                prepared.language, "", tuple(_cut(prepared.sentences[each.sentence], each) for each in part.pieces)
            )
            for part in segments
        ]
        return [calibration.opinion(raw) for raw in estimators.scores(parts)]

    return read


def _cut(sentence: Sentence, piece: Piece) -> Sentence:
    """A piece as a sentence, with the dates and amounts that lie inside it."""
    text = sentence.text[piece.start : piece.end]
    return Sentence(text, fold(text), _inside(sentence.dates, piece), _inside(sentence.amounts, piece))


def _inside(mentions: Sequence[_M], piece: Piece) -> tuple[_M, ...]:
    return tuple(
        replace(each, start=each.start - piece.start, end=each.end - piece.start)
        for each in mentions
        if piece.start <= each.start and each.end <= piece.end
    )
