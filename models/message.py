"""One mail in or out, kept raw, and the customers and invoices that it is tied to."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, word
from models.states import MessageState


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class Message(Base):
    """A mail under relance's own identity for it, as a Message-ID alone can be missing, reused or forged.

    ``dkey`` is the SHA-256 of Message-ID, From, Date, Subject and body. ``state`` is None for mail of our own: its
    delivery has one. A colleague's mail found in Sent is ``OUT`` without a delivery.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_state", "direction", "state"),
        Index("ix_message_provider_thread", "mailbox", "provider_thread"),
    )

    id: Mapped[Id]
    dkey: Mapped[str] = mapped_column(String(64), unique=True)
    direction: Mapped[Direction] = mapped_column(word(Direction))
    mailbox: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(998), index=True)
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    size: Mapped[int]
    received_at: Mapped[datetime]
    """INTERNALDATE of the first copy seen, or the moment of composing for mail of our own."""
    kind: Mapped[str | None] = mapped_column(String(16))
    """human, auto_reply or bounce, once read."""
    sender: Mapped[str | None] = mapped_column(String(320), index=True)
    subject: Mapped[str | None] = mapped_column(Text)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id"), index=True)
    provider_thread: Mapped[str | None] = mapped_column(String(20))
    """The number under which the provider keeps the conversation in this mailbox (Gmail's X-GM-THRID)."""
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customer.id"), index=True)
    state: Mapped[MessageState | None] = mapped_column(word(MessageState))
    attempts: Mapped[int] = mapped_column(default=0)
    """How often reading it was begun; committed before its bytes are touched, so that a poison mail is counted."""
    error: Mapped[str | None] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """When its text, its people and its raw bytes were erased; what is left says that there was a mail, and what of."""
    created_at: Mapped[datetime]

    links: Mapped[list["MessageLink"]] = relationship(order_by="MessageLink.id")


class MessageLink(Base):
    """A tie from a message to a customer or one of its invoices, and what it rests on.

    ``proof``: signed_id (a Message-ID of ours that can't be forged) or tag; the rest (references, conversation,
    provider_thread, numbers, sender, domain, recipient) suggests. Only proof moves a state; every link holds the
    customer's reminders until the message is decided.
    """

    __tablename__ = "message_link"
    __table_args__ = (UniqueConstraint("message_id", "customer_id", "invoice_id"),)

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    evidence: Mapped[str] = mapped_column(String(32))
    proof: Mapped[bool]
