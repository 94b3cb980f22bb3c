"""What the tuned network is asked about within a message: its coming days, and its parts. Pure.

A question about the whole message ("is something promised?") is answered from all its words; a question about a place
in it ("is this the promised day?", "what is said of these invoices?") from the words that stand there, each of which
the network has read in the light of all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.dates import DateMention
from classifier.findings import Findings
from classifier.invoices import Piece
from classifier.preprocess import Prepared, Sentence

#: Where in a message the words stand that are asked about.
Mark = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The places in a message: `days` in the order of `coming_days`, `parts` in that of the findings' segments."""

    days: tuple[Mark, ...] = ()
    parts: tuple[Mark, ...] = ()


def marks_of(prepared: Prepared, findings: Findings) -> Marks:
    """The places in a message that are asked about."""
    days = ((Piece(at, mention.start, mention.end),) for at, mention in coming_days(prepared.sentences))
    return Marks(tuple(days), tuple(segment.pieces for segment in findings.parts.segments))


def coming_days(sentences: Sequence[Sentence]) -> Iterator[tuple[int, DateMention]]:
    """The dates of a message that may lie ahead, each with the index of its sentence."""
    for at, sentence in enumerate(sentences):
        for mention in sentence.dates:
            if mention.ahead and mention.family != "nothing":
                yield at, mention
