"""Segments of customers that have none in the ledger, from what the tables know of their history. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import Settings
from config.segments import History, load_segments
from models import Allocation, Invoice, Payment, Promise
from models.invoice import InvoiceKind
from models.states import InvoiceState, PromiseState

REACHES_BACK = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that follows from history, and the sentence of the rule that says so."""

    name: str
    because: str


def derived_segments(
    session: Session, settings: Settings, today: date, customers: Collection[str]
) -> Mapping[str, Segment]:
    """By customer; one that no rule speaks of is missing. Raises ConfigError where the rules have a mistake."""
    rules = load_segments(settings)
    found: dict[str, Segment] = {}
    for customer_id, history in histories(session, today, customers, rules.late_after_days).items():
        rule = rules.of(history)
        if rule is not None:
            found[customer_id] = Segment(rule.name, rule.because)
    return found


def histories(session: Session, today: date, customers: Collection[str], late_after_days: int) -> Mapping[str, History]:
    """What each of these customers did in the last 24 months, and how many invoices it ever had."""
    since = today - REACHES_BACK
    last_payment = (
        select(Allocation.invoice_id, func.max(Payment.date).label("day"))
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(Payment.amount > Decimal(0))
        .group_by(Allocation.invoice_id)
        .subquery()
    )
    query = (
        select(Invoice.customer_id, Invoice.due_date, Invoice.state, Invoice.state_at, last_payment.c.day)
        .outerjoin(last_payment, last_payment.c.invoice_id == Invoice.id)
        .where(Invoice.customer_id.in_(customers), Invoice.kind == InvoiceKind.INVOICE, Invoice.due_date >= since)
    )
    invoices: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    late: dict[str, int] = defaultdict(int)
    of_old = (
        select(Invoice.customer_id, func.count())
        .where(Invoice.customer_id.in_(customers), Invoice.kind == InvoiceKind.INVOICE, Invoice.due_date < since)
        .group_by(Invoice.customer_id)
    )
    for customer_id, count in session.execute(of_old):
        invoices[customer_id] += count
    for customer_id, due_date, state, state_at, day in session.execute(query):
        invoices[customer_id] += 1
        if state is InvoiceState.PAID:
            paid[customer_id] += 1
            # A list of open items tells no day of payment: then the day on which the item was gone from it stands in.
            paid_on = day or state_at.date()
            late[customer_id] += paid_on > due_date + timedelta(days=late_after_days)
    broken = dict(
        session.execute(
            select(Invoice.customer_id, func.count())
            .join(Promise, Promise.invoice_id == Invoice.id)
            .where(Invoice.customer_id.in_(customers), Promise.state == PromiseState.BROKEN, Promise.date >= since)
            .group_by(Invoice.customer_id)
        ).all()
    )
    return {
        customer_id: History(count, paid[customer_id], late[customer_id], broken.get(customer_id, 0))
        for customer_id, count in invoices.items()
    }
