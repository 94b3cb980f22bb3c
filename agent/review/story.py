"""The whole story of an invoice or a customer, in the order in which it happened: mails, money, states, promises,
disputes, holds, calls, tasks, and who did what. Reads only.

A moment is a code with values, so that a page says it in any language; what a person wrote by hand comes along as text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import (
    Allocation,
    Contact,
    Delivery,
    Dispute,
    Event,
    ExceptionItem,
    ExceptionLink,
    Hold,
    Invoice,
    Message,
    MessageLink,
    Note,
    Payment,
    Prediction,
    Promise,
    Reminder,
    ReminderLine,
    Task,
    TaskLink,
)
from models.message import Direction
from models.states import InvoiceState

MOST = 500
"""Moments of one kind that are told, the newest."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. ``shape`` (in, out, money, person, state, bad) is how the page draws it."""

    at: datetime
    code: str
    shape: str
    values: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    invoice: str | None = None
    by: str | None = None
    link: str | None = None


def of_invoice(session: Session, invoice: Invoice, zone: ZoneInfo) -> list[Moment]:
    """What happened to one invoice, newest first."""
    return _story(session, [invoice], invoice.customer_id, zone, whole_customer=False)


def of_customer(session: Session, customer_id: str, zone: ZoneInfo) -> list[Moment]:
    """What happened with one customer, newest first."""
    query = select(Invoice).where(Invoice.customer_id == customer_id).order_by(Invoice.id.desc()).limit(MOST)
    return _story(session, session.scalars(query).all(), customer_id, zone, whole_customer=True)


def _story(
    session: Session, invoices: Sequence[Invoice], customer_id: str, zone: ZoneInfo, *, whole_customer: bool
) -> list[Moment]:
    numbers = {invoice.id: invoice.number for invoice in invoices}
    only = None if whole_customer else frozenset(numbers)
    moments: list[Moment] = []
    moments += _begun(invoices, zone)
    moments += _states(session, numbers)
    moments += _mails_in(session, customer_id, only)
    moments += _mails_out(session, customer_id, only, numbers)
    moments += _money(session, numbers, zone)
    moments += _promises(session, numbers)
    moments += _disputes(session, numbers)
    moments += _by_hand(session, customer_id, only, numbers)
    moments += _tasks(session, customer_id, only)
    moments += _asked(session, customer_id, only)
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def _begun(invoices: Iterable[Invoice], zone: ZoneInfo) -> Iterable[Moment]:
    for invoice in invoices:
        amount = {"amount": invoice.amount, "currency": invoice.currency}
        if invoice.issue_date is not None:
            yield Moment(
                _noon(invoice.issue_date, zone), f"{invoice.kind.value}_issued", "state", amount, invoice=invoice.number
            )
        yield Moment(_noon(invoice.due_date, zone), "due", "state", amount, invoice=invoice.number)


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)


def _states(session: Session, numbers: dict[int, str]) -> Iterable[Moment]:
    """Every change of state, by the log."""
    query = (
        select(Event)
        .where(Event.subject_type == "invoice", Event.subject_id.in_([str(number) for number in numbers]))
        .order_by(Event.seq.desc())
        .limit(MOST)
    )
    states = set(InvoiceState)
    for event in session.scalars(query):
        to = event.kind.partition(".")[2]
        if to in states and "was" in event.data:
            shape = "money" if to in ("paid", "credited") else "bad" if to == "broken" else "state"
            yield Moment(
                event.at, "state", shape, {"was": event.data["was"], "to": to, "reason": event.data.get("reason", "")},
                invoice=numbers.get(int(event.subject_id)), by=event.actor,
            )  # fmt: skip


