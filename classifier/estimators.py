"""The fitted estimators, and the raw scores that they give a message.

Two views of a message: the whole text, and each sentence with the strongest taken. Both are logistic regressions, one
against the rest for each intent, over the same columns; a third, over whole texts, weighs the five intents as primary
against each other. Raw scores are not yet probabilities that hold: `classifier.calibration` makes them so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from classifier import labels
from classifier.encoders.heard import Heard
from classifier.features import DETAIL_CUE_WEIGHT, Counts, Vectors
from classifier.findings import Findings
from classifier.linear import Classes, Stacked
from classifier.marks import marks_of, read_texts
from classifier.named_sums import SUMS
from classifier.odds import logit
from classifier.preprocess import Prepared

Array = np.ndarray[Any, np.dtype[np.float64]]

#: What the model of `late_reason` says of a message whose sender gives no reason.
NO_REASON = "none"

#: How much the opinion by words weighs of a detail, beside what the tuned network makes of it: of 0, 0.1 … 1 what was
#: right most often on replies that both had not seen.
BY_WORDS = {"dispute_reason": 0.5, "question_topic": 0.6, "other_reason": 0.6, "late_reason": 0.3}

#: How many words of a sentence are told as evidence.
EVIDENCE_WORDS = 4


class OfIntent(NamedTuple):
    """The scores of one intent as plain numbers, which the maps read many times: log-odds from the whole text, of its
    strongest sentence, as primary; mean and least of what the one-sided models think of it as primary, as log-odds, and
    the share of them that put it first; and as the tuned network hears it as said and as primary.
    """

    whole: float
    strongest: float
    primary: float
    mean_view: float
    least_view: float
    agreeing_views: float
    tuned_said: float
    tuned: float


@dataclass(frozen=True)
class RawScores:
    """Scores of one message; rows and columns of intents in the order of labels.INTENTS.

    `whole`: log-odds from the whole text; `sentences`: log-odds, a row a sentence; `primary`: probabilities that add
    up to one; `views`: the same by models that see words only, characters only, or one network's vectors only, a row
    each; `details`: how probable each value of each detail is, were its intent said; `tuned`: what the tuned network
    makes of it, log-odds as primary and as said in two rows, noughts where there is none; `days`, `sums` and `parts`:
    what it makes of the marked places (see `Heard`), of length 0 where there is none.
    """

    whole: Array
    sentences: Array
    primary: Array
    views: Array
    details: Mapping[str, Mapping[str, float]]
    words: Mapping[tuple[int, str], tuple[str, ...]]
    tuned: Array = field(default_factory=lambda: np.zeros((2, len(labels.INTENTS))))
    days: Array = field(default_factory=lambda: np.zeros(0))
    sums: Array = field(default_factory=lambda: np.zeros((0, len(SUMS))))
    parts: Array = field(default_factory=lambda: np.zeros((0, len(labels.INTENTS))))

    @cached_property
    def strongest(self) -> Array:
        """The highest log-odds of each intent in any sentence."""
        highest: Array = self.sentences.max(axis=0)
        return highest

    @cached_property
    def of_intents(self) -> tuple[OfIntent, ...]:
        """The scores of each intent, in the order of labels.INTENTS."""
        first = [int(each.argmax()) for each in self.views]
        logits = [[logit(each) for each in view] for view in self.views.T.tolist()]
        return tuple(
            OfIntent(whole, strongest, logit(primary), sum(own) / len(own), min(own), first.count(at) / len(own),
                     said, as_primary)
            for at, (whole, strongest, primary, own, as_primary, said) in enumerate(zip(
                self.whole.tolist(), self.strongest.tolist(), self.primary.tolist(), logits,
                *self.tuned.astype(np.float64).tolist(), strict=True,
            ))
        )  # fmt: skip

    @cached_property
    def table(self) -> Array:
        """`of_intents` as an array: intents × scores, in the order of the fields of `OfIntent`."""
        return np.array(self.of_intents, np.float64)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The regressions of `Estimators`, as they are asked."""

    whole: Stacked
    sentence: Stacked
    primary: Classes
    views: Mapping[str, Classes]
    details: Mapping[str, Classes]


