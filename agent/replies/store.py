"""Loads what judgement looks at; this room's tables (prediction, decision, correction) are read and written here."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound.facts import read_numbers
from agent.inbound.standing import standing_of
from agent.inbound.store import reading_of
from agent.inbound.threading import NUMBERS, is_named_whole
from agent.inbound.values import Kind, Reading
from agent.replies.values import Case, InvoiceAtHand, PolicyView
from classifier.values import Evidence, InvoiceRef, Prediction, Promised, Reply
from config import Settings
from config.calendars import add_working_days
from models import Correction, Customer, Delivery, Invoice, Message, MessageLink
from models import Prediction as PredictionRow
from models.message import Direction
from models.reasons import ExceptionReason

CENTURY = range(2000, 2100)
AWAY_AT_MOST_WORKING_DAYS = 15
"""An out-of-office moves mails to its contact by no more than this."""


def policy_view(settings: Settings, now: datetime) -> PolicyView:
    """What judgement looks at, cut out of the whole configuration."""
    today = now.astimezone(settings.zone).date()
    return PolicyView(
        mode=settings.policy.mode,
        require_authentication=settings.policy.require_authentication,
        promise_horizon_days=settings.policy.promise_horizon_days,
        absence_at_most_until=add_working_days(settings.company.country, today, AWAY_AT_MOST_WORKING_DAYS),
    )


def invoices_of(session: Session, message: Message) -> list[Invoice]:
    """The invoices that a message is tied to: by proof those, else those that the evidence suggests.

    Who proves to answer for a customer may speak of all its invoices: those that it names by their whole number count
    with those of the reminder.
    """
    proven = {link.invoice_id for link in message.links if link.proof}
    named = {invoice.id for invoice, is_whole in _named_beside(session, message) if is_whole}
    ids = proven | named if proven else {link.invoice_id for link in message.links}
    query = select(Invoice).where(Invoice.id.in_(each for each in ids if each is not None))
    return list(session.scalars(query.order_by(Invoice.due_date, Invoice.id)))


def _named_beside(session: Session, message: Message) -> list[tuple[Invoice, bool]]:
    """The customer's invoices that a proven answer names beside those of its reminder, and whether by whole numbers."""
    links: list[MessageLink] = list(message.links)
    proven = {link.invoice_id for link in links if link.proof}
    customers = {link.customer_id for link in links if link.proof}
    named = {
        link.invoice_id for link in links
        if link.evidence == NUMBERS and link.customer_id in customers and link.invoice_id not in proven
    }  # fmt: skip
    if len(customers) != 1 or not named:
        return []
    tokens = _own_numbers(session, message)
    query = select(Invoice).where(Invoice.id.in_(each for each in named if each is not None)).order_by(Invoice.id)
    return [(invoice, is_named_whole(invoice.number, tokens)) for invoice in session.scalars(query)]


def _own_numbers(session: Session, message: Message) -> tuple[str, ...]:
    """The numbers that the writer names: those of the subject only where it is not the one that we gave the
    conversation, which goes on naming the first mail's invoices in every answer.
    """
    reading = reading_of(session, message.id)
    ours = select(Message.subject).where(Message.thread_id == message.thread_id, Message.direction == Direction.OUT)
    written = " ".join(reading.subject.split())  # ours may hold spaces that do not break; programs make them plain
    is_ours = any(subject and " ".join(subject.split()) in written for subject in session.scalars(ours))
    return read_numbers((reading.new_text,) if is_ours else (reading.subject, reading.new_text))


def reply_of(session: Session, message: Message, settings: Settings) -> Reply:
    """A message as the classifier reads it: new text only, beside the invoices of the reminder that it answers."""
    reading = reading_of(session, message.id)
    written = written_at(reading, message, settings)
    return Reply(
        id=str(message.id),
        text=reading.new_text,
        date=written,
        reminder_sent=_answered_reminder_sent(session, message, written),
        invoices=tuple(InvoiceRef(i.number, i.balance, i.currency, i.due_date) for i in invoices_of(session, message)),
    )


def written_at(reading: Reading, message: Message, settings: Settings) -> datetime:
    """The message's own Date with its offset, from which its "tomorrow" counts; else its arrival, in our own zone.

    A Date in another century is none: counting on from the year 9999 leads out of the calendar.
    """
    if reading.date is not None and reading.date.year in CENTURY:
        return reading.date
    return message.received_at.astimezone(settings.zone)


def _answered_reminder_sent(session: Session, message: Message, written: datetime) -> datetime | None:
    """When the last reminder of the conversation left before this was written."""
    if message.thread_id is None:
        return None
    query = (
        select(Delivery.sent_at)
        .join(Message, Message.id == Delivery.message_id)
        .where(Message.thread_id == message.thread_id, Delivery.sent_at <= written)
        .order_by(Delivery.sent_at.desc())
        .limit(1)
    )
    return session.scalar(query)


