"""Labelled replies: reading and strict checking of JSON lines.

One object a line: id, author, group, language, date, reminder_sent, invoices, text, labels (data/README.md tells each
key). The *hand* of a row is who wrote it down (the part of `author` before its number: `fr-b` of `fr-b07`); splits by
hand and by group of ideas are what keeps an evaluation honest. Every fault is told with its file and line.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from classifier import labels
from classifier.errors import DataError
from classifier.values import InvoiceRef, Promised, Reply

COMMITTED = Path(__file__).parent / "data" / "replies"

_KEYS = {"id", "author", "group", "language", "date", "reminder_sent", "invoices", "text", "labels"}
_LABEL_KEYS = {
    "primary",
    "intents",
    "per_invoice",
    "promise_date",
    "promised",
    "paid_date",
    "paid_amount",
    "payment_method",
    "payment_reference",
    "dispute_reason",
    "question_topic",
    "other_reason",
    "late_reason",
    "new_contact",
}
_HAND = re.compile(r"[-_]?\d+$")


@dataclass(frozen=True, slots=True)
class Labels:
    """What a person says the reply means, by the labelling guide."""

    primary: str
    intents: tuple[str, ...]
    per_invoice: Mapping[str, str]
    promise_date: date | None = None
    promised: tuple[Promised, ...] = ()
    paid_date: date | None = None
    paid_amount: Decimal | None = None
    payment_method: str | None = None
    payment_reference: str | None = None
    dispute_reason: str | None = None
    question_topic: str | None = None
    other_reason: str | None = None
    late_reason: str | None = None
    new_contact: str | None = None

    def detail(self, name: str) -> str | None:
        value = getattr(self, name)
        return value if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled reply."""

    reply: Reply
    author: str
    group: str
    language: str
    labels: Labels

    @property
    def hand(self) -> str:
        """Who wrote the file: `fr-b` for the author `fr-b07`."""
        return _HAND.sub("", self.author)


def read_rows(files: Iterable[Path]) -> list[Row]:
    """All rows of `files`, in order. Raises `DataError` that names every fault by file and line."""
    rows: list[Row] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for file in files:
        try:
            lines = file.read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{file}: can't be read as UTF-8 ({error})")
            continue
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{file}:{number}"
            row = _row(line, where, faults)
            if row is None:
                continue
            if row.reply.id in seen:
                faults.append(f"{where}: id {row.reply.id!r} stands already at {seen[row.reply.id]}")
            seen.setdefault(row.reply.id, where)
            rows.append(row)
    if faults:
        raise DataError(faults)
    return rows


def data_files(folder: Path = COMMITTED) -> list[Path]:
    """The *.jsonl files of `folder` by name."""
    return sorted(folder.glob("*.jsonl"))


