"""What is judged when data is to go: plain views of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Periods:
    """How long each class of data is kept."""

    mails: timedelta
    strangers: timedelta
    contacts: timedelta


@dataclass(frozen=True, slots=True)
class MailView:
    """One mail, in or out, as far as its staying or going depends on it.

    Attributes:
        is_settled: nobody and no stage has anything left to do with it.
        customers: whom it belongs to; empty for a stranger's.
        owed: numbers of the invoices that it speaks of and that are not closed.
        last_closed_at: when the last invoice that it speaks of was closed.
        legal_holds: reasons why everything of its customers must be kept.
    """

    id: int
    at: datetime
    is_settled: bool
    customers: tuple[str, ...]
    owed: tuple[str, ...]
    last_closed_at: datetime | None
    legal_holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """One customer, as far as its contacts' staying or going depends on it."""

    id: str
    owed: tuple[str, ...]
    last_closed_at: datetime | None
    created_at: datetime
    legal_holds: tuple[str, ...]
