"""Writes what an import was judged to change: rows and events, in the caller's one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import addresses, documents, states, store
from agent.ledger.addresses import hashed
from agent.ledger.byhand import Deed
from agent.ledger.documents import DocumentKind
from agent.ledger.judge_invoices import ChangedInvoice, InvoiceChanges, NewInvoice, allocations_of
from agent.ledger.judge_payments import NewPayment, PaymentChanges
from agent.ledger.judge_people import ChangedCustomer, ContactChanges, CustomerChanges
from agent.ledger.states import Cause
from agent.ledger.values import Allocated, CustomerRow, FoundDocument, InvoiceRow, Raised, Stop
from agent.review.queue import alarm_at, open_exception
from config import Settings
from models import Allocation, Contact, Customer, ExceptionItem, Invoice, Payment, SendingStop, events
from models.events import RELANCE
from models.states import WAITING, ExceptionState
from models.transitions import move


@dataclass(frozen=True, slots=True)
class Writing:
    """What all writes of one import share. ``list_before``: the day that the list before this one spoke for."""

    session: Session
    settings: Settings
    run: str
    at: datetime
    actor: str
    list_before: date | None = None


def customers(work: Writing, changes: CustomerChanges) -> None:
    created = [_new_customer(row, work.at) for row in changes.create]
    work.session.add_all(created)
    for customer in created:
        events.record(work.session, "customer.created", customer, actor=work.actor, at=work.at, run=work.run)
    for changed in changes.change:
        _change_customer(work, changed)


def _new_customer(row: CustomerRow, at: datetime) -> Customer:
    customer = Customer(id=row.id, created_at=at, updated_at=at, **row.values)
    customer.contacts = [Contact(email=row.email, role="billing", created_at=at)]
    return customer


def _change_customer(work: Writing, changed: ChangedCustomer) -> None:
    customer = work.session.get_one(Customer, changed.id)
    if changed.email_was is not None:
        _redirect(work, customer, changed.email_was, changed.values["email"])
    for name, value in changed.values.items():
        setattr(customer, name, value)
    customer.updated_at = work.at
    events.record(
        work.session, "customer.changed", customer, actor=work.actor, at=work.at,
        columns=sorted(changed.values), run=work.run,
    )  # fmt: skip


def _redirect(work: Writing, customer: Customer, was: str, now: str) -> None:
    """The customer's own contact gets the new address: the old one may not be written to or trusted any more."""
    own = next((contact for contact in customer.contacts if contact.email == was), None)
    twin = next((contact for contact in customer.contacts if contact.email == now), None)
    if own is None:
        own = twin or Contact(email=now, role="billing", created_at=work.at)
        if twin is None:
            customer.contacts.append(own)
    elif twin is not None:
        customer.contacts.remove(twin)
        work.session.delete(twin)
        work.session.flush()  # an address stands once with a customer: the twin must be gone first
    own.email, own.dead_since, own.dead_because, own.replaced_by, own.away_until = now, None, None, None, None
    addresses.found(work.session, customer.id, Deed(work.actor, work.at))
    events.record(
        work.session, "customer.address_changed", customer, actor=work.actor, at=work.at,
        was=hashed(work.session, was), now=hashed(work.session, now), run=work.run,
    )  # fmt: skip


def contacts(work: Writing, changes: ContactChanges) -> None:
    for row in changes.create:
        contact = Contact(customer_id=row.customer_id, email=row.email, created_at=work.at, **row.values)
        work.session.add(contact)
        events.record(
            work.session, "contact.added", contact, actor=work.actor, at=work.at,
            customer=row.customer_id, address=hashed(work.session, row.email), role=contact.role, run=work.run,
        )  # fmt: skip
        if contact.role == "billing":
            addresses.found(work.session, row.customer_id, Deed(work.actor, work.at))
    for changed in changes.change:
        contact = work.session.get_one(Contact, changed.id)
        for name, value in changed.values.items():
            setattr(contact, name, value)
        events.record(
            work.session, "contact.changed", contact, actor=work.actor, at=work.at,
            columns=sorted(changed.values), run=work.run,
        )  # fmt: skip


def invoices(work: Writing, changes: InvoiceChanges) -> tuple[Allocated, ...]:
    """Write invoices; the payments that had waited for new ones, as they were allocated."""
    locked = store.locked_invoices(work.session, [c.id for c in changes.change] + list(changes.settle))
    allocated: list[Allocated] = []
    created = [_new_invoice(new.row, work.at) for new in changes.create]
    work.session.add_all(created)  # all before the first event: many rows then go in by one statement
    for new, invoice in zip(changes.create, created, strict=True):
        allocated += _begin_invoice(work, invoice, new)
    for changed in changes.change:
        _change_invoice(work, locked[changed.id], changed)
    cause = Cause("open_items", work.run, work.list_before)
    for invoice_id in changes.settle:
        _balance(work, locked[invoice_id], Decimal(0), cause)
    return tuple(allocated)


def _new_invoice(row: InvoiceRow, at: datetime) -> Invoice:
    return Invoice(
        number=row.number,
        customer_id=row.customer_id,
        kind=row.kind,
        due_date=row.due_date,
        amount=row.amount,
        opening_balance=row.balance,
        balance=row.balance,
        currency=row.currency,
        state_at=at,
        created_at=at,
        **row.values,
    )


