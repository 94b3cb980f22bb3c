"""What a person wrote down by hand: a call, a note, why something was written off."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Note(Base):
    """Free text lives here and not in the event that tells of it, so that it can be erased."""

    __tablename__ = "note"

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    """None: about the whole customer."""
    kind: Mapped[Code]
    """call, note, promise, dispute, settle_dispute, write_off, insolvent or solvent."""
    text: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime]
