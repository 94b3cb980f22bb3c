"""A stop of all sending: by a person's kill switch, or by an import that looks wrong. Only a person lifts it."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class SendingStop(Base):
    __tablename__ = "sending_stop"

    id: Mapped[Id]
    reason: Mapped[str] = mapped_column(String(64))
    """person, addresses_changed, list_shrank, clock_jumped, installation_moved."""
    detail: Mapped[str] = mapped_column(String(512))
    placed_by: Mapped[str] = mapped_column(String(128))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(String(128))
    lifted_at: Mapped[datetime | None]
