"""What makes an item urgent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from agent.review.priority import TASK_URGENCY, Facts, weigh
from models.reasons import TaskKind

PLAIN = Facts(50, Decimal(0), 0, 0, 0, alarms=False)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal(900)},
        {"days_late": 20},
        {"broken_promises": 1},
        {"days_waiting": 4},
        {"alarms": True},
        {"urgency": 60},
    ],
)
def test_each_of_them_makes_it_more_urgent(change: dict[str, object]) -> None:
    assert weigh(replace(PLAIN, **change)) > weigh(PLAIN)  # type: ignore[arg-type]  # one field at a time


def test_the_figure_stays_in_its_bounds() -> None:
    assert weigh(Facts(100, Decimal(10**9), 9_999, 99, 999, alarms=True)) == 100
    assert weigh(Facts(0, Decimal(-5), -10, 0, 0, alarms=False)) == 0


def test_every_kind_of_task_has_an_urgency() -> None:
    assert set(TASK_URGENCY) == set(TaskKind)
