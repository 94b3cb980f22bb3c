"""Made-up letters on paper, so that a company looks at its formal notices before a person sends one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from jinja2 import Environment

from agent.reminders.charges import ChargedLine, Charges
from agent.reminders.compose import bank_of, signatory_of
from agent.reminders.notice import Notice, Party
from agent.reminders.templates import languages
from agent.reminders.values import InvoiceView
from config import Settings
from config.plans import Channel, load_plans
from models.invoice import InvoiceKind
from models.states import InvoiceState

_TEXT = re.compile(r"letters/([a-z]{2})/([a-z][a-z0-9_]*)\.j2")


@dataclass(frozen=True, slots=True)
class LetterSample:
    """A made-up letter; ``case`` says what it holds."""

    language: str
    template: str
    case: str
    notice: Notice


def letter_samples(settings: Settings, environment: Environment, now: datetime) -> Iterator[LetterSample]:
    """Each letter that there is or that a plan names, in every language: plain, and with charges and a credit."""
    named = {
        step.template for plan in load_plans(settings).values() for step in plan.steps
        if step.channel is Channel.LETTER and step.template
    }  # fmt: skip
    there = {found[2] for name in environment.list_templates() if (found := _TEXT.fullmatch(name))}
    for language in languages(environment):
        for template in sorted(named | there):
            plain = _notice(settings, language, template, now)
            yield LetterSample(language, template, "plain", plain)
            charges = Charges(
                now.astimezone(settings.zone).date(), "L441-10 C. com.",
                tuple(ChargedLine(i.number, Decimal("12.34"), Decimal("40.00")) for i in plain.invoices), True, (),
            )  # fmt: skip
            credit = replace(
                plain.invoices[0], number="AV-2026-0031", kind=InvoiceKind.CREDIT_NOTE, balance=Decimal("-120.00")
            )
            yield LetterSample(language, template, "charged", replace(plain, charges=charges, credits=(credit,)))


def _notice(settings: Settings, language: str, template: str, now: datetime) -> Notice:
    at, company = now.astimezone(settings.zone), settings.company
    today = at.date()
    return Notice(
        company=Party(company.name, tuple(part.strip() for part in company.address.split(",") if part.strip())),
        registration=company.registration or company.name,
        city="",
        customer=Party("Menuiserie Lefèvre & Fils", ("3 place du Marché", "21000 Dijon")),
        language=language,
        template=template,
        currency="EUR",
        invoices=(
            _invoice("FA-2026-0312", today - timedelta(days=31), "1240.00", "1240.00"),
            _invoice("FA-2026-0340", today - timedelta(days=28), "12480.50", "300.25"),
        ),
        credits=(),
        charges=None,
        bank=bank_of(settings),
        signatory=signatory_of(settings),
        deadline=today + timedelta(days=settings.reminders.notice_days),
        at=at,
    )


def _invoice(number: str, due: date, amount: str, balance: str) -> InvoiceView:
    return InvoiceView(
        id=0, number=number, kind=InvoiceKind.INVOICE, issue_date=due - timedelta(days=30), due_date=due,
        amount=Decimal(amount), balance=Decimal(balance), currency="EUR", purchase_order=None,
        state=InvoiceState.REMINDED, cycle=1, done=frozenset(), steps_reserved=frozenset(), held=None,
        promised_for=None, documents=(), payments=(), status=None,
    )  # fmt: skip
