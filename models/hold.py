"""A pause set by a person, across any state: on one invoice or on a whole customer."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Hold(Base):
    __tablename__ = "hold"

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    """None: the whole customer."""
    reason: Mapped[str] = mapped_column(String(512))
    until: Mapped[date | None]
    """The last day on which it holds; None: until released."""
    placed_by: Mapped[str] = mapped_column(String(128))
    placed_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(String(128))
    released_at: Mapped[datetime | None]
