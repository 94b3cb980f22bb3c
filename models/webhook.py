"""What other systems are told of: how far the log was read for each webhook, and the deliveries that follow from it."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class WebhookCursor(Base):
    """Up to which event of the log the deliveries of one webhook have rows."""

    __tablename__ = "webhook_cursor"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event for one webhook, over all its attempts. It waits until it was delivered, or given up."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("name", "seq"),
        Index("ix_webhook_delivery_due", "name", "delivered_at", "given_up_at", "not_before"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int]
    """The event's place in the log; the message's id is made from it, so that it is the same at every attempt."""
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