def _mails_in(session: Session, customer_id: str, only: frozenset[int] | None) -> Iterable[Moment]:
    query = (
        select(Message, Prediction.primary, Prediction.confidence)
        .outerjoin(Prediction, Prediction.message_id == Message.id)
        .where(Message.state.is_not(None))
    )
    if only is None:
        query = query.where(Message.customer_id == customer_id)
    else:
        linked = select(MessageLink.message_id).where(MessageLink.invoice_id.in_(only))
        query = query.where(Message.id.in_(linked))
    for message, primary, confidence in session.execute(query.order_by(Message.id.desc()).limit(MOST)):
        code = "colleague_wrote" if message.direction is Direction.OUT else f"{message.kind or 'unread'}_came"
        yield Moment(
            message.received_at, code, "in",
            {"primary": primary, "confidence": confidence, "state": message.state.value if message.state else None},
            text=message.subject or "", by=message.sender, link=f"/mail/{message.id}/why",
        )  # fmt: skip


def _mails_out(
    session: Session, customer_id: str, only: frozenset[int] | None, numbers: dict[int, str]
) -> Iterable[Moment]:
    query = select(Delivery).outerjoin(Reminder, Reminder.id == Delivery.reminder_id)
    if only is None:
        query = query.where(Delivery.customer_id == customer_id)
    else:
        listed = select(ReminderLine.reminder_id).where(ReminderLine.invoice_id.in_(only))
        query = query.where(Delivery.reminder_id.in_(listed))
    for delivery in session.scalars(query.order_by(Delivery.id.desc()).limit(MOST)):
        reminder = delivery.reminder
        listed_numbers = [numbers.get(line.invoice_id, "") for line in reminder.lines] if reminder is not None else []
        yield Moment(
            delivery.sent_at or delivery.created_at,
            "reminder" if reminder is not None else "answer",
            "out" if delivery.sent_at is not None else "bad",
            {
                "step": reminder.step if reminder is not None else "", "to": delivery.recipient,
                "state": delivery.state.value, "invoices": ", ".join(filter(None, listed_numbers)),
            },
            text=delivery.message.subject or "", link=f"/mail/{delivery.message_id}/why",
            by=reminder.approved_by if reminder is not None else None,
        )  # fmt: skip


def _money(session: Session, numbers: dict[int, str], zone: ZoneInfo) -> Iterable[Moment]:
    query = (
        select(Payment, Allocation)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Allocation.invoice_id.in_(numbers))
        .order_by(Payment.date.desc())
        .limit(MOST)
    )
    for payment, part in session.execute(query):
        code, shape = ("payment", "money") if part.amount > 0 else ("reversal", "bad")
        values = {"amount": part.amount, "currency": payment.currency, "id": payment.id, "rule": part.rule}
        yield Moment(_noon(payment.date, zone), code, shape, values, payment.reference or "", numbers[part.invoice_id])


def _promises(session: Session, numbers: dict[int, str]) -> Iterable[Moment]:
    for row in session.scalars(select(Promise).where(Promise.invoice_id.in_(numbers)).limit(MOST)):
        values = {"on": row.date, "amount": row.amount}
        number = numbers[row.invoice_id]
        yield Moment(row.made_at, "promise_made", "state", values, invoice=number, by=row.made_by)
        if row.judged_at is not None:
            shape = "bad" if row.state.value == "broken" else "money"
            yield Moment(row.judged_at, f"promise_{row.state.value}", shape, values, invoice=number)


def _disputes(session: Session, numbers: dict[int, str]) -> Iterable[Moment]:
    for row in session.scalars(select(Dispute).where(Dispute.invoice_id.in_(numbers)).limit(MOST)):
        values = {"reason": row.reason, "amount": row.amount, "owner": row.owner}
        number = numbers[row.invoice_id]
        yield Moment(row.opened_at, "dispute_opened", "bad", values, invoice=number, by=row.opened_by)
        if row.settled_at is not None:
            yield Moment(row.settled_at, f"dispute_{row.state.value}", "person", values, invoice=number)