@dataclass(frozen=True)
class Estimators:
    vectors: Vectors
    whole: Mapping[str, LogisticRegression]
    sentence: Mapping[str, LogisticRegression]
    primary: OneVsRestClassifier
    views: Mapping[str, OneVsRestClassifier]
    details: Mapping[str, OneVsRestClassifier]

    def scores(self, messages: Sequence[Prepared], findings: Sequence[Findings] | None = None) -> list[RawScores]:
        """Raw scores of a batch, in order; `findings`: what was found in each message, where the tuned network is asked
        about the places in it, too.
        """
        if not messages:
            return []
        encoder = self.vectors.vocabulary.encoder
        tuned = encoder.tuned if encoder else None
        scores = self.scores_of(self.vectors.counts(messages))
        if tuned is None:
            return scores
        marks = None if findings is None else [marks_of(*each) for each in zip(messages, findings, strict=True)]
        return with_heard(scores, tuned.hear([read_texts(message) for message in messages], marks=marks))

    def scores_of(self, counts: Counts) -> list[RawScores]:
        """Raw scores of counted messages by the regressions alone."""
        by_text, by_sentence = self.vectors.whole(counts), self.vectors.sentences(counts)
        asked = self._asked
        whole, sentences = asked.whole.log_odds(by_text), asked.sentence.log_odds(by_sentence)
        primary = _by_intent(asked.primary, by_text)
        blocks = self.vectors.blocks()
        views = np.stack([_by_intent(model, by_text[:, blocks[name]]) for name, model in asked.views.items()])
        with_cues = self.vectors.whole(counts, DETAIL_CUE_WEIGHT)
        details = {name: (model.classes, model.shares(with_cues)) for name, model in asked.details.items()}
        names = self.vectors.names
        scores: list[RawScores] = []
        for at in range(by_text.shape[0]):
            rows = counts.span(at)
            own = sentences[rows]
            by_words = {
                name: dict(zip(classes, map(float, found[at]), strict=True))
                for name, (classes, found) in details.items()
            }
            words = self._words(by_sentence, rows.start, own, names)
            scores.append(RawScores(whole[at], own, primary[at], views[:, at], by_words, words))
        return scores

    @cached_property
    def _asked(self) -> _Asked:
        return _Asked(
            Stacked([self.whole[intent] for intent in labels.INTENTS]),
            Stacked([self.sentence[intent] for intent in labels.INTENTS]),
            Classes(self.primary),
            {name: Classes(model) for name, model in self.views.items()},
            {name: Classes(model) for name, model in self.details.items()},
        )

    def _words(self, rows: Any, first: int, own: Array, names: Sequence[str]) -> dict[tuple[int, str], tuple[str, ...]]:
        """For each intent the words of its strongest sentence that spoke for it most, by their linear weight."""
        found: dict[tuple[int, str], tuple[str, ...]] = {}
        for column, intent in enumerate(labels.INTENTS):
            index = int(own[:, column].argmax())
            if own[index, column] < 0:
                continue
            start, end = rows.indptr[first + index], rows.indptr[first + index + 1]
            columns, values = rows.indices[start:end], rows.data[start:end]
            columns, values = columns[columns < len(names)], values[columns < len(names)]
            weights = values * self.sentence[intent].coef_[0][columns]
            order = np.argsort(-weights, kind="stable")[:EVIDENCE_WORDS]
            found[index, intent] = tuple(_readable(names[columns[each]]) for each in order if weights[each] > 0)
        return found


def with_heard(scores: Sequence[RawScores], heard: Sequence[Heard]) -> list[RawScores]:
    """Scores of the regressions, each with what the tuned network heard in its message."""
    return [
        replace(
            said, tuned=np.stack([each.as_primary, each.said]), days=each.days, sums=each.sums,
            parts=each.parts,
            details={
                name: joined(shares, each.details.get(name, {}), BY_WORDS[name])
                for name, shares in said.details.items()
            },
        )
        for said, each in zip(scores, heard, strict=True)
    ]  # fmt: skip


def joined(by_words: Mapping[str, float], heard: Mapping[str, float], weight: float) -> Mapping[str, float]:
    """The weighted geometric mean of two opinions on the values that both know; the first where they share none."""
    joined = {
        value: share**weight * heard[value] ** (1 - weight) for value, share in by_words.items() if value in heard
    }
    total = sum(joined.values())
    return {value: share / total for value, share in joined.items()} if total else by_words


def _readable(name: str) -> str:
    """Words as people read them: placeholders in brackets."""
    return " ".join(f"({_PLACEHOLDERS[word]})" if word in _PLACEHOLDERS else word for word in name.split())


_PLACEHOLDERS = {
    "xdate": "date",
    "xdateahead": "coming date",
    "xdatebehind": "past date",
    "xtoday": "today",
    "xamount": "amount",
    "xcode": "reference",
    "xnumber": "number",
    "xdigit": "number",
    "xmail": "address",
    "xlink": "link",
    "xphone": "telephone",
    "xiban": "account",
}


def _by_intent(model: Classes, rows: Any) -> Array:
    """Columns in the order of labels.INTENTS; an intent that training never saw as primary has probability zero."""
    ordered = np.zeros((rows.shape[0], len(labels.INTENTS)))
    ordered[:, [labels.INTENTS.index(intent) for intent in model.classes]] = model.shares(rows)
    return ordered
