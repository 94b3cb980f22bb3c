"""What the adapters of the tuned network learn from: labelled replies as tokens, states of the lower layers, answers.

Each part of the hands has a lesson without its replies and those that share an idea with them, so that one adapter
reads it honestly; one lesson has all. Learning itself is `classifier.tuning`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier import labels
from classifier.data import Row
from classifier.encoders.e5 import Tokens, forward
from classifier.encoders.tuned import ADAPTERS, LOWER, PART, PROMISED, SUM, WHOLE
from classifier.encoders.values import Vectors32
from classifier.encoders.weights import Weights
from classifier.estimators import NO_REASON
from classifier.examples import meant_by, read_replies, said_of
from classifier.findings import Findings
from classifier.folds import by_hand
from classifier.marks import coming_days, marks_of, read_texts
from classifier.named_sums import SUMS
from classifier.preprocess import Prepared

Indices = np.ndarray[Any, np.dtype[np.int64]]

DETAILS = (*(name for name, _, _ in labels.DETAILS), "late_reason")


@dataclass(frozen=True, slots=True)
class Place:
    """The tokens of a place in a message, the head that is asked about it, and the right answer: the index of a class,
    for a day whether it is the promised one, as 0 or 1.
    """

    tokens: tuple[int, ...]
    head: str
    answer: int


@dataclass(frozen=True, slots=True)
class Material:
    """Rows ready to be learnt from: states of all tokens after the lower layers, where each message lies among them,
    and the answers by head, -1 where a question does not arise. `places`: for each message those that are asked about.
    """

    states: Vectors32
    starts: Indices
    primary: Indices
    said: Vectors32
    details: dict[str, Indices]
    classes: dict[str, tuple[str, ...]]
    places: tuple[tuple[Place, ...], ...]

    @property
    def lengths(self) -> Indices:
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one adapter learns from: all but the rows of `held_out`; where it begins (None: at nought)."""

    name: str
    chosen: Indices
    held_out: tuple[str, ...]
    start: Path | None


def known_parts(index: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The hands that each adapter never saw, by its name; without the one that saw all."""
    return {each["name"]: tuple(each["held_out"]) for each in index["adapters"] if each["name"] != WHOLE}


def lessons_of(rows: Sequence[Row], known: Mapping[str, tuple[str, ...]]) -> list[Lesson]:
    """What is to be learnt: one adapter for all hands, and one for each part of them; what takes longest is first.

    Where adapters are `known`, each keeps its hands, and further ones go to that with the fewest of their language.
    """
    everything = Lesson(WHOLE, np.arange(len(rows)), (), ADAPTERS / f"{WHOLE}.npz" if known else None)
    if not known:
        parts = [
            Lesson(
                f"part-{at + 1}", np.asarray(fold.train), tuple(sorted({rows[each].hand for each in fold.test})), None
            )
            for at, fold in enumerate(by_hand(rows))
        ]
        return [everything, *parts]
    return [everything, *(
        Lesson(name, unseen(rows, hands), hands, ADAPTERS / f"{name}.npz") for name, hands in dealt(rows, known).items()
    )]  # fmt: skip


def dealt(rows: Sequence[Row], known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The parts with all hands of `rows`: a further one goes where fewest rows of its language are, then fewest."""
    size = Counter(row.hand for row in rows)
    language = {row.hand: row.language for row in rows}
    parts = {name: [hand for hand in hands if hand in size] for name, hands in known.items()}

    def weight(name: str, of: str) -> tuple[int, int]:
        own = parts[name]
        return sum(size[hand] for hand in own if language[hand] == of), sum(size[hand] for hand in own)

    further = sorted(
        set(size) - {hand for hands in known.values() for hand in hands}, key=lambda each: (-size[each], each)
    )
    for hand in further:
        parts[min(parts, key=lambda name: (*weight(name, language[hand]), name))].append(hand)
    return {name: tuple(sorted(hands)) for name, hands in parts.items()}


def unseen(rows: Sequence[Row], held_out: Sequence[str]) -> Indices:
    """All rows but those of the hands, and those that share an idea with them."""
    hands = set(held_out)
    groups = {row.group for row in rows if row.hand in hands}
    return np.array([at for at, row in enumerate(rows) if row.hand not in hands and row.group not in groups])


def make_material(rows: Sequence[Row], base: Weights) -> Material:
    """Tokens, lower states and answers of `rows`."""
    tokens_of = Tokens(base.pieces)
    prepared, findings = read_replies(rows)
    read = [tokens_of.message(read_texts(message)) for message in prepared]
    tokens = [own for own, _ in read]
    lower = replace(base, layers=base.layers[:LOWER])
    states = np.concatenate([forward(lower, tokens[at : at + 16]) for at in range(0, len(tokens), 16)])
    classes = {
        "primary": labels.INTENTS,
        "said": labels.INTENTS,
        PROMISED: (PROMISED,),
        SUM: SUMS,
        PART: labels.INTENTS,
    }
    details: dict[str, Indices] = {}
    for name in DETAILS:
        values = [_detail(row, name) for row in rows]
        classes[name] = tuple(sorted({value for value in values if value is not None}))
        details[name] = np.array([classes[name].index(value) if value is not None else -1 for value in values])
    return Material(
        states,
        np.concatenate([[0], np.cumsum([len(each) for each in tokens])]),
        np.array([labels.INTENTS.index(row.labels.primary) for row in rows]),
        np.array([[float(each in row.labels.intents) for each in labels.INTENTS] for row in rows], np.float32),
        details,
        classes,
        tuple(
            tuple(_places(row, message, seen, spans, tokens_of))
            for row, message, seen, (_, spans) in zip(rows, prepared, findings, read, strict=True)
        ),
    )


def _places(
    row: Row, message: Prepared, findings: Findings, spans: Sequence[tuple[int, int]], tokens: Tokens
) -> Iterator[Place]:
    """The coming days of a reply that promises, the sums of one that promises or has paid, and the parts of which its
    labels say one thing.
    """
    sentences = read_texts(message)
    marks = marks_of(message, findings)
    places = [
        (mark, PART, labels.INTENTS.index(answer))
        for mark, segment in zip(marks.parts, findings.parts.segments, strict=True)
        if (answer := said_of(segment, row)) is not None
    ]
    if "promise" in row.labels.intents:
        days = coming_days(message.sentences)
        places += [(mark, PROMISED, int(mention.ahead == row.labels.promise_date))
                   for mark, (_, mention) in zip(marks.days, days, strict=True)]  # fmt: skip
    if {"promise", "paid"} & set(row.labels.intents):
        places += [
            (mark, SUM, SUMS.index(answer))
            for mark, named in zip(marks.sums, findings.sums, strict=True)
            if (answer := meant_by(named.amount, row)) is not None
        ]
    for mark, head, right in places:
        if place := tuple(tokens.marked(sentences, spans, mark)):
            yield Place(place, head, right)


def _detail(row: Row, name: str) -> str | None:
    if name == "late_reason":
        return row.labels.late_reason or NO_REASON
    return row.labels.detail(name)
