"""Who owes."""

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base
from models.contact import Contact


class Customer(Base):
    """A customer under the number that the ledger gives it; its primary address is also its first contact."""

    __tablename__ = "customer"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(256))
    email: Mapped[str] = mapped_column(String(320))
    language: Mapped[str | None] = mapped_column(String(8))
    country: Mapped[str | None] = mapped_column(String(2))
    timezone: Mapped[str | None] = mapped_column(String(64))
    segment: Mapped[str | None] = mapped_column(String(64))
    cc: Mapped[str | None] = mapped_column(String(1024))
    account_manager: Mapped[str | None] = mapped_column(String(320))
    payment_method: Mapped[str | None] = mapped_column(String(64))
    phone: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(String(512))
    postcode: Mapped[str | None] = mapped_column(String(32))
    city: Mapped[str | None] = mapped_column(String(128))
    registration_number: Mapped[str | None] = mapped_column(String(64))
    vat_number: Mapped[str | None] = mapped_column(String(64))
    insolvent_since: Mapped[date | None]
    no_mail_since: Mapped[date | None]
    """Since when it wants no reminder by mail: each such step becomes a call, for a person to choose the way."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    strangers_hold_no_more: Mapped[bool] = mapped_column(default=False)
    """Set once a person released the hold of an unproven mail: later ones are queued but hold no more."""

    contacts: Mapped[list[Contact]] = relationship(order_by=Contact.id)
