"""A file that belongs to an invoice: its PDF, the order, the delivery note."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Document(Base):
    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("invoice_id", "sha256"),)

    id: Mapped[Id]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    """invoice, order, delivery_note, letter or other; only `invoice` is attached to reminders."""
    filename: Mapped[str] = mapped_column(String(256))
    content_type: Mapped[str] = mapped_column(String(128))
    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(128))
