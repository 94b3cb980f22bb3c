"""One step of a plan carried out for one customer: one mail (or call, letter, hand-over) for all that is due."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Code, Id


class Reminder(Base):
    """Unique by (customer, currency, plan, step, cycle): two planners at once can't both make it.

    ``cycle`` counts how often this customer came to this step: the newer invoices of a customer that is often late
    reach the same step again and again.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("customer_id", "currency", "plan", "step", "cycle"),
        Index("ix_reminder_approval", "approval", "id"),
    )

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    plan: Mapped[Code]
    plan_version: Mapped[Code]
    step: Mapped[Code]
    cycle: Mapped[int]
    channel: Mapped[Code]
    level: Mapped[int]
    mailbox: Mapped[str | None] = mapped_column(String(64))
    due_on: Mapped[date]
    created_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    """Cancelled by the last look, lapsed, dropped by a person or proven undelivered: its lines are free for the plan
    again. One that a person skipped is not: its step counts as carried out.
    """
    approval: Mapped[Code]
    """not_needed, waiting, approved or skipped."""
    approved_by: Mapped[str | None] = mapped_column(String(128))
    approved_at: Mapped[datetime | None]
    approver: Mapped[str | None] = mapped_column(String(320))
    """Whose word it waits for, where the plan asks for the sales owner's; None: any person's."""
    said: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of all that the mail says of the account; the last look compares it with what is true by then."""

    edited_subject: Mapped[str | None] = mapped_column(Text)
    edited_text: Mapped[str | None] = mapped_column(Text)
    """The words that a person put in the place of the template's; None: nobody did."""
    edited_by: Mapped[str | None] = mapped_column(String(128))
    edited_at: Mapped[datetime | None]

    lines: Mapped[list["ReminderLine"]] = relationship(back_populates="reminder", order_by="ReminderLine.id")


class ReminderLine(Base):
    """One invoice on a reminder. A young invoice that rides along on an older one's mail records its own step.

    Unique by (invoice, step, cycle) among the lines that are not voided: a step is carried out once per invoice.
    """

    __tablename__ = "reminder_line"
    __table_args__ = (
        Index(
            "uq_reminder_line_step",
            "invoice_id",
            "step",
            "cycle",
            unique=True,
            sqlite_where=text("NOT voided"),
            postgresql_where=text("NOT voided"),
        ),
    )

    id: Mapped[Id]
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    step: Mapped[Code]
    cycle: Mapped[int]
    voided: Mapped[bool] = mapped_column(default=False)
    balance: Mapped[Decimal]
    days_late: Mapped[int]

    reminder: Mapped[Reminder] = relationship(back_populates="lines")
