"""The form after a call: what the customer said becomes the promise, the claim or the dispute that it is."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy.orm import Session

from agent.ledger import byhand, freshness, states
from agent.ledger import tasks as work
from agent.ledger.byhand import Deed, Target
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
    """The form as it was filled in. ``day`` and ``amount`` go with a promise, ``reason`` with a dispute."""

    result: Result
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
    deed = Deed(by, now)
    found = (session.get_one(Invoice, link.invoice_id, with_for_update=True) for link in task.links)
    invoices = [invoice for invoice in found if invoice.state not in CLOSED and invoice.balance > 0]
    customer = session.get_one(Customer, task.customer_id)
    match form.result:
        case Result.PROMISED:
            if form.day is None:
                raise NeedsPerson("a promise needs its day", "Give --date.")
            for invoice in invoices:
                byhand.log_promise(session, Target(customer, invoice), form.day, form.amount, deed, settings)
        case Result.PAID:
            for invoice in invoices:
                states.report_paid(session, invoice, message_id=None, at=now, actor=by, reason="said in a call")
        case Result.DISPUTED:
            if form.reason is None:
                raise NeedsPerson("a dispute needs its reason", "Give --reason.")
            for invoice in invoices:
                byhand.log_dispute(session, Target(customer, invoice), form.reason, form.amount, deed, settings)
        case Result.NO_ANSWER:
            _again(session, settings, task, invoices, now)
        case _:
            pass
    if form.text:
        byhand.note(session, Target(customer, None), "call", form.text, deed)
    tasks.done(session, task_id, form.result.value, by, now)


def _again(session: Session, settings: Settings, task: Task, invoices: list[Invoice], now: datetime) -> None:
    if not invoices:
        return
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
