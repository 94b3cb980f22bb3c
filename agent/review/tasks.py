"""Work for a person that comes from the plan or the clock; it holds nothing by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.sampling import RIGHT, WRONG
from config.errors import NeedsPerson
from models import Customer, Invoice, Task, transitions
from models.reasons import TaskKind
from models.states import TaskState


def rows(session: Session) -> list[dict[str, Any]]:
    """The open tasks, the longest due first, as the command line and the pages show them."""
    query = (
        select(Task, Customer)
        .join(Customer, Customer.id == Task.customer_id)
        .where(Task.state == TaskState.OPEN)
        .order_by(Task.due_on, Task.id)
    )
    found = []
    for task, customer in session.execute(query):
        ids = [link.invoice_id for link in task.links]
        numbers = session.scalars(select(Invoice.number).where(Invoice.id.in_(ids)).order_by(Invoice.id)).all()
        found.append(
            {
                "id": task.id,
                "kind": task.kind.value,
                "due_on": task.due_on,
                "customer": customer.id,
                "name": customer.name,
                "phone": customer.phone,
                "invoices": list(numbers),
                "detail": task.detail,
            }
        )
    return found


def done(session: Session, task_id: int, outcome: str, by: str, now: datetime) -> None:
    """Write down that a task was done and what came of it."""
    task = session.get(Task, task_id, with_for_update=True)
    if task is None or task.state is not TaskState.OPEN:
        raise NeedsPerson(f"there is no open task {task_id}; `relance tasks` lists them")
    if task.kind is TaskKind.AUDIT_SAMPLE and not outcome.strip().lower().startswith((RIGHT, WRONG)):
        raise NeedsPerson(f"task {task_id} asks whether a mail was understood: --outcome {RIGHT}, or --outcome {WRONG}")
    transitions.move(
        session, task, TaskState.DONE, actor=by, reason="done", at=now,
        values={"done_at": now, "done_by": by, "outcome": outcome},
    )  # fmt: skip
