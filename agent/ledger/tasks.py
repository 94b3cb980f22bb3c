"""Work for a person that the ledger makes, and that it takes back once nothing is owed any more."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Invoice, Task, TaskLink, events, transitions
from models.events import RELANCE
from models.reasons import TaskKind
from models.states import CLOSED, TaskState

FOR_MONEY = frozenset(
    {TaskKind.CALL, TaskKind.LETTER, TaskKind.HAND_OVER, TaskKind.UNPAID_CLAIM, TaskKind.BROKEN_PROMISE}
    | {TaskKind.INSOLVENCY, TaskKind.PRESCRIPTION, TaskKind.NO_NEXT_STEP}
    | {TaskKind.FIND_CONTACT}
)
"""Tasks that ask a person to get an invoice paid."""


def open_task(
    session: Session,
    *,
    key: str,
    kind: TaskKind,
    invoices: Sequence[Invoice],
    detail: str,
    due_on: date,
    at: datetime,
    message_id: int | None = None,
    customer_id: str | None = None,
) -> Task:
    """The task of that key, made if it is not there yet. ``invoices``: of one customer; if none, ``customer_id``."""
    task = session.scalar(select(Task).where(Task.key == key))
    if task is None:
        task = Task(
            key=key,
            kind=kind,
            customer_id=customer_id or invoices[0].customer_id,
            message_id=message_id,
            detail=detail,
            due_on=due_on,
            created_at=at,
            links=[TaskLink(invoice_id=invoice.id) for invoice in invoices],
        )
        session.add(task)
        events.record(session, "task.open", task, actor=RELANCE, at=at, kind=kind.value)
    return task


def exists(session: Session, key: str) -> bool:
    """Whether the task of that cause was made already, open or not."""
    return session.scalar(select(Task.id).where(Task.key == key)) is not None


def cancel_needless(session: Session, invoice: Invoice, at: datetime, *, handed_over: int | None = None) -> None:
    """Take back the tasks that ask for the money of invoices which are all closed by now: nobody calls a payer.

    ``handed_over``: the number of the task by which it goes into collection, where that is why.
    """
    reason, outcome = ("handed_over", "handed over") if handed_over else ("nothing_owed", "nothing is owed any more")
    query = (
        select(Task)
        .join(TaskLink)
        .where(TaskLink.invoice_id == invoice.id, Task.state == TaskState.OPEN, Task.kind.in_(FOR_MONEY))
        .order_by(Task.id)
    )
    for task in session.scalars(query).all():
        ids = [link.invoice_id for link in task.links]
        states = session.scalars(select(Invoice.state).where(Invoice.id.in_(ids)))
        if all(state in CLOSED for state in states):
            transitions.move(
                session, task, TaskState.CANCELLED, actor=RELANCE, reason=reason, at=at,
                values={"done_at": at, "done_by": RELANCE, "outcome": outcome}, task=handed_over,
            )  # fmt: skip
