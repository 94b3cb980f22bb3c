"""How far each IMAP folder was read, and where each mail was seen."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Folder(Base):
    """The cursor of one folder: (mailbox, folder, UIDVALIDITY, UID). ``epoch`` counts the changes of UIDVALIDITY."""

    __tablename__ = "folder"
    __table_args__ = (UniqueConstraint("mailbox", "name"),)

    id: Mapped[Id]
    mailbox: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(512))
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    epoch: Mapped[int] = mapped_column(default=0)
    epoch_at: Mapped[datetime | None]
    seen: Mapped[int] = mapped_column(default=0)
    """How many mails the folder held at the last look."""
    looked_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    """When all its UIDs were last compared with the locations known."""


class Location(Base):
    """One copy of a mail on the server; without a message, but with a ``note``, where it vanished before the fetch."""

    __tablename__ = "location"
    __table_args__ = (UniqueConstraint("mailbox", "folder", "uidvalidity", "uid"),)

    id: Mapped[Id]
    mailbox: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(String(512))
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    note: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[datetime]
