"""States change by the table only, once, and with an event."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from sqlalchemy import select

from models import Customer, Database, Event, Invoice
from models.states import CLOSED, TRANSITIONS, InvoiceState, allowed
from models.transitions import StaleState, TransitionRefused, move

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def invoiced(database: Database) -> Database:
    with database.write() as session:
        session.add(Customer(id="C1", name="Dupont", email="a@b.example", created_at=NOW, updated_at=NOW))
        session.flush()
        session.add(
            Invoice(
                number="FA-1", customer_id="C1", due_date=date(2026, 3, 2), amount=Decimal(1),
                opening_balance=Decimal(1), balance=Decimal(1), currency="EUR", state_at=NOW, created_at=NOW,
            )
        )  # fmt: skip
    return database


def test_a_move_changes_the_row_and_writes_its_event(invoiced: Database) -> None:
    with invoiced.write() as session:
        invoice = session.execute(select(Invoice)).scalar_one()
        move(session, invoice, InvoiceState.REMINDED, actor="Anna", reason="test", at=NOW)
    with invoiced.read() as session:
        assert session.scalar(select(Invoice.state)) is InvoiceState.REMINDED
        event = session.scalars(select(Event).order_by(Event.seq.desc()).limit(1)).one()
        assert (event.kind, event.actor, event.data) == ("invoice.reminded", "Anna", {"was": "open", "reason": "test"})


def test_what_the_table_does_not_know_is_refused(invoiced: Database) -> None:
    with pytest.raises(TransitionRefused), invoiced.write() as session:
        invoice = session.execute(select(Invoice)).scalar_one()
        move(session, invoice, InvoiceState.BROKEN, actor="Anna", reason="test", at=NOW)


def test_of_two_that_saw_the_same_state_only_one_gets_its_way(invoiced: Database) -> None:
    with invoiced.read() as session:
        seen = session.execute(select(Invoice)).scalar_one()
    with invoiced.write() as session:
        invoice = session.execute(select(Invoice)).scalar_one()
        move(session, invoice, InvoiceState.PROMISED, actor="Anna", reason="first", at=NOW)
    with pytest.raises(StaleState), invoiced.write() as session:
        late = session.merge(seen, load=False)
        move(session, late, InvoiceState.DISPUTED, actor="Bob", reason="second", at=NOW)


@pytest.mark.parametrize("machine", list(TRANSITIONS))
def test_every_state_is_in_the_table(machine: type[StrEnum]) -> None:
    assert set(TRANSITIONS[machine]) == set(machine)


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_no_answer_changes_a_closed_invoice(state: InvoiceState) -> None:
    answers = (InvoiceState.PAYMENT_REPORTED, InvoiceState.PROMISED, InvoiceState.DISPUTED)
    assert not any(allowed(state, answer) for answer in answers)
