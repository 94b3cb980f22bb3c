"""The audit log's rows: one line for each change, chained by hash, and the head of the chain."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Code, Id


class Event(Base):
    """One change. Holds ids, codes and salted hashes only, so that text can be erased without breaking the chain."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_subject", "subject_type", "subject_id"),)

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[Code]
    subject_type: Mapped[Code]
    subject_id: Mapped[Code]
    actor: Mapped[str] = mapped_column(String(128))
    data: Mapped[dict[str, Any]]
    key_id: Mapped[Code]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class EventHead(Base):
    """The one row that names the last event; locking it puts the writers of the chain in line."""

    __tablename__ = "event_head"

    id: Mapped[Id]
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
