"""The values that flow through the room: one frozen type for each arrow. No method decides anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.invoice import InvoiceKind
from models.reasons import ExceptionReason
from models.states import InvoiceState


class Kind(StrEnum):
    """What a file holds."""

    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    INVOICES = "invoices"
    PAYMENTS = "payments"


@dataclass(frozen=True, slots=True)
class RowError:
    """A mistake in a file: where it stands, what was expected there and how to mend it.

    ``line`` counts from 1, the header; a record whose quoted cell runs over several lines is named by its first one.
    ``column`` is None where the whole line is meant.
    """

    line: int
    column: str | None
    message: str

    def as_json(self) -> Mapping[str, Any]:
        return {"line": self.line, "column": self.column, "message": self.message}


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """``values`` has the columns that the file has, under the table's names; None is an empty cell."""

    line: int
    id: str
    email: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContactRow:
    line: int
    customer_id: str
    email: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """Amounts as the ledger keeps them: a credit note's are negative. ``values`` has the other columns of the file."""

    line: int
    number: str
    customer_id: str
    due_date: date
    amount: Decimal
    balance: Decimal
    currency: str
    kind: InvoiceKind
    values: Mapping[str, Any]
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """``currency`` is None where the file does not say: then it is that of the named invoice, else the company's."""

    line: int
    id: str
    date: date
    amount: Decimal
    customer_id: str
    currency: str | None
    invoice_number: str | None
    reference: str | None


Row = CustomerRow | ContactRow | InvoiceRow | PaymentRow


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows of a file and what was wrong with the others.

    ``is_fatal``: nothing can be read past the mistake, so bad rows can't be left out one by one. ``bad_keys`` are the
    numbers or ids on bad rows, as far as they could be read; ``nameless_lines`` the bad rows without one.
    """

    rows: tuple[Row, ...]
    errors: tuple[RowError, ...]
    total: int = 0
    is_fatal: bool = False
    bad_keys: frozenset[str] = frozenset()
    nameless_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceNow:
    """An invoice as it stands before an import."""

    id: int
    number: str
    customer_id: str
    kind: InvoiceKind
    issue_date: date | None
    due_date: date
    amount: Decimal
    opening_balance: Decimal
    balance: Decimal
    currency: str
    purchase_order: str | None
    status: str | None
    state: InvoiceState
    documents: frozenset[str]
    """SHA-256 of the files that it has."""


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A file named by a row, seen and hashed; its bytes are read again when it is stored."""

    path: Path
    filename: str
    content_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Allocated:
    """The part of a payment that goes to one invoice; negative where a reversal takes it back."""

    payment: str
    invoice_id: int
    invoice: str
    amount: Decimal
    rule: str
    """named, exact_amount or oldest."""

    def as_json(self) -> Mapping[str, Any]:
        return {"payment": self.payment, "invoice": self.invoice, "amount": self.amount, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Raised:
    """A payment that a person must look at. Every customer in ``customers`` is held until that was done."""

    payment: str
    reason: ExceptionReason
    detail: str
    customers: tuple[str, ...]
    invoice_ids: tuple[int, ...]

    def as_json(self) -> Mapping[str, Any]:
        return {
            "key": f"payment:{self.payment}",
            "reason": self.reason,
            "customer": self.customers[0],
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Stop:
    """Why all sending stops after an import, as a code and a sentence."""

    reason: str
    detail: str

    def as_json(self) -> Mapping[str, Any]:
        return {"reason": self.reason, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Order:
    """One import as it was asked for.

    ``folder`` is the CSV's own, None when it came by standard input. ``as_of``: the time that the file speaks for.
    """

    kind: Kind
    raw: bytes
    folder: Path | None
    as_of: datetime
    actor: str
    dry_run: bool = False
    skip_bad: bool = False


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or with ``dry_run`` would do. Nothing was written where ``refused``."""

    kind: Kind
    as_of: datetime
    dry_run: bool
    rows: int
    refused: bool = False
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    """Open items that were gone from the list, and are settled by it."""
    skipped: tuple[RowError, ...] = ()
    allocations: tuple[Allocated, ...] = ()
    exceptions: tuple[Raised, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """Sentences for the person who reads the result."""

    def as_json(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "rows": self.rows,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "refused": self.refused,
            "skipped": self.skipped,
            "allocations": self.allocations,
            "exceptions": self.exceptions,
            "stops": self.stops,
            "notes": self.notes,
            "as_of": self.as_of,
            "dry_run": self.dry_run,
        }
