"""Sheet → typed rows: which columns each kind of file has, and what may stand in them. Pure.

All mistakes of a file are found in one reading, each with its line and column. Whether a row fits the ledger (is the
customer known?) is for the `judge_…` modules.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from babel.numbers import get_currency_precision
from pydantic import TypeAdapter, ValidationError

from agent.ledger import cells
from agent.ledger.cells import BadCell, Notation
from agent.ledger.sheet import Line, Sheet, UnreadableSheet, read_sheet
from agent.ledger.values import ContactRow, CustomerRow, InvoiceRow, Kind, Parsed, PaymentRow, Row, RowError
from config import fields
from models.invoice import InvoiceKind

Read = Callable[[str, Notation], Any]


def _text(length: int) -> Read:
    def read(text: str, how: Notation) -> str:  # noqa: ARG001 every reader of a cell has the same form
        if len(text) > length:
            raise BadCell(f"expected at most {length} characters, found {len(text)}. Shorten the cell.")
        return text

    return read


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _checked(kind: Any) -> Read:
    """A reader that holds a cell to the same check as the setting of that kind."""

    def read(text: str, how: Notation) -> str:  # noqa: ARG001
        try:
            return str(_adapter(kind).validate_python(text))
        except ValidationError as error:
            context = error.errors()[0].get("ctx", {})
            expected, mend = context.get("expected", "another value"), context.get("mend", "")
            raise BadCell(f"expected {expected}, found “{text}”. {mend}".rstrip()) from None

    return read


_check_address = _checked(fields.MailAddress)
_check_language = _checked(fields.Language)
_CURRENCY_SIGNS = {"€": "EUR", "EURO": "EUR", "EUROS": "EUR", "£": "GBP"}


def _mail_address(text: str, how: Notation) -> str:
    """One address in small letters: no mail system in use tells cases apart in the part before the @."""
    return str(_check_address(text, how)).lower()


def _mail_addresses(text: str, how: Notation) -> str:
    parts = (part.strip() for part in re.split(r"[,;]", text))
    return ", ".join(dict.fromkeys(_mail_address(part, how) for part in parts if part))


def _language(text: str, how: Notation) -> str:
    """`fr`, also where the cell says `fr-FR`."""
    return str(_check_language(re.split(r"[-_]", text)[0], how))


def _currency(text: str, how: Notation) -> str:
    if meant := _CURRENCY_SIGNS.get(text.upper()):
        raise BadCell(f"unknown currency “{text}”. Did you mean {meant}?")
    return str(_checked(fields.Currency)(text, how))


def _kind(text: str, how: Notation) -> InvoiceKind:  # noqa: ARG001
    try:
        return InvoiceKind(re.sub(r"[\s-]+", "_", text.casefold()))
    except ValueError:
        raise BadCell(f"expected invoice or credit_note, found “{text}”.") from None


def _paths(text: str, how: Notation) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    read: Read
    is_required: bool = False


_ID = _text(64)

COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    Kind.CUSTOMERS: (
        Column("id", _ID, True),
        Column("name", _text(256), True),
        Column("email", _mail_address, True),
        Column("language", _language),
        Column("country", _checked(fields.Country)),
        Column("timezone", _checked(fields.Timezone)),
        Column("segment", _text(64)),
        Column("cc", _mail_addresses),
        Column("account_manager", _text(320)),
        Column("payment_method", _text(64)),
        Column("phone", _text(64)),
        Column("address", _text(512)),
        Column("postcode", _text(32)),
        Column("city", _text(128)),
        Column("registration_number", _text(64)),
        Column("vat_number", _text(64)),
        Column("insolvent_since", cells.day),
        Column("no_mail_since", cells.day),
    ),
    Kind.CONTACTS: (
        Column("customer_id", _ID, True),
        Column("email", _mail_address, True),
        Column("name", _text(256)),
        Column("role", _text(64)),
        Column("phone", _text(64)),
        Column("language", _language),
    ),
    Kind.INVOICES: (
        Column("number", _ID, True),
        Column("customer_id", _ID, True),
        Column("due_date", cells.day, True),
        Column("amount", cells.amount, True),
        Column("issue_date", cells.day),
        Column("balance", cells.amount),
        Column("currency", _currency),
        Column("kind", _kind),
        Column("purchase_order", _text(64)),
        Column("status", _text(64)),
        Column("document", _paths),
    ),
    Kind.PAYMENTS: (
        Column("id", _ID, True),
        Column("date", cells.day, True),
        Column("amount", cells.amount, True),
        Column("customer_id", _ID, True),
        Column("currency", _currency),
        Column("invoice_number", _ID),
        Column("reference", _text(256)),
    ),
}

_KEYS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CUSTOMERS: ("id",),
    Kind.CONTACTS: ("customer_id", "email"),
    Kind.INVOICES: ("number",),
    Kind.PAYMENTS: ("id",),
}
"""By which columns a line is told from all others."""


def parse(kind: Kind, raw: bytes, currency: str) -> Parsed:
    """The rows of a file, and every mistake in it.

    Args:
        kind: what the file holds.
        raw: its bytes.
        currency: of an invoice that names none (ISO 4217).
    """
    columns = COLUMNS[kind]
    try:
        sheet = read_sheet(raw, [c.name for c in columns], [c.name for c in columns if c.is_required])
    except UnreadableSheet as error:
        return Parsed((), error.errors, is_fatal=True)
    return _Parsing(kind, sheet, currency).parsed()


class _BadRow(Exception):
    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__(errors)
        self.errors = errors


class _Parsing:
    """One file on its way from cells to rows."""

    def __init__(self, kind: Kind, sheet: Sheet, currency: str) -> None:
        self.kind = kind
        self.sheet = sheet
        self.currency = currency
        by_name = {column.name: column for column in COLUMNS[kind]}
        self.columns = [by_name[name] for name in sheet.columns]
        self.how = cells.notation(self._cells_read_by(cells.amount), self._cells_read_by(cells.day))

    def parsed(self) -> Parsed:
        rows: list[Row] = []
        errors = list(self.sheet.errors)
        bad_keys: set[str] = set()
        nameless = [error.line for error in errors]
        seen: dict[tuple[str, ...], int] = {}
        at = [self.sheet.columns.index(name) for name in _KEYS[self.kind]]
        for line in self.sheet.lines:
            key = tuple(_clean(line.cells[index]) for index in at)
            try:
                if (first := seen.setdefault(key, line.number)) != line.number:
                    raise _BadRow([self._doubled(line.number, key, first)])
                rows.append(self._row(line))
            except _BadRow as bad:
                errors += bad.errors
                if all(key):
                    bad_keys.add(key[0])
                else:
                    nameless.append(line.number)
        errors.sort(key=lambda error: error.line)
        total = len(self.sheet.lines) + len(self.sheet.errors)
        return Parsed(tuple(rows), tuple(errors), total, bad_keys=frozenset(bad_keys), nameless_lines=tuple(nameless))

    def _cells_read_by(self, read: Read) -> list[tuple[int, str]]:
        indexes = [index for index, column in enumerate(self.columns) if column.read is read]
        return [(line.number, _clean(line.cells[index])) for line in self.sheet.lines for index in indexes]

    def _doubled(self, line: int, key: tuple[str, ...], first: int) -> RowError:
        return RowError(
            line, _KEYS[self.kind][-1], f"“{' '.join(key)}” stands on line {first} already. Keep one of the two lines."
        )

    def _row(self, line: Line) -> Row:
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for column, cell in zip(self.columns, line.cells, strict=True):
            text = _clean(cell)
            try:
                values[column.name] = self._value(column, text)
            except BadCell as bad:
                errors.append(RowError(line.number, column.name, str(bad)))
        if errors:
            raise _BadRow(errors)
        try:
            return _BUILDERS[self.kind](line.number, values, self.currency)
        except _BadValue as bad:
            raise _BadRow([RowError(line.number, bad.column, str(bad))]) from None

    def _value(self, column: Column, text: str) -> Any:
        if not text:
            if column.is_required:
                raise BadCell("the cell is empty. Fill it in; this column is required.")
            return None
        if any(unicodedata.category(letter) == "Cc" for letter in text):
            raise BadCell("the cell holds a control character. Type its content anew.")
        return column.read(text, self.how)


def _clean(cell: str) -> str:
    """The cell on one line, with single plain spaces: line ends and no-break spaces count as a space."""
    return " ".join(cell.split())


class _BadValue(ValueError):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _in_cents(column: str, value: Decimal, currency: str) -> Decimal:
    """The amount with as many decimals as its currency has; trailing zeros beyond are no mistake."""
    exact = value.quantize(Decimal(1).scaleb(-get_currency_precision(currency)))
    if exact != value:
        raise _BadValue(column, f"expected at most {get_currency_precision(currency)} decimals for {currency}.")
    return exact


def _customer(line: int, values: dict[str, Any], currency: str) -> CustomerRow:  # noqa: ARG001
    return CustomerRow(line, values["id"], values["email"], {k: v for k, v in values.items() if k != "id"})


def _contact(line: int, values: dict[str, Any], currency: str) -> ContactRow:  # noqa: ARG001
    customer_id, email = values.pop("customer_id"), values.pop("email")
    if "role" in values:
        values["role"] = (values["role"] or "billing").casefold()
    return ContactRow(line, customer_id, email, values)


def _invoice(line: int, values: dict[str, Any], currency: str) -> InvoiceRow:
    currency = values.pop("currency", None) or currency
    kind: InvoiceKind = values.pop("kind", None) or InvoiceKind.INVOICE
    amount = _in_cents("amount", values.pop("amount"), currency)
    given: Decimal | None = values.pop("balance", None)
    balance = amount if given is None else _in_cents("balance", given, currency)
    if kind is InvoiceKind.CREDIT_NOTE:
        amount, balance = -abs(amount), -abs(balance)
    elif amount < 0:
        raise _BadValue("amount", f"{amount} is negative. Write credit_note into the column kind if it is one.")
    if abs(balance) > abs(amount):
        raise _BadValue("balance", f"the balance {balance} is larger than the amount {amount}. Check both columns.")
    due_date: date = values.pop("due_date")
    issued: date | None = values.get("issue_date")
    if issued is not None and issued > due_date and kind is InvoiceKind.INVOICE:
        raise _BadValue("due_date", f"it was due on {due_date}, before it was issued on {issued}. Check both dates.")
    return InvoiceRow(
        line=line,
        number=values.pop("number"),
        customer_id=values.pop("customer_id"),
        due_date=due_date,
        amount=amount,
        balance=balance,
        currency=currency,
        kind=kind,
        documents=values.pop("document", None) or (),
        values=values,
    )


def _payment(line: int, values: dict[str, Any], currency: str) -> PaymentRow:
    own: str | None = values.get("currency")
    amount: Decimal = values["amount"]
    if amount == 0:
        raise _BadValue("amount", "a payment of nothing. Take the line out.")
    return PaymentRow(
        line=line,
        id=values["id"],
        date=values["date"],
        amount=_in_cents("amount", amount, own or currency),
        customer_id=values["customer_id"],
        currency=own,
        invoice_number=values.get("invoice_number"),
        reference=values.get("reference"),
    )


_BUILDERS: Mapping[Kind, Callable[[int, dict[str, Any], str], Row]] = {
    Kind.CUSTOMERS: _customer,
    Kind.CONTACTS: _contact,
    Kind.INVOICES: _invoice,
    Kind.PAYMENTS: _payment,
}
