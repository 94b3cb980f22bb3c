"""Letters with honest defaults: a test states only what matters to it."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from agent.reminders.letter_values import Letter, LetterLine

MESSAGE_ID = "<r.abcdefghijklmnopqrstuvwx23@morel.example>"


def line(**changes: Any) -> LetterLine:
    """FA-2026-0312 of 1240.00, all of it open, due on 28 February 2026, 13 days late."""
    made = LetterLine(
        number="FA-2026-0312",
        issue_date=date(2026, 1, 29),
        due_date=date(2026, 2, 28),
        amount=Decimal("1240.00"),
        balance=Decimal("1240.00"),
        days_late=13,
        purchase_order=None,
    )
    return replace(made, **changes)


PARTLY_PAID = line(
    number="FA-2026-0340",
    issue_date=date(2026, 2, 1),
    due_date=date(2026, 3, 1),
    amount=Decimal("12480.50"),
    balance=Decimal("300.25"),
    days_late=12,
    purchase_order="4500017823",
)


def letter(*lines: LetterLine, **changes: Any) -> Letter:
    """The first, friendly, French reminder of one invoice (or of `lines`), on 13 March 2026."""
    lines = lines or (line(),)
    made = Letter(
        company_name="Ateliers Morel SAS",
        sender="compta@morel.example",
        reply_to=None,
        recipient="fournisseurs@lefevre.example",
        recipient_name=None,
        copies=(),
        customer_name="Menuiserie Lefèvre & Fils",
        language="fr",
        template="friendly_reminder",
        tone="friendly",
        level=1,
        currency="EUR",
        lines=lines,
        total=sum((one.balance for one in lines), Decimal(0)),
        message_id=MESSAGE_ID,
        in_reply_to=None,
        references=(),
        thread_subject=None,
        date=datetime(2026, 3, 13, 9, 0, tzinfo=ZoneInfo("Europe/Paris")),
    )
    return replace(made, **changes)