def data_hash(files: Iterable[Path]) -> str:
    """SHA-256 over the files' names and bytes, in the order given: the identity of a training set."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def reply_from(raw: Mapping[str, Any], where: str) -> Reply:
    """The reply in one JSON object of `classify`; a time without an offset counts as UTC. Raises `DataError`."""
    faults: list[str] = []
    reply = _reply(raw, where, faults, needs_offset=False)
    if faults or reply is None:
        raise DataError(faults)
    return reply


def _row(line: str, where: str, faults: list[str]) -> Row | None:
    try:
        raw = json.loads(line)
    except ValueError as error:
        faults.append(f"{where}: not JSON ({error})")
        return None
    if not isinstance(raw, dict):
        faults.append(f"{where}: not a JSON object")
        return None
    before = len(faults)
    _check_keys(raw, _KEYS, where, faults)
    faults += [
        f"{where}: {key} must be a text that is not empty"
        for key in ("author", "group", "language")
        if not isinstance(raw.get(key), str) or not raw.get(key)
    ]
    _closed(raw.get("language"), "language", labels.LANGUAGES, where, faults)
    reply = _reply(raw, where, faults, needs_offset=True)
    marks = raw.get("labels")
    if not isinstance(marks, dict):
        faults.append(f"{where}: labels must be an object")
        return None
    _check_keys(marks, _LABEL_KEYS, f"{where}: labels", faults)
    if len(faults) > before or reply is None:
        return None
    said = _labels(marks, reply, where, faults)
    if said is None or len(faults) > before:
        return None
    return Row(reply, raw["author"], raw["group"], raw["language"], said)


def _reply(raw: Mapping[str, Any], where: str, faults: list[str], *, needs_offset: bool) -> Reply | None:
    before = len(faults)
    text = raw.get("text")
    if not isinstance(text, str) or not text.strip():
        faults.append(f"{where}: text must be a text that is not empty")
    if not isinstance(raw.get("id"), str) or not raw.get("id"):
        faults.append(f"{where}: id must be a text that is not empty")
    moment = _moment(raw.get("date"), f"{where}: date", faults, needs_offset=needs_offset)
    sent = raw.get("reminder_sent")
    told = f"{where}: reminder_sent"
    reminder_sent = None if sent is None else _moment(sent, told, faults, needs_offset=needs_offset)
    listed = raw.get("invoices", [])
    invoices: list[InvoiceRef] = []
    if not isinstance(listed, list):
        faults.append(f"{where}: invoices must be a list")
    else:
        for at, each in enumerate(listed, 1):
            invoice = _invoice(each, f"{where}: invoice {at}", faults)
            if invoice:
                invoices.append(invoice)
    if len(faults) > before or moment is None:
        return None
    return Reply(raw["id"], str(text), moment, reminder_sent, tuple(invoices))


def _invoice(raw: Any, where: str, faults: list[str]) -> InvoiceRef | None:
    if not isinstance(raw, dict):
        faults.append(f"{where} must be an object")
        return None
    number, currency, due = raw.get("number"), raw.get("currency"), raw.get("due")
    amount = _amount(raw.get("amount"), f"{where}: amount", faults)
    day = None if due is None else _day(due, f"{where}: due", faults)
    if not isinstance(number, str) or not number:
        faults.append(f"{where}: number must be a text that is not empty")
        return None
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        faults.append(f"{where}: currency must be three capital letters (ISO 4217)")
        return None
    return None if amount is None else InvoiceRef(number, amount, currency, day)


def _labels(raw: Mapping[str, Any], reply: Reply, where: str, faults: list[str]) -> Labels | None:
    before = len(faults)
    intents = raw["intents"]
    if not isinstance(intents, list) or not intents:
        faults.append(f"{where}: intents must be a list that is not empty")
        return None
    for intent in intents:
        _closed(intent, "intents", labels.INTENTS, where, faults)
    if len(set(map(str, intents))) != len(intents):
        faults.append(f"{where}: intents names one twice")
    if raw["primary"] not in intents:
        faults.append(f"{where}: primary {raw['primary']!r} is not among intents {intents}")
    _check_per_invoice(raw["per_invoice"], reply, where, faults)
    _check_details(raw, intents, where, faults)
    days = {
        name: None if raw[name] is None else _day(raw[name], f"{where}: {name}", faults)
        for name in ("promise_date", "paid_date")
    }
    paid = None if raw["paid_amount"] is None else _amount(raw["paid_amount"], f"{where}: paid_amount", faults)
    promised = _promised(raw["promised"], where, faults)
    if len(faults) > before:
        return None
    return Labels(
        raw["primary"],
        tuple(intents),
        raw["per_invoice"],
        days["promise_date"],
        promised,
        days["paid_date"],
        paid,
        raw["payment_method"],
        raw["payment_reference"],
        raw["dispute_reason"],
        raw["question_topic"],
        raw["other_reason"],
        raw["late_reason"],
        raw["new_contact"],
    )


def _check_details(raw: Mapping[str, Any], intents: Sequence[str], where: str, faults: list[str]) -> None:
    for name, intent, closed in labels.DETAILS:
        if raw[name] is not None:
            _closed(raw[name], name, closed, where, faults)
        if (raw[name] is not None) != (intent in intents):
            faults.append(f"{where}: {name} must be given exactly when {intent} is among intents")
    optional: tuple[tuple[str, Sequence[str]], ...] = (
        ("payment_method", labels.PAYMENT_METHODS),
        ("late_reason", labels.LATE_REASONS),
    )
    for name, values in optional:
        if raw[name] is not None:
            _closed(raw[name], name, values, where, faults)
    if raw["promise_date"] is not None and "promise" not in intents:
        faults.append(f"{where}: promise_date without promise among intents")
    faults += [
        f"{where}: {name} must be a text or null"
        for name in ("payment_reference", "new_contact")
        if raw[name] is not None and not isinstance(raw[name], str)
    ]


def _check_per_invoice(raw: Any, reply: Reply, where: str, faults: list[str]) -> None:
    if not isinstance(raw, dict):
        faults.append(f"{where}: per_invoice must be an object")
        return
    listed = {invoice.number for invoice in reply.invoices}
    for number, intent in raw.items():
        if number not in listed:
            faults.append(f"{where}: per_invoice names {number!r}, which the reminder doesn't list")
        _closed(intent, "per_invoice", labels.INTENTS, where, faults)


def _promised(raw: Any, where: str, faults: list[str]) -> tuple[Promised, ...]:
    if not isinstance(raw, list):
        faults.append(f"{where}: promised must be a list")
        return ()
    parts = []
    for each in raw:
        if not isinstance(each, dict) or set(each) != {"date", "amount", "currency"}:
            faults.append(f"{where}: promised takes objects with date, amount and currency")
            continue
        on = None if each["date"] is None else _day(each["date"], f"{where}: promised", faults)
        amount = None if each["amount"] is None else _amount(each["amount"], f"{where}: promised", faults)
        parts.append(Promised(on, amount, each["currency"]))
    return tuple(parts)


def _check_keys(raw: Mapping[str, Any], wanted: set[str], where: str, faults: list[str]) -> None:
    missing, strange = sorted(wanted - set(raw)), sorted(set(raw) - wanted)
    if missing:
        faults.append(f"{where}: missing {', '.join(missing)}")
        # Later checks index these keys; a row without them is told once and left out.
    if strange:
        faults.append(f"{where}: unknown {', '.join(strange)}")


def _closed(value: Any, name: str, closed: Sequence[str], where: str, faults: list[str]) -> None:
    if value not in closed:
        faults.append(f"{where}: {name} {value!r} is none of {', '.join(closed)}")


def _moment(value: Any, where: str, faults: list[str], *, needs_offset: bool) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        faults.append(f"{where} {value!r} is no ISO 8601 time")
        return None
    if moment.tzinfo is not None:
        return moment
    if needs_offset:
        faults.append(f"{where} {value!r} has no offset")
        return None
    return moment.replace(tzinfo=UTC)


def _day(value: Any, where: str, faults: list[str]) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        faults.append(f"{where} {value!r} is no ISO 8601 date")
        return None


def _amount(value: Any, where: str, faults: list[str]) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        faults.append(f"{where} {value!r} must be a text with a decimal number and a dot")
        return None
    return amount


def main(arguments: Sequence[str]) -> int:
    """Check the named files, or the committed ones, all together: ids are unique over all of them."""
    files = [Path(each) for each in arguments] or data_files()
    try:
        rows = read_rows(files)
    except DataError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return error.exit_code
    counts = Counter(row.labels.primary for row in rows)
    told = ", ".join(f"{counts[intent]} {intent}" for intent in labels.INTENTS)
    sys.stdout.write(f"{len(rows)} rows in {len(files)} files are right: {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
