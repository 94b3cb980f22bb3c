"""What is owed."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, word
from models.customer import Customer
from models.states import CLOSED, InvoiceState


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Invoice(Base):
    """An invoice or a credit note. Amounts are with tax; a credit note's are negative, as it lowers what is owed."""

    __tablename__ = "invoice"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(64), unique=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    kind: Mapped[InvoiceKind] = mapped_column(word(InvoiceKind), default=InvoiceKind.INVOICE)
    issue_date: Mapped[date | None]
    due_date: Mapped[date]
    amount: Mapped[Decimal]
    opening_balance: Mapped[Decimal]
    """The balance when the invoice was first imported; payments lower it from there."""
    balance: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    purchase_order: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str | None] = mapped_column(String(64))
    """What the ledger says of it in its own words (an e-invoice refused, a direct debit pending)."""
    state: Mapped[InvoiceState] = mapped_column(word(InvoiceState), default=InvoiceState.OPEN, index=True)
    state_at: Mapped[datetime]
    """When the state last changed; the wait for a reported payment counts from here."""
    cycle: Mapped[int] = mapped_column(default=1)
    """How often its dunning began: a reversal that reopens it starts the next one."""
    created_at: Mapped[datetime]

    customer: Mapped[Customer] = relationship()

    @property
    def is_closed(self) -> bool:
        return self.state in CLOSED
