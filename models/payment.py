"""Money that a bank statement or the ledger says came in, and which invoices it went to."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id


class Payment(Base):
    """One line of money; a negative amount is a reversal. Only a payment makes an invoice `paid`."""

    __tablename__ = "payment"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    date: Mapped[date]
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    invoice_number: Mapped[str | None] = mapped_column(String(64))
    reference: Mapped[str | None] = mapped_column(String(256))
    imported_at: Mapped[datetime]

    allocations: Mapped[list["Allocation"]] = relationship(back_populates="payment")


class Allocation(Base):
    """The part of a payment that lowers one invoice's balance, and by which rule: named, exact_amount, oldest."""

    __tablename__ = "allocation"

    id: Mapped[Id]
    payment_id: Mapped[str] = mapped_column(ForeignKey("payment.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount: Mapped[Decimal]
    rule: Mapped[str] = mapped_column(String(32))

    payment: Mapped[Payment] = relationship(back_populates="allocations")
