"""Promises and claims falling due: against which ledger, and with which end."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.ledger import states
from agent.ledger.claims import is_unpaid, judge_claims
from agent.ledger.promises import Ledger, Promised, judge_promises, verdict
from config import Settings
from models import Database, ImportRun, Invoice, Promise, Task, transitions
from models.reasons import TaskKind
from models.states import InvoiceState, PromiseState
from tests.builders import ledger
from tests.builders.ledger import NOW, csv, load

DUE = date(2026, 9, 8)
D = Decimal


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path)


@pytest.mark.parametrize(
    ("came_in", "today", "ledger_day", "is_fresh", "expected"),
    [
        (0, 9, 9, True, PromiseState.BROKEN),
        (0, 8, 9, True, None),  # the last day is not over
        (0, 9, 8, True, None),  # the ledger can't know of the last day
        (0, 9, None, False, None),
        (0, 20, 9, False, None),  # stale
        (99, 9, 9, True, PromiseState.BROKEN),
        (100, 9, 9, True, PromiseState.KEPT),
        (100, 9, 1, False, PromiseState.KEPT),  # money is a fact in any ledger
        (100, 8, 8, True, None),
    ],
)
def test_a_promise_is_judged_only_when_it_can_be(
    came_in: int, today: int, ledger_day: int | None, is_fresh: bool, expected: PromiseState | None
) -> None:
    day = date(2026, 9, ledger_day) if ledger_day else None
    found = verdict(Promised(DUE, D(100), D(came_in)), Ledger(date(2026, 9, today), day, is_fresh))
    assert found is expected


FRIDAY = datetime(2026, 9, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "as_of", "expected"),
    [
        (datetime(2026, 9, 11, 11, tzinfo=UTC), datetime(2026, 9, 11, 10, 30, tzinfo=UTC), True),
        (datetime(2026, 9, 11, 9, tzinfo=UTC), datetime(2026, 9, 11, 9, tzinfo=UTC), False),
        (datetime(2026, 9, 11, 11, tzinfo=UTC), datetime(2026, 9, 11, 9, tzinfo=UTC), False),
        (datetime(2026, 9, 30, 11, tzinfo=UTC), datetime(2026, 9, 12, 9, tzinfo=UTC), False),
        (datetime(2026, 9, 30, 11, tzinfo=UTC), None, False),
    ],
)
def test_a_claim_waits_five_working_days_and_for_a_ledger_that_can_know(
    tmp_path: Path, now: datetime, as_of: datetime | None, expected: bool
) -> None:
    assert is_unpaid(FRIDAY, as_of, ledger.settings(tmp_path), now) is expected


def speak(database: Database, as_of: datetime) -> None:
    """The payments were imported, none came."""
    with database.write() as session:
        run = {"imported_by": "tester", "sha256": "0" * 64, "rows": 0, "created": 0, "changed": 0}
        session.add(ImportRun(kind="payments", as_of=as_of, imported_at=as_of, **run))


def owe(database: Database, *promises: tuple[date, str | None], at: datetime = NOW) -> None:
    """F-1 of C1 over 100 EUR, promised in these instalments by one message."""
    with database.write() as session:
        row = ledger.invoice(session, ledger.customer(session, "C1"), "F-1", state=InvoiceState.REMINDED)
        for day, amount in promises:
            value = D(amount) if amount else None
            promise = Promise(
                invoice_id=row.id, date=day, amount=value, balance_then=row.balance, made_at=at, made_by="relance"
            )
            session.add(promise)
        if promises:
            transitions.move(session, row, InvoiceState.PROMISED, actor="t", reason="t", at=at, values={"state_at": at})


def stands(database: Database) -> tuple[str, list[str], list[str]]:
    with database.read() as session:
        invoice = session.scalars(select(Invoice)).one()
        promises = [state.value for state in session.scalars(select(Promise.state).order_by(Promise.id))]
        return invoice.state.value, promises, list(session.scalars(select(Task.key).order_by(Task.id)))


def pay(database: Database, settings: Settings, *lines: str, **more: Any) -> None:
    load(database, settings, "payments", csv("id,date,amount,customer_id,invoice_number", *lines), **more)


WEEK_LATER = datetime(2026, 9, 11, 8, tzinfo=UTC)


def test_a_broken_promise_makes_one_task_and_the_plan_goes_on(database: Database, settings: Settings) -> None:
    owe(database, (date(2026, 9, 4), None))
    speak(database, WEEK_LATER)
    assert judge_promises(database, settings, WEEK_LATER) == 1
    assert stands(database) == ("broken", ["broken"], ["promise:1"])
    assert judge_promises(database, settings, WEEK_LATER + timedelta(days=1)) == 0
    assert stands(database) == ("broken", ["broken"], ["promise:1"])


def test_without_a_ledger_that_can_know_nothing_is_judged(database: Database, settings: Settings) -> None:
    owe(database, (date(2026, 9, 4), None))
    speak(database, datetime(2026, 9, 8, 20, tzinfo=UTC))
    assert judge_promises(database, settings, WEEK_LATER) == 0
    assert stands(database) == ("promised", ["open"], [])


def test_a_promised_part_that_came_keeps_it_and_the_rest_is_due(database: Database, settings: Settings) -> None:
    owe(database, (date(2026, 9, 4), "40.00"))
    pay(database, settings, "P1,2026-09-04,40,C1,F-1")
    assert judge_promises(database, settings, NOW) == 0
    assert judge_promises(database, settings, WEEK_LATER) == 1
    assert stands(database) == ("reminded", ["kept"], [])


def test_one_missed_instalment_breaks_the_plan(database: Database, settings: Settings) -> None:
    owe(database, (date(2026, 9, 4), "40.00"), (date(2026, 9, 14), "30.00"), (date(2026, 9, 30), "30.00"))
    pay(database, settings, "P1,2026-09-04,40,C1,F-1")
    assert judge_promises(database, settings, WEEK_LATER) == 1
    assert stands(database) == ("promised", ["kept", "open", "open"], [])
    late = datetime(2026, 9, 21, 8, tzinfo=UTC)
    speak(database, late)
    assert judge_promises(database, settings, late) == 1
    assert stands(database) == ("broken", ["kept", "broken", "superseded"], ["promise:2"])


def test_money_taken_back_breaks_the_promise_that_it_had_kept(database: Database, settings: Settings) -> None:
    owe(database, (date(2026, 9, 4), None))
    pay(database, settings, "P1,2026-09-04,100,C1,F-1")
    assert stands(database) == ("paid", ["kept"], [])
    pay(database, settings, "R1,2026-09-10,-100,C1,", now=WEEK_LATER)
    assert stands(database) == ("open", ["open"], [])
    assert judge_promises(database, settings, WEEK_LATER) == 1
    assert stands(database) == ("open", ["broken"], ["promise:1"])


def test_a_claim_that_no_payment_followed_makes_one_task_and_the_plan_goes_on(
    database: Database, settings: Settings
) -> None:
    owe(database)
    with database.write() as session:
        invoice = session.scalars(select(Invoice)).one()
        states.report_paid(session, invoice, message_id=None, at=NOW, actor="relance", reason="rule")
    assert judge_claims(database, settings, WEEK_LATER) == 0
    speak(database, WEEK_LATER)
    assert judge_claims(database, settings, WEEK_LATER) == 1
    assert judge_claims(database, settings, WEEK_LATER) == 0
    state, _, keys = stands(database)
    assert (state, len(keys), keys[0].startswith("claim:1:2026-09-01")) == ("reminded", 1, True)
    with database.read() as session:
        assert session.scalars(select(Task.kind)).one() is TaskKind.UNPAID_CLAIM
    pay(database, settings, "P1,2026-09-11,100,C1,F-1", now=WEEK_LATER)
    assert stands(database)[0] == "paid"


def test_a_claim_made_again_while_nobody_asked_about_the_first_waits_anew(
    database: Database, settings: Settings
) -> None:
    owe(database)
    again = WEEK_LATER + timedelta(days=7)
    for at in (NOW, NOW + timedelta(days=1), again):
        with database.write() as session:
            invoice = session.scalars(select(Invoice)).one()
            states.report_paid(session, invoice, message_id=None, at=at, actor="relance", reason="rule")
    for days, asked in ((0, 0), (1, 0), (9, 1), (10, 0)):
        now = again + timedelta(days=days)
        speak(database, now)
        assert judge_claims(database, settings, now) == asked
    state, _, keys = stands(database)
    assert (state, [key.startswith(f"claim:1:{again:%Y-%m-%d}") for key in keys]) == ("reminded", [True])
