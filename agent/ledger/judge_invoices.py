"""Invoices of a file, beside those that are known → what to create, change, settle. Pure.

Two modes. `payments`: a file adds and corrects; only payments lower a balance, and the column `balance` only opens it.
`open_items`: a file is the full list of what is open; it sets each balance, what is gone from it is settled, and what
returns to it is open again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agent.ledger import alarms
from agent.ledger.allocate import NAMED
from agent.ledger.judge_people import unknown_customer
from agent.ledger.values import Allocated, FoundDocument, InvoiceNow, InvoiceRow, Parsed, RowError, Stop
from models.states import InvoiceState

NOT_ON_A_LIST = frozenset({InvoiceState.PAID, InvoiceState.CREDITED, InvoiceState.WRITTEN_OFF})
"""States of an invoice that nobody misses on a list of open items."""


@dataclass(frozen=True, slots=True)
class WaitingPayment:
    """A payment that named an invoice before there was one, and what of it went nowhere yet."""

    id: str
    customer_id: str
    currency: str
    left: Decimal


@dataclass(frozen=True, slots=True)
class InvoicesView:
    """``known``: in the mode `open_items` every invoice, else those of the file. ``waiting``: by the number named."""

    customers: frozenset[str]
    known: Mapping[str, InvoiceNow]
    waiting: Mapping[str, tuple[WaitingPayment, ...]]
    documents: Mapping[str, tuple[FoundDocument, ...]]
    """By invoice number: the files that the rows name."""


@dataclass(frozen=True, slots=True)
class NewInvoice:
    row: InvoiceRow
    documents: tuple[FoundDocument, ...]
    payments: tuple[tuple[str, Decimal], ...]
    """Payments that had named it before it came, and what each pays of it."""


@dataclass(frozen=True, slots=True)
class ChangedInvoice:
    """``values``: columns that differ. ``balance``: the new one, None where it stays."""

    id: int
    values: Mapping[str, Any]
    balance: Decimal | None
    documents: tuple[FoundDocument, ...]


@dataclass(frozen=True, slots=True)
class InvoiceChanges:
    create: tuple[NewInvoice, ...]
    change: tuple[ChangedInvoice, ...]
    settle: tuple[int, ...]
    """Ids of the invoices that are gone from the list."""
    unchanged: int
    stop: Stop | None
    errors: tuple[RowError, ...]
    is_blocked: bool
    """The list can't be taken for the full one, so not even its good lines may be applied."""


def judge_invoices(parsed: Parsed, view: InvoicesView, *, is_list: bool) -> InvoiceChanges:
    """What a file of invoices changes; ``is_list``: it is the full list of open items."""
    create: list[NewInvoice] = []
    change: list[ChangedInvoice] = []
    errors: list[RowError] = []
    unchanged = 0
    rows = [row for row in parsed.rows if isinstance(row, InvoiceRow)]
    for row in rows:
        now = view.known.get(row.number)
        documents = view.documents.get(row.number, ())
        if row.customer_id not in view.customers:
            errors.append(unknown_customer(row.line, row.customer_id))
        elif now is None:
            payments = () if is_list else _paid_ahead(row, view.waiting.get(row.number, ()))
            create.append(NewInvoice(row, documents, payments))
        elif error := _clash(row, now):
            errors.append(error)
        else:
            found = _change(row, now, documents, is_list=is_list)
            if isinstance(found, RowError):
                errors.append(found)
            elif found is None:
                unchanged += 1
            else:
                change.append(found)
    settle, stop = _gone(parsed, view) if is_list else ((), None)
    blocking = _unnameable(parsed, rows, view) if is_list else []
    return InvoiceChanges(
        create=tuple(create),
        change=tuple(change),
        settle=settle,
        unchanged=unchanged,
        stop=stop,
        errors=(*errors, *blocking),
        is_blocked=bool(blocking),
    )


