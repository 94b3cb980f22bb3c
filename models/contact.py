"""An address that may write or be written to for a customer."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


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
    """Since when nothing is sent to it any more: a permanent bounce, or a person who agrees that it is a wrong one."""
    dead_because: Mapped[Code | None]
    """wrong_person or left_company, where a person said so; None: a bounce said that it does not exist."""
    replaced_by: Mapped[str | None] = mapped_column(String(320))
    """The customer's address that takes its place among those to write to."""
    away_until: Mapped[date | None]
    """Return date of an out-of-office answer; reminders to this contact wait for the working day after it."""
    created_at: Mapped[datetime]
