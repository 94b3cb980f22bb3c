"""What the judgements of this room look at, loaded from the tables. Nothing here writes.

Views are loaded with one query a table and as plain values: a file has thousands of rows, and a judgement needs no
object that could write itself back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from agent.ledger import columns, documents
from agent.ledger.allocate import PastPart
from agent.ledger.judge_invoices import InvoicesView, WaitingPayment
from agent.ledger.judge_payments import PaymentNow, PaymentsView
from agent.ledger.values import FoundDocument, InvoiceNow, Kind, PaymentRow
from config import Settings
from models import Allocation, Contact, Customer, ImportRun, Invoice, Payment
from models.states import CLOSED

_AT_ONCE = 500
"""Values of one IN: far below the 32,766 parameters that SQLite takes."""

_IMPORT_LOCK = 726375
"""Key of PostgreSQL's advisory lock that puts imports in line; SQLite's write lock does it by itself."""


def ledger_as_of(session: Session, settings: Settings) -> datetime | None:
    """The latest time that payments (in the mode `open_items`: the list) speak for; None: never imported."""
    return last_as_of(session, Kind.INVOICES if settings.ledger.mode == "open_items" else Kind.PAYMENTS)


def last_as_of(session: Session, kind: Kind) -> datetime | None:
    """The latest time that an import of this kind speaks for."""
    return session.scalar(select(func.max(ImportRun.as_of, type_=ImportRun.as_of.type)).where(ImportRun.kind == kind))


def one_import_at_a_time(session: Session) -> None:
    """Wait for another import's end, and keep others waiting until this transaction's."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IMPORT_LOCK})


def customer_ids(session: Session) -> frozenset[str]:
    return frozenset(session.scalars(select(Customer.id)))


def known_customers(session: Session) -> dict[str, Mapping[str, Any]]:
    """By id: the columns that an import may change."""
    names = [column.name for column in columns.COLUMNS[Kind.CUSTOMERS]]
    found = session.execute(select(*(getattr(Customer, name) for name in names))).mappings()
    return {row["id"]: dict(row) for row in found}


def known_contacts(session: Session) -> dict[tuple[str, str], tuple[int, Mapping[str, Any]]]:
    """By customer and address: the contact's id and the columns that an import may change."""
    names = ["id", *(column.name for column in columns.COLUMNS[Kind.CONTACTS])]
    found = session.execute(select(*(getattr(Contact, name) for name in names))).mappings()
    return {(row["customer_id"], row["email"]): (row["id"], dict(row)) for row in found}


def known_invoices(session: Session) -> dict[str, InvoiceNow]:
    """Every invoice by its number."""
    hashes = documents.known_hashes(session)
    names = [name for name in InvoiceNow.__dataclass_fields__ if name != "documents"]
    found = session.execute(select(*(getattr(Invoice, name) for name in names))).mappings()
    return {row["number"]: InvoiceNow(**row, documents=hashes.get(row["id"], frozenset())) for row in found}


def invoices_view(session: Session, found: Mapping[str, tuple[FoundDocument, ...]]) -> InvoicesView:
    return InvoicesView(
        customers=customer_ids(session),
        known=known_invoices(session),
        waiting=waiting_payments(session),
        documents=found,
    )


def waiting_payments(session: Session) -> dict[str, tuple[WaitingPayment, ...]]:
    """By the number of an invoice that is not known: the payments that named it."""
    booked = (
        select(Allocation.payment_id, func.sum(Allocation.amount, type_=Allocation.amount.type).label("amount"))
        .group_by(Allocation.payment_id)
        .subquery()
    )
    query = (
        select(Payment, booked.c.amount)
        .outerjoin(booked, booked.c.payment_id == Payment.id)
        .outerjoin(Invoice, Invoice.number == Payment.invoice_number)
        .where(Payment.invoice_number.is_not(None), Invoice.id.is_(None), Payment.amount > Decimal(0))
        .order_by(Payment.date, Payment.id)
    )
    waiting: dict[str, list[WaitingPayment]] = defaultdict(list)
    for payment, amount in session.execute(query):
        left = payment.amount - (amount or Decimal(0))
        if payment.invoice_number is not None and left > 0:
            waiting[payment.invoice_number].append(
                WaitingPayment(payment.id, payment.customer_id, payment.currency, left)
            )
    return {number: tuple(payments) for number, payments in waiting.items()}


def payments_view(session: Session, rows: Sequence[PaymentRow], settings: Settings) -> PaymentsView:
    known: dict[str, PaymentNow] = {}
    names = list(PaymentNow.__dataclass_fields__)
    for ids in _portions({row.id for row in rows}):
        query = select(*(getattr(Payment, name) for name in names)).where(Payment.id.in_(ids))
        known |= {row["id"]: PaymentNow(**row) for row in session.execute(query).mappings()}
    past: dict[str, list[PastPart]] = defaultdict(list)
    if any(row.amount < 0 and row.id not in known for row in rows):
        for ids in _portions({row.customer_id for row in rows}):
            for customer_id, part in _past_parts(session, ids):
                past[customer_id].append(part)
    return PaymentsView(
        customers=customer_ids(session),
        known=known,
        invoices=known_invoices(session),
        past={customer: tuple(parts) for customer, parts in past.items()},
        currency=settings.company.currency,
    )


def _past_parts(session: Session, customers: Collection[str]) -> Iterator[tuple[str, PastPart]]:
    query = (
        select(Payment.customer_id, Payment.id, Payment.amount, Payment.date, Allocation.invoice_id, Allocation.amount)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Payment.customer_id.in_(customers))
        .order_by(Allocation.id)
    )
    for customer_id, payment, whole, day, invoice_id, amount in session.execute(query):
        yield customer_id, PastPart(payment, whole, day, invoice_id, amount)


def locked_invoices(session: Session, ids: Collection[int]) -> dict[int, Invoice]:
    """The rows of these invoices, locked in the order of their ids so that no two transactions wait for each other.

    Before the first event of a transaction: whoever changes an invoice locks it first and the log's head after it.
    """
    found: dict[int, Invoice] = {}
    for portion in _portions(ids):
        query = select(Invoice).where(Invoice.id.in_(portion)).order_by(Invoice.id).with_for_update()
        found |= {invoice.id: invoice for invoice in session.scalars(query)}
    return found


def by_number(session: Session, number: str) -> Invoice | None:
    """The invoice of that number, locked."""
    return session.scalar(select(Invoice).where(Invoice.number == number).with_for_update())


def open_invoices_of(session: Session, customer_id: str) -> Sequence[Invoice]:
    """The invoices of a customer of which something is left to pay, locked, oldest first."""
    query = (
        select(Invoice)
        .where(Invoice.customer_id == customer_id, Invoice.balance > Decimal(0))
        .where(Invoice.state.not_in(CLOSED))
        .order_by(Invoice.id)
        .with_for_update()
    )
    return session.scalars(query).all()


def _portions(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