def _clash(row: InvoiceRow, now: InvoiceNow) -> RowError | None:
    """What makes this another invoice under the same number."""
    mend = "One number stands for one invoice: correct the line, or give the new invoice another number."
    if row.customer_id != now.customer_id:
        return RowError(row.line, "customer_id", f"{row.number} belongs to customer {now.customer_id}. {mend}")
    if row.currency != now.currency:
        return RowError(row.line, "currency", f"{row.number} is in {now.currency}. {mend}")
    if row.kind is not now.kind:
        called = now.kind.value.replace("_", " ")
        return RowError(row.line, "kind", f"{row.number} is known as {called}. {mend}")
    return None


def _change(
    row: InvoiceRow, now: InvoiceNow, found: tuple[FoundDocument, ...], *, is_list: bool
) -> ChangedInvoice | RowError | None:
    values = {name: value for name, value in row.values.items() if value != getattr(now, name)}
    if row.due_date != now.due_date:
        values["due_date"] = row.due_date
    balance: Decimal | None = None
    if row.amount != now.amount:
        values["amount"] = row.amount
    if is_list:
        balance = row.balance if row.balance != now.balance else None
    elif row.amount != now.amount:
        # A corrected amount shifts what was open at first; what has been paid since stays paid.
        shift = row.amount - now.amount
        values["opening_balance"] = now.opening_balance + shift
        balance = now.balance + shift
        if balance * row.amount < 0:
            paid = now.opening_balance - now.balance
            message = f"{paid} of {row.number} is paid already, more than an amount of {row.amount} leaves open. "
            return RowError(row.line, "amount", message + "Correct it by a credit note of its own.")
    documents = tuple(document for document in found if document.sha256 not in now.documents)
    if not values and balance is None and not documents:
        return None
    return ChangedInvoice(now.id, values, balance, documents)


def _paid_ahead(row: InvoiceRow, waiting: Sequence[WaitingPayment]) -> tuple[tuple[str, Decimal], ...]:
    paid: list[tuple[str, Decimal]] = []
    balance = row.balance
    for payment in waiting:
        part = min(payment.left, balance)
        if (payment.customer_id, payment.currency) == (row.customer_id, row.currency) and part > 0:
            paid.append((payment.id, part))
            balance -= part
    return tuple(paid)


def _gone(parsed: Parsed, view: InvoicesView) -> tuple[tuple[int, ...], Stop | None]:
    """Ids of the invoices that the list no longer has, and the stop where they are too many.

    A number on a bad line is on the list all the same: its invoice is neither changed nor settled.
    """
    listed = parsed.bad_keys | {row.number for row in parsed.rows if isinstance(row, InvoiceRow)}
    before = [now for now in view.known.values() if now.state not in NOT_ON_A_LIST and now.balance]
    gone = [now.id for now in view.known.values() if now.number not in listed and _was_listed(now)]
    return tuple(gone), alarms.list_shrank(len(before), len(listed))


def _was_listed(now: InvoiceNow) -> bool:
    return now.state not in {InvoiceState.PAID, InvoiceState.CREDITED} and (
        now.state is not InvoiceState.WRITTEN_OFF or bool(now.balance)
    )


def _unnameable(parsed: Parsed, rows: Sequence[InvoiceRow], view: InvoicesView) -> list[RowError]:
    """Why a list can't be taken as the whole truth: an item that can't be named may be any that seems gone."""
    errors = [
        RowError(line, "number", "this line of the open-items list names no invoice, so none can be taken as settled.")
        for line in parsed.nameless_lines
    ]
    if not rows and not parsed.errors and any(_was_listed(now) for now in view.known.values()):
        message = "a list without a single item would settle every invoice. Export it again, with what is still open."
        errors.append(RowError(1, None, message))
    return errors


def allocations_of(new: NewInvoice, invoice_id: int) -> tuple[Allocated, ...]:
    """The payments that had waited for a new invoice, as they are told."""
    return tuple(Allocated(payment, invoice_id, new.row.number, part, NAMED) for payment, part in new.payments)
