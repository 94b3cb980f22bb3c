"""Which part of a reply is read for which invoices.

`classifier.invoices` says where a reply names which invoices. Here the parts are chosen that are read as messages of
their own, so that "the March one went out, we dispute the other" says two things of two invoices. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.invoices import Mentions, Piece, Segment
from classifier.preprocess import Sentence
from classifier.values import InvoiceRef


@dataclass(frozen=True, slots=True)
class Parts:
    """The segments of a reply, each read as a message of its own; none where all is said of the same invoices.

    `presumed`: the reply names some invoices and not the others, and the last segment, all that stands beside the
    naming sentences, is presumed to speak of the others. Whether it does is judged by what it says.
    `in_turn`: the reply names none of two invoices ("the bread is paid, the cakes came mouldy"), and the segments are
    pairs, one for each place where it may pass from the one to the other, in the reminder's order. Whether it does, and
    where, is judged by what they say.
    """

    segments: tuple[Segment, ...] = ()
    presumed: bool = False
    in_turn: bool = False


PAIR = 2
LONGEST_IN_TURN = 8
"""Sentences beyond which a reply is not read for where it passes from one invoice to the other: each place costs."""


def part(mentions: Mentions, sentences: Sequence[Sentence], invoices: Sequence[InvoiceRef]) -> Parts:
    """The parts of a reply."""
    if not mentions.named and len(invoices) == PAIR and PAIR <= len(sentences) <= LONGEST_IN_TURN:
        return Parts(tuple(_in_turn(sentences, invoices)), in_turn=True)
    segments = _without_headings(mentions.spoken)
    if len(segments) > 1:
        return Parts(tuple(segments))
    if len(segments) != 1 or len(invoices) < 2:
        return Parts()
    named = segments[0]
    others = tuple(invoice.number for invoice in invoices if invoice.number not in named.numbers)
    naming = [piece for piece in named.pieces if piece.sentence in mentions.naming]
    where = {piece.sentence for piece in naming}
    rest = tuple(Piece(index, 0, len(sentence.text)) for index, sentence in enumerate(sentences) if index not in where)
    if not others or not naming or not rest:
        return Parts()
    return Parts((Segment(named.numbers, tuple(naming)), Segment(others, rest)), presumed=True)


def _in_turn(sentences: Sequence[Sentence], invoices: Sequence[InvoiceRef]) -> Iterator[Segment]:
    whole = tuple(Piece(index, 0, len(sentence.text)) for index, sentence in enumerate(sentences))
    for place in range(1, len(whole)):
        yield Segment((invoices[0].number,), whole[:place])
        yield Segment((invoices[1].number,), whole[place:])


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
