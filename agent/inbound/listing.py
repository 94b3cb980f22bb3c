"""Mails as people and programs are shown them; reads rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Delivery, Invoice, Location, Message, MessageLink, Prediction, ReminderLine
from models import Reading as ReadingRow


def rows(session: Session) -> Iterator[dict[str, Any]]:
    """One mapping a mail, oldest first. A mail of our own has the state of its delivery."""
    numbers = _invoice_numbers(session)
    query = (
        select(Message, Prediction.primary, Delivery.state)
        .outerjoin(Prediction, Prediction.message_id == Message.id)
        .outerjoin(Delivery, Delivery.message_id == Message.id)
        .order_by(Message.id)
        .execution_options(yield_per=1000)
    )
    for message, primary, delivered in session.execute(query):
        yield _row(message, primary, delivered, numbers.get(message.id, []))


def _row(message: Message, primary: str | None, delivered: Any, invoices: list[str]) -> dict[str, Any]:
    return {
        "id": message.id,
        "message_id": message.message_id,
        "direction": message.direction,
        "kind": message.kind,
        "state": message.state or delivered,
        "customer": message.customer_id,
        "invoices": invoices,
        "primary": primary,
        "received_at": message.received_at,
    }


def _invoice_numbers(session: Session, message_id: int | None = None) -> dict[int, list[str]]:
    """Invoice numbers by message: those linked, and those that a reminder of ours lists."""
    linked = select(MessageLink.message_id, Invoice.number).join(Invoice, Invoice.id == MessageLink.invoice_id)
    listed = (
        select(Delivery.message_id, Invoice.number)
        .join(ReminderLine, ReminderLine.reminder_id == Delivery.reminder_id)
        .join(Invoice, Invoice.id == ReminderLine.invoice_id)
    )
    if message_id is not None:
        linked = linked.where(MessageLink.message_id == message_id)
        listed = listed.where(Delivery.message_id == message_id)
    found: dict[int, list[str]] = defaultdict(list)
    for query in (linked.order_by(MessageLink.id), listed.order_by(ReminderLine.id)):
        for owner, number in session.execute(query):
            found[owner].append(number)
    return found


def details(session: Session, message_id: int) -> dict[str, Any] | None:
    """Everything about one mail but its raw bytes; None where there is none of that number."""
    message = session.get(Message, message_id)
    if message is None:
        return None
    primary = session.scalar(select(Prediction.primary).where(Prediction.message_id == message_id))
    delivered = session.scalar(select(Delivery.state).where(Delivery.message_id == message_id))
    reading = session.scalar(select(ReadingRow.document).where(ReadingRow.message_id == message_id))
    places = session.scalars(select(Location).where(Location.message_id == message_id).order_by(Location.id))
    numbers = {i.id: i.number for i in session.scalars(select(Invoice).where(Invoice.id.in_(_linked_ids(message))))}
    return {
        **_row(message, primary, delivered, _invoice_numbers(session, message_id).get(message_id, [])),
        "mailbox": message.mailbox,
        "sender": message.sender,
        "subject": message.subject,
        "size": message.size,
        "sha256": message.blob_sha256,
        "thread": message.thread_id,
        "attempts": message.attempts,
        "error": message.error,
        "links": [
            {
                "customer": link.customer_id,
                "invoice": numbers[link.invoice_id] if link.invoice_id is not None else None,
                "evidence": link.evidence,
                "proof": link.proof,
            }
            for link in message.links
        ],
        "locations": [{"folder": p.folder, "uidvalidity": p.uidvalidity, "uid": p.uid} for p in places],
        "reading": reading,
    }


def _linked_ids(message: Message) -> list[int]:
    return [link.invoice_id for link in message.links if link.invoice_id is not None]
