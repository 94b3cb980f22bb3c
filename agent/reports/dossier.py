"""Everything of one invoice in one file: a ZIP with its story, its mails as they were, its documents, and the events.

For a lawyer, a collection agency or an auditor. The mails are the raw bytes that were received or sent; `manifest.json`
names each file with its SHA-256, and gives the hashes of the log's events, so that a copy can be checked against the
chain. Names in the archive are our own: nothing that a stranger chose becomes a path.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.console import plain
from agent.reminders.letter import safe_filename
from agent.review import story
from config import Settings
from models import Blob, Customer, Delivery, Document, Event, Invoice, Message, MessageLink, ReminderLine

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same case gives the same bytes."""


def dossier(session: Session, invoice: Invoice, settings: Settings, now: datetime) -> bytes:
    """The archive of an invoice."""
    customer = session.get_one(Customer, invoice.customer_id)
    files: dict[str, bytes] = {}
    for place, message in enumerate(_messages(session, invoice), 1):
        direction = "out" if message.direction.value == "out" else "in"
        files[f"mails/{place:03}-{message.received_at:%Y%m%d}-{direction}.eml"] = session.get_one(
            Blob, message.blob_sha256
        ).content
    for place, (document, blob) in enumerate(_documents(session, invoice), 1):
        files[f"documents/{place:02}-{safe_filename(document.filename)}"] = blob.content
    moments = story.of_invoice(session, invoice, settings.zone)
    files["story.json"] = _json([plain(moment) for moment in reversed(moments)])
    files["story.txt"] = _story_in_words(invoice, customer, moments, settings).encode("utf-8")
    files["events.json"] = _json([_event(event) for event in _events(session, invoice)])
    manifest = {
        "invoice": invoice.number,
        "customer": {"id": customer.id, "name": customer.name},
        "company": settings.company.name,
        "amount": f"{invoice.amount:f}",
        "balance": f"{invoice.balance:f}",
        "currency": invoice.currency,
        "state": invoice.state.value,
        "due_date": invoice.due_date.isoformat(),
        "made_at": now.isoformat(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    files["manifest.json"] = _json(manifest)
    return _zipped(files)


def filename(invoice: Invoice) -> str:
    """``dossier-FA-2026-0312.zip``."""
    return safe_filename(f"dossier-{invoice.number}.zip")


def _zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), files[name], zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")


def _messages(session: Session, invoice: Invoice) -> Iterable[Message]:
    linked = select(MessageLink.message_id).where(MessageLink.invoice_id == invoice.id)
    sent = (
        select(Delivery.message_id)
        .join(ReminderLine, ReminderLine.reminder_id == Delivery.reminder_id)
        .where(ReminderLine.invoice_id == invoice.id, Delivery.sent_at.is_not(None))
    )
    query = select(Message).where(or_(Message.id.in_(linked), Message.id.in_(sent)))
    return session.scalars(query.order_by(Message.received_at, Message.id))


def _documents(session: Session, invoice: Invoice) -> Iterable[tuple[Document, Blob]]:
    query = select(Document, Blob).join(Blob, Blob.sha256 == Document.sha256).where(Document.invoice_id == invoice.id)
    return [(document, blob) for document, blob in session.execute(query.order_by(Document.id))]


def _events(session: Session, invoice: Invoice) -> Iterable[Event]:
    query = select(Event).where(Event.subject_type == "invoice", Event.subject_id == str(invoice.id))
    return session.scalars(query.order_by(Event.seq))


def _event(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq, "at": event.at.isoformat(), "kind": event.kind, "actor": event.actor, "data": event.data,
        "hash": event.hash, "previous": event.previous,
    }  # fmt: skip


def _story_in_words(invoice: Invoice, customer: Customer, moments: list[story.Moment], settings: Settings) -> str:
    lines = [
        f"{settings.company.name}: invoice {invoice.number} of {customer.name} ({customer.id})",
        f"amount {invoice.amount:f} {invoice.currency}, open {invoice.balance:f}",
        f"due {invoice.due_date}, {invoice.state.value.replace('_', ' ')}",
        "",
    ]
    for moment in reversed(moments):
        values = ", ".join(f"{key} {plain(value)}" for key, value in moment.values.items() if value not in (None, ""))
        parts = [moment.code.replace("_", " "), values, moment.text, f"by {moment.by}" if moment.by else ""]
        lines.append(f"{moment.at.astimezone(settings.zone):%Y-%m-%d %H:%M}  {'; '.join(filter(None, parts))}")
    return "\n".join(lines) + "\n"
