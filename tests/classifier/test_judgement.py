"""What is believed of a reply's invoices, from what its parts say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from classifier import judgement, labels
from classifier.calibration import Opinion
from classifier.estimators import RawScores
from classifier.facts import PromiseFacts
from classifier.findings import Findings, find
from classifier.invoices import Segment
from classifier.judgement import SURE_DAY, SURE_PART, Said, Standards, understand
from classifier.preprocess import prepare
from classifier.values import Reply
from tests.classifier.builders import WEDNESDAY, invoice, reply

BREAD, CAKES = invoice("A-1", "120.00"), invoice("A-2", "80.00")
TEXT = "The bread left our bank on Friday. The cakes came mouldy. We want a credit."


@pytest.mark.parametrize(
    ("said", "per_invoice"),
    [
        # Between the first two sentences, and between the last two: the surer place counts.
        ([("paid", 0.9), ("dispute", 0.9), ("paid", 0.8), ("question", 0.8)], {"A-1": "paid", "A-2": "dispute"}),
        ([("paid", 0.8), ("dispute", 0.8), ("paid", 0.9), ("question", 0.9)], {"A-1": "paid", "A-2": "question"}),
        # Not sure enough, or the same, or nothing that is said of an invoice: all is said of both.
        ([("paid", 0.6), ("dispute", 0.6), ("dispute", 0.9), ("dispute", 0.9)], {"A-1": "paid", "A-2": "paid"}),
        ([("paid", 0.9), ("other", 0.7), ("paid", 0.9), ("other", 0.7)], {"A-1": "paid", "A-2": "paid"}),
    ],
)
def test_a_reply_that_names_neither_of_two_invoices_is_taken_to_speak_of_them_in_turn(
    said: list[tuple[str, float]], per_invoice: dict[str, str]
) -> None:
    asked, seen = _found(TEXT)
    assert seen.parts.ways
    assert understand(asked, seen, _opinion("paid", 0.9), [_opinion(*each) for each in said]).per_invoice == per_invoice


def test_an_answer_that_is_presumed_to_be_given_in_turn_is_a_persons() -> None:
    asked, seen = _found(TEXT)
    said = [_opinion("paid", 0.9), _opinion("dispute", 0.9)] * 2
    believed = understand(asked, seen, _opinion("paid", 0.95), said)
    assert believed.intents == {"paid", "dispute"}


def test_one_that_names_one_of_two_says_the_rest_of_the_other() -> None:
    asked, seen = _found("A-1 left our bank on Friday. The cakes came mouldy.")
    assert _judged(asked, seen, ["paid", "dispute"]) == {"A-1": "paid", "A-2": "dispute"}


@pytest.mark.parametrize("text", ["Both are paid. See Friday.", "A-1 and A-2 left on Friday. See Monday."])
def test_one_that_names_both_at_once_is_not_parted_by_a_guess_of_middling_sureness(text: str) -> None:
    asked, seen = _found(text)
    assert set(_judged(asked, seen, ["paid", "promise"], 0.8).values()) == {"paid"}


THREE = (invoice("A-1", "120.00"), invoice("A-2", "80.00"), invoice("A-3", "50.00"))


@pytest.mark.parametrize(
    ("text", "intents", "per_invoice"),
    [
        (
            "The bread: paid. The cakes: mouldy. The jam: next Friday.",
            ["paid", "dispute", "promise"],
            "paid dispute promise",
        ),
        ("The bread and the cakes are paid. The jam was off.", ["paid", "dispute"], "paid paid dispute"),
        ("The bread is paid. The cakes and the jam were off.", ["paid", "dispute"], "paid dispute dispute"),
        ("The bread is paid, A-1 and A-3. The cakes were off.", ["paid", "dispute"], "paid dispute paid"),
        (
            "The bread is paid. A-2 was mouldy. The jam follows on Friday.",
            ["paid", "dispute", "promise"],
            "paid dispute promise",
        ),
        # Two answers, three invoices, and no word that one of them speaks of two.
        ("The bread is paid. The cakes were off.", ["paid", "dispute"], "paid paid paid"),
    ],
)
def test_three_invoices_that_are_not_named_are_taken_in_the_reminders_order(
    text: str, intents: list[str], per_invoice: str
) -> None:
    asked = reply(text, *THREE)
    judged = _judged(asked, find(asked, prepare(text, asked.date.date())), intents)
    assert " ".join(judged.values()) == per_invoice


def _judged(asked: Reply, seen: Findings, intents: list[str], sure: float = 0.95) -> Mapping[str, str]:
    """What is believed where each sentence says one of `intents`, and several at once are not sure of anything."""

    def said(segment: Segment) -> Opinion:
        sentences = sorted({piece.sentence for piece in segment.pieces})
        return _opinion(intents[sentences[0]], sure if len(sentences) == 1 else 0.4)

    opinions = [said(each) for each in seen.parts.segments]
    return understand(asked, seen, _opinion("paid", 0.95), opinions).per_invoice


def _found(text: str) -> tuple[Reply, Findings]:
    asked = reply(text, BREAD, CAKES)
    return asked, find(asked, prepare(text, asked.date.date()))


def _opinion(primary: str, probability: float) -> Opinion:
    return Opinion({**dict.fromkeys(labels.INTENTS, 0.02), primary: probability}, primary)


@pytest.mark.parametrize(
    ("on", "probability", "sureness", "acts"),
    [
        (date(2026, 3, 20), SURE_DAY, SURE_PART, True),
        (date(2026, 3, 20), SURE_DAY - 0.01, 1.0, False),  # it may be another day
        (date(2026, 3, 20), 1.0, SURE_PART - 0.01, False),  # it may be a part only, or another one
        (date(2026, 3, 10), 1.0, 1.0, False),  # yesterday
        (date(2026, 4, 11), 1.0, 1.0, False),  # beyond the horizon
        (None, 0.0, 1.0, False),
    ],
)
def test_a_promise_acts_only_on_a_day_and_a_part_that_are_sure_and_in_reach(
    on: date | None, probability: float, sureness: float, *, acts: bool
) -> None:
    asked = reply("We pay.", at=WEDNESDAY)
    prepared = prepare(asked.text, asked.date.date())
    said = Said(_opinion("promise", 0.99), frozenset({"promise"}), {})
    standards = Standards({"promise": 0.9}, frozenset({"en"}), timedelta(days=30))
    promise = PromiseFacts(on, probability=probability, sureness=sureness)
    assert judgement._is_automatic(asked, prepared, said, 0.95, promise, standards) is acts


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((), "amount"),
        ((("paid", "amount"), ("dispute", "quality")), "quality"),  # "amount" was heard where the paid one stands
        ((("paid", "quality"), ("dispute", "amount")), "amount"),
        ((("paid", "quality"), ("question", "quality")), "amount"),  # nothing that is disputed stands alone
    ],
)
def test_the_reason_of_a_dispute_is_read_where_it_is_disputed(parts: tuple[tuple[str, str], ...], reason: str) -> None:
    _, seen = _found(TEXT)
    whole = {"amount": 0.6, "quality": 0.4}
    raw = replace(_scores(), details={"dispute_reason": whole})
    own = {"amount": {"amount": 0.9, "quality": 0.1}, "quality": {"amount": 0.1, "quality": 0.9}}
    said = Said(
        _opinion("dispute", 0.9), frozenset({"dispute", "paid"}), {},
        tuple(replace(_opinion(intent, 0.9), details={"dispute_reason": own[likely]}) for intent, likely in parts),
    )  # fmt: skip
    assert judgement._details(raw, said, seen)["dispute_reason"] == reason


def _scores() -> RawScores:
    count = len(labels.INTENTS)
    return RawScores(np.zeros(count), np.zeros((1, count)), np.full(count, 1 / count), np.zeros((2, count)), {}, {})
