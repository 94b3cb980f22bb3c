"""Builders of the ledger: rows with honest defaults, so that a test states only what matters to it.

`settings` makes a company; `customer`, `invoice` and `payment` add rows to a session, which allocates nothing, moves no
state and writes no event. What must have happened by the rules goes the way of a real import: `csv` and `load`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from agent.ledger.importing import run_import
from agent.ledger.values import ImportResult, Kind, Order
from config import Settings, parse
from models import Contact, Customer, Database, Hold, Invoice, Payment
from models.invoice import InvoiceKind
from models.states import InvoiceState

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
"""A Tuesday morning without a holiday near."""

_numbers = count(1)


def settings(root: Path, *, mode: str = "payments", **sections: Mapping[str, Any]) -> Settings:
    """A French company in euros with one mailbox; ``sections`` are merged over it."""
    server = {"host": "127.0.0.1", "port": 1, "security": "none"}
    tables: dict[str, Any] = {
        "company": {
            "name": "Ateliers Morel SAS",
            "country": "FR",
            "currency": "EUR",
            "language": "fr",
            "timezone": "Europe/Paris",
        },
        "ledger": {"mode": mode},
        "mailbox": {
            "ar": {
                "address": "compta@morel.example",
                "imap": {**server, "password_env": "NONE_SET"},
                "smtp": server,
            }
        },
    }
    for name, section in sections.items():
        tables[name] = {**tables.get(name, {}), **section}
    return parse(tables, root / "relance.toml")


def customer(session: Session, id: str | None = None, **columns: Any) -> Customer:  # noqa: A002 the column's name
    """A customer with its own address as first contact."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": id or f"C{number}",
        "name": f"Customer {number} SARL",
        "email": f"compta@customer{number}.example",
        "created_at": NOW,
        "updated_at": NOW,
    }
    row = Customer(**{**values, **columns})
    row.contacts = [Contact(email=row.email, role="billing", created_at=NOW)]
    session.add(row)
    session.flush()
    return row


def invoice(session: Session, owner: Customer, number: str | None = None, **columns: Any) -> Invoice:
    """An invoice of 100.00 EUR that fell due on the first of August 2026, wholly open."""
    amount: Decimal = columns.pop("amount", Decimal("100.00"))
    balance: Decimal = columns.pop("balance", amount)
    values: dict[str, Any] = {
        "number": number or f"F-{next(_numbers)}",
        "customer_id": owner.id,
        "kind": InvoiceKind.INVOICE,
        "issue_date": date(2026, 7, 1),
        "due_date": date(2026, 8, 1),
        "amount": amount,
        "opening_balance": balance,
        "balance": balance,
        "currency": "EUR",
        "state": InvoiceState.OPEN,
        "state_at": NOW,
        "created_at": NOW,
    }
    row = Invoice(**{**values, **columns})
    session.add(row)
    session.flush()
    return row


def payment(session: Session, payer: Customer, amount: str | Decimal, id: str | None = None, **columns: Any) -> Payment:  # noqa: A002
    """A payment row alone, not allocated to anything."""
    values: dict[str, Any] = {
        "id": id or f"P{next(_numbers)}",
        "customer_id": payer.id,
        "date": date(2026, 8, 20),
        "amount": Decimal(amount),
        "currency": "EUR",
        "imported_at": NOW,
    }
    row = Payment(**{**values, **columns})
    session.add(row)
    session.flush()
    return row


def hold(session: Session, owner: Customer, on: Invoice | None = None, **columns: Any) -> Hold:
    """A person's hold on a customer, or on one of its invoices."""
    values: dict[str, Any] = {"reason": "talking to them", "until": None, "placed_by": "Anna", "placed_at": NOW}
    row = Hold(customer_id=owner.id, invoice_id=on.id if on is not None else None, **{**values, **columns})
    session.add(row)
    session.flush()
    return row


def csv(header: str, *lines: str) -> bytes:
    """The bytes of a file."""
    return "".join(line + "\n" for line in (header, *lines)).encode()


def load(
    database: Database, settings: Settings, kind: Kind | str, raw: bytes, *, now: datetime = NOW, **order: Any
) -> ImportResult:
    """Import bytes as a file; ``order`` has what else an import can be asked for (as_of, dry_run, …)."""
    values: dict[str, Any] = {"folder": settings.root, "as_of": now, "actor": "tester", **order}
    return run_import(database, settings, Order(kind=Kind(kind), raw=raw, **values), now)
