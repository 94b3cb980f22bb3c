"""Where each invoice and customer stands, as `invoices` and `customers` show it. Reads only.

The next step is asked of the reminders room, so that this list and `plan` can't tell two stories.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.ledger.freshness import local_day
from agent.reminders import schedule
from agent.reminders.decide import next_step
from agent.reminders.loading import customer_views, plan_settings
from agent.reminders.rules import CHASED, invoice_hindrance, is_owed
from agent.reminders.values import CustomerView, PlanSettings
from config import Settings
from config.errors import RelanceError
from config.plans import Step
from models import Contact, Customer, Delivery, Event, Hold, Invoice, Message, Promise, Reminder, ReminderLine
from models.states import CLOSED, DeliveryState, PromiseState


class Unknown(RelanceError):
    """A number or id that the ledger does not have."""

    def __init__(self, what: str, names: Iterable[str], command: str) -> None:
        listed = ", ".join(sorted(names))
        super().__init__(f"unknown {what} {listed}", f"`relance {command}` lists those that are known.")


@dataclass(frozen=True, slots=True)
class HoldShown:
    """A hold that is in force; ``until`` is its last day, None: until released; ``of_customer``: it is on all of the
    customer's invoices.
    """

    reason: str
    by: str
    until: date | None
    of_customer: bool


@dataclass(frozen=True, slots=True)
class NoMailShown:
    """The customer wants no mails: the day since when, and who said so at what time (in an import, or by hand)."""

    since: date
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepSent:
    step: str
    sent_at: datetime
    message_id: str | None


@dataclass(frozen=True, slots=True)
class StepAhead:
    """A step of the plan, and the customer's day on which it is due."""

    step: str
    on: date


@dataclass(frozen=True, slots=True)
class InvoiceShown:
    number: str
    customer: str
    kind: str
    amount: Decimal
    balance: Decimal
    currency: str
    due_date: date
    state: str
    promise_date: date | None
    hold: HoldShown | None
    last_reminder: StepSent | None
    next_step: StepAhead | None
    """None where nothing is asked for: closed, answered, held without an end, or the plan is at its end."""


@dataclass(frozen=True, slots=True)
class CustomerShown:
    id: str
    name: str
    email: str
    language: str
    country: str
    contacts: tuple[dict[str, Any], ...]
    open_invoices: int
    balance: dict[str, Decimal]
    """What is open, credits taken off, by currency."""
    hold: HoldShown | None
    no_mail: NoMailShown | None


def invoices(session: Session, settings: Settings, now: datetime, numbers: Collection[str] = ()) -> list[InvoiceShown]:
    """The invoices of these numbers, all where none is given, by due date. Raises Unknown."""
    query = select(Invoice).order_by(Invoice.due_date, Invoice.number)
    rows = session.scalars(query.where(Invoice.number.in_(numbers)) if numbers else query).all()
    if missing := set(numbers) - {row.number for row in rows}:
        raise Unknown("invoice", missing, "invoices")
    owners = {row.customer_id for row in rows} if numbers else None
    holds = _Holds(session, settings, now, owners)
    ids = [row.id for row in rows] if numbers else None
    promised = _promised(session, ids)
    sent = _last_sent(session, ids)
    ahead = steps_ahead(customer_views(session, settings, now, owners), plan_settings(settings), now)
    shown = []
    for row in rows:
        hold = None if row.is_closed else holds.on(row.customer_id, row.id)
        shown.append(
            InvoiceShown(
                number=row.number,
                customer=row.customer_id,
                kind=row.kind.value,
                amount=row.amount,
                balance=row.balance,
                currency=row.currency,
                due_date=row.due_date,
                state=row.state.value,
                promise_date=promised.get(row.id),
                hold=hold,
                last_reminder=sent.get(row.id),
                next_step=_after(hold, ahead.get(row.id)),
            )
        )
    return shown


def customers(session: Session, settings: Settings, now: datetime, ids: Collection[str] = ()) -> list[CustomerShown]:
    """The customers of these ids, all where none is given. Raises Unknown."""
    query = select(Customer).order_by(Customer.id)
    rows = session.scalars(query.where(Customer.id.in_(ids)) if ids else query).all()
    if missing := set(ids) - {row.id for row in rows}:
        raise Unknown("customer", missing, "customers")
    holds = _Holds(session, settings, now, ids or None)
    contacts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    every = select(Contact).order_by(Contact.id)
    for contact in session.scalars(every.where(Contact.customer_id.in_(ids)) if ids else every):
        contacts[contact.customer_id].append(
            {
                "email": contact.email, "role": contact.role, "dead": contact.dead_since is not None,
                "dead_because": contact.dead_because, "replaced_by": contact.replaced_by,
            }
        )  # fmt: skip
    counts, balances = _owed(session, ids)
    unwanted = _no_mails(session, [row for row in rows if row.no_mail_since is not None])
    company = settings.company
    return [
        CustomerShown(
            id=row.id,
            name=row.name,
            email=row.email,
            language=row.language or company.language,
            country=row.country or company.country,
            contacts=tuple(contacts[row.id]),
            open_invoices=counts[row.id],
            balance=balances[row.id],
            hold=holds.on(row.id, None),
            no_mail=unwanted.get(row.id),
        )
        for row in rows
    ]


