"""Everything on a case: the sheet that a person has before a call, and the one file that goes to collection.

Both are read off the tables as they stand. The file is a ZIP with a summary, the invoices and letters as PDF, every
mail in its raw bytes, and the events, each with its SHA-256 in a manifest; nothing in it is a spreadsheet that could
run formulas.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.console import plain
from agent.reminders import loading
from agent.reminders.charges import charges_on
from agent.reminders.compose import charge_rules
from agent.reminders.credit_notes import credits_off
from agent.reminders.letter import safe_filename
from agent.reminders.schedule import local_day
from agent.reminders.values import CustomerView, InvoiceView
from config import Settings
from config.errors import NeedsPerson
from config.law import UnknownLaw
from models import (
    Blob,
    Contact,
    Customer,
    Delivery,
    Document,
    Event,
    Invoice,
    Message,
    MessageLink,
    Note,
    Promise,
    ReminderLine,
    Task,
)  # fmt: skip
from models.message import Direction
from models.states import InvoiceState, PromiseState

_MAILS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class HandOver:
    """The file of a case."""

    filename: str
    content: bytes
    sha256: str


def sheet(session: Session, settings: Settings, task_id: int, now: datetime) -> dict[str, Any]:
    """What a person needs before a call: whom, what is open, what was written and promised. Raises NeedsPerson."""
    task = session.get(Task, task_id)
    if task is None:
        raise NeedsPerson(f"there is no task {task_id}; `relance tasks` lists them")
    ids = {link.invoice_id for link in task.links}
    return {
        "task": {"id": task.id, "kind": task.kind.value, "due_on": task.due_on, "state": task.state.value},
        "detail": task.detail,
        **_case(session, settings, task.customer_id, ids, now),
        "mails": _mails(session, task.customer_id)[-_MAILS_SHOWN:],
    }


def _case(session: Session, settings: Settings, customer_id: str, ids: set[int], now: datetime) -> dict[str, Any]:
    customer = session.get_one(Customer, customer_id)
    contacts = session.scalars(select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.id)).all()
    in_hand = select(Invoice.id).where(Invoice.id.in_(ids), Invoice.state == InvoiceState.IN_COLLECTION)
    views = loading.customer_views(session, settings, now, [customer_id], besides=session.scalars(in_hand).all())
    invoices = [i for i in views[0].invoices if i.id in ids] if views else []
    taken = _credits(views[0], invoices, now) if views else []
    notes = session.scalars(select(Note).where(Note.customer_id == customer_id).order_by(Note.id)).all()
    promises = session.execute(
        select(Invoice.number, Promise.date, Promise.amount, Promise.state)
        .join(Invoice, Invoice.id == Promise.invoice_id)
        .where(Invoice.customer_id == customer_id)
        .order_by(Promise.id)
    ).all()
    return {
        "customer": {
            "id": customer.id, "name": customer.name, "phone": customer.phone, "language": customer.language,
            "address": customer.address, "postcode": customer.postcode, "city": customer.city,
            "registration_number": customer.registration_number, "account_manager": customer.account_manager,
            "segment": views[0].segment if views else customer.segment,
        },
        "contacts": [
            {"name": c.name, "email": c.email, "phone": c.phone, "role": c.role, "dead": c.dead_since is not None}
            for c in contacts
        ],
        "invoices": [_invoice(i, views[0], now) for i in sorted(invoices, key=lambda i: (i.due_date, i.number))],
        "credits": [{"number": c.number, "balance": c.balance, "currency": c.currency} for c in taken],
        "open": _totals(invoices),
        "to_pay": _totals([*invoices, *taken]),
        "charges": _charges(settings, invoices, now),
        "promises": [
            {"invoice": number, "date": day, "amount": amount, "state": state.value}
            for number, day, amount, state in promises
        ],
        "broken_promises": sum(state is PromiseState.BROKEN for _, _, _, state in promises),
        "letters": _letters(session, settings, ids),
        "notes": [{"at": n.at, "by": n.by, "kind": n.kind, "text": n.text} for n in notes],
    }  # fmt: skip


def _invoice(invoice: InvoiceView, customer: CustomerView, now: datetime) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "issue_date": invoice.issue_date,
        "due_date": invoice.due_date,
        "days_late": max(0, (local_day(now, customer.timezone) - invoice.due_date).days),
        "amount": invoice.amount,
        "balance": invoice.balance,
        "currency": invoice.currency,
        "state": invoice.state.value,
        "hold": invoice.held,
        "promised_for": invoice.promised_for,
        "steps_done": sorted(invoice.steps_done),
        "payments": [{"date": p.day, "amount": p.amount} for p in invoice.payments],
    }


def _credits(customer: CustomerView, invoices: Sequence[InvoiceView], now: datetime) -> list[InvoiceView]:
    """What the customer may take off these invoices: whoever asks for them must not ask for more than is owed."""
    today, listed = local_day(now, customer.timezone), {i.id for i in invoices}
    currencies = sorted({i.currency for i in invoices})
    return [credit for currency in currencies for credit in credits_off(customer, currency, listed, today)]


def _letters(session: Session, settings: Settings, ids: set[int]) -> list[dict[str, Any]]:
    """The letters composed for these invoices, and until when each gives time: nothing is due to collection before."""
    query = (
        select(Document)
        .where(Document.invoice_id.in_(ids), Document.kind == "letter")
        .order_by(Document.added_at, Document.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for document in session.scalars(query):
        day = local_day(document.added_at, settings.zone)
        row = {"file": document.filename, "composed_on": day, "by": document.added_by}
        found.setdefault(document.sha256, {**row, "until": day + timedelta(days=settings.reminders.notice_days)})
    return list(found.values())


def _totals(invoices: Sequence[InvoiceView]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for invoice in invoices:
        totals[invoice.currency] = totals.get(invoice.currency, Decimal(0)) + invoice.balance
    return totals


def _charges(settings: Settings, invoices: Sequence[InvoiceView], now: datetime) -> dict[str, Any] | None:
    try:
        found = charges_on(invoices, local_day(now, settings.zone), charge_rules(settings), is_claimed=True)
    except UnknownLaw as error:
        return {"error": str(error)}
    if found is None:
        return None
    return {
        "until": found.until,
        "law": found.law,
        "interest": found.interest,
        "indemnity": found.indemnity,
        "lines": [{"number": x.number, "interest": x.interest, "indemnity": x.indemnity} for x in found.lines],
        "notes": list(found.notes),
    }


def _mails(session: Session, customer_id: str) -> list[dict[str, Any]]:
    query = select(Message).where(Message.customer_id == customer_id).order_by(Message.received_at, Message.id)
    return [
        {"at": m.received_at, "direction": m.direction.value, "subject": m.subject, "message_id": m.message_id}
        for m in session.scalars(query)
    ]


def hand_over(session: Session, settings: Settings, task_id: int, now: datetime) -> HandOver:
    """Everything on the case of a task in one file. Raises NeedsPerson where there is no such task."""
    task = session.get(Task, task_id)
    if task is None:
        raise NeedsPerson(f"there is no task {task_id}; `relance tasks` lists them")
    ids = {link.invoice_id for link in task.links}
    case = _case(session, settings, task.customer_id, ids, now)
    files: dict[str, bytes] = {
        "case.json": json.dumps(plain(case), ensure_ascii=False, indent=2).encode(),
        "summary.txt": _summary(case, now).encode(),
        **_documents(session, ids),
        **_raw_mails(session, task.customer_id, ids),
        "events.jsonl": _events(session, task.customer_id, ids),
    }
    manifest = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    files["MANIFEST.sha256"] = manifest.encode()
    content = _zip(files, now)
    name = safe_filename(f"hand-over-{task.customer_id}-{local_day(now, settings.zone)}.zip")
    return HandOver(name, content, hashlib.sha256(content).hexdigest())


def _summary(case: Mapping[str, Any], now: datetime) -> str:
    customer = case["customer"]
    lines = [
        f"{customer['name']} ({customer['id']}), as of {now:%Y-%m-%d %H:%M} UTC",
        *(
            f"{i['number']}: due {i['due_date']}, {i['balance']} of {i['amount']} {i['currency']} open"
            for i in case["invoices"]
        ),
        *(f"open in all: {amount} {currency}" for currency, amount in sorted(case["open"].items())),
        *(f"credit {c['number']}: {c['balance']} {c['currency']}" for c in case["credits"]),
        *(f"to pay: {amount} {currency}" for currency, amount in sorted(case["to_pay"].items()) if case["credits"]),
        f"broken promises: {case['broken_promises']}",
        *(f"letter {x['file']}: composed on {x['composed_on']}, time until {x['until']}" for x in case["letters"]),
    ]
    charges = case["charges"]
    if charges is not None and "error" not in charges:
        lines.append(f"interest to {charges['until']} ({charges['law']}): {charges['interest']}")
        lines.append(f"indemnity: {charges['indemnity']}")
    return "\n".join(lines) + "\n"


def _documents(session: Session, ids: set[int]) -> dict[str, bytes]:
    query = (
        select(Document, Invoice.number, Blob)
        .join(Invoice, Invoice.id == Document.invoice_id)
        .join(Blob, Blob.sha256 == Document.sha256)
        .where(Document.invoice_id.in_(ids))
        .order_by(Document.id)
    )
    return {
        f"documents/{document.id:05}-{document.kind}-{safe_filename(f'{number}-{document.filename}')}": blob.content
        for document, number, blob in session.execute(query)
    }


def _raw_mails(session: Session, customer_id: str, ids: set[int]) -> dict[str, bytes]:
    """The mails of the case: those that name one of its invoices, and those that name no invoice at all, for they speak
    of all that the customer owes. What is only about other invoices is nobody's business at collection.
    """
    named = select(MessageLink.message_id, MessageLink.invoice_id).where(MessageLink.invoice_id.is_not(None))
    listed = (
        select(Delivery.message_id, ReminderLine.invoice_id)
        .join(ReminderLine, ReminderLine.reminder_id == Delivery.reminder_id)
        .where(Delivery.customer_id == customer_id)
    )
    about: dict[int, set[int | None]] = defaultdict(set)
    for ties in (named.where(MessageLink.customer_id == customer_id), listed):
        for message_id, invoice_id in session.execute(ties):
            about[message_id].add(invoice_id)
    elsewhere = {message_id for message_id, invoices in about.items() if not invoices & ids}
    linked = select(MessageLink.message_id).where(MessageLink.customer_id == customer_id)
    query = (
        select(Message, Blob)
        .join(Blob, Blob.sha256 == Message.blob_sha256)
        .where(or_(Message.customer_id == customer_id, Message.id.in_(linked)))
        .order_by(Message.received_at, Message.id)
    )
    return {
        f"mails/{m.id:06}-{'out' if m.direction is Direction.OUT else 'in'}-{m.received_at:%Y-%m-%d}.eml": blob.content
        for m, blob in session.execute(query)
        if m.id not in elsewhere
    }


def _events(session: Session, customer_id: str, ids: set[int]) -> bytes:
    query = (
        select(Event)
        .where(
            or_(
                (Event.subject_type == "invoice") & Event.subject_id.in_([str(i) for i in ids]),
                (Event.subject_type == "customer") & (Event.subject_id == customer_id),
            )
        )
        .order_by(Event.seq)
    )
    rows = [
        {"seq": e.seq, "at": e.at.isoformat(), "kind": e.kind, "actor": e.actor, "data": e.data, "hash": e.hash}
        for e in session.scalars(query)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _zip(files: Mapping[str, bytes], now: datetime) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(now.year, now.month, now.day, now.hour, now.minute, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()
