"""A "paid" that no payment followed: after a wait a person is told, and the plan goes on.

The claim itself is never called a lie: money may lie with another customer or under no name. That none came is believed
only of a ledger that is fresh and speaks for a later time than the wait. `judge_claims` is the drain, harmless when run
twice; each claim is a transaction of its own.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.faults import point
from agent.ledger import freshness, store, tasks
from config import Settings
from models import Database, Event, Invoice, events
from models.events import RELANCE
from models.reasons import TaskKind
from models.states import InvoiceState
from models.transitions import move


def is_unpaid(claimed_at: datetime, as_of: datetime | None, settings: Settings, now: datetime) -> bool:
    """Whether a payment reported at ``claimed_at`` should be in the ledger by now. Pure; ``as_of`` is the ledger's."""
    deadline = freshness.claim_deadline(claimed_at, settings)
    return as_of is not None and min(now, as_of) > deadline and freshness.is_fresh(as_of, settings, now)


def judge_claims(database: Database, settings: Settings, now: datetime) -> int:
    """Ask a person about every reported payment that did not come in; how many were found."""
    with database.read() as session:
        as_of = store.ledger_as_of(session, settings)
        claimed = session.execute(
            select(Invoice.id, Invoice.state_at)
            .where(Invoice.state == InvoiceState.PAYMENT_REPORTED)
            .order_by(Invoice.id)
        ).all()
        due = [invoice_id for invoice_id, state_at in claimed if is_unpaid(state_at, as_of, settings, now)]
    found = 0
    for invoice_id in due:
        with database.write() as session:
            found += _ask(session, invoice_id, settings, now)
            point("clockwork.asking")
        point("clockwork.asked")
    return found


def _said_again(session: Session, invoice: Invoice, settings: Settings) -> datetime | None:
    """When the customer first said it again after the wait; None: never.

    While the daemon was down nobody asked about the first claim. Whoever wrote once more in that time must not get the
    next reminder in answer to it.
    """
    deadline = freshness.claim_deadline(invoice.state_at, settings)
    query = select(func.min(Event.at, type_=Event.at.type)).where(
        Event.kind == f"invoice.{InvoiceState.PAYMENT_REPORTED.value}_again",
        Event.subject_type == "invoice",
        Event.subject_id == str(invoice.id),
        Event.at > deadline,
    )
    return session.scalar(query)


def _ask(session: Session, invoice_id: int, settings: Settings, now: datetime) -> bool:
    invoice = session.get_one(Invoice, invoice_id, with_for_update=True)
    as_of = store.ledger_as_of(session, settings)
    if invoice.state is not InvoiceState.PAYMENT_REPORTED or not is_unpaid(invoice.state_at, as_of, settings, now):
        return False
    while (again := _said_again(session, invoice, settings)) is not None:
        invoice.state_at = again
        events.record(session, "invoice.claim_counts_anew", invoice, actor=RELANCE, at=now, since=again.isoformat())
        if not is_unpaid(again, as_of, settings, now):
            return False
    claimed_on = freshness.local_day(invoice.state_at, settings)
    tasks.open_task(
        session,
        key=f"claim:{invoice.id}:{invoice.state_at.isoformat()}",
        kind=TaskKind.UNPAID_CLAIM,
        invoices=[invoice],
        detail=f"{invoice.number} was reported as paid on {claimed_on}; no payment of it is in the ledger",
        due_on=freshness.local_day(now, settings),
        at=now,
    )
    move(
        session, invoice, InvoiceState.REMINDED, actor=RELANCE, reason="claim_unpaid", at=now,
        values={"state_at": now},
    )  # fmt: skip
    return True
