"""Rows to views, and the erasing itself. Each write is in the caller's transaction, with its event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from agent.inbound.store import from_json, to_json
from agent.inbound.values import Authentication, Reading
from agent.privacy.values import CustomerView, MailView
from models import (
    Blob,
    Contact,
    Correction,
    Customer,
    Decision,
    Delivery,
    Document,
    ExceptionItem,
    Invoice,
    LegalHold,
    Message,
    MessageLink,
    Note,
    Prediction,
    ReminderLine,
    Task,
    blob,
    events,
)
from models import Reading as ReadingRow
from models.message import Direction
from models.states import CLOSED, DeliveryState, ExceptionState, InvoiceState, MessageState

ERASED = "(erased)"

_SETTLED_INVOICES = CLOSED - {InvoiceState.IN_COLLECTION}
"""What is in collection is still claimed."""
_DONE_MAILS = (MessageState.APPLIED, MessageState.QUEUED, MessageState.QUARANTINED)
_DONE_DELIVERIES = (DeliveryState.SENT, DeliveryState.REJECTED, DeliveryState.CANCELLED)
_SETTLED_ITEMS = (ExceptionState.RESOLVED, ExceptionState.DISMISSED)
_SAFE_OF_A_READING = frozenset({"kind", "language", "date", "mentions_iban", "authentication"})
_SAFE_OF_A_PREDICTION = frozenset(
    "id primary intents confidence action_confidence automatic per_invoice promise_date promise_date_confidence"
    " promised promised_amount promised_currency paid_date paid_amount payment_method dispute_reason question_topic"
    " other_reason late_reason language rule model_version".split()
)


# --- views ------------------------------------------------------------------------------------------------------------


def mails_of(session: Session, address: str) -> set[int]:
    """Mails from a person, to it, or that name it among the recipients; those erased already are left out."""
    address = address.lower()
    found = set(session.scalars(select(Message.id).where(func.lower(Message.sender) == address)))
    sent = select(Delivery.message_id, Delivery.recipient, Delivery.copies)
    found |= {m for m, to, copies in session.execute(sent) if address in (to.lower(), *map(str.lower, copies))}
    customers = select(Contact.customer_id).where(Contact.email == address)
    linked = (
        select(MessageLink.message_id, ReadingRow.document)
        .join(ReadingRow, ReadingRow.message_id == MessageLink.message_id)
        .where(MessageLink.customer_id.in_(customers))
    )
    found |= {m for m, document in session.execute(linked) if address in _addressed(document)}
    return found - set(session.scalars(select(Message.id).where(Message.erased_at.is_not(None))))


def _addressed(document: Mapping[str, Any]) -> set[str]:
    return {each["address"].lower() for each in document.get("recipients", ())}


def mails_of_customer(session: Session, customer_id: str) -> set[int]:
    """Mails tied to a customer, and those written to it."""
    linked = select(MessageLink.message_id).where(MessageLink.customer_id == customer_id)
    sent = select(Delivery.message_id).where(Delivery.customer_id == customer_id)
    own = select(Message.id).where(
        Message.erased_at.is_(None),
        or_(Message.customer_id == customer_id, Message.id.in_(linked), Message.id.in_(sent)),
    )
    return set(session.scalars(own))


def older_than(session: Session, moment: datetime, after: int, limit: int) -> list[int]:
    """A page of mails that came before ``moment`` and still have their text, by id from ``after`` on."""
    query = select(Message.id).where(Message.received_at < moment, Message.erased_at.is_(None), Message.id > after)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def mail_views(session: Session, ids: Collection[int]) -> list[MailView]:
    """The mails as judgement sees them, in the order of their ids."""
    messages = session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.id)).all()
    customers, invoices = _ties(session, ids)
    by_id = _invoices(session, {c for each in customers.values() for c in each})
    holds = _legal_holds(session)
    waiting = select(ExceptionItem.message_id).where(
        ExceptionItem.message_id.in_(ids), ExceptionItem.state.not_in(_SETTLED_ITEMS)
    )
    waits = set(session.scalars(waiting))
    deliveries = select(Delivery.message_id, Delivery.state).where(Delivery.message_id.in_(ids))
    sent = {row.message_id: row.state for row in session.execute(deliveries)}
    views = []
    for message in messages:
        own = customers[message.id]
        # A mail that names no invoice speaks of all that its customer owes.
        about = [by_id[i] for i in invoices[message.id] if i in by_id]
        about = about or [i for i in by_id.values() if i.customer_id in own]
        views.append(
            MailView(
                id=message.id,
                at=message.received_at,
                is_settled=message.id not in waits and _is_done(message, sent.get(message.id)),
                customers=tuple(sorted(own)),
                owed=_owed(about),
                last_closed_at=_last_closed(about),
                legal_holds=tuple(reason for c in sorted(own) for reason in holds[c]),
            )
        )
    return views


def customer_views(session: Session, ids: Collection[str] | None = None) -> list[CustomerView]:
    """The customers as judgement sees them; None: all of them."""
    query = select(Customer).order_by(Customer.id)
    customers = session.scalars(query if ids is None else query.where(Customer.id.in_(ids))).all()
    by_customer: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in _invoices(session, ids).values():
        by_customer[invoice.customer_id].append(invoice)
    holds = _legal_holds(session)
    return [
        CustomerView(c.id, _owed(by_customer[c.id]), _last_closed(by_customer[c.id]), c.created_at, tuple(holds[c.id]))
        for c in customers
    ]


def _ties(session: Session, ids: Collection[int]) -> tuple[dict[int, set[str]], dict[int, set[int | None]]]:
    """Customers and invoices by mail: those linked, and those of our own reminders."""
    customers: dict[int, set[str]] = defaultdict(set)
    invoices: dict[int, set[int | None]] = defaultdict(set)
    links = select(MessageLink.message_id, MessageLink.customer_id, MessageLink.invoice_id)
    sent = select(Delivery.message_id, Delivery.customer_id, ReminderLine.invoice_id).outerjoin(
        ReminderLine, ReminderLine.reminder_id == Delivery.reminder_id
    )
    for query in (links.where(MessageLink.message_id.in_(ids)), sent.where(Delivery.message_id.in_(ids))):
        for message, customer, invoice in session.execute(query):
            customers[message].add(customer)
            invoices[message].add(invoice)  # None where it names none, which no invoice has as its id
    return customers, invoices


def _invoices(session: Session, customers: Collection[str] | None) -> dict[int, Invoice]:
    query = select(Invoice).order_by(Invoice.number)
    found = session.scalars(query if customers is None else query.where(Invoice.customer_id.in_(customers)))
    return {invoice.id: invoice for invoice in found}


def _owed(invoices: Iterable[Invoice]) -> tuple[str, ...]:
    return tuple(sorted(i.number for i in invoices if i.state not in _SETTLED_INVOICES))


def _last_closed(invoices: Iterable[Invoice]) -> datetime | None:
    return max((i.state_at for i in invoices if i.state in _SETTLED_INVOICES), default=None)


def _legal_holds(session: Session) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for hold in session.scalars(select(LegalHold).where(LegalHold.released_at.is_(None)).order_by(LegalHold.id)):
        found[hold.customer_id].append(hold.reason)
    return found


def _is_done(message: Message, delivery: DeliveryState | None) -> bool:
    if delivery is not None:
        return delivery in _DONE_DELIVERIES
    return message.direction is Direction.OUT or message.state in _DONE_MAILS


# --- doing ------------------------------------------------------------------------------------------------------------


def erase_mail(session: Session, message_id: int, *, actor: str, at: datetime, reason: str) -> None:
    """Take text, people and raw bytes of one mail away; that there was one, of what kind and outcome, stays.

    The event names the mail by relance's number for it; the chain of events is not touched.
    """
    message = session.get_one(Message, message_id, with_for_update=True)
    raw, message.blob_sha256 = message.blob_sha256, blob.keep(session, b"")
    message.subject = message.sender = message.error = message.provider_thread = None
    if message.direction is Direction.IN:
        message.message_id = None  # a mail of ours keeps its own: it tells nothing, and answers name it
    message.erased_at = at
    session.flush()
    _drop_unused(session, raw)
    for row in session.scalars(select(ReadingRow).where(ReadingRow.message_id == message_id)):
        row.document = to_json(without_people(from_json(row.document)))
    for prediction in session.scalars(select(Prediction).where(Prediction.message_id == message_id)):
        prediction.document = {
            k: v if k in _SAFE_OF_A_PREDICTION else _blank(v) for k, v in prediction.document.items()
        }
    for decision in session.scalars(select(Decision).where(Decision.message_id == message_id)):
        decision.reason = ERASED if decision.reason else ""
    for correction in session.scalars(select(Correction).where(Correction.message_id == message_id)):
        correction.labels, correction.withdrawn_at = {}, correction.withdrawn_at or at
    for delivery in session.scalars(select(Delivery).where(Delivery.message_id == message_id)):
        delivery.recipient, delivery.copies, delivery.reply = ERASED, [], None
        if delivery.reminder is not None:
            delivery.reminder.edited_subject = delivery.reminder.edited_text = None
    for item in session.scalars(select(ExceptionItem).where(ExceptionItem.message_id == message_id)):
        item.detail = ""
    for task in session.scalars(select(Task).where(Task.message_id == message_id)):
        task.detail, task.outcome = "", ERASED if task.outcome else None
    events.record(session, "message.erased", message, actor=actor, at=at, reason=reason, raw=raw)


def _drop_unused(session: Session, sha256: str) -> None:
    used = session.scalar(select(Message.id).where(Message.blob_sha256 == sha256).limit(1))
    used = used or session.scalar(select(Document.id).where(Document.sha256 == sha256).limit(1))
    if used is None:
        session.execute(delete(Blob).where(Blob.sha256 == sha256))


def without_people(reading: Reading) -> Reading:
    """A reading of which only the kind, the language and the day are left. What is not known to be safe goes."""
    blanked = {f.name: _blank(getattr(reading, f.name)) for f in fields(reading) if f.name not in _SAFE_OF_A_READING}
    vouched = Authentication(reading.authentication.verdict, None, "")
    return replace(reading, **blanked, authentication=vouched)


def _blank(value: Any) -> Any:
    match value:
        case bool():
            return False
        case str():
            return ""
        case list():
            return []
        case tuple():
            return ()
        case dict():
            return {}
    return None


def erase_contact(session: Session, contact: Contact, *, actor: str, at: datetime, reason: str) -> None:
    """Forget an address and whose it was; the customer's own address stays as long as the customer."""
    events.record(session, "contact.erased", contact, actor=actor, at=at, reason=reason)
    named = (Contact.customer_id == contact.customer_id, Contact.replaced_by == contact.email)
    session.execute(update(Contact).where(*named).values(replaced_by=None))
    session.delete(contact)


