"""Payments of a file, beside the open items → which invoice each pays, and which of them a person must look at. Pure.

Payments are taken in the order of their dates, money in before money back, so that the order of lines in a file
does not matter. In the mode `open_items` the list says what is open: payments are kept, and lower nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agent.ledger.allocate import Allocation, OpenItem, PastPart, allocate, reverse
from agent.ledger.judge_people import unknown_customer
from agent.ledger.values import Allocated, InvoiceNow, PaymentRow, Raised, RowError
from models.invoice import InvoiceKind
from models.reasons import ExceptionReason
from models.states import InvoiceState


@dataclass(frozen=True, slots=True)
class PaymentNow:
    """A payment that was imported before."""

    id: str
    customer_id: str
    date: date
    amount: Decimal
    currency: str
    invoice_number: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class PaymentsView:
    """``invoices``: those of the file's customers and those that it names, by number. ``past``: by customer."""

    customers: frozenset[str]
    known: Mapping[str, PaymentNow]
    invoices: Mapping[str, InvoiceNow]
    past: Mapping[str, tuple[PastPart, ...]]
    currency: str
    """The company's."""


@dataclass(frozen=True, slots=True)
class NewPayment:
    row: PaymentRow
    currency: str
    allocations: tuple[Allocated, ...]
    raised: Raised | None


@dataclass(frozen=True, slots=True)
class ChangedPayment:
    id: str
    date: date
    reference: str | None


@dataclass(frozen=True, slots=True)
class PaymentChanges:
    create: tuple[NewPayment, ...]
    change: tuple[ChangedPayment, ...]
    unchanged: int
    errors: tuple[RowError, ...]


def judge_payments(rows: Sequence[PaymentRow], view: PaymentsView, *, is_list: bool) -> PaymentChanges:
    """What a file of payments changes; ``is_list``: the list of open items is the truth, nothing is allocated."""
    create: list[NewPayment] = []
    change: list[ChangedPayment] = []
    errors: list[RowError] = []
    unchanged = 0
    books = _Books(view)
    for row in sorted(rows, key=lambda row: (row.date, row.amount < 0, row.line)):
        now = view.known.get(row.id)
        if row.customer_id not in view.customers:
            errors.append(unknown_customer(row.line, row.customer_id))
        elif now is None:
            create.append(books.enter(row, is_list=is_list))
        elif error := _clash(row, now, books.currency_of(row)):
            errors.append(error)
        elif (row.date, row.reference) != (now.date, now.reference):
            change.append(ChangedPayment(row.id, row.date, row.reference))
        else:
            unchanged += 1
    return PaymentChanges(tuple(create), tuple(change), unchanged, tuple(errors))


def _clash(row: PaymentRow, now: PaymentNow, currency: str) -> RowError | None:
    pairs = (
        ("amount", row.amount, now.amount),
        ("currency", currency, now.currency),
        ("customer_id", row.customer_id, now.customer_id),
        ("invoice_number", row.invoice_number, now.invoice_number),
    )
    for column, new, old in pairs:
        if new != old:
            was = old if old is not None else "empty"
            message = f"payment {row.id} was imported with {was} here. "
            return RowError(row.line, column, message + "Correct money by a reversal and a payment, each with its id.")
    return None


