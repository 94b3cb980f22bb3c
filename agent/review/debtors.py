"""Customers and invoices as the desk shows them: lists by key, one customer, one invoice with its story. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from agent.ledger import overview
from agent.ledger.overview import CustomerShown, InvoiceShown
from agent.review import outgoing, story
from agent.review.deeds import NoSuch, sees
from agent.review.disputes import DisputeShown
from agent.review.disputes import shown as shown_disputes
from agent.review.outgoing import Prospect
from agent.review.rights import Actor
from agent.review.story import Moment
from agent.review.streams import managed_by
from config import Settings
from models import Contact, Customer, Database, Dispute, Document, Invoice, Message, Promise
from models.states import CLOSED, DisputeState, InvoiceState, PromiseState

PAGE = 50


@dataclass(frozen=True, slots=True)
class CustomersPage:
    """A part of the list, by name. ``next``: where the next part begins; None: this was the last."""

    rows: Sequence[Customer]
    sums: dict[str, dict[str, Decimal]]
    """What each owes, by currency."""
    counts: dict[str, int]
    oldest: dict[str, date]
    """Due date of the oldest open invoice."""
    next: str | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    customer: Customer
    summary: CustomerShown
    invoices: Sequence[InvoiceShown]
    """The open ones first, then the closed ones; 200 at most."""
    contacts: Sequence[Contact]
    moments: Sequence[Moment]


@dataclass(frozen=True, slots=True)
class InvoiceView:
    invoice: Invoice
    shown: InvoiceShown
    customer: Customer
    moments: Sequence[Moment]
    promises: Sequence[Promise]
    """The open ones."""
    disputes: Sequence[DisputeShown]
    documents: Sequence[Document]
    prospect: Prospect


def customers(session: Session, actor: Actor, text: str, after: str, size: int = PAGE) -> CustomersPage:
    """Customers by name, from behind ``after``, which is a page's ``next``."""
    query = select(Customer).order_by(Customer.name, Customer.id)
    if actor.only_of is not None:
        query = query.where(managed_by(actor.only_of))
    if text:
        by_number = select(Invoice.customer_id).where(Invoice.number.icontains(text, autoescape=True))
        query = query.where(
            or_(
                Customer.name.icontains(text, autoescape=True),
                Customer.id.icontains(text, autoescape=True),
                Customer.email.icontains(text, autoescape=True),
                Customer.id.in_(by_number),
            )
        )
    if after:
        name, _, number = after.rpartition("\t")
        query = query.where(or_(Customer.name > name, (Customer.name == name) & (Customer.id > number)))
    rows = session.scalars(query.limit(size + 1)).all()
    sums, counts, oldest = _owed(session, [row.id for row in rows[:size]])
    last = f"{rows[size - 1].name}\t{rows[size - 1].id}" if len(rows) > size else None
    return CustomersPage(rows[:size], sums, counts, oldest, last)


def _owed(
    session: Session, ids: Sequence[str]
) -> tuple[dict[str, dict[str, Decimal]], dict[str, int], dict[str, date]]:
    sums: dict[str, dict[str, Decimal]] = {}
    counts: dict[str, int] = {}
    oldest: dict[str, date] = {}
    query = (
        select(
            Invoice.customer_id, Invoice.currency, func.sum(Invoice.balance, type_=Invoice.balance.type), func.count(),
            func.min(Invoice.due_date),
        )
        .where(Invoice.state.not_in(CLOSED), Invoice.customer_id.in_(ids))
        .group_by(Invoice.customer_id, Invoice.currency)
    )  # fmt: skip
    for customer_id, currency, amount, count, due in session.execute(query):
        sums.setdefault(customer_id, {})[currency] = amount
        counts[customer_id] = counts.get(customer_id, 0) + count
        oldest[customer_id] = min(due, oldest.get(customer_id, due))
    return sums, counts, oldest


def segments(session: Session, actor: Actor) -> list[str]:
    """The segments of the customers that this person sees."""
    query = select(Customer.segment).where(Customer.segment.is_not(None), Customer.segment != "").distinct()
    if actor.only_of is not None:
        query = query.where(managed_by(actor.only_of))
    return sorted(segment for segment in session.scalars(query) if segment is not None)


