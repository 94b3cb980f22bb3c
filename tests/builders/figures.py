"""Books by hand: what figures are made of, with honest defaults, so that a test states only what matters to it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from agent.reports.values import (
    Books,
    Covered,
    DisputeFigures,
    InvoiceFigures,
    Mail,
    Move,
    Person,
    PromiseFigures,
    Touch,
)
from models.states import DisputeState, PromiseState

TODAY = date(2026, 9, 30)
_numbers = count(1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str, hour: int = 9) -> datetime:
    return datetime.combine(day(text), datetime.min.time(), UTC).replace(hour=hour)


def paid(on: str, amount: str) -> Move:
    return Move(day(on), -Decimal(amount), is_money=True)


def invoice(amount: str, issued: str, due: str, *moves: Move, **changes: Any) -> InvoiceFigures:
    """An invoice of C1 in euros whose balance follows from its moves."""
    whole = Decimal(amount)
    balance = whole + sum((move.delta for move in moves), Decimal(0))
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": number, "number": f"F{number}", "customer_id": "C1", "currency": "EUR", "is_credit": whole < 0,
        "issued": day(issued), "is_dated": True, "due": day(due), "amount": whole, "balance": balance, "moves": moves,
        "is_paid": balance == 0,
    }  # fmt: skip
    return InvoiceFigures(**{**values, **changes})


def touch(on: str, *lines: InvoiceFigures, step: str = "friendly", **changes: Any) -> Touch:
    """A reminder by mail for what was open of these invoices then."""
    values: dict[str, Any] = {
        "reminder_id": next(_numbers), "customer_id": "C1", "currency": "EUR", "plan": "standard", "step": step,
        "level": 1, "channel": "mail", "template": step, "day": day(on), "at": at(on),
        "lines": tuple(Covered(i.id, i.balance_on(day(on))) for i in lines), "thread_id": 1,
    }  # fmt: skip
    return Touch(**{**values, **changes})


def promise(
    of: InvoiceFigures, on: str, state: PromiseState, fulfilled: str | None = None, **changes: Any
) -> PromiseFigures:
    values: dict[str, Any] = {
        "invoice_id": of.id, "customer_id": of.customer_id, "currency": of.currency, "made": day("2026-07-01"),
        "on": day(on), "amount": of.amount, "state": state, "fulfilled": day(fulfilled) if fulfilled else None,
    }  # fmt: skip
    return PromiseFigures(**{**values, **changes})


def dispute(
    of: InvoiceFigures, reason: str, opened: str, settled: str | None = None, state: DisputeState = DisputeState.OPEN
) -> DisputeFigures:
    return DisputeFigures(
        of.id,
        of.customer_id,
        of.currency,
        reason,
        None,
        of.amount,
        day(opened),
        day(settled) if settled else None,
        state,
    )


def mail(on: str, **changes: Any) -> Mail:
    """A person's answer in the conversation 1, handled alone."""
    values: dict[str, Any] = {
        "id": next(_numbers), "at": at(on), "day": day(on), "kind": "human", "customer_id": "C1", "thread_id": 1,
        "is_handled": True, "is_waiting": False, "was_automatic": True, "settled": at(on, 10), "predicted": "paid",
        "corrected": None, "was_wrong": None, "late_reason": None, "invoices": (),
    }  # fmt: skip
    return Mail(**{**values, **changes})


def books(*invoices: InvoiceFigures, **parts: Any) -> Books:
    """Of two customers: C1 of Anna's, in the segment loyal, and C2 of nobody's."""
    people = {
        "C1": Person("C1", "Customer 1", "loyal", "anna@morel.example"),
        "C2": Person("C2", "Customer 2", None, None),
    }
    return Books(**{"today": TODAY, "customers": people, "invoices": invoices, **parts})