def _by_hand(
    session: Session, customer_id: str, only: frozenset[int] | None, numbers: dict[int, str]
) -> Iterable[Moment]:
    def mine(column: Any) -> Any:
        return or_(column.is_(None), column.in_(only)) if only is not None else column.is_not(None) | column.is_(None)

    notes = select(Note).where(Note.customer_id == customer_id, mine(Note.invoice_id))
    for note in session.scalars(notes.order_by(Note.id.desc()).limit(MOST)):
        number = numbers.get(note.invoice_id) if note.invoice_id is not None else None
        yield Moment(note.at, f"note_{note.kind}", "person", {}, note.text, number, note.by)
    if only is None:
        yield from _mails_wanted(session, customer_id)
    holds = select(Hold).where(Hold.customer_id == customer_id, mine(Hold.invoice_id))
    for hold in session.scalars(holds.order_by(Hold.id.desc()).limit(MOST)):
        number = numbers.get(hold.invoice_id) if hold.invoice_id is not None else None
        yield Moment(
            hold.placed_at, "hold_placed", "person", {"until": hold.until}, hold.reason, number, hold.placed_by
        )
        if hold.released_at is not None:
            yield Moment(hold.released_at, "hold_released", "person", {}, "", number, hold.released_by)


def _mails_wanted(session: Session, customer_id: str) -> Iterable[Moment]:
    """When its mails stopped and went on, to all of it or to one address."""
    ids = [str(number) for number in session.scalars(select(Contact.id).where(Contact.customer_id == customer_id))]
    query = (
        select(Event)
        .where(
            or_(
                (Event.subject_type == "customer") & (Event.subject_id == customer_id),
                (Event.subject_type == "contact") & Event.subject_id.in_(ids),
            )
        )
        .where(Event.kind.in_(_OF_MAILS))
        .order_by(Event.seq.desc())
        .limit(MOST)
    )
    emails = dict(session.execute(select(Contact.id, Contact.email).where(Contact.customer_id == customer_id)).all())
    for event in session.scalars(query):
        address = emails.get(int(event.subject_id), "") if event.subject_type == "contact" else ""
        yield Moment(event.at, _OF_MAILS[event.kind], "person", {}, address, by=event.actor)


_OF_MAILS = {
    "customer.mails_stopped": "mails_stopped",
    "customer.mails_resumed": "mails_resumed",
    "contact.dead": "contact_dead",
    "contact.wrong": "contact_wrong",
    "contact.right": "contact_right",
}


def _tasks(session: Session, customer_id: str, only: frozenset[int] | None) -> Iterable[Moment]:
    query = select(Task).where(Task.customer_id == customer_id)
    if only is not None:
        query = query.where(Task.id.in_(select(TaskLink.task_id).where(TaskLink.invoice_id.in_(only))))
    for task in session.scalars(query.order_by(Task.id.desc()).limit(MOST)):
        link = f"/work/task/{task.id}"
        yield Moment(task.created_at, "task_open", "state", {"kind": task.kind.value}, link=link)
        if task.done_at is not None:
            code = f"task_{task.state.value}"
            yield Moment(
                task.done_at, code, "person", {"kind": task.kind.value}, task.outcome or "", by=task.done_by, link=link
            )


def _asked(session: Session, customer_id: str, only: frozenset[int] | None) -> Iterable[Moment]:
    links = select(ExceptionLink.exception_id).where(ExceptionLink.customer_id == customer_id)
    if only is not None:
        links = links.where(ExceptionLink.invoice_id.in_(only))
    for item in session.scalars(select(ExceptionItem).where(ExceptionItem.id.in_(links)).limit(MOST)):
        link = f"/work/item/{item.id}"
        yield Moment(item.created_at, "asked", "state", {"reason": item.reason.value}, link=link)
        if item.resolved_at is not None:
            values = {"reason": item.reason.value, "intent": (item.resolution or {}).get("intent")}
            yield Moment(
                item.resolved_at, f"asked_{item.state.value}", "person", values, by=item.resolved_by, link=link
            )
