"""What the law's clock asks of a person: claims to declare in an insolvency, claims about to lapse.

`watch` is the drain; each task is made once. The dates are arithmetic on the tables of `config.law`; that they are
right for the case at hand is for the person who gets the task, and the task says so.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.faults import point
from agent.ledger import freshness, tasks
from config import Settings
from config.law import EndOfMonth, Insolvency, Law, Prescription, UnknownLaw, law_for, next_half_year, row_of
from models import Allocation, Customer, Database, Invoice, Payment, Promise
from models.invoice import InvoiceKind
from models.reasons import TaskKind
from models.states import CLOSED

WARN_BEFORE = timedelta(days=365)
"""How long before its end a claim's time is warned of: with five years, after four."""
RATE_WARN_BEFORE = timedelta(days=45)
UNKNOWN_DEADLINE = Insolvency(
    days_to_declare=30, what="find out how and until when to declare the claim", is_certain=False
)


@dataclass(frozen=True, slots=True)
class Lapse:
    """When a claim can no longer be enforced; ``counted_from`` is what began its time anew, or the due date."""

    counted_from: date
    because: str
    last_day: date


def lapse_of(due: date, paid: date | None, promised: date | None, law: Prescription) -> Lapse:
    """When a claim lapses. Pure.

    A part payment and an acknowledgement (a promise is one) begin the time anew; reminders and a formal notice do not.

    >>> lapse_of(date(2022, 3, 31), None, None, Prescription(years=5, source="x")).last_day
    datetime.date(2027, 3, 31)
    """
    began = [(due, "its due date"), (paid, "the last payment"), (promised, "the last promise")]
    counted_from, because = max((day, why) for day, why in began if day is not None)
    return Lapse(counted_from, because, law.ends(counted_from))


def missing_rate(law: Law, today: date) -> date | None:
    """The half-year whose rate must be added now: the present one, or the next one 45 days ahead; None: none."""
    if row_of(law.rate, today) is None:
        return today
    coming = next_half_year(today)
    return coming if coming - today <= RATE_WARN_BEFORE and row_of(law.rate, coming) is None else None


def long_terms(
    rows: list[tuple[str, date | None, date]], law: Law, end_of_month: EndOfMonth = "none"
) -> list[tuple[str, int]]:
    """The invoices whose terms are longer than the law allows, with their days; those without a date are left out."""
    terms = law.terms
    if terms is None:
        return []
    dated = [(number, issued, due) for number, issued, due in rows if issued is not None]
    return [
        (number, (due - issued).days) for number, issued, due in dated if due > terms.last_day(issued, end_of_month)
    ]


def watch(database: Database, settings: Settings, now: datetime) -> int:
    """Make the tasks whose time has come; how many there were."""
    with database.read() as session:
        insolvent = _insolvent(session)
        lapsing = _lapsing(session, settings, now)
    made = 0
    for customer_id in insolvent:
        with database.write() as session:
            made += _ask_to_declare(session, settings, customer_id, now)
            point("clockwork.declaring")
        point("clockwork.declared")
    for invoice_id, lapse in lapsing:
        with database.write() as session:
            made += _ask_to_save(session, settings, invoice_id, lapse, now)
            point("clockwork.saving")
        point("clockwork.saved")
    return made


def _insolvent(session: Session) -> list[str]:
    """Customers with an insolvency date and something open; those whose task was made are found again, and skipped."""
    query = (
        select(Customer.id)
        .join(Invoice, Invoice.customer_id == Customer.id)
        .where(Customer.insolvent_since.is_not(None), Invoice.state.not_in(CLOSED), Invoice.balance > Decimal(0))
        .distinct()
        .order_by(Customer.id)
    )
    return list(session.scalars(query))


