"""The rows as figures see them: one query a table, columns only, nothing written.

Balances of the past come from the value dates of payments; where no payment says it (a list of open items, a
correction) from the log of events, by the day that the imported list spoke for.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.ledger.promises import required
from agent.reminders.segments import derived_segments
from agent.reports import store_mail
from agent.reports.values import (
    NOTHING,
    Books,
    Covered,
    Credit,
    DisputeFigures,
    InvoiceFigures,
    Move,
    Person,
    PromiseFigures,
    Touch,
    Undelivered,
)
from config import Settings
from config.plans import load_plans
from models import (
    Allocation,
    Customer,
    Delivery,
    Dispute,
    Event,
    ImportRun,
    Invoice,
    Message,
    Payment,
    Promise,
    Reminder,
    ReminderLine,
    Task,
)
from models.invoice import InvoiceKind
from models.states import DeliveryState, InvoiceState, TaskState

_BY_PAYMENT = ("payment", "reversal")
"""Causes of a change of balance that have an allocation, which knows the value date."""


def books(session: Session, settings: Settings, now: datetime) -> Books:
    """Everything on record. Raises ConfigError where a plan or the rules of segments have a mistake."""
    today = _today(session, settings, now)
    invoices = _invoices(session, settings)
    by_id = {invoice.id: invoice for invoice in invoices}
    mails, work = store_mail.mails_and_work(session, settings.zone)
    return Books(
        today=today,
        customers=_customers(session, settings, today),
        invoices=tuple(invoices),
        credits=_credits(session) if settings.ledger.mode == "payments" else (),
        touches=_touches(session, settings),
        undelivered=_undelivered(session, settings.zone),
        promises=tuple(_promises(session, by_id, settings.zone)),
        disputes=tuple(_disputes(session, by_id, settings.zone)),
        mails=mails,
        work=work,
        window_days=settings.reports.window_days,
        objectives=settings.reports.objectives.targets,
    )


def _today(session: Session, settings: Settings, now: datetime) -> date:
    """The company's day; a run that was given a later time than the clock's (`run --once --at`) moves it on."""
    last = session.scalar(select(func.max(Event.at, type_=Event.at.type)))
    return max(now, last or now).astimezone(settings.zone).date()


def _customers(session: Session, settings: Settings, today: date) -> Mapping[str, Person]:
    query = select(Customer.id, Customer.name, Customer.segment, Customer.account_manager).order_by(Customer.id)
    found = {row.id: Person(row.id, row.name, row.segment, row.account_manager) for row in session.execute(query)}
    if not settings.reminders.derive_segments:
        return found
    unknown = [person.id for person in found.values() if not person.segment]
    derived = derived_segments(session, settings, today, unknown)
    return {
        each: Person(each, p.name, p.segment or (derived[each].name if each in derived else None), p.owner)
        for each, p in found.items()
    }


# --- the ledger ------------------------------------------------------------------------------------------------------


def _invoices(session: Session, settings: Settings) -> list[InvoiceFigures]:
    moves = _moves(session, settings.zone)
    since = select(Customer.id, Customer.insolvent_since)
    insolvent = {customer: day for customer, day in session.execute(since) if day is not None}
    query = select(
        Invoice.id, Invoice.number, Invoice.customer_id, Invoice.currency, Invoice.kind, Invoice.issue_date,
        Invoice.due_date, Invoice.amount, Invoice.balance, Invoice.state, Invoice.state_at, Invoice.created_at,
    ).order_by(Invoice.id)  # fmt: skip
    return [_invoice(row, moves, insolvent, settings.zone) for row in session.execute(query)]


def _invoice(
    row: Any, moves: Mapping[int, list[Move]], insolvent: Mapping[str, date], zone: ZoneInfo
) -> InvoiceFigures:
    since = row.state_at.astimezone(zone).date()
    doubts = [insolvent.get(row.customer_id), since if row.state is InvoiceState.IN_COLLECTION else None]
    return InvoiceFigures(
        id=row.id,
        number=row.number,
        customer_id=row.customer_id,
        currency=row.currency,
        is_credit=row.kind is InvoiceKind.CREDIT_NOTE,
        issued=row.issue_date or min(row.due_date, row.created_at.astimezone(zone).date()),
        is_dated=row.issue_date is not None,
        due=row.due_date,
        amount=row.amount,
        balance=row.balance,
        moves=tuple(sorted(moves.get(row.id, ()), key=lambda move: move.day)),
        is_paid=row.state in {InvoiceState.PAID, InvoiceState.CREDITED},
        given_up=since if row.state is InvoiceState.WRITTEN_OFF else None,
        doubtful_since=min((day for day in doubts if day is not None), default=None),
    )


def _moves(session: Session, zone: ZoneInfo) -> Mapping[int, list[Move]]:
    found: dict[int, list[Move]] = defaultdict(list)
    paid = select(Allocation.invoice_id, Allocation.amount, Payment.date).join(Payment)
    for invoice_id, amount, day in session.execute(paid):
        found[invoice_id].append(Move(day, -amount, is_money=True))
    lists = {str(run): as_of for run, as_of in session.execute(select(ImportRun.id, ImportRun.as_of))}
    changes = (
        select(Event.subject_id, Event.at, Event.data)
        .where(Event.kind == "invoice.balance", Event.data["cause"].as_string().not_in(_BY_PAYMENT))
        .order_by(Event.seq)
    )
    for subject, at, data in session.execute(changes):
        day = lists.get(str(data["by"]), at).astimezone(zone).date()
        delta = Decimal(data["now"]) - Decimal(data["was"])
        found[int(subject)].append(Move(day, delta, is_money=data["cause"] == "open_items"))
    return found


def _credits(session: Session) -> tuple[Credit, ...]:
    booked = (
        select(Allocation.payment_id, func.sum(Allocation.amount, type_=Allocation.amount.type).label("amount"))
        .group_by(Allocation.payment_id)
        .subquery()
    )
    query = (
        select(Payment.customer_id, Payment.currency, Payment.date, Payment.amount, booked.c.amount)
        .outerjoin(booked, booked.c.payment_id == Payment.id)
        .order_by(Payment.date, Payment.id)
    )
    return tuple(
        Credit(customer, currency, day, amount - (taken or NOTHING))
        for customer, currency, day, amount, taken in session.execute(query)
        if amount != (taken or NOTHING)
    )


# --- reminders -------------------------------------------------------------------------------------------------------


def _touches(session: Session, settings: Settings) -> tuple[Touch, ...]:
    templates = {
        (plan.name, step.name): step.template or None for plan in load_plans(settings).values() for step in plan.steps
    }
    lines: dict[int, list[Covered]] = defaultdict(list)
    of_lines = select(ReminderLine.reminder_id, ReminderLine.invoice_id, ReminderLine.balance)
    for reminder_id, invoice_id, balance in session.execute(of_lines.where(~ReminderLine.voided)):
        lines[reminder_id].append(Covered(invoice_id, balance))
    columns = (
        Reminder.id, Reminder.customer_id, Reminder.currency, Reminder.plan, Reminder.step, Reminder.level,
        Reminder.channel,
    )  # fmt: skip
    mails = (
        select(*columns, Delivery.sent_at.label("at"), Message.thread_id)
        .join(Delivery, Delivery.reminder_id == Reminder.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.state == DeliveryState.SENT, Reminder.voided_at.is_(None), Delivery.sent_at.is_not(None))
    )
    by_hand = (
        select(*columns, Task.done_at.label("at"))
        .join(Task, Task.reminder_id == Reminder.id)
        .where(Task.state == TaskState.DONE, Reminder.voided_at.is_(None), Task.done_at.is_not(None))
    )
    found = [*session.execute(mails), *session.execute(by_hand)]
    return tuple(
        Touch(
            reminder_id=row.id,
            customer_id=row.customer_id,
            currency=row.currency,
            plan=row.plan,
            step=row.step,
            level=row.level,
            channel=row.channel,
            template=templates.get((row.plan, row.step)),
            day=row.at.astimezone(settings.zone).date(),
            at=row.at,
            lines=tuple(lines[row.id]),
            thread_id=getattr(row, "thread_id", None),
        )
        for row in sorted(found, key=lambda row: (row.at, row.id))
    )


def _undelivered(session: Session, zone: ZoneInfo) -> tuple[Undelivered, ...]:
    moment = func.coalesce(
        Delivery.sent_at, Delivery.entered_sending_at, Delivery.created_at, type_=Delivery.created_at.type
    )
    query = select(Reminder.customer_id, moment).join(Delivery).where(Delivery.state == DeliveryState.REJECTED)
    return tuple(Undelivered(customer, at.astimezone(zone).date()) for customer, at in session.execute(query))


# --- promises and disputes -------------------------------------------------------------------------------------------


def _promises(session: Session, invoices: Mapping[int, InvoiceFigures], zone: ZoneInfo) -> list[PromiseFigures]:
    plans: dict[tuple[object, ...], list[Promise]] = defaultdict(list)
    for row in session.scalars(select(Promise).order_by(Promise.id)):
        plans[row.invoice_id, row.message_id, row.made_at].append(row)
    return [_promise(row, plan, invoices[row.invoice_id], zone) for plan in plans.values() for row in plan]


def _promise(row: Promise, plan: list[Promise], invoice: InvoiceFigures, zone: ZoneInfo) -> PromiseFigures:
    made = row.made_at.astimezone(zone).date()
    left = row.balance_then - required(row, plan)
    days = [made, *(move.day for move in invoice.moves if move.day > made)]
    return PromiseFigures(
        invoice_id=row.invoice_id,
        customer_id=invoice.customer_id,
        currency=invoice.currency,
        made=made,
        on=row.date,
        amount=row.balance_then if row.amount is None else min(row.amount, row.balance_then),
        state=row.state,
        fulfilled=next((day for day in days if invoice.balance_on(day) <= left), None),
    )


def _disputes(session: Session, invoices: Mapping[int, InvoiceFigures], zone: ZoneInfo) -> list[DisputeFigures]:
    found = []
    for row in session.scalars(select(Dispute).order_by(Dispute.id)):
        invoice = invoices[row.invoice_id]
        opened = row.opened_at.astimezone(zone).date()
        found.append(
            DisputeFigures(
                invoice_id=row.invoice_id,
                customer_id=invoice.customer_id,
                currency=invoice.currency,
                reason=row.reason,
                owner=row.owner,
                amount=invoice.balance_on(opened) if row.amount is None else row.amount,
                opened=opened,
                settled=row.settled_at.astimezone(zone).date() if row.settled_at is not None else None,
                state=row.state,
            )
        )
    return found
