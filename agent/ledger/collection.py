"""A case that leaves the house: its invoices are in collection, and relance asks for their money no more.

From then on only the ledger closes them: a payment, or their absence from a fresh list of open items. A dispute stays
open beside it, for whoever was asked about it to decide. What an invoice was before stands in the event that tells of
its hand-over; `take_back` reads it there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import states, tasks
from agent.ledger.states import Answer
from models import Event, Invoice, Task, TaskLink
from models.states import InvoiceState, TaskState, allowed
from models.transitions import move


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a hand-over that is taken back finds: ``back`` stand as they did before, ``gone`` have moved on since."""

    back: tuple[Invoice, ...]
    gone: tuple[Invoice, ...]


def hand_over(session: Session, task: Task, invoices: Sequence[Invoice], *, at: datetime, actor: str) -> None:
    """Put the invoices of a hand-over that is done into collection, and cancel what else asks for their money.

    ``invoices``: locked, with something left to pay. The task itself must be done already. Raises states.NothingOpen.
    """
    for invoice in invoices:
        states.hand_over(session, invoice, task.id, at=at, actor=actor)
    for invoice in invoices:
        tasks.cancel_needless(session, invoice, at, handed_over=task.id)


def take_back(session: Session, task: Task, *, at: datetime, actor: str) -> TakenBack:
    """Undo `hand_over`: what is still in collection by this task stands as it did, with the tasks about it."""
    back, gone = [], []
    for link in task.links:
        invoice = session.get_one(Invoice, link.invoice_id, with_for_update=True)
        event = _last(session, "invoice", invoice.id, "invoice.in_collection")
        if event is None or event.data.get("task") != task.id:
            continue
        if invoice.state is not InvoiceState.IN_COLLECTION:
            gone.append(invoice)
            continue
        answer = _answer(session, invoice, event)
        states.undo_answer(session, invoice, answer, at=at, actor=actor, reason="undo")
        if invoice.state is not answer.was and allowed(invoice.state, answer.was):
            # No closed invoice takes an answer, by the table: it is reopened first, and then stands as it was answered.
            move(session, invoice, answer.was, actor=actor, reason="undo", at=at, values={"state_at": answer.was_at})
        back.append(invoice)
    _reopen_tasks(session, task, [invoice.id for invoice in back], at=at, actor=actor)
    return TakenBack(tuple(back), tuple(gone))


def _answer(session: Session, invoice: Invoice, event: Event) -> Answer:
    """What the hand-over changed on an invoice, as its event tells it."""
    was, was_at = InvoiceState(event.data["was"]), datetime.fromisoformat(event.data["was_at"])
    if was is InvoiceState.DISPUTED and not states.waits_for_dispute(session, invoice, was_at):
        was = InvoiceState.REMINDED  # decided in the meantime: as then, the plan goes on
    replaced = tuple(int(number) for number in event.data["promises"])
    return Answer(invoice.id, was, was_at, InvoiceState.IN_COLLECTION, promises_replaced=replaced)


def _reopen_tasks(session: Session, task: Task, invoice_ids: Sequence[int], *, at: datetime, actor: str) -> None:
    """The tasks that were cancelled because these invoices were handed over."""
    query = (
        select(Task)
        .join(TaskLink)
        .where(TaskLink.invoice_id.in_(invoice_ids), Task.state == TaskState.CANCELLED)
        .order_by(Task.id)
    )
    for cancelled in session.scalars(query).unique().all():
        event = _last(session, "task", cancelled.id, "task.cancelled")
        if event is not None and event.data.get("task") == task.id:
            move(
                session, cancelled, TaskState.OPEN, actor=actor, reason="undo", at=at,
                values={"done_at": None, "done_by": None, "outcome": None},
            )  # fmt: skip


def _last(session: Session, subject: str, number: int, kind: str) -> Event | None:
    query = select(Event).where(Event.subject_type == subject, Event.subject_id == str(number), Event.kind == kind)
    return session.scalars(query.order_by(Event.seq.desc()).limit(1)).first()
