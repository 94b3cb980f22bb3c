"""What the policy does with a reading and a prediction: one row for each action, with the rule that said so."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Decision(Base):
    """``position`` orders the actions of a message; the pair is unique, which makes applying twice impossible."""

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("message_id", "position"),)

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    position: Mapped[int]
    action: Mapped[Code]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    rule: Mapped[Code]
    reason: Mapped[str] = mapped_column(String(1024))
    document: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(128))
    applied_at: Mapped[datetime | None]
