"""What the tuned network reads of a message, and what it is asked about within it: coming days, sums, parts. Pure.

A question about the whole message ("is something promised?") is answered from all its words; a question about a place
in it ("is this the promised day?", "was this sum paid?", "what is said of these invoices?") from the words that stand
there, each of which the network has read in the light of all others.

Days are read without their year. It tells nothing of what is meant, and is so rare in the replies that the network
learnt from that "we will pay on 20 March 2025" sounded of a dispute to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from classifier.dates import DateMention
from classifier.findings import Findings
from classifier.invoices import Piece
from classifier.preprocess import Prepared, Sentence

#: Where in a message the words stand that are asked about.
Mark = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The places in a message: `days` in the order of `coming_days`, `sums` and `parts` in that of the findings."""

    days: tuple[Mark, ...] = ()
    sums: tuple[Mark, ...] = ()
    parts: tuple[Mark, ...] = ()


def marks_of(prepared: Prepared, findings: Findings) -> Marks:
    """The places that are asked about, in the message as it is read (`read_texts`)."""
    cuts = [_years(sentence) for sentence in prepared.sentences]

    def read(pieces: Sequence[Piece]) -> Mark:
        return tuple(
            replace(each, start=_after(each.start, cuts[each.sentence]), end=_after(each.end, cuts[each.sentence]))
            for each in pieces
        )

    days = (read([Piece(at, mention.start, mention.end)]) for at, mention in coming_days(prepared.sentences))
    sums = (read([Piece(each.sentence, each.start, each.end)]) for each in findings.sums)
    return Marks(tuple(days), tuple(sums), tuple(read(segment.pieces) for segment in findings.parts.segments))


def read_texts(prepared: Prepared) -> list[str]:
    """The sentences of a message as the network reads them."""
    texts = []
    for sentence in prepared.sentences:
        text = sentence.text
        for start, end in reversed(_years(sentence)):
            text = text[:start] + text[end:]
        texts.append(text)
    return texts


#: A year behind day and month: " 2025", " de 2025", "/2025"; of "20.03.2025" the last stop stays.
_YEAR = re.compile(r"(?:,?\s+(?:de\s+|del\s+|of\s+)?|[/-]|(?<=\.))20\d\d$")

#: The families of dates that name day and month.
_WITH_YEAR = ("explicit", "numeric")


def _years(sentence: Sentence) -> list[tuple[int, int]]:
    """Where the years of the days of a sentence stand, in order."""
    found = []
    for mention in sentence.dates:
        year = _YEAR.search(sentence.text[mention.start : mention.end])
        if mention.family in _WITH_YEAR and year:
            found.append((mention.start + year.start(), mention.end))
    return found


def _after(place: int, cuts: Sequence[tuple[int, int]]) -> int:
    """Where a place of a sentence lies once these are cut out of it."""
    return place - sum(max(0, min(place, end) - start) for start, end in cuts)


def coming_days(sentences: Sequence[Sentence]) -> Iterator[tuple[int, DateMention]]:
    """The dates of a message that may lie ahead, each with the index of its sentence."""
    for at, sentence in enumerate(sentences):
        for mention in sentence.dates:
            if mention.ahead and mention.family != "nothing":
                yield at, mention
