"""The form after a call, or another task in which a customer was heard: what it said becomes the promise, the claim or
the dispute that it is. The command line, the pages and the API fill in the same form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy.orm import Session

from agent.ledger import byhand, collection, freshness, states
from agent.ledger import tasks as work
from agent.ledger.byhand import Deed, Target
from agent.replies.word import Effect
from agent.review import tasks
from config import Settings
from config.calendars import add_working_days
from config.errors import NeedsPerson
from models import Customer, Invoice, Task
from models.reasons import TaskKind
from models.states import CLOSED, TaskState


class Result(StrEnum):
    """What came of a call."""

    PROMISED = "promised"
    PAID = "paid"
    DISPUTED = "disputed"
    NO_ANSWER = "no_answer"
    WRONG_CONTACT = "wrong_contact"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it was filled in. ``day`` and ``amount`` go with a promise, ``reason`` with a dispute; ``result``
    None: the task is done, and nothing was heard.
    """

    result: Result | None
    day: date | None = None
    amount: Decimal | None = None
    reason: str | None = None
    text: str = ""


def record(session: Session, settings: Settings, task_id: int, form: Form, by: str, now: datetime) -> None:
    """Write down what came of a call, and end its task; nobody answered: another call on the next working day.

    Raises:
        NeedsPerson: there is no such open call, or the form lacks what its result needs.
    """
    task = session.get(Task, task_id, with_for_update=True)
    if task is None or task.kind is not TaskKind.CALL or task.state is not TaskState.OPEN:
        raise NeedsPerson(f"task {task_id} is no open call; `relance tasks` lists them")
    finish(session, settings, task, form, form.result.value if form.result is not None else "done", by, now)


def finish(
    session: Session, settings: Settings, task: Task, form: Form, told: str, by: str, now: datetime
) -> Sequence[Effect]:
    """End an open task with what was heard. ``told``: the outcome in words, as it is kept with the task.

    A hand-over of which nothing else came is carried out: its invoices are in collection from now on.
    """
    found = (session.get_one(Invoice, link.invoice_id, with_for_update=True) for link in task.links)
    invoices = [invoice for invoice in found if invoice.state not in CLOSED and invoice.balance > 0]
    effects: Sequence[Effect] = _heard(session, settings, task, invoices, form, Deed(by, now))
    if form.text:
        kind = "call" if task.kind is TaskKind.CALL else "note"
        customer = session.get_one(Customer, task.customer_id)
        byhand.note(session, Target(customer, None), kind, form.text, Deed(by, now))
    tasks.done(session, task.id, told[:500], by, now)
    if task.kind is TaskKind.HAND_OVER and form.result is None:
        collection.hand_over(session, task, invoices, at=now, actor=by)
        effects = [Effect("in_collection", f"{row.number} is in collection", row.number) for row in invoices]
    return effects


def _heard(
    session: Session, settings: Settings, task: Task, invoices: Sequence[Invoice], form: Form, deed: Deed
) -> list[Effect]:
    customer = session.get_one(Customer, task.customer_id)
    match form.result:
        case Result.PROMISED:
            if form.day is None:
                raise NeedsPerson("a promise needs its day", "Say on which day the money is to come.")
            for row in invoices:
                byhand.log_promise(session, Target(customer, row), form.day, form.amount, deed, settings)
            return [
                Effect("promised", f"{row.number} is promised for {form.day}", row.number, form.day) for row in invoices
            ]
        case Result.PAID:
            for row in invoices:
                states.report_paid(session, row, message_id=None, at=deed.at, actor=deed.actor, reason="said in a call")
            return [Effect("reported_paid", f"{row.number} is said to be paid", row.number) for row in invoices]
        case Result.DISPUTED:
            if form.reason is None:
                raise NeedsPerson("a dispute needs its reason", "Say what it is about.")
            for row in invoices:
                byhand.log_dispute(session, Target(customer, row), form.reason, form.amount, deed, settings)
            return [
                Effect("disputed", f"{row.number} is disputed ({form.reason})", row.number, detail=form.reason)
                for row in invoices
            ]
        case Result.NO_ANSWER if task.kind is TaskKind.CALL and invoices:
            day = _again(session, settings, task, invoices, deed.at)
            return [Effect("call_again", f"another call on {day}", on=day)]
    return []


def _again(session: Session, settings: Settings, task: Task, invoices: Sequence[Invoice], now: datetime) -> date:
    day = add_working_days(settings.company.country, freshness.local_day(now, settings), 1)
    work.open_task(
        session,
        key=f"call-again:{task.id}",
        kind=TaskKind.CALL,
        invoices=invoices,
        detail=task.detail,
        due_on=day,
        at=now,
    )
    return day
