"""A contested amount with a reason and an owner."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id, word
from models.states import DisputeState


class Dispute(Base):
    __tablename__ = "dispute"

    id: Mapped[Id]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    reason: Mapped[Code]
    amount: Mapped[Decimal | None]
    """The contested part; None: all of it."""
    owner: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[DisputeState] = mapped_column(word(DisputeState), default=DisputeState.OPEN, index=True)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(128))
    settled_at: Mapped[datetime | None]