class _Books:
    """The balances as they stand after each payment of the file."""

    def __init__(self, view: PaymentsView) -> None:
        self.view = view
        self.invoices = dict(view.invoices)
        self.numbers = {invoice.id: invoice.number for invoice in view.invoices.values()}
        self.payable: dict[tuple[str, str], list[str]] = defaultdict(list)
        for invoice in view.invoices.values():
            if invoice.kind is InvoiceKind.INVOICE and invoice.state is not InvoiceState.WRITTEN_OFF:
                self.payable[invoice.customer_id, invoice.currency].append(invoice.number)
        self.past = {customer: list(parts) for customer, parts in view.past.items()}

    def currency_of(self, row: PaymentRow) -> str:
        named = self.invoices.get(row.invoice_number or "")
        return row.currency or (named.currency if named is not None else self.view.currency)

    def enter(self, row: PaymentRow, *, is_list: bool) -> NewPayment:
        currency = self.currency_of(row)
        if is_list:
            return NewPayment(row, currency, (), None)
        named = self.invoices.get(row.invoice_number or "")
        if row.invoice_number and (why := self._unusable(row, named, currency)):
            customers = dict.fromkeys((row.customer_id, named.customer_id if named else row.customer_id))
            ids = (named.id,) if named and named.customer_id == row.customer_id else ()
            return NewPayment(
                row, currency, (), Raised(row.id, ExceptionReason.UNKNOWN_INVOICE, why, tuple(customers), ids)
            )
        found = self._take_in(row, named, currency) if row.amount > 0 else self._take_back(row, named, currency)
        allocations = tuple(self._post(row, part.invoice_id, part.amount, part.rule) for part in found.parts)
        raised = self._raised(row, named, currency, allocations, found.left) if found.left else None
        return NewPayment(row, currency, allocations, raised)

    def _unusable(self, row: PaymentRow, named: InvoiceNow | None, currency: str) -> str | None:
        """Why the invoice that a payment names can't be meant."""
        if named is None:
            return f"payment {row.id} of {row.amount} {currency} names invoice {row.invoice_number}, which is not known"
        if named.customer_id != row.customer_id:
            return f"payment {row.id} of customer {row.customer_id} names {named.number} of {named.customer_id}"
        if named.currency != currency:
            return f"payment {row.id} in {currency} names {named.number}, which is in {named.currency}"
        return None

    def _take_in(self, row: PaymentRow, named: InvoiceNow | None, currency: str) -> Allocation:
        items = [_item(self.invoices[number]) for number in self.payable.get((row.customer_id, currency), ())]
        return allocate(row.amount, _item(named) if named is not None else None, items)

    def _take_back(self, row: PaymentRow, named: InvoiceNow | None, currency: str) -> Allocation:
        if named is not None and named.kind is InvoiceKind.CREDIT_NOTE:
            # Money that goes out to the customer settles the credit note that it names.
            mirrored = allocate(-row.amount, replace(_item(named), balance=-named.balance), ())
            parts = tuple(replace(part, amount=-part.amount) for part in mirrored.parts)
            return Allocation(parts, -mirrored.left)
        past = [p for p in self.past.get(row.customer_id, ()) if self._invoice(p.invoice_id).currency == currency]
        return reverse(row.amount, named.id if named is not None else None, past)

    def _invoice(self, invoice_id: int) -> InvoiceNow:
        return self.invoices[self.numbers[invoice_id]]

    def _post(self, row: PaymentRow, invoice_id: int, amount: Decimal, rule: str) -> Allocated:
        invoice = self._invoice(invoice_id)
        self.invoices[invoice.number] = replace(invoice, balance=invoice.balance - amount)
        part = PastPart(row.id, row.amount, row.date, invoice_id, amount)
        self.past.setdefault(row.customer_id, []).append(part)
        return Allocated(row.id, invoice_id, invoice.number, amount, rule)

    def _raised(
        self,
        row: PaymentRow,
        named: InvoiceNow | None,
        currency: str,
        allocations: Sequence[Allocated],
        left: Decimal,
    ) -> Raised:
        ids = tuple(dict.fromkeys([part.invoice_id for part in allocations] + ([named.id] if named else [])))
        if row.amount > 0:
            where = f"; {named.number} needed no more" if named else "; nothing else is open"
            detail = f"{left} of {row.amount} {currency} of payment {row.id} is left over{where}"
            return Raised(row.id, ExceptionReason.OVERPAYMENT, detail, (row.customer_id,), ids)
        where = f" on {named.number}" if named else ""
        detail = f"payment {row.id} takes back {-row.amount} {currency}, of which {-left} was never booked{where}"
        return Raised(row.id, ExceptionReason.UNKNOWN_INVOICE, detail, (row.customer_id,), ids)


def _item(invoice: InvoiceNow) -> OpenItem:
    return OpenItem(invoice.id, invoice.number, invoice.due_date, invoice.balance)
