"""An item of the human queue that came from a message, a payment or a fault."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, word
from models.reasons import ExceptionReason
from models.states import ExceptionState


class ExceptionItem(Base):
    """``key`` names what it is about (``message:12``, ``payment:P7``), so that the same cause makes one item only."""

    __tablename__ = "exception"
    __table_args__ = (
        Index("ix_exception_reason_state", "reason", "state"),
        Index("ix_exception_resolved", "resolved_by", "resolved_at"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(128), unique=True)
    reason: Mapped[ExceptionReason] = mapped_column(word(ExceptionReason), index=True)
    detail: Mapped[str] = mapped_column(Text, default="")
    """One sentence for the person; holds no quote of a customer's mail."""
    state: Mapped[ExceptionState] = mapped_column(word(ExceptionState), default=ExceptionState.OPEN, index=True)
    urgency: Mapped[int] = mapped_column(default=50)
    """What the reason alone makes of it, 0 (whenever) to 100 (now)."""
    priority: Mapped[int] = mapped_column(default=50)
    """0 (whenever) to 100 (now): its urgency, weighed with money, days late and behaviour (`agent.review.priority`)."""
    weighed_on: Mapped[date | None]
    """The day on which the priority was last weighed; None: not yet."""
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customer.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payment.id"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    holds: Mapped[bool] = mapped_column(default=True)
    """Whether it holds the reminders of every customer linked, until a person releases it."""
    suggested_primary: Mapped[str | None] = mapped_column(String(32))
    suggested_confidence: Mapped[float | None] = mapped_column(Float)
    assignee: Mapped[str | None] = mapped_column(String(128))
    snoozed_until: Mapped[datetime | None]
    due_at: Mapped[datetime]
    """When it alarms."""
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(128))
    resolution: Mapped[dict[str, Any] | None]
    """What the person decided, and what to put back on undo."""

    links: Mapped[list["ExceptionLink"]] = relationship(order_by="ExceptionLink.id")


class ExceptionLink(Base):
    __tablename__ = "exception_link"
    __table_args__ = (UniqueConstraint("exception_id", "customer_id", "invoice_id"),)

    id: Mapped[Id]
    exception_id: Mapped[int] = mapped_column(ForeignKey("exception.id"), index=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)


# The order of the work list: the most urgent first, and of those the oldest.
Index("ix_exception_worklist", ExceptionItem.state, ExceptionItem.priority.desc(), ExceptionItem.id)
