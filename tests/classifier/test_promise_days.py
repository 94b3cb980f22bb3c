"""Of several coming days the most probable one is the promised one, and none is told where none is probable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from classifier.calibration import Weights
from classifier.facts import PromiseFacts, Spoken, promise_facts
from classifier.marks import coming_days
from classifier.preprocess import prepare
from classifier.promise_days import BY_RULE, DAY_INPUTS, MOST_OPEN, choose_day, day_inputs
from tests.classifier.builders import WEDNESDAY, invoice, reply

TEXT = "The director is back on 16 March. You will have the money on 20 March."
BACK, PAID = date(2026, 3, 16), date(2026, 3, 20)

BY_NETWORK = Weights(tuple(float(name == "tuned") for name in DAY_INPUTS), 0.0)


def chosen(weights: Weights, heard: Sequence[float], text: str = TEXT, *promise: float) -> PromiseFacts:
    asked = reply(text, at=WEDNESDAY)
    sentences = prepare(text, asked.date.date()).sentences
    spoken = [Spoken(each, p, 0.1) for each, p in zip(sentences, promise or (0.2, 0.9), strict=True)]
    facts = promise_facts(spoken, "en", asked.invoices)
    return choose_day(facts, spoken, np.array(heard), asked.date, asked.invoices, "en", weights.of)


def test_without_a_trained_map_the_day_is_the_one_that_the_rules_read() -> None:
    found = chosen(BY_RULE, [])
    assert (found.on, found.probability > 0.9) == (PAID, True)


@pytest.mark.parametrize(("heard", "expected"), [([-3.0, 2.0], PAID), ([2.0, -3.0], BACK), ([-3.0, -2.0], None)])
def test_the_most_probable_day_is_told_and_none_where_none_is_probable(
    heard: list[float], expected: date | None
) -> None:
    assert chosen(BY_NETWORK, heard).on == expected


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("You will have the money on 20 March.", True),
        ("If the board agrees on 20 March you will have the money.", False),
        ("Shall we send the money on 20 March?", False),
    ],
)
def test_a_day_under_a_condition_or_asked_about_is_never_sure(text: str, sure: bool) -> None:
    found = chosen(BY_NETWORK, [9.0], text, 0.9)
    assert (found.on, found.probability > MOST_OPEN) == (PAID, sure)


def test_a_day_that_the_next_sentence_takes_back_is_never_sure() -> None:
    found = chosen(
        BY_NETWORK, [9.0, -9.0], "You have it on 16 March. Sorry, no, the board meets then: 20 March.", 0.9, 0.9
    )
    assert (found.on, found.probability) == (BACK, MOST_OPEN)
    thanked = chosen(BY_NETWORK, [9.0], "You have it on 16 March. Sorry for the wait.", 0.9, 0.1)
    assert thanked.probability > MOST_OPEN


def test_the_day_of_a_call_is_not_read_by_rule_and_never_sure() -> None:
    text = "I'll call you on 20 March."
    assert chosen(BY_RULE, [], text, 0.9).on is None
    assert chosen(BY_NETWORK, [9.0], text, 0.9).probability == MOST_OPEN


def test_a_reply_without_a_coming_day_has_none_to_choose() -> None:
    found = chosen(BY_NETWORK, [], "We will settle it.", 0.9)
    assert (found.on, found.probability) == (None, 0.0)


def test_each_coming_day_has_all_inputs_of_the_map_in_order() -> None:
    asked = reply(TEXT, invoice(due="2026-03-16"), at=WEDNESDAY)
    sentences = prepare(TEXT, asked.date.date()).sentences
    spoken = [Spoken(each, 0.5, 0.1) for each in sentences]
    inputs = day_inputs(PromiseFacts(PAID), spoken, np.array([1.0, 3.0]), asked.date, asked.invoices, "en")
    assert [day for day, _ in inputs] == [mention.ahead for _, mention in coming_days(sentences)] == [BACK, PAID]
    back, paid = (dict(zip(DAY_INPUTS, each, strict=True)) for _, each in inputs)
    assert (back["tuned"], back["tuned lead"], back["by rule"], back["due day"]) == (1.0, -2.0, 0.0, 1.0)
    assert (paid["tuned"], paid["tuned lead"], paid["by rule"], paid["due day"]) == (3.0, 2.0, 1.0, 0.0)
