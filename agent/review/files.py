"""Files that people and programs download: mails, their attachments, documents of an invoice, everything on one.

What strangers wrote is read by the confined child only, and leaves as a download that no browser opens.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import Response

from agent.inbound.confined import Reader, Unreadable
from agent.inbound.store import reading_of
from agent.reminders import case
from agent.reminders.letter import safe_filename
from agent.reports import dossier
from agent.review import debtors
from agent.review.deeds import NoSuch
from agent.review.rights import Actor
from config import Settings
from config.errors import NeedsPerson
from models import Blob, Document, Message

BYTES = "application/octet-stream"
PDF = "application/pdf"
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class File:
    """A file under the name that it is to be kept by."""

    content: bytes
    name: str
    media_type: str = BYTES


def response(file: File) -> Response:
    """The file as a download and never as something that a browser would open."""
    name = safe_filename(file.name)
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def raw_of(session: Session, message: Message) -> bytes:
    """The bytes of a mail as they came, or as they left."""
    return session.get_one(Blob, message.blob_sha256).content


def source(session: Session, message: Message) -> File:
    """The raw mail."""
    return File(raw_of(session, message), f"message-{message.id}.eml")


def attachment(session: Session, reader: Reader, message: Message, place: int) -> File:
    """The attachment at that place, counted from 0. Raises NoSuch, or NeedsPerson where it can't be read."""
    attached = reading_of(session, message.id).attachments if message.kind is not None else ()
    if not 0 <= place < len(attached):
        raise NoSuch(f"mail {message.id} has no attachment {place}")
    found = reader.show(raw_of(session, message), f"attachment:{attached[place].sha256}")
    if isinstance(found, Unreadable):
        raise NeedsPerson(f"the attachment can't be read: {found.reason}", "Download the mail's source instead.")
    return File(found, attached[place].filename or f"attachment-{place}")


def document(session: Session, actor: Actor, number: str, document_id: int) -> File:
    """A document that is kept with an invoice. Raises NoSuch."""
    invoice = debtors.invoice_of(session, actor, number)
    row = session.get(Document, document_id)
    if row is None or row.invoice_id != invoice.id:
        raise NoSuch(f"invoice {number} has no document {document_id}")
    return File(session.get_one(Blob, row.sha256).content, row.filename)


def dossier_of(session: Session, actor: Actor, number: str, settings: Settings, now: datetime) -> File:
    """Everything on one invoice. Raises NoSuch."""
    invoice = debtors.invoice_of(session, actor, number)
    return File(dossier.dossier(session, invoice, settings, now), dossier.filename(invoice))


def hand_over(session: Session, task_id: int, settings: Settings, now: datetime) -> File:
    """Everything on the case of a task, for collection."""
    made = case.hand_over(session, settings, task_id, now)
    return File(made.content, made.filename)
