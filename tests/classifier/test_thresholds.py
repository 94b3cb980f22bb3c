"""The arithmetic of the bound, against published values and by its definition."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, BinaryRisk

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


def test_a_dispute_may_be_less_sure_than_a_payment_and_a_promise_must_be_surer() -> None:
    thresholds = bound_thresholds([_outcome(0.9)] * 500, 0.05).thresholds
    assert thresholds["dispute"] < thresholds["paid"] < thresholds["promise"]


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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bound", [0.01, 0.02])
def test_an_independent_library_finds_the_same_threshold(bound: float, seed: int) -> None:
    """MAPIE's Learn-Then-Test (Angelopoulos et al. 2022) with fixed-sequence testing, the strictest threshold first."""
    random = np.random.default_rng(seed)
    confidence = np.unique(random.uniform(0.3, 0.999, 900).round(4))[::-1]
    wrong = random.uniform(size=confidence.size) < (1 - confidence) ** 2
    outcomes = [_outcome(float(each), wrong=bool(is_wrong)) for each, is_wrong in zip(confidence, wrong, strict=True)]
    controller = BinaryClassificationController(
        predict_function=lambda rows: np.column_stack([1 - rows[:, 0], rows[:, 0]]),
        risk=BinaryRisk(
            risk_occurrence=lambda right, acted: (acted == 1) & (right == 0),
            risk_condition=lambda right, _acted: np.ones_like(right, dtype=bool),
            higher_is_better=False,
        ),
        target_level=bound,
        confidence_level=0.95,
        best_predict_param_choice="predicted_positive_fraction",
        list_predict_params=confidence,
        fwer_method="fixed_sequence",
    ).calibrate(confidence[:, np.newaxis], 1 - wrong.astype(int))
    ours = bound_thresholds(outcomes, bound).thresholds["paid"]
    assert ours == pytest.approx(min(controller.valid_predict_params), abs=1e-6)
