"""An address that may write or be written to for a customer."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Contact(Base):
    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("customer_id", "email"),)

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    """Lower-cased; the part before the @ too, as no mail system in use tells cases apart there."""
    name: Mapped[str | None] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(64), default="billing")
    phone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(8))
    dead_since: Mapped[datetime | None]
    """A permanent bounce said that the address does not exist; nothing is sent to it any more."""
    away_until: Mapped[date | None]
    """Return date of an out-of-office answer; reminders to this contact wait for the working day after it."""
    created_at: Mapped[datetime]