def _begin_invoice(work: Writing, invoice: Invoice, new: NewInvoice) -> tuple[Allocated, ...]:
    events.record(
        work.session, "invoice.created", invoice, actor=work.actor, at=work.at,
        amount=str(invoice.amount), balance=str(invoice.balance), currency=invoice.currency,
        due=invoice.due_date.isoformat(), run=work.run,
    )  # fmt: skip
    _attach(work, invoice, new.documents)
    if invoice.balance == 0:
        _balance(work, invoice, Decimal(0), Cause("opening", work.run, work.list_before))
    allocated = allocations_of(new, invoice.id)
    for part in allocated:
        _book(work, invoice, part, work.session.get_one(Payment, part.payment).date)
        _resolve_if_booked(work, part.payment)
    return allocated


def _change_invoice(work: Writing, invoice: Invoice, changed: ChangedInvoice) -> None:
    if changed.values:
        facts = {
            f"{side}_{name}": str(value)
            for name in ("due_date", "amount")
            if name in changed.values
            for side, value in (("was", getattr(invoice, name)), ("now", changed.values[name]))
        }
        for name, value in changed.values.items():
            setattr(invoice, name, value)
        events.record(
            work.session, "invoice.changed", invoice, actor=work.actor, at=work.at,
            columns=sorted(changed.values), run=work.run, **facts,
        )  # fmt: skip
    _attach(work, invoice, changed.documents)
    if changed.balance is not None:
        kind = "open_items" if work.settings.ledger.mode == "open_items" else "correction"
        _balance(work, invoice, changed.balance, Cause(kind, work.run, work.list_before))


def _attach(work: Writing, invoice: Invoice, found: Iterable[FoundDocument]) -> None:
    for document in found:
        documents.attach(work.session, invoice, document, DocumentKind.INVOICE, actor=work.actor, at=work.at)


def _balance(work: Writing, invoice: Invoice, balance: Decimal, cause: Cause, rule: str | None = None) -> None:
    states.set_balance(
        work.session, invoice, balance, cause, settings=work.settings, at=work.at, actor=work.actor, rule=rule
    )


def payments(work: Writing, changes: PaymentChanges) -> None:
    ids = {part.invoice_id for new in changes.create for part in new.allocations}
    locked = store.locked_invoices(work.session, ids)
    created = [_new_payment(new, work.at) for new in changes.create]
    work.session.add_all(created)
    for payment, new in zip(created, changes.create, strict=True):
        _begin_payment(work, payment, new, locked)
    for changed in changes.change:
        payment = work.session.get_one(Payment, changed.id)
        payment.date, payment.reference = changed.date, changed.reference
        events.record(work.session, "payment.changed", payment, actor=work.actor, at=work.at, run=work.run)


def _new_payment(new: NewPayment, at: datetime) -> Payment:
    row = new.row
    return Payment(
        id=row.id,
        customer_id=row.customer_id,
        date=row.date,
        amount=row.amount,
        currency=new.currency,
        invoice_number=row.invoice_number,
        reference=row.reference,
        imported_at=at,
    )


def _begin_payment(work: Writing, payment: Payment, new: NewPayment, locked: dict[int, Invoice]) -> None:
    events.record(
        work.session, "payment.created", payment, actor=work.actor, at=work.at,
        amount=str(payment.amount), currency=payment.currency, date=payment.date.isoformat(), run=work.run,
    )  # fmt: skip
    for part in new.allocations:
        _book(work, locked[part.invoice_id], part, payment.date)
    if new.raised is not None:
        _raise(work, new.raised)


def _book(work: Writing, invoice: Invoice, part: Allocated, day: date) -> None:
    work.session.add(Allocation(payment_id=part.payment, invoice_id=invoice.id, amount=part.amount, rule=part.rule))
    cause = Cause("payment" if part.amount > 0 else "reversal", part.payment, day)
    _balance(work, invoice, invoice.balance - part.amount, cause, part.rule)


def _raise(work: Writing, raised: Raised) -> None:
    payer, *others = raised.customers
    open_exception(
        work.session,
        key=f"payment:{raised.payment}",
        reason=raised.reason,
        detail=raised.detail,
        at=work.at,
        customer_id=payer,
        customers=others,
        invoice_ids=raised.invoice_ids,
        payment_id=raised.payment,
        due_at=alarm_at(work.settings, work.at),
    )


def _resolve_if_booked(work: Writing, payment_id: str) -> None:
    """Close the exception of a payment that had named an invoice too early, once all of it is booked."""
    session = work.session
    booked = sum(session.scalars(select(Allocation.amount).where(Allocation.payment_id == payment_id)), Decimal(0))
    if booked != session.get_one(Payment, payment_id).amount:
        return
    key = f"payment:{payment_id}"
    item = session.scalar(select(ExceptionItem).where(ExceptionItem.key == key, ExceptionItem.state.in_(WAITING)))
    if item is not None:
        move(
            session, item, ExceptionState.RESOLVED, actor=RELANCE, reason="invoice_imported", at=work.at,
            values={"resolved_at": work.at, "resolved_by": RELANCE, "resolution": {"by": "invoice_imported"}},
        )  # fmt: skip


def stop_sending(work: Writing, stop: Stop) -> None:
    row = SendingStop(reason=stop.reason, detail=stop.detail, placed_by=RELANCE, placed_at=work.at)
    work.session.add(row)
    events.record(work.session, "sending_stop.placed", row, actor=RELANCE, at=work.at, reason=stop.reason, run=work.run)
