"""Answers on an invoice, what each replaces, and how each is taken back."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import states
from agent.ledger.states import Answer
from models import Database, Dispute, Event, Invoice, Promise
from models.states import DisputeState, InvoiceState, PromiseState
from tests.builders import ledger
from tests.builders.ledger import NOW

LATER = NOW + timedelta(hours=1)
DAY = date(2026, 9, 10)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    database = Database.open("sqlite:///states.db", tmp_path, NOW)
    with database.write() as found:
        yield found
    database.close()


@pytest.fixture
def invoice(session: Session) -> Invoice:
    return ledger.invoice(session, ledger.customer(session), state=InvoiceState.REMINDED)


def said(message_id: int | None = None, at: Any = NOW) -> Any:
    return {"message_id": message_id, "at": at, "actor": "relance", "reason": "rule"}


def pay(session: Session, invoice: Invoice, **more: Any) -> Answer:
    return states.report_paid(session, invoice, **said(**more))


def vow(session: Session, invoice: Invoice, **more: Any) -> Answer:
    return states.promise(session, invoice, DAY, None, **said(**more))


def contest(session: Session, invoice: Invoice, **more: Any) -> Answer:
    return states.dispute(session, invoice, "amount", None, **said(**more))


Says = Callable[..., Answer]
ANSWERS = [
    (pay, InvoiceState.PAYMENT_REPORTED),
    (vow, InvoiceState.PROMISED),
    (contest, InvoiceState.DISPUTED),
]


def promised(session: Session) -> list[str]:
    return [state.value for state in session.scalars(select(Promise.state).order_by(Promise.id))]


def contested(session: Session) -> list[str]:
    return [state.value for state in session.scalars(select(Dispute.state).order_by(Dispute.id))]


def picture(session: Session, invoice: Invoice) -> tuple[object, ...]:
    still_open = [p for p in promised(session) if p == "open"], [d for d in contested(session) if d == "open"]
    return invoice.state, invoice.state_at, *still_open


@pytest.mark.parametrize(("says", "state"), ANSWERS)
def test_an_answer_moves_the_invoice_and_undo_puts_it_back(
    session: Session, invoice: Invoice, says: Says, state: InvoiceState
) -> None:
    before = picture(session, invoice)
    answer = says(session, invoice, at=LATER)
    assert (invoice.state, invoice.state_at) == (state, LATER)
    states.undo_answer(session, invoice, Answer.from_json(answer.as_json()), at=LATER, actor="Ann", reason="undo")
    assert picture(session, invoice) == before


@pytest.mark.parametrize(("first", "was"), ANSWERS)
@pytest.mark.parametrize(("second", "state"), ANSWERS)
def test_a_later_answer_replaces_an_earlier_one_and_undo_brings_that_back(
    session: Session, invoice: Invoice, first: Says, was: InvoiceState, second: Says, state: InvoiceState
) -> None:
    first(session, invoice)
    before = picture(session, invoice)
    answer = second(session, invoice, at=LATER)
    assert invoice.state is state
    assert promised(session).count("open") == (second is vow)
    assert contested(session).count("open") == (second is contest)
    after = picture(session, invoice)
    states.undo_answer(session, invoice, answer, at=LATER, actor="Ann", reason="undo")
    assert picture(session, invoice) == before
    again = answer.inverse(LATER, invoice.state)
    states.undo_answer(session, invoice, again, at=LATER, actor="Ann", reason="undo")
    assert picture(session, invoice)[0] == after[0]
    assert picture(session, invoice)[2:] == after[2:]


def test_paid_said_twice_waits_from_the_first_time(session: Session, invoice: Invoice) -> None:
    pay(session, invoice)
    pay(session, invoice, at=LATER)
    assert invoice.state_at == NOW
    assert session.scalars(select(Event.seq).where(Event.kind == "invoice.payment_reported_again")).all() == [3]


def test_the_instalments_of_one_message_stand_side_by_side(session: Session, invoice: Invoice) -> None:
    states.promise(session, invoice, DAY, Decimal(40), **said())
    first = states.promise(session, invoice, DAY, Decimal(40), **said(at=LATER))
    assert promised(session) == ["superseded", "open"]
    assert first.promises_replaced == (1,)


def test_a_dispute_of_the_same_kind_is_not_opened_twice(session: Session, invoice: Invoice) -> None:
    contest(session, invoice)
    assert contest(session, invoice).disputes_made == ()
    states.dispute(session, invoice, "quality", None, **said())
    assert contested(session) == ["open", "open"]


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([DisputeState.REJECTED], InvoiceState.REMINDED),
        ([DisputeState.WITHDRAWN], InvoiceState.REMINDED),
        ([DisputeState.UPHELD], InvoiceState.DISPUTED),
    ],
)
def test_a_settled_dispute_lets_the_plan_go_on_unless_it_was_upheld(
    session: Session, invoice: Invoice, verdicts: list[DisputeState], state: InvoiceState
) -> None:
    contest(session, invoice)
    for row, verdict in zip(states.open_disputes(session, invoice), verdicts, strict=True):
        states.settle_dispute(session, row, verdict, at=LATER, actor="Ann")
    assert invoice.state is state


def test_an_upheld_dispute_beside_a_rejected_one_keeps_the_invoice(session: Session, invoice: Invoice) -> None:
    contest(session, invoice)
    states.dispute(session, invoice, "quality", None, **said())
    one, two = states.open_disputes(session, invoice)
    states.settle_dispute(session, one, DisputeState.UPHELD, at=LATER, actor="Ann")
    states.settle_dispute(session, two, DisputeState.REJECTED, at=LATER, actor="Ann")
    assert invoice.state is InvoiceState.DISPUTED


@pytest.mark.parametrize("says", [pay, vow, contest])
def test_what_is_paid_can_not_be_answered(session: Session, says: Says) -> None:
    closed = ledger.invoice(session, ledger.customer(session), state=InvoiceState.PAID, balance=Decimal(0))
    with pytest.raises(states.NothingOpen, match="is left to pay"):
        says(session, closed)


def test_an_answer_that_time_has_passed_over_can_not_be_taken_back(session: Session, invoice: Invoice) -> None:
    answer = vow(session, invoice)
    pay(session, invoice)
    with pytest.raises(states.MovedOn, match="payment reported by now"):
        states.undo_answer(session, invoice, answer, at=LATER, actor="Ann", reason="undo")


def test_a_broken_promise_is_not_returned_to_but_the_plan_goes_on(session: Session) -> None:
    broken = ledger.invoice(session, ledger.customer(session), state=InvoiceState.BROKEN)
    answer = pay(session, broken)
    states.undo_answer(session, broken, answer, at=LATER, actor="Ann", reason="undo")
    assert broken.state is InvoiceState.REMINDED


def test_a_write_off_ends_promises_and_disputes(session: Session, invoice: Invoice) -> None:
    vow(session, invoice)
    states.write_off(session, invoice, at=LATER, actor="Ann", reason="by_hand")
    assert (invoice.state, promised(session)) == (InvoiceState.WRITTEN_OFF, [PromiseState.SUPERSEDED.value])
    assert invoice.balance == Decimal(100)
    with pytest.raises(states.NothingOpen):
        states.write_off(session, invoice, at=LATER, actor="Ann", reason="by_hand")