def _ask_to_declare(session: Session, settings: Settings, customer_id: str, now: datetime) -> bool:
    customer = session.get_one(Customer, customer_id)
    since = customer.insolvent_since
    invoices = session.scalars(
        select(Invoice)
        .where(Invoice.customer_id == customer_id, Invoice.state.not_in(CLOSED), Invoice.balance > Decimal(0))
        .order_by(Invoice.id)
    ).all()
    key = f"insolvency:{customer_id}:{since}"
    if since is None or not invoices or tasks.exists(session, key):
        return False
    known = _insolvency_law(settings, customer.country or settings.company.country)
    deadline = since + timedelta(days=known.days_to_declare)
    caution = "" if known.is_certain else " (check it against the judgment)"
    totals: dict[str, Decimal] = {}
    for invoice in invoices:
        totals[invoice.currency] = totals.get(invoice.currency, Decimal(0)) + invoice.balance
    owed = ", ".join(f"{amount} {currency}" for currency, amount in sorted(totals.items()))
    tasks.open_task(
        session,
        key=key,
        kind=TaskKind.INSOLVENCY,
        invoices=invoices,
        detail=f"insolvent since {since}; {owed} open: declare the claim by {deadline}{caution}. {known.what}"[:512],
        due_on=deadline,
        at=now,
    )
    return True


def _insolvency_law(settings: Settings, country: str) -> Insolvency:
    """The debtor's country's rule; where none is known a short time, so that nobody relies on a long one."""
    try:
        return law_for(settings, country).insolvency or UNKNOWN_DEADLINE
    except UnknownLaw:
        return UNKNOWN_DEADLINE


def _lapsing(session: Session, settings: Settings, now: datetime) -> list[tuple[int, Lapse]]:
    try:
        law = law_for(settings).prescription
    except UnknownLaw:
        return []
    if law is None:
        return []
    today = freshness.local_day(now, settings)
    paid = (
        select(Allocation.invoice_id, func.max(Payment.date).label("day"))
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(Allocation.amount > Decimal(0))
        .group_by(Allocation.invoice_id)
        .subquery()
    )
    promised = (
        select(Promise.invoice_id, func.max(Promise.made_at, type_=Promise.made_at.type).label("at"))
        .group_by(Promise.invoice_id)
        .subquery()
    )
    # No claim lapses sooner than a year after it fell due, so the young ones need not be looked at.
    old = today - timedelta(days=365 * law.years) + WARN_BEFORE
    query = (
        select(Invoice.id, Invoice.due_date, paid.c.day, promised.c.at)
        .outerjoin(paid, paid.c.invoice_id == Invoice.id)
        .outerjoin(promised, promised.c.invoice_id == Invoice.id)
        .where(
            Invoice.state.not_in(CLOSED),
            Invoice.kind == InvoiceKind.INVOICE,
            Invoice.balance > Decimal(0),
            Invoice.due_date <= old,
        )
        .order_by(Invoice.id)
    )
    found = []
    for invoice_id, due, day, at in session.execute(query):
        lapse = lapse_of(due, day, at.date() if at is not None else None, law)
        if lapse.last_day - WARN_BEFORE <= today:
            found.append((invoice_id, lapse))
    return found


def _ask_to_save(session: Session, settings: Settings, invoice_id: int, lapse: Lapse, now: datetime) -> bool:
    invoice = session.get_one(Invoice, invoice_id)
    key = f"prescription:{invoice_id}:{lapse.last_day}"
    if tasks.exists(session, key):
        return False
    law = law_for(settings)
    caution = "" if law.prescription is not None and law.prescription.is_certain else "; check the term"
    tasks.open_task(
        session,
        key=key,
        kind=TaskKind.PRESCRIPTION,
        invoices=[invoice],
        detail=(
            f"{invoice.number} can be enforced until {lapse.last_day} (counted from {lapse.because}, "
            f"{lapse.counted_from}{caution}); reminders do not stop that time"
        ),
        due_on=freshness.local_day(now, settings),
        at=now,
    )
    return True
