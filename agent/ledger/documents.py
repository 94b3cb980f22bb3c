"""Files that belong to an invoice: its PDF, the order, the delivery note.

A path in an import comes from another system, and what it names is mailed to a customer: so it must lie beside the CSV
or beside the configuration, links followed. What a person attaches by hand may lie anywhere.
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger.values import FoundDocument, InvoiceRow, RowError
from config.errors import RelanceError
from models import Document, Invoice, blob, events

_MB = 1024 * 1024
LARGEST = 20 * _MB
"""Bytes. Mail servers commonly refuse a message beyond 25 MB, and Base64 adds a third."""


class DocumentKind(StrEnum):
    """Only `invoice` goes along with reminders."""

    INVOICE = "invoice"
    ORDER = "order"
    DELIVERY_NOTE = "delivery_note"
    OTHER = "other"


class NoSuchDocument(RelanceError):
    """A file that can't be taken, and why."""


def find(path: Path) -> FoundDocument:
    """Look at a file and hash it. Raises NoSuchDocument."""
    content = _read(path)
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FoundDocument(path, path.name[-256:], content_type, hashlib.sha256(content).hexdigest())


def find_named(
    rows: Iterable[InvoiceRow], folders: Iterable[Path]
) -> tuple[dict[str, tuple[FoundDocument, ...]], list[RowError]]:
    """The files that rows name, by invoice number, and a mistake for each that can't be taken."""
    roots = [folder.resolve() for folder in folders]
    found: dict[str, tuple[FoundDocument, ...]] = {}
    errors: list[RowError] = []
    for row in rows:
        documents = []
        for text in row.documents:
            try:
                documents.append(find(_within(text, roots)))
            except NoSuchDocument as error:
                errors.append(RowError(row.line, "document", str(error)))
        if documents:
            found[row.number] = tuple(documents)
    return found, errors


def _within(text: str, roots: list[Path]) -> Path:
    """The file that a path of an import means."""
    parts = PureWindowsPath(text) if "\\" in text else PurePosixPath(text)
    places = [root.joinpath(*parts.parts) for root in roots]
    inside = [place for place in places if any(place.resolve().is_relative_to(root) for root in roots)]
    for place in inside:
        if place.is_file():
            return place
    where = " or ".join(dict.fromkeys(str(root) for root in roots))
    if not inside:
        raise NoSuchDocument(f"“{text}” lies outside of {where}. Put the file there, or use `relance attach`.")
    raise NoSuchDocument(f"there is no file “{text}” in {where}. Put it there, or empty the cell.")


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise NoSuchDocument(f"{path} has {size // _MB} MB; at most {LARGEST // _MB} can be mailed")
        content = path.read_bytes()
    except OSError as error:
        raise NoSuchDocument(f"{path} can't be read: {error.strerror}") from None
    if not content:
        raise NoSuchDocument(f"{path} is empty")
    return content


def attach(
    session: Session, invoice: Invoice, found: FoundDocument, kind: DocumentKind, *, actor: str, at: datetime
) -> bool:
    """Keep a file with an invoice; False where it has this very file already. Raises NoSuchDocument."""
    has_it = select(Document.id).where(Document.invoice_id == invoice.id, Document.sha256 == found.sha256)
    if session.scalar(has_it) is not None:
        return False
    content = _read(found.path)
    if hashlib.sha256(content).hexdigest() != found.sha256:
        raise NoSuchDocument(f"{found.path} was changed while it was read", "Give the command again.")
    document = Document(
        invoice_id=invoice.id,
        kind=kind.value,
        filename=found.filename,
        content_type=found.content_type,
        sha256=blob.keep(session, content),
        added_at=at,
        added_by=actor,
    )
    session.add(document)
    events.record(
        session, "document.added", document, actor=actor, at=at,
        invoice=invoice.id, kind=kind.value, sha256=found.sha256,
    )  # fmt: skip
    return True


def known_hashes(session: Session) -> Mapping[int, frozenset[str]]:
    """By invoice id: SHA-256 of the files that it has."""
    found: dict[int, set[str]] = {}
    for invoice_id, sha256 in session.execute(select(Document.invoice_id, Document.sha256)):
        found.setdefault(invoice_id, set()).add(sha256)
    return {invoice_id: frozenset(hashes) for invoice_id, hashes in found.items()}
