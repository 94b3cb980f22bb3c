"""A conversation with one customer in one currency: the first reminder, what followed, and the answers."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Thread(Base):
    __tablename__ = "thread"

    id: Mapped[Id]
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customer.id"), index=True)
    """None: nobody could be tied to it yet."""
    currency: Mapped[str | None] = mapped_column(String(3))
    root_message_id: Mapped[str] = mapped_column(String(998), index=True)
    """The Message-ID under which mail programs show the conversation."""
    created_at: Mapped[datetime]
