"""Work for a person that comes from the plan or the clock; it holds nothing by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.sampling import RIGHT, WRONG
from agent.review.queue import UNDO_WITHIN, InHand, Taken
from config.errors import NeedsPerson
from models import Customer, Event, Invoice, Task, events, transitions
from models.reasons import TaskKind
from models.states import TaskState

NOT_HANDED_OVER = "not_handed_over"
"""What came of a hand-over that a person decides against: its invoices stay where they are."""


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


def get(session: Session, task_id: int) -> Task:
    """The task, locked, open or not. Raises NeedsPerson."""
    task = session.get(Task, task_id, with_for_update=True)
    if task is None:
        raise NeedsPerson(f"there is no task {task_id}; `relance tasks` lists the open ones")
    return task


def assign(session: Session, task: Task, assignee: str | None, by: str, now: datetime) -> None:
    """Give it to somebody, or to nobody. It goes on waiting either way."""
    _must_be_open(task)
    before = _whose(task)
    task.assignee, task.snoozed_until = assignee, None
    events.record(session, "task.assigned", task, actor=by, at=now, assignee=assignee, **before)


def snooze(session: Session, task: Task, until: datetime, by: str, now: datetime) -> None:
    """Put it away until then."""
    _must_be_open(task)
    if until <= now:
        raise NeedsPerson(f"{until:%Y-%m-%d} has already passed; choose a later day")
    before = _whose(task)
    task.snoozed_until = until
    events.record(session, "task.snoozed", task, actor=by, at=now, until=until.isoformat(), **before)


def _whose(task: Task) -> dict[str, str | None]:
    """Who had it, and until when it slept: what undo puts back."""
    until = task.snoozed_until.isoformat() if task.snoozed_until is not None else None
    return {"assignee_was": task.assignee, "until_was": until}


def put_back(session: Session, task: Task, event: Event, by: str, now: datetime) -> None:
    """Undo the giving or putting away that the event tells of: it is whose it was, and sleeps as it did."""
    _must_be_open(task)
    until = event.data.get("until_was")
    task.assignee = event.data.get("assignee_was")
    task.snoozed_until = datetime.fromisoformat(until) if until else None
    events.record(session, "task.put_back", task, actor=by, at=now)


def undo(session: Session, task: Task, by: str, now: datetime) -> None:
    """It was not done after all. What was logged beside it stays."""
    if task.state is not TaskState.DONE or task.done_at is None:
        raise NeedsPerson(f"task {task.id} was not done; there is nothing to undo")
    if now - task.done_at > UNDO_WITHIN:
        raise NeedsPerson(f"task {task.id} was done more than {UNDO_WITHIN.total_seconds() / 3600:.0f} hours ago")
    transitions.move(
        session, task, TaskState.OPEN, actor=by, reason="undo", at=now,
        values={"done_at": None, "done_by": None, "outcome": None},
    )  # fmt: skip


def last_done(session: Session, by: str) -> Task | None:
    """What this person did last."""
    query = (
        select(Task)
        .where(Task.done_by == by, Task.state == TaskState.DONE)
        .order_by(Task.done_at.desc(), Task.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def _must_be_open(task: Task) -> None:
    if task.state is TaskState.DONE:
        raise Taken(f"task {task.id} was done by {task.done_by} already", "Go on with the next.", task.done_by)
    if task.state is not TaskState.OPEN:
        raise NeedsPerson(f"task {task.id} is {task.state.value} already")


def must_be_free_for(task: Task, by: str, over: str | None = None) -> None:
    """Raises Taken where a colleague has it in hand, or has done it. ``over``: from whom it is knowingly taken."""
    _must_be_open(task)
    if task.assignee not in (None, by, over):
        raise InHand(
            f"{task.assignee} has taken task {task.id}", "Take it over first, or go on with the next.", task.assignee
        )


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
