"""What is kept of a person or a customer, in one file that a machine can read (GDPR articles 15 and 20)."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.console import as_json_text
from agent.privacy import store
from config.errors import NeedsPerson
from models import (
    Blob,
    Contact,
    Correction,
    Customer,
    Database,
    Decision,
    Event,
    Invoice,
    Message,
    Note,
    Payment,
    Prediction,
    Promise,
)
from models import Reading as ReadingRow


def export(database: Database, address: str | None, customer_id: str | None, target: Path, now: datetime) -> int:
    """Write the file; how many mails are in it.

    Raises:
        NeedsPerson: nothing is known of that person, or the file is there already or can't be written.
    """
    with database.read() as session:
        document, raws = _gathered(session, address, customer_id, now)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.json", as_json_text(document))
            for name, raw in raws.items():
                archive.writestr(f"mails/{name}.eml", raw)
    except FileExistsError:
        raise NeedsPerson(f"{target} is there already", "Choose another name.") from None
    except OSError as error:
        raise NeedsPerson(f"{target}: can't be written ({error.strerror})") from None
    return len(raws)


def _gathered(
    session: Session, address: str | None, customer_id: str | None, now: datetime
) -> tuple[dict[str, Any], dict[str, bytes]]:
    if customer_id is not None:
        customers = session.scalars(select(Customer).where(Customer.id == customer_id)).all()
        ids = store.mails_of_customer(session, customer_id)
        contacts = session.scalars(select(Contact).where(Contact.customer_id == customer_id)).all()
    else:
        asked = (address or "").lower()
        ids = store.mails_of(session, asked)
        contacts = session.scalars(select(Contact).where(Contact.email == asked)).all()
        customers = session.scalars(select(Customer).where(func.lower(Customer.email) == asked)).all()
    if not ids and not contacts and not customers:
        raise NeedsPerson(f"nothing is known of {customer_id or address}")
    messages = session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.id)).all()
    own = [c.id for c in customers]
    document = {
        "asked_for": customer_id or address,
        "made_at": now,
        "customers": _plain(customers),
        "contacts": _plain(contacts),
        "invoices": _plain(session.scalars(select(Invoice).where(Invoice.customer_id.in_(own)))),
        "payments": _plain(session.scalars(select(Payment).where(Payment.customer_id.in_(own)))),
        "notes": _plain(session.scalars(select(Note).where(Note.customer_id.in_(own)))),
        "mails": _plain(messages),
        "readings": _of_mails(session, ReadingRow, ids),
        "predictions": _of_mails(session, Prediction, ids),
        "decisions": _of_mails(session, Decision, ids),
        "corrections": _of_mails(session, Correction, ids),
        "promises": _of_mails(session, Promise, ids),
        "log": _log(session, ids, contacts, own),
    }
    blobs = {
        b.sha256: b for b in session.scalars(select(Blob).where(Blob.sha256.in_([m.blob_sha256 for m in messages])))
    }
    return document, {str(m.id): blobs[m.blob_sha256].content for m in messages}


def _of_mails(session: Session, table: Any, ids: Collection[int]) -> list[dict[str, Any]]:
    return _plain(session.scalars(select(table).where(table.message_id.in_(ids)).order_by(table.id)))


def _log(
    session: Session, ids: Collection[int], contacts: Collection[Contact], customers: Collection[str]
) -> list[dict[str, Any]]:
    """The events about these rows: what was done, when and by whom."""
    subjects = {
        "message": [str(i) for i in ids], "contact": [str(c.id) for c in contacts], "customer": list(customers),
    }  # fmt: skip
    rows = []
    for kind, names in subjects.items():
        query = select(Event).where(Event.subject_type == kind, Event.subject_id.in_(names)).order_by(Event.seq)
        rows += [
            {"seq": e.seq, "at": e.at, "kind": e.kind, "actor": e.actor, "data": e.data} for e in session.scalars(query)
        ]
    return sorted(rows, key=lambda row: row["seq"])


def _plain(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows by the names of their columns."""
    return [{column.key: getattr(row, column.key) for column in row.__table__.columns} for row in rows]
