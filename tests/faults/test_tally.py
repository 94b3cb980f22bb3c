"""The arithmetic of the proof: what counts, and when a promise is broken."""

import pytest

from tests.faults.tally import table, tally, upper_bound
from tests.faults.trials import Outcome


def outcome(**changes: object) -> Outcome:
    return Outcome(**{"trial": "t", "group": "g", "struck": True, **changes})  # type: ignore[arg-type] # fields


@pytest.mark.parametrize(("failures", "trials", "bound"), [(0, 180, 0.0165), (0, 1, 0.95), (1, 20, 0.2161), (3, 3, 1)])
def test_the_bound_is_exact(failures: int, trials: int, bound: float) -> None:
    assert upper_bound(failures, trials) == pytest.approx(bound, abs=1e-4)


def test_without_a_trial_nothing_is_bounded() -> None:
    assert upper_bound(0, 0) == 1


@pytest.mark.parametrize(
    "bad",
    [{"duplicates": 1}, {"lost": ("x",)}, {"doubled": ("x",)}, {"broke": "it hung"}],
    ids=lambda bad: str(*bad),
)
def test_one_bad_trial_breaks_the_promise(bad: dict[str, object]) -> None:
    assert tally("g", [outcome(), outcome()]).zeros_hold
    assert not tally("g", [outcome(), outcome(**bad)]).zeros_hold


def test_faults_that_were_never_met_prove_nothing() -> None:
    row = tally("g", [outcome(struck=False)])
    assert not row.zeros_hold
    assert (row.struck, row.not_met) == (0, 1)


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert table(("a", "bb"), [("ccc", "d")]).splitlines() == ["| a   | bb |", "| --- | -- |", "| ccc | d  |"]