def customer_of(session: Session, actor: Actor, customer_id: str) -> Customer:
    """Raises NoSuch where there is none that this person may see."""
    customer = session.get(Customer, customer_id)
    if customer is None or not sees(actor, customer):
        raise NoSuch(f"there is no customer {customer_id}")
    return customer


def invoice_of(session: Session, actor: Actor, number: str) -> Invoice:
    """Raises NoSuch where there is none that this person may see."""
    invoice = session.scalar(select(Invoice).where(Invoice.number == number))
    if invoice is None or not sees(actor, session.get_one(Customer, invoice.customer_id)):
        raise NoSuch(f"there is no invoice {number}")
    return invoice


def message_of(session: Session, actor: Actor, number: int) -> Message:
    """Raises NoSuch where there is none that this person may see."""
    message = session.get(Message, number)
    customer = session.get(Customer, message.customer_id) if message is not None and message.customer_id else None
    if message is None or not sees(actor, customer):
        raise NoSuch(f"there is no mail {number}")
    return message


def customer_view(session: Session, actor: Actor, customer_id: str, settings: Settings, now: datetime) -> CustomerView:
    customer = customer_of(session, actor, customer_id)
    numbers = list(
        session.scalars(
            select(Invoice.number)
            .where(Invoice.customer_id == customer.id)
            .order_by(Invoice.state.in_(CLOSED), Invoice.due_date.desc())
            .limit(200)
        )
    )
    (summary,) = overview.customers(session, settings, now, [customer.id])
    return CustomerView(
        customer=customer,
        summary=summary,
        invoices=overview.invoices(session, settings, now, numbers) if numbers else [],
        contacts=session.scalars(select(Contact).where(Contact.customer_id == customer.id).order_by(Contact.id)).all(),
        moments=story.of_customer(session, customer.id, settings.zone),
    )


def invoice_view(
    session: Session, actor: Actor, number: str, database: Database, settings: Settings, now: datetime
) -> InvoiceView:
    invoice = invoice_of(session, actor, number)
    (shown,) = overview.invoices(session, settings, now, [invoice.number])
    promises = select(Promise).where(Promise.invoice_id == invoice.id, Promise.state == PromiseState.OPEN)
    disputes = select(Dispute).where(Dispute.invoice_id == invoice.id, Dispute.state == DisputeState.OPEN)
    return InvoiceView(
        invoice=invoice,
        shown=shown,
        customer=session.get_one(Customer, invoice.customer_id),
        moments=story.of_invoice(session, invoice, settings.zone),
        promises=session.scalars(promises.order_by(Promise.date)).all(),
        disputes=shown_disputes(session, session.scalars(disputes.order_by(Dispute.id)).all()),
        documents=session.scalars(
            select(Document).where(Document.invoice_id == invoice.id).order_by(Document.id)
        ).all(),
        prospect=outgoing.prospect(session, database, settings, invoice, now),
    )


def invoices(
    session: Session, actor: Actor, settings: Settings, now: datetime, *,
    customer: str | None, state: InvoiceState | None, after: int, size: int = PAGE,
) -> tuple[list[InvoiceShown], int | None]:  # fmt: skip
    """Invoices in the order in which they were imported, from behind ``after``, and where the next part begins."""
    query = select(Invoice.id, Invoice.number).where(Invoice.id > after).order_by(Invoice.id)
    if customer is not None:
        query = query.where(Invoice.customer_id == customer)
    if state is not None:
        query = query.where(Invoice.state == state)
    if actor.only_of is not None:
        query = query.where(Invoice.customer_id.in_(select(Customer.id).where(managed_by(actor.only_of))))
    rows = session.execute(query.limit(size + 1)).all()
    numbers = [number for _, number in rows[:size]]
    shown = {one.number: one for one in overview.invoices(session, settings, now, numbers)} if numbers else {}
    return [shown[number] for number in numbers], rows[size - 1][0] if len(rows) > size else None
