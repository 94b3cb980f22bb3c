"""How the way of training is measured, beside simpler ways, on rows that no model saw."""

from __future__ import annotations

import pytest

from classifier.data import Row
from classifier.evaluation import PARTS, CrossEvaluation, baselines, cross_evaluate
from classifier.examples import read_replies
from classifier.folds import by_hand
from classifier.thresholds import BOUNDS


@pytest.fixture(scope="module")
def crossed(small_rows: list[Row]) -> CrossEvaluation:
    return cross_evaluate(small_rows, seeds=(0, 1))


def test_each_seed_draws_other_authors_and_the_spread_over_them_is_told(crossed: CrossEvaluation) -> None:
    assert len(crossed.by_author) == 2
    mean, spread = crossed.spread()["macro_f1"]
    assert mean == pytest.approx(sum(each["macro_f1"] for each in crossed.by_author) / 2)
    assert spread >= 0


def test_bounds_and_the_learning_curve_are_measured_over_the_same_rows(
    crossed: CrossEvaluation, small_rows: list[Row]
) -> None:
    assert [each.bound for each in crossed.bounds] == list(BOUNDS)
    assert {each.messages for each in crossed.bounds} == {len(small_rows)}
    trained_on = [count for count, _ in crossed.learning]
    assert trained_on == sorted(trained_on)
    assert len(trained_on) == len(PARTS)


def test_simple_ways_are_measured_in_the_same_run_and_those_that_learn_beat_guessing(small_rows: list[Row]) -> None:
    prepared, _ = read_replies(small_rows)
    found = baselines(small_rows, prepared, by_hand(small_rows))
    guessed = found.pop("majority")
    assert set(found) == {"cue phrases", "TF-IDF and linear SVM", "word counts and a small neural net", "fastText"}
    assert all(guessed < figure <= 1 for figure in found.values()), (guessed, found)