def case_of(session: Session, message: Message, settings: Settings, now: datetime) -> Case:
    """Everything that the decision about one message may look at."""
    reading = reading_of(session, message.id)
    links: list[MessageLink] = list(message.links)
    proven = {link.customer_id for link in links if link.proof}
    suggested = {link.customer_id for link in links}
    is_proven = len(proven) == 1
    # Without proof it is whom all evidence agrees on, though some of it (an accountant's address) fits others, too.
    customer_id = next(iter(proven)) if is_proven else message.customer_id
    customer = session.get(Customer, customer_id) if customer_id is not None else None
    return Case(
        kind=reading.kind,
        bounce=reading.bounce,
        auto_reply=reading.auto_reply,
        is_colleague=message.direction is Direction.OUT,
        reuses_an_id=message.error == ExceptionReason.REUSED_MESSAGE_ID.value,
        has_return_path=bool(reading.return_path),
        is_cut=message.error == "cut",
        customer_id=customer_id,
        is_proven=is_proven,
        in_conflict=message.customer_id is None and len(suggested) > 1,
        standing=standing_of(session, reading, customer_id),
        invoices=tuple(at_hand(invoice) for invoice in invoices_of(session, message)),
        hinted_at=tuple(
            invoice.number
            for invoice, is_whole in _named_beside(session, message)
            if not (is_whole or invoice.is_closed)
        ),
        prediction=prediction_of(session, message.id),
        mentions_iban=reading.mentions_iban,
        written_on=written_at(reading, message, settings).date(),
        today=now.astimezone(settings.zone).date(),
        contact=_contact(session, reading),
        strangers_hold_no_more=customer.strangers_hold_no_more if customer is not None else False,
    )


def at_hand(invoice: Invoice) -> InvoiceAtHand:
    return InvoiceAtHand(
        id=invoice.id,
        number=invoice.number,
        balance=invoice.balance,
        currency=invoice.currency,
        state=invoice.state,
        is_closed=invoice.is_closed or invoice.balance <= 0,
    )


def _contact(session: Session, reading: Reading) -> str | None:
    """The address that a machine's mail is about: who a bounce couldn't reach, or who is away.

    A bounce's own word is taken only where we did write to that address. One that names nobody can only mean the
    recipient where there was just one; about somebody else's address (a forward's) it says nothing of ours.
    """
    if reading.kind is Kind.AUTO_REPLY:
        return reading.sender.address.lower() if reading.sender is not None else None
    delivery = bounced_delivery(session, reading)
    if delivery is None:
        return None
    named = reading.bounce.recipient.lower() if reading.bounce and reading.bounce.recipient else None
    if named is None:
        return delivery.recipient if not delivery.copies else None
    return named if named in (delivery.recipient, *delivery.copies) else None


def bounced_delivery(session: Session, reading: Reading) -> Delivery | None:
    """The delivery whose mail came back, by the Message-ID that the bounce names."""
    if reading.bounce is None:
        return None
    named = (reading.bounce.original_message_id, reading.in_reply_to, *reversed(reading.references))
    return delivery_named(session, named)


def delivery_named(session: Session, message_ids: Iterable[str | None]) -> Delivery | None:
    """The first delivery of ours that one of the ids names."""
    for message_id in message_ids:
        if message_id is None:
            continue
        found = session.scalar(select(Delivery).join(Message).where(Message.message_id == message_id))
        if found is not None:
            return found
    return None


# --- Predictions as documents -----------------------------------------------------------------------------------------


def document_of(prediction: Prediction) -> dict[str, Any]:
    """The prediction as it is kept: the keys of `classify --json`."""
    return dict(prediction.as_json())


def prediction_of(session: Session, message_id: int) -> Prediction | None:
    """The prediction that was kept for a message."""
    row = session.scalar(select(PredictionRow).where(PredictionRow.message_id == message_id))
    return None if row is None else from_document(row.document)


def from_document(document: Mapping[str, Any]) -> Prediction:
    """The value that `document_of` wrote."""
    return Prediction(
        **{
            **document,
            "promise_date": _date(document["promise_date"]),
            "paid_date": _date(document["paid_date"]),
            "promised_amount": _decimal(document["promised_amount"]),
            "paid_amount": _decimal(document["paid_amount"]),
            "promised": tuple(
                Promised(_date(p["date"]), _decimal(p["amount"]), p["currency"]) for p in document["promised"]
            ),
            "evidence": tuple(Evidence(e["intent"], e["sentence"], tuple(e["words"])) for e in document["evidence"]),
        }
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def corrections(session: Session) -> list[Correction]:
    """People's labels that were not withdrawn, oldest first."""
    return list(session.scalars(select(Correction).where(Correction.withdrawn_at.is_(None)).order_by(Correction.id)))
