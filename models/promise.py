"""A commitment with a date."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, word
from models.states import PromiseState


class Promise(Base):
    """One promised payment on one invoice; a payment plan is a list of them, and one missed breaks it."""

    __tablename__ = "promise"

    id: Mapped[Id]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    date: Mapped[date]
    amount: Mapped[Decimal | None]
    """None: the whole balance."""
    balance_then: Mapped[Decimal]
    """What was open when it was made: kept means that the promised part of it came in."""
    state: Mapped[PromiseState] = mapped_column(word(PromiseState), default=PromiseState.OPEN, index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))
    judged_at: Mapped[datetime | None]
