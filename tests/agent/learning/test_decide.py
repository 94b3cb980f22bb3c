"""The gate, the draw and the alarm, by tables."""

import pytest

from agent.learning.decide import MOST_OF_A_CUSTOMER, Judged, drifts, falls, is_drawn, is_frozen, without_dominance
from classifier.thresholds import lower_limit


def _classes(**f1: float) -> dict[str, dict[str, float]]:
    return {intent: {"f1": value, "rows": 50} for intent, value in f1.items()}


@pytest.mark.parametrize(
    ("current", "candidate", "fallen"),
    [
        ({"paid": 0.9, "other": 0.8}, {"paid": 0.95, "other": 0.9}, []),
        ({"paid": 0.9, "other": 0.8}, {"paid": 0.99, "other": 0.77}, ["other"]),
        ({"paid": 0.9}, {"paid": 0.885}, []),
        ({"paid": 0.9}, {"paid": 0.875}, ["paid"]),
        ({"paid": 0.5}, {"paid": 0.49}, ["paid"]),
        (None, {"paid": 0.51, "other": 0.4}, ["other"]),
        ({"other": 0.8}, {"paid": 0.6}, []),
    ],
)
def test_no_class_may_fall_below_its_floor(
    current: dict[str, float] | None, candidate: dict[str, float], fallen: list[str]
) -> None:
    before = _classes(**current) if current is not None else None
    assert [each.intent for each in falls("replies", before, _classes(**candidate))] == fallen


def test_a_class_of_few_replies_is_not_judged() -> None:
    assert falls("replies", None, {"paid": {"f1": 0.1, "rows": 3}}, least=20) == []


def test_one_customer_does_not_dominate_and_its_newest_corrections_count() -> None:
    items = [("loud", number) for number in range(200)] + [("quiet", 1000), ("other", 1001)]
    kept = without_dominance(items)
    assert len(kept) == MOST_OF_A_CUSTOMER + 2
    assert kept == [*range(160, 200), 1000, 1001]
    assert len(without_dominance([("loud", number) for number in range(30)])) == 6


def test_frozen_customers_stay_frozen_and_are_about_a_fifth() -> None:
    frozen = [is_frozen(f"C{number}", "salt") for number in range(2000)]
    assert frozen == [is_frozen(f"C{number}", "salt") for number in range(2000)]
    assert 320 < sum(frozen) < 480
    assert frozen != [is_frozen(f"C{number}", "another") for number in range(2000)]


@pytest.mark.parametrize(("percent", "least", "most"), [(0, 0, 0), (5, 150, 260), (100, 4000, 4000)])
def test_the_draw_takes_its_share_and_the_same_again(percent: int, least: int, most: int) -> None:
    drawn = [is_drawn(str(number), "salt", percent) for number in range(4000)]
    assert least <= sum(drawn) <= most
    assert drawn == [is_drawn(str(number), "salt", percent) for number in range(4000)]


def test_an_alarm_is_raised_where_too_many_are_wrong_for_certain() -> None:
    good = [Judged("fr", "paid", wrong=False)] * 200 + [Judged("fr", "promise", wrong=True)] * 2
    bad = [Judged("de", "dispute", wrong=number % 4 == 0) for number in range(40)]
    found = drifts([*good, *bad], 0.02, lower_limit)
    assert [(each.kind, each.name) for each in found] == [
        ("intent", "dispute"), ("intent", "promise"), ("language", "de"),
    ]  # fmt: skip
    assert "at least" in str(found[0])
    assert drifts(good[:200] + [Judged("fr", "paid", wrong=True)] * 3, 0.02, lower_limit) == []
