"""The arithmetic of the bound, against published values and by its definition."""

from __future__ import annotations

import pytest

from classifier.thresholds import NEVER, Outcome, bound_thresholds, choose_thresholds, upper_limit


@pytest.mark.parametrize(
    ("bound", "wrong", "messages"),
    [
        (0.01, 0, 299), (0.01, 1, 473), (0.01, 2, 628), (0.01, 3, 773), (0.01, 5, 1049),
        (0.02, 0, 149), (0.02, 1, 236), (0.03, 0, 99), (0.03, 2, 208), (0.05, 0, 59), (0.05, 5, 208),
    ],
)  # fmt: skip
def test_the_limit_is_clopper_and_pearsons(bound: float, wrong: int, messages: int) -> None:
    assert upper_limit(wrong, messages) <= bound < upper_limit(wrong, messages - 1)


def test_no_messages_support_no_bound() -> None:
    assert upper_limit(0, 0) == 1.0
    assert upper_limit(5, 5) == 1.0


def test_thresholds_stop_before_the_bound_is_passed() -> None:
    sure = [_outcome(0.99 - at / 10_000) for at in range(200)]
    doubtful = [_outcome(0.9 - at / 1000, wrong=True) for at in range(20)]
    found = bound_thresholds([*sure, *doubtful, *[_queued()] * 300], 0.02)
    assert found.wrong == 4
    assert upper_limit(found.wrong, 520) <= 0.02 < upper_limit(found.wrong + 1, 520)
    accepted = [each for each in (*sure, *doubtful) if each.confidence >= found.thresholds["paid"]]
    assert len(accepted) == found.automatic
    assert sum(each.wrong for each in accepted) == found.wrong


def test_equal_confidences_are_taken_together_or_not_at_all() -> None:
    found = bound_thresholds([_outcome(0.9), *[_outcome(0.8, wrong=True)] * 5, *[_queued()] * 100], 0.05)
    assert (found.automatic, found.wrong) == (1, 0)


def test_too_few_messages_leave_everything_to_people() -> None:
    found = bound_thresholds([_outcome(0.99)] * 20, 0.05)
    assert set(found.thresholds.values()) == {NEVER}
    assert found.automatic == 0


def test_what_is_no_candidate_counts_among_the_messages_only() -> None:
    found = bound_thresholds([_outcome(0.99, candidate=False, wrong=True)] * 400, 0.01)
    assert (found.automatic, found.wrong, found.messages) == (0, 0, 400)


def test_a_dispute_may_be_less_sure_than_a_payment() -> None:
    thresholds = bound_thresholds([_outcome(0.9)] * 500, 0.05).thresholds
    assert thresholds["dispute"] < thresholds["promise"] == thresholds["paid"]


def test_what_is_chosen_holds_one_in_a_hundred_of_all_and_one_in_fifty_of_the_automatic() -> None:
    right, wrong = [_outcome(0.99)] * 300, [_outcome(0.95, wrong=True)] * 7
    queued = [_queued()] * 3000
    assert choose_thresholds([*right, *wrong, *queued]).automatic == 300
    found = choose_thresholds([*right, *wrong, *[_outcome(0.9)] * 200, *queued])
    assert (found.automatic, found.wrong) == (507, 7)
    assert found.upper <= 0.01


def _outcome(confidence: float, *, wrong: bool = False, candidate: bool = True, intent: str = "paid") -> Outcome:
    return Outcome(intent, confidence, candidate, wrong, actionable=True)


def _queued() -> Outcome:
    return Outcome("question", 0.9, candidate=False, wrong=False, actionable=False)
