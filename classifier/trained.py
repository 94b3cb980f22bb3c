"""A trained model at work: replies in, predictions out, in batches."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from classifier.amounts import AmountMention
from classifier.calibration import Calibration, Opinion
from classifier.dates import DateMention
from classifier.estimators import Array, Estimators, RawScores
from classifier.findings import Findings, find
from classifier.invoices import Piece
from classifier.judgement import Standards, judge
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
    def encoder(self) -> str | None:
        """Name of the sentence encoder, None where it does without."""
        identity = self.estimators.vectors.identity
        return identity.name if identity else None

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self.standards.thresholds

    def predict(self, replies: Sequence[Reply]) -> list[Prediction]:
        """One prediction a reply, in order; the same for a reply alone and in any batch."""
        found: list[Prediction] = []
        for start in range(0, len(replies), _BATCH):
            batch = replies[start : start + _BATCH]
            prepared = [prepare_reply(reply) for reply in batch]
            findings = [find(reply, message) for reply, message in zip(batch, prepared, strict=True)]
            scores = self.estimators.scores(prepared, findings)
            of_parts = segment_scores(self.estimators, prepared, findings)
            segments = opinions_of_segments(self.calibration, scores, of_parts)
            said = self.calibration.opinions(scores)
            found += [
                judge(reply, message, seen, raw, opinion, parts, self.calibration, self.standards, self.version)
                for reply, message, seen, raw, opinion, parts in zip(
                    batch, prepared, findings, scores, said, segments, strict=True
                )
            ]
        return found

    def with_horizon(self, horizon: timedelta) -> Classifier:
        """The same classifier with another horizon for promises."""
        return replace(self, standards=replace(self.standards, horizon=horizon))


def prepare_reply(reply: Reply) -> Prepared:
    """A reply in sentences, in the light of its invoices: a customer billed in dollars may write 03/04 either way, so
    that it is not read at all, and no day is read in one of their numbers.
    """
    in_dollars = any(invoice.currency == "USD" for invoice in reply.invoices)
    numbers = [invoice.number for invoice in reply.invoices]
    return prepare(reply.text, reply.date.date(), None if in_dollars else False, numbers)


def segment_scores(
    estimators: Estimators, prepared: Sequence[Prepared], findings: Sequence[Findings]
) -> list[list[RawScores]]:
    """For each message the scores of its segments, each read as a message of its own, in one batch.

    Empty where a message is not parted by its invoices.
    """
    parts = [segments_of(message, seen) for message, seen in zip(prepared, findings, strict=True)]
    scores = iter(estimators.scores(list(itertools.chain.from_iterable(parts))))
    return [list(itertools.islice(scores, len(each))) for each in parts]


def segments_of(message: Prepared, seen: Findings) -> list[Prepared]:
    """Each segment of a message as a message of its own."""
    return [
        Prepared(message.language, "", tuple(_cut(message.sentences[at.sentence], at) for at in segment.pieces))
        for segment in seen.parts.segments
    ]


def opinions_of_segments(
    calibration: Calibration, wholes: Sequence[RawScores], segments: Sequence[Sequence[RawScores]]
) -> list[list[Opinion]]:
    """What each segment of each message says, by its own scores and those of the whole message."""
    raws = list(itertools.chain.from_iterable(segments))
    contexts = itertools.chain.from_iterable(in_context(*each) for each in zip(wholes, segments, strict=True))
    found = iter(calibration.opinions_of_parts(raws, list(contexts)))
    return [list(itertools.islice(found, len(own))) for own in segments]


def in_context(whole: RawScores, segments: Sequence[RawScores]) -> Sequence[Array | None]:
    """What the tuned network makes of each segment in the light of the whole message; None where there is none."""
    return [*whole.parts] if len(whole.parts) else [None] * len(segments)


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
