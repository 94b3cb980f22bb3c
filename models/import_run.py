"""One import that was applied: what was read, and the time that it speaks for (the ledger's freshness)."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class ImportRun(Base):
    __tablename__ = "import_run"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(32), index=True)
    """customers, contacts, invoices or payments."""
    as_of: Mapped[datetime]
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(String(128))
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the file's bytes."""
    rows: Mapped[int]
    created: Mapped[int]
    changed: Mapped[int]
