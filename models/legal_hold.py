"""What must be kept of a customer, whatever its age and whoever asks: a case in court, an audit."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class LegalHold(Base):
    """It keeps data from being erased, and holds no reminder; `Hold` is the one that does."""

    __tablename__ = "legal_hold"

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    reason: Mapped[str] = mapped_column(String(512))
    placed_by: Mapped[str] = mapped_column(String(128))
    placed_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(String(128))
    released_at: Mapped[datetime | None]
