"""Labelled rows made ready for training: prepared, searched, counted, encoded and heard once for all folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from joblib import delayed

from classifier.data import Row
from classifier.encoders.heard import Asked, Heard
from classifier.encoders.tuned import Tuned
from classifier.encoders.values import Encoder, Named
from classifier.features import Counts, Vocabulary
from classifier.findings import Findings, find
from classifier.invoices import Segment
from classifier.marks import marks_of, read_texts
from classifier.preprocess import Prepared
from classifier.processes import in_processes
from classifier.trained import prepare_reply, segments_of

Progress = Callable[[str], None]


def silent(_step: str) -> None:
    """Tell no progress."""


#: Replies that a process reads at a time.
_CHUNK = 1_000


def read_replies(rows: Sequence[Row]) -> tuple[list[Prepared], list[Findings]]:
    """The replies of `rows` prepared, and what is found in each."""
    chunks = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]
    done = [pair for each in in_processes(len(rows), [delayed(_read)(chunk) for chunk in chunks]) for pair in each]
    return [message for message, _ in done], [seen for _, seen in done]


def _read(rows: Sequence[Row]) -> list[tuple[Prepared, Findings]]:
    prepared = [prepare_reply(row.reply) for row in rows]
    return [(message, find(row.reply, message)) for row, message in zip(rows, prepared, strict=True)]


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

    def to_score(self) -> Examples:
        """These examples for another process that fits and asks regressions: all is counted and encoded, so that
        neither texts nor what was found in them are needed, and of the encoder only what it is called.
        """
        encoder = self.vocabulary.encoder
        named = replace(self.vocabulary, encoder=Named(encoder.identity) if encoder else None)
        alone = replace(self.segments, heard=None)
        return replace(self, vocabulary=named, prepared=(), findings=(), heard=None, segments=alone)

    def to_judge(self) -> Examples:
        """These examples for another process that judges what regressions said of them: without what is counted."""
        nothing, segments = self.counts.take(()), replace(self.segments, counts=None)
        return replace(self, vocabulary=self.to_score().vocabulary, counts=nothing, segments=segments)


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
    progress(_reading(rows, encoder))
    prepared, findings = read_replies(rows)
    vocabulary, counts = Vocabulary.of(prepared, encoder)
    segments = _segments(rows, prepared, findings, vocabulary)
    examples = Examples(tuple(rows), tuple(prepared), tuple(findings), vocabulary, counts, None, segments)
    return _hear(examples, encoder.tuned) if encoder and encoder.tuned else examples


def add_encoder(examples: Examples, encoder: Encoder, progress: Progress) -> Examples:
    """These examples as `make_examples` makes them with an encoder that adds no vectors."""
    progress(_reading(examples.rows, encoder))
    examples = replace(examples, vocabulary=replace(examples.vocabulary, encoder=encoder))
    return _hear(examples, encoder.tuned) if encoder.tuned else examples


def _reading(rows: Sequence[Row], encoder: Encoder | None) -> str:
    return f"reading {len(rows)} replies with {encoder.identity.name}" if encoder else f"reading {len(rows)} replies"


def _hear(examples: Examples, tuned: Tuned) -> Examples:
    """With what the tuned network hears in each row and in each segment."""
    hands = [row.hand for row in examples.rows]
    wholes, segments = asked_of(tuned, hands, examples.prepared, examples.findings)
    return replace(
        examples,
        heard=tuple(tuned.recall(wholes)),
        segments=replace(examples.segments, heard=tuple(tuned.recall(segments))),
    )


def asked_of(
    tuned: Tuned, hands: Sequence[str], prepared: Sequence[Prepared], findings: Sequence[Findings]
) -> tuple[list[Asked], list[Asked]]:
    """What the network is asked of each message, and of each of their segments, by the adapter that never saw the hand
    that wrote it.
    """
    wholes: list[Asked] = []
    segments: list[Asked] = []
    for hand, message, seen in zip(hands, prepared, findings, strict=True):
        adapter = tuned.unseen_by(hand)
        wholes.append(Asked(adapter, read_texts(message), marks_of(message, seen)))
        segments += [Asked(adapter, read_texts(each)) for each in segments_of(message, seen)]
    return wholes, segments


def _segments(
    rows: Sequence[Row], prepared: Sequence[Prepared], findings: Sequence[Findings], vocabulary: Vocabulary
) -> Segments:
    owners: list[int] = []
    texts: list[Prepared] = []
    intents: list[str | None] = []
    for index, (row, message, seen) in enumerate(zip(rows, prepared, findings, strict=True)):
        is_split = len(set(row.labels.per_invoice.values())) > 1
        for segment, text in zip(seen.parts.segments, segments_of(message, seen), strict=True):
            owners.append(index)
            texts.append(text)
            intents.append(said_of(segment, row) if is_split else None)
    return Segments(tuple(owners), vocabulary.counts(texts) if texts else None, None, tuple(intents))


def said_of(segment: Segment, row: Row) -> str | None:
    """What a segment says by the labels of its invoices; None where they differ. Where a reply passes from one invoice
    to the next its labels do not say: such parts have no numbers.
    """
    said = {row.labels.per_invoice.get(number) for number in segment.numbers}
    return said.pop() if len(said) == 1 else None


def meant_by(amount: Decimal, row: Row) -> str | None:
    """What a sum is, of SUMS, by the labels; None where they do not tell, as of two halves of which one was paid."""
    promised = [part.amount for part in row.labels.promised if part.amount is not None]
    paid = row.labels.paid_amount
    if amount in promised and amount == paid:
        return None
    if amount in promised:
        return "promised" if amount == promised[0] else "later"
    if amount == paid:
        return "paid"
    total = sum((each.amount for each in row.reply.invoices), Decimal(0))
    return "off" if promised and total - amount == promised[0] else "none"
