"""The places in a message that the tuned network is asked about."""

from __future__ import annotations

import pytest

from classifier.findings import find
from classifier.invoices import Piece
from classifier.marks import coming_days, marks_of, read_texts
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


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("We pay on 20 March 2025 by transfer.", "We pay on 20 March by transfer."),
        ("Le règlement part le 20/03/2025, merci.", "Le règlement part le 20/03, merci."),
        ("Wir zahlen am 20.03.2025 und am 4. April 2025.", "Wir zahlen am 20.03. und am 4. April."),
        ("Pagaremos el 20 de marzo de 2025.", "Pagaremos el 20 de marzo."),
        ("It is the invoice of March 2025.", "It is the invoice of March 2025."),
    ],
)
def test_days_are_read_without_their_year_and_marks_follow(text: str, read: str) -> None:
    asked = reply(text, invoice("A-1"))
    prepared = prepare(text, asked.date.date())
    (found,) = read_texts(prepared)
    assert found == read
    marks = marks_of(prepared, find(asked, prepared))
    for (piece,), (_, mention) in zip(marks.days, coming_days(prepared.sentences), strict=True):
        said = prepared.sentences[0].text[mention.start : mention.end]
        assert found[piece.start : piece.end]
        assert said.startswith(found[piece.start : piece.end])
