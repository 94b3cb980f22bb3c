"""The handing of one frozen mail to SMTP, over all its attempts."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, word
from models.message import Message
from models.reminder import Reminder
from models.states import DeliveryState


class Delivery(Base):
    """``owner`` and ``lease_until`` say who works on it; ``sending`` is committed before the body is written."""

    __tablename__ = "delivery"
    __table_args__ = (
        # Both are asked before each mail, in the transaction that claims it.
        Index("ix_delivery_wire", "mailbox", "wire_at"),
        Index("ix_delivery_due", "mailbox", "state", "not_before"),
    )

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey("reminder.id"), unique=True)
    """None: a letter that a person wrote from the queue."""
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    mailbox: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(320))
    copies: Mapped[list[str]] = mapped_column(JSON, default=list)
    state: Mapped[DeliveryState] = mapped_column(word(DeliveryState), default=DeliveryState.RESERVED, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    sent_uidnext: Mapped[int | None] = mapped_column(BigInteger)
    """UIDNEXT of Sent when the body was begun: a copy, if there is one, lies at or above it."""
    entered_sending_at: Mapped[datetime | None]
    wire_at: Mapped[datetime | None]
    """The same moment on the wall clock: the rate counts by it, also when a run is given another time."""
    first_failed_at: Mapped[datetime | None]
    """When it was first put off; None in `failed`: the server refuses us and not the mail, which waits for a person."""
    sent_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Text)
    """What the server last said, code and text."""
    filed_at: Mapped[datetime | None]
    """When its copy was seen in or put into Sent."""
    settled_by: Mapped[str | None] = mapped_column(String(128))
    """How an unknown outcome was settled: sent_folder, bounce, reply, or a person's name."""
    looked_for_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    message: Mapped[Message] = relationship()
    reminder: Mapped[Reminder | None] = relationship()
