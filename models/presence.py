"""Who has which entry of the work list open right now: a lease of seconds, seen by every process that serves pages."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Presence(Base):
    """It is worth nothing half a minute later, and no event tells of it."""

    __tablename__ = "presence"

    path: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
