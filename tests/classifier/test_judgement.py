"""What is believed of a reply's invoices, from what its parts say."""

from __future__ import annotations

import pytest

from classifier import labels
from classifier.calibration import Opinion
from classifier.findings import Findings, find
from classifier.judgement import understand
from classifier.preprocess import prepare
from classifier.values import Reply
from tests.classifier.builders import invoice, reply

BREAD, CAKES = invoice("A-1", "120.00"), invoice("A-2", "80.00")
TEXT = "The bread left our bank on Friday. The cakes came mouldy. We want a credit."


@pytest.mark.parametrize(
    ("said", "per_invoice"),
    [
        # Between the first two sentences, and between the last two: the surer place counts.
        ([("paid", 0.9), ("dispute", 0.9), ("paid", 0.8), ("question", 0.8)], {"A-1": "paid", "A-2": "dispute"}),
        ([("paid", 0.8), ("dispute", 0.8), ("paid", 0.9), ("question", 0.9)], {"A-1": "paid", "A-2": "question"}),
        # Not sure enough, or the same, or nothing that is said of an invoice: all is said of both.
        ([("paid", 0.9), ("dispute", 0.7), ("dispute", 0.9), ("dispute", 0.9)], {"A-1": "paid", "A-2": "paid"}),
        ([("paid", 0.9), ("other", 0.9), ("paid", 0.9), ("other", 0.9)], {"A-1": "paid", "A-2": "paid"}),
    ],
)
def test_a_reply_that_names_neither_of_two_invoices_is_taken_to_speak_of_them_in_turn(
    said: list[tuple[str, float]], per_invoice: dict[str, str]
) -> None:
    asked, seen = _found(TEXT)
    assert seen.parts.in_turn
    assert understand(asked, seen, _opinion("paid", 0.9), [_opinion(*each) for each in said]).per_invoice == per_invoice


def test_an_answer_that_is_presumed_to_be_given_in_turn_is_a_persons() -> None:
    asked, seen = _found(TEXT)
    said = [_opinion("paid", 0.9), _opinion("dispute", 0.9)] * 2
    believed = understand(asked, seen, _opinion("paid", 0.95), said)
    assert believed.intents == {"paid", "dispute"}


@pytest.mark.parametrize("text", ["A-1 left our bank on Friday. The cakes came mouldy.", "Both are paid. See Friday."])
def test_one_that_names_any_is_not(text: str) -> None:
    _, seen = _found(text)
    assert not seen.parts.in_turn


def _found(text: str) -> tuple[Reply, Findings]:
    asked = reply(text, BREAD, CAKES)
    return asked, find(asked, prepare(text, asked.date.date()))


def _opinion(primary: str, probability: float) -> Opinion:
    return Opinion({**dict.fromkeys(labels.INTENTS, 0.02), primary: probability}, primary)
