"""Replies and labelled rows with honest defaults; a test states only what matters to it."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from classifier.values import InvoiceRef, Reply

WEDNESDAY = "2026-03-11T09:00:00+01:00"


def invoice(
    number: str = "FA-2026-0312", amount: str = "1240.00", due: str = "2026-02-28", currency: str = "EUR"
) -> InvoiceRef:
    return InvoiceRef(number, Decimal(amount), currency, date.fromisoformat(due))


def reply(text: str, *invoices: InvoiceRef, at: str = WEDNESDAY, name: str = "r1") -> Reply:
    return Reply(name, text, datetime.fromisoformat(at), None, invoices or (invoice(),))


def raw_labels(primary: str = "paid", **changes: Any) -> dict[str, Any]:
    """The `labels` object of a row of `primary`, right by the validator."""
    details = {"dispute": ("dispute_reason", "other"), "question": ("question_topic", "other"),
               "other": ("other_reason", "acknowledgement")}  # fmt: skip
    labels: dict[str, Any] = {
        "primary": primary, "intents": [primary],
        "per_invoice": {} if primary == "other" else {"FA-2026-0312": primary},
        "promise_date": None, "promised": [], "paid_date": None, "paid_amount": None, "payment_method": None,
        "payment_reference": None, "dispute_reason": None, "question_topic": None, "other_reason": None,
        "late_reason": None, "new_contact": None,
    }  # fmt: skip
    if primary in details:
        name, value = details[primary]
        labels[name] = value
    return labels | changes


def raw_row(name: str = "fr-a01-01", primary: str = "paid", **changes: Any) -> dict[str, Any]:
    """One object of a data file."""
    author = name.rsplit("-", 1)[0]
    row: dict[str, Any] = {
        "id": name, "author": author, "group": f"idea-{name}", "language": "fr", "date": WEDNESDAY,
        "reminder_sent": "2026-03-10T08:00:00+01:00",
        "invoices": [{"number": "FA-2026-0312", "amount": "1240.00", "currency": "EUR", "due": "2026-02-28"}],
        "text": "Bonjour,\n\nLe virement est parti ce matin.\n", "labels": raw_labels(primary),
    }  # fmt: skip
    return row | changes


def write_rows(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return file
