"""Figures by hand-counted examples."""

from __future__ import annotations

import pytest
from sklearn.metrics import f1_score

from classifier.figures import calibration_error, classes, coverage_at, macro_f1

TRUTH = ["paid", "paid", "promise", "dispute", "question", "other", "other"]
SAID = ["paid", "promise", "promise", "dispute", "other", "other", "paid"]


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    assert macro_f1(TRUTH, SAID) == pytest.approx(f1_score(TRUTH, SAID, average="macro"))
    assert macro_f1([], []) == 0.0


def test_precision_and_recall_of_a_class() -> None:
    paid = classes(TRUTH, SAID)["paid"]
    assert (paid.precision, paid.recall, paid.rows) == (0.5, 0.5, 2)


def test_calibration_error_is_the_gap_between_claimed_and_right() -> None:
    assert calibration_error([0.8] * 10, [True] * 8 + [False] * 2) == pytest.approx(0)
    assert calibration_error([1.0, 1.0], [True, False]) == pytest.approx(0.5)
    assert calibration_error([], []) == 0.0


def test_coverage_is_the_longest_run_of_the_surest_that_is_right_enough() -> None:
    assert coverage_at([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.75) == 1.0
    assert coverage_at([0.9, 0.8, 0.7, 0.6], [True, True, False, False], 0.9) == 0.5
    assert coverage_at([], [], 0.9) == 0.0