def erase_customer(session: Session, customer: Customer, *, actor: str, at: datetime, reason: str) -> None:
    """Make a customer nobody: number and invoices stay, as the books need them; all that names a person goes."""
    for contact in list(customer.contacts):
        erase_contact(session, contact, actor=actor, at=at, reason=reason)
    customer.contacts.clear()
    customer.name, customer.email = ERASED, ""
    for column in ("cc", "phone", "address", "postcode", "city", "registration_number", "vat_number"):
        setattr(customer, column, None)
    for note in session.scalars(select(Note).where(Note.customer_id == customer.id)):
        note.text = ERASED
    for task in session.scalars(select(Task).where(Task.customer_id == customer.id)):
        task.detail, task.outcome = "", ERASED if task.outcome else None
    events.record(session, "customer.erased", customer, actor=actor, at=at, reason=reason)


def place_legal_hold(session: Session, customer_id: str, reason: str, *, actor: str, at: datetime) -> LegalHold:
    """From now on nothing of this customer is erased."""
    row = LegalHold(customer_id=customer_id, reason=reason, placed_by=actor, placed_at=at)
    session.add(row)
    events.record(session, "legal_hold.placed", row, actor=actor, at=at, customer=customer_id)
    return row


def release_legal_holds(session: Session, customer_id: str, *, actor: str, at: datetime) -> int:
    """Lift all legal holds of a customer; how many there were."""
    query = select(LegalHold).where(LegalHold.customer_id == customer_id, LegalHold.released_at.is_(None))
    rows = session.scalars(query).all()
    for row in rows:
        row.released_by, row.released_at = actor, at
        events.record(session, "legal_hold.released", row, actor=actor, at=at, customer=customer_id)
    return len(rows)
