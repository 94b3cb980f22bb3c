"""Work for a person that comes from the plan, the clock or the audit."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, word
from models.reasons import TaskKind
from models.states import TaskState


class Task(Base):
    """``key`` names its cause (``reminder:4``, ``promise:9``), so that the same cause makes one task only."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_done", "done_by", "done_at"),)

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[TaskKind] = mapped_column(word(TaskKind), index=True)
    state: Mapped[TaskState] = mapped_column(word(TaskState), default=TaskState.OPEN, index=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey("reminder.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    detail: Mapped[str] = mapped_column(String(512), default="")
    due_on: Mapped[date]
    priority: Mapped[int] = mapped_column(default=50)
    """0 (whenever) to 100 (now), weighed like an exception's."""
    weighed_on: Mapped[date | None]
    assignee: Mapped[str | None] = mapped_column(String(128))
    snoozed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(128))
    outcome: Mapped[str | None] = mapped_column(String(512))

    links: Mapped[list["TaskLink"]] = relationship(order_by="TaskLink.id")


class TaskLink(Base):
    __tablename__ = "task_link"
    __table_args__ = (UniqueConstraint("task_id", "invoice_id"),)

    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)


# The order of the work list: the most urgent first, and of those the oldest.
Index("ix_task_worklist", Task.state, Task.priority.desc(), Task.id)
