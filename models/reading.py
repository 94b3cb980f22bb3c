"""What was read off a message without judgement, as a document; erased with the mail."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Reading(Base):
    __tablename__ = "reading"

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    reader_version: Mapped[Code]
    document: Mapped[dict[str, Any]]
    read_at: Mapped[datetime]
