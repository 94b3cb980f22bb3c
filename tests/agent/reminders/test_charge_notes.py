"""What of the charges a person is told before anything leaves."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from agent.reminders.compose import charge_notes
from agent.reminders.decide import plan_customer
from tests.builders import ledger as rows
from tests.builders.reminders import STANDARD, at, customer, invoice, ledger, plan_settings


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-05-04", ()),
        ("2026-09-07", ("the rate of FR from 2026-07-01",)),
        ("2031-03-03", ("no charges can be shown",)),
    ],
)
def test_whoever_plans_charges_is_told_of_rates_that_are_not_certain_or_not_known(
    day: str, told: tuple[str, ...], tmp_path: Path
) -> None:
    step = replace(STANDARD.steps[0], charges="shown")
    plan = replace(STANDARD, steps=(step,))
    due = date.fromisoformat(day) - timedelta(days=20)
    view = customer(invoice(due_date=due))
    (planned,) = plan_customer(view, ledger(as_of=at(day)), plan_settings(plans={"standard": plan}), at(day)).reminders
    notes = charge_notes(planned, rows.settings(tmp_path), at(day))
    assert len(notes) == len(told)
    assert all(note.startswith(begin) for note, begin in zip(notes, told, strict=True))
