"""The places in a message that the tuned network is asked about."""

from __future__ import annotations

from classifier.findings import find
from classifier.invoices import Piece
from classifier.marks import marks_of
from classifier.preprocess import prepare
from tests.classifier.builders import invoice, reply


def test_the_coming_days_and_the_parts_of_a_message_are_asked_about() -> None:
    asked = reply("A-1 left on Friday. A-2 follows on 20 March.", invoice("A-1"), invoice("A-2"))
    prepared = prepare(asked.text, asked.date.date())
    findings = find(asked, prepared)
    marks = marks_of(prepared, findings)
    words = [prepared.sentences[piece.sentence].text[piece.start : piece.end] for mark in marks.days for piece in mark]
    assert words == ["Friday.", "20 March."]
    assert marks.parts == tuple(segment.pieces for segment in findings.parts.segments)
    assert marks.parts[:2] == ((Piece(0, 0, 19),), (Piece(1, 0, 24),))