def _no_mails(session: Session, customers: Collection[Customer]) -> dict[str, NoMailShown]:
    """Who said of each of these customers that it wants no mails: the last event that set it."""
    query = (
        select(Event)
        .where(Event.subject_type == "customer", Event.subject_id.in_([row.id for row in customers]))
        .where(Event.kind.in_(("customer.created", "customer.changed", "customer.mails_stopped")))
        .order_by(Event.seq)
    )
    said: dict[str, Event] = {}
    for event in session.scalars(query) if customers else ():
        if event.kind != "customer.changed" or "no_mail_since" in event.data.get("columns", ()):
            said[event.subject_id] = event
    return {
        row.id: NoMailShown(row.no_mail_since, said[row.id].actor, said[row.id].at)
        for row in customers
        if row.no_mail_since is not None and row.id in said
    }


def _owed(session: Session, ids: Collection[str]) -> tuple[dict[str, int], dict[str, dict[str, Decimal]]]:
    counts: dict[str, int] = defaultdict(int)
    balances: dict[str, dict[str, Decimal]] = defaultdict(dict)
    query = (
        select(
            Invoice.customer_id, Invoice.currency, func.count(), func.sum(Invoice.balance, type_=Invoice.balance.type)
        )
        .where(Invoice.state.not_in(CLOSED))
        .group_by(Invoice.customer_id, Invoice.currency)
        .order_by(Invoice.customer_id, Invoice.currency)
    )
    if ids:
        query = query.where(Invoice.customer_id.in_(ids))
    for customer_id, currency, count, balance in session.execute(query):
        counts[customer_id] += count
        balances[customer_id][currency] = balance
    return counts, balances


class _Holds:
    """The holds in force on a day, of all customers or of some."""

    def __init__(self, session: Session, settings: Settings, now: datetime, ids: Collection[str] | None) -> None:
        today = local_day(now, settings)
        self.found: dict[tuple[str, int | None], HoldShown] = {}
        query = select(Hold).where(Hold.released_at.is_(None)).order_by(Hold.id.desc())
        for hold in session.scalars(query if ids is None else query.where(Hold.customer_id.in_(ids))):
            if hold.until is None or hold.until >= today:
                shown = HoldShown(hold.reason, hold.placed_by, hold.until, hold.invoice_id is None)
                self.found.setdefault((hold.customer_id, hold.invoice_id), shown)

    def on(self, customer_id: str, invoice_id: int | None) -> HoldShown | None:
        """The hold on an invoice, else the one on its customer."""
        return self.found.get((customer_id, invoice_id)) or self.found.get((customer_id, None))


def _promised(session: Session, ids: Collection[int] | None) -> dict[int, date]:
    query = (
        select(Promise.invoice_id, func.min(Promise.date))
        .where(Promise.state == PromiseState.OPEN)
        .group_by(Promise.invoice_id)
    )
    return dict(session.execute(query if ids is None else query.where(Promise.invoice_id.in_(ids))).all())


def _last_sent(session: Session, ids: Collection[int] | None) -> dict[int, StepSent]:
    query = (
        select(ReminderLine.invoice_id, ReminderLine.step, Delivery.sent_at, Message.message_id)
        .join(Reminder, Reminder.id == ReminderLine.reminder_id)
        .join(Delivery, Delivery.reminder_id == Reminder.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.state == DeliveryState.SENT, Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at, Delivery.id)
    )
    if ids is not None:
        query = query.where(ReminderLine.invoice_id.in_(ids))
    return {
        invoice_id: StepSent(step, sent_at, message_id)
        for invoice_id, step, sent_at, message_id in session.execute(query)
        if sent_at is not None
    }


def steps_ahead(
    customers: Iterable[CustomerView], planning: PlanSettings, now: datetime
) -> dict[int, tuple[Step, date]]:
    """By invoice: the plan's next step and the customer's day on which it is due. Pure."""
    ahead: dict[int, tuple[Step, date]] = {}
    for customer in customers:
        today = schedule.local_day(now, customer.timezone)
        for invoice in customer.invoices:
            plan = planning.plan_for(customer, invoice.currency).plan
            is_asked_for = is_owed(invoice) and invoice.state in CHASED and invoice_hindrance(invoice, customer) is None
            step = next_step(invoice, plan, today) if is_asked_for else None
            if step is not None:
                due_at = schedule.due_at(step, invoice.due_date, customer, invoice.currency, plan, planning)
                ahead[invoice.id] = step, schedule.local_day(due_at, customer.timezone)
    return ahead


def _after(hold: HoldShown | None, ahead: tuple[Step, date] | None) -> StepAhead | None:
    """The step as a hold leaves it: not before the hold's end, and unknown where that is open."""
    if ahead is None:
        return None
    step, on = ahead
    if hold is not None and (hold.until is None or on <= hold.until):
        return None
    return StepAhead(step.name, on)
