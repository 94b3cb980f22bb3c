"""Which part of a reply is read for which invoices.

`classifier.invoices` says where a reply names which invoices. Here the parts are chosen that are read as messages of
their own, so that "the March one went out, we dispute the other" says two things of two invoices. Where some are not
named, there are several ways to cut the reply; which of them is meant is judged by what their parts say. Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.invoices import Anchor, Mentions, Piece, Segment
from classifier.preprocess import Sentence
from classifier.turns import Unit, find_units
from classifier.values import InvoiceRef


@dataclass(frozen=True, slots=True)
class Block:
    """A segment in a way of cutting: its index, the invoices that it speaks of, and whether it names them."""

    segment: int
    numbers: tuple[str, ...]
    is_named: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One way of cutting a reply: a block for each answer, and how likely it is by its form alone (1 is the best)."""

    blocks: tuple[Block, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The segments of a reply, each read as a message of its own; none where all is said of the same invoices.

    `presumed`: the reply names some invoices and not the others; the segments begin with those of the first of the
    ways: the sentences that name some, and all that stands beside them, which is presumed to speak of the others.
    `ways`: how the reply may be cut, where it doesn't name all its invoices ("the bread is paid, the cakes came
    mouldy"): what is not named is taken in the reminder's order. Which way it is, if any, is judged by what they say.
    `certain`: so many segments at the beginning hold where it is none of the ways.
    """

    segments: tuple[Segment, ...] = ()
    presumed: bool = False
    ways: tuple[Way, ...] = ()
    certain: int = 0


PAIR = 2

#: Units beyond which a reply is not read for where it passes from one of two (or of more) invoices to the next: each
#: place costs a reading.
LONGEST, LONGEST_OF_MANY = 8, 7

#: Invoices beyond which nobody keeps to their order.
MOST = 4

#: What a way weighs for each answer that begins with no word of a new thing, or within a sentence; and for each new
#: thing that it takes for more of the same, with a heading of its own and without.
UNOPENED = 0.9
WITHIN = 0.85
RUN_OVER, RUN_OVER_HEADING = 0.95, 0.75

#: What a way weighs for each answer that seems to speak of two things, and is taken for one invoice.
UNPAIRED = 0.85

#: What it weighs where all are named at once, and no new thing is: "both are paid, see our transfer of Friday".
ALL_NAMED = 0.6

#: What it weighs where the answers are not each in one place.
SCATTERED = 0.95


def part(mentions: Mentions, sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]) -> Parts:
    """The parts of a reply."""
    segments = tuple(_without_headings(mentions.spoken))
    segments = segments if len(segments) > 1 else ()
    anchors = [each for each in mentions.anchors if len(each.numbers) < len(invoices)]
    named = {number for each in anchors for number in each.numbers}
    if len(invoices) < PAIR or len(named) == len(invoices) or (segments and len(invoices) > MOST):
        return Parts(segments, certain=len(segments))
    presumed = () if segments else _presumed(mentions, sentences, invoices)
    gathered = _Gathered([*segments, *presumed])
    if presumed:
        blocks = tuple(Block(at, each.numbers, is_named=at == 0) for at, each in enumerate(presumed))
        gathered.ways.append(Way(blocks, SCATTERED))
    if len(invoices) <= MOST:
        gathered.ways += _in_turn(
            gathered, anchors, sentences, language, invoices, only_all=bool(mentions.named) and not mentions.anchors
        )
    return Parts(tuple(gathered.segments), bool(presumed), tuple(gathered.ways), len(segments))


class _Gathered:
    """Segments, each once, and the ways that are made of them."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments
        self.ways: list[Way] = []
        self._known = {each.pieces: at for at, each in enumerate(segments)}

    def block(self, pieces: tuple[Piece, ...], numbers: tuple[str, ...], *, is_named: bool) -> Block:
        if pieces not in self._known:
            self._known[pieces] = len(self.segments)
            self.segments.append(Segment((), pieces))
        return Block(self._known[pieces], numbers, is_named)


def _presumed(mentions: Mentions, sentences: Sequence[Sentence], invoices: Sequence[InvoiceRef]) -> tuple[Segment, ...]:
    """The sentences that name some of the invoices, and all beside them, for the others."""
    if len(mentions.spoken) != 1:
        return ()
    named = mentions.spoken[0]
    others = tuple(invoice.number for invoice in invoices if invoice.number not in named.numbers)
    naming = [piece for piece in named.pieces if piece.sentence in mentions.naming]
    where = {piece.sentence for piece in naming}
    rest = tuple(Piece(index, 0, len(sentence.text)) for index, sentence in enumerate(sentences) if index not in where)
    return (Segment(named.numbers, tuple(naming)), Segment(others, rest)) if others and naming and rest else ()


def _in_turn(
    gathered: _Gathered, anchors: Sequence[Anchor], sentences: Sequence[Sentence], language: str,
    invoices: Sequence[InvoiceRef], *, only_all: bool,
) -> Iterator[Way]:  # fmt: skip
    """Each way of cutting the text into answers that stand one after the other. `only_all`: all invoices are named by a
    word for all of them, which may mean something else.
    """
    units = find_units(sentences, language, len(invoices), LONGEST if len(invoices) == PAIR else LONGEST_OF_MANY)
    for count in range(PAIR, min(len(invoices), len(units)) + 1):
        for places in itertools.combinations(range(1, len(units)), count - 1):
            cut = [units[start:end] for start, end in itertools.pairwise((0, *places, len(units)))]
            numbers, weight = _numbers(cut, anchors, invoices)
            if numbers:
                weight *= _by_form(cut)
                if only_all and not all(each[0].opens for each in cut[1:]):
                    weight *= ALL_NAMED
                blocks = [
                    gathered.block(tuple(unit.piece for unit in each), own, is_named=is_named)
                    for each, (own, is_named) in zip(cut, numbers, strict=True)
                ]
                yield Way(tuple(blocks), weight)


def _by_form(cut: Sequence[Sequence[Unit]]) -> float:
    """How likely the answers of a way begin where they do."""
    weight = 1.0
    for answer in cut[1:]:
        weight *= (1.0 if answer[0].opens else UNOPENED) * (1.0 if answer[0].is_apart else WITHIN)
    for answer in cut:
        for unit in answer[1:]:
            if unit.opens and unit.is_apart:
                weight *= RUN_OVER_HEADING if unit.is_heading else RUN_OVER
    return weight


def _numbers(
    cut: Sequence[Sequence[Unit]], anchors: Sequence[Anchor], invoices: Sequence[InvoiceRef]
) -> tuple[list[tuple[tuple[str, ...], bool]], float]:
    """The invoices of each answer, and whether it names them: those named in it, or else the next of the unnamed, two
    where it speaks of two things; all that are left where one answer is left. Nothing where that doesn't come out.
    """
    own = [_named_in(each, anchors) for each in cut]
    named = [number for each in own for number in each]
    rest = [invoice.number for invoice in invoices if invoice.number not in named]
    unnamed = [at for at, each in enumerate(own) if not each]
    pairs = [at for at in unnamed if cut[at][0].is_pair]
    over = len(rest) - len(unnamed)
    if not unnamed or over < 0 or len(set(named)) < len(named) or (over > len(pairs) and len(unnamed) > 1):
        return [], 0.0
    sizes = {at: 1 + (at in pairs[:over]) for at in unnamed}
    if len(unnamed) == 1:
        sizes = {unnamed[0]: len(rest)}
    queue = iter(rest)
    found = [
        (tuple(itertools.islice(queue, sizes[at])), False) if at in sizes else (each, True)
        for at, each in enumerate(own)
    ]
    left = max(len(pairs) - over, 0) if len(invoices) > PAIR else 0
    return found, UNPAIRED**left


def _named_in(units: Sequence[Unit], anchors: Sequence[Anchor]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(
        number for anchor in anchors for unit in units
        if unit.piece.sentence == anchor.sentence and unit.piece.start <= anchor.start < unit.piece.end
        for number in anchor.numbers
    ))  # fmt: skip


def _without_headings(segments: Sequence[Segment]) -> list[Segment]:
    """A segment of several invoices each of which has one of fewer is a heading or a closing remark: "here is where all
    of them stand", "I never pay both on one day".
    """
    return [
        each
        for each in segments
        if not all(
            any(number in other.numbers and len(other.numbers) < len(each.numbers) for other in segments)
            for number in each.numbers
        )
    ]
