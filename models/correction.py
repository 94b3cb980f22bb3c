"""A person's label on a message: queue work and training data at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Correction(Base):
    """``labels`` has the keys of the labelling guide (primary, intents, per_invoice, promise_date, ...)."""

    __tablename__ = "correction"

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    labels: Mapped[dict[str, Any]]
    model_version: Mapped[Code]
    """Which trained model it corrects or confirms."""
    corrected_by: Mapped[str] = mapped_column(String(128))
    corrected_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
