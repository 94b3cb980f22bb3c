"""A formal notice, or another letter of the plan, for a person to print, sign and send: composed, never sent by itself.

What it must say stands in the data: who to whom, the date, each invoice with its dates and sums, the exact debt with
interest and indemnity, a clear demand and the last day to pay. As in mails, a figure that the data does not hold
refuses the letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import Environment, TemplateError, TemplateNotFound

from agent.reminders import readback
from agent.reminders.charges import Charges
from agent.reminders.letter_values import Bank, LetterError, Signatory
from agent.reminders.paper import Paper, Table
from agent.reminders.payment_code import MOST, payment_code
from agent.reminders.templates import NO_BREAK_SPACE, Catalogue, catalogue_for
from agent.reminders.values import InvoiceView

_GAP = re.compile(r"\n[ \t]*\n")
_SPACES = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody at the head of a letter, line by line; the first is the name."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything that a letter of the plan says. ``credits`` have negative balances; ``deadline`` is the last day."""

    company: Party
    registration: str
    city: str
    customer: Party
    language: str
    template: str
    currency: str
    invoices: tuple[InvoiceView, ...]
    credits: tuple[InvoiceView, ...]
    charges: Charges | None
    bank: Bank | None
    signatory: Signatory | None
    deadline: date
    at: datetime

    @property
    def to_pay(self) -> Decimal:
        owed = sum((i.balance for i in (*self.invoices, *self.credits)), Decimal(0))
        return owed + (self.charges.total if self.charges is not None else 0)


def compose_notice(notice: Notice, environment: Environment) -> Paper:
    """The letter, read back and found right.

    Raises:
        LetterError: nothing is left to pay, the text is missing or wrong, or says what the data does not hold.
    """
    if notice.to_pay <= 0 or not notice.invoices:
        raise LetterError(f"{notice.customer.name} owes nothing that a letter could ask for")
    catalogue = catalogue_for(environment, notice.language)
    phrases = catalogue.phrases
    context = _context(notice, catalogue)
    name = f"letters/{catalogue.language}/{notice.template}.j2"
    parts = _rendered(environment, name, context)
    sending, title, greeting, opening, closing = parts

    def money(amount: Decimal) -> str:
        return catalogue.money(amount, notice.currency)

    sums = [(phrases["total"], money(sum((i.balance for i in notice.invoices), Decimal(0))))]
    sums += [(f"{phrases['credit']} {c.number}", money(c.balance)) for c in notice.credits]
    if notice.charges is not None:
        sums.append((f"{phrases['interest']} {context['charges']['until']}", context["charges"]["interest"]))
        if notice.charges.indemnity:
            sums.append((phrases["indemnity"], context["charges"]["indemnity"]))
    if len(sums) > 1:
        sums.append((phrases["to_pay"], context["to_pay"]))
    rows = tuple(
        (
            invoice.number,
            catalogue.day(invoice.issue_date) if invoice.issue_date else phrases["nothing"],
            catalogue.day(invoice.due_date),
            money(invoice.amount),
            money(invoice.balance),
        )
        for invoice in notice.invoices
    )
    _read_back(name, parts, notice, context, [*(cell for row in rows for cell in row), *phrases.values()])
    place = f"{notice.city}, " if notice.city else ""
    return Paper(
        sender=(notice.company.name, *notice.company.lines),
        recipient=(notice.customer.name, *notice.customer.lines),
        place_and_date=place + catalogue.day_in_words(notice.at.date()),
        sending=sending,
        title=title,
        greeting=greeting,
        opening=_paragraphs(opening),
        tables=(
            Table(
                title="",
                heads=tuple(phrases[key] for key in ("invoice", "issued", "due", "amount", "balance")),
                rows=rows,
                sums=tuple(sums),
                right=2,
            ),
        ),
        closing=_paragraphs(closing),
        bank=_bank(notice, catalogue),
        signature=_signature(notice, catalogue),
        foot=notice.registration,
        code=_code(notice),
        at=notice.at,
        language=catalogue.language,
    )


def _context(notice: Notice, catalogue: Catalogue) -> dict[str, Any]:
    charges = notice.charges
    return {
        "phrases": catalogue.phrases,
        "company": notice.company.name,
        "customer": notice.customer.name,
        "to_pay": catalogue.money(notice.to_pay, notice.currency),
        "deadline": catalogue.day_in_words(notice.deadline),
        "law": charges.law if charges is not None else "",
        "charges": None
        if charges is None
        else {
            "until": catalogue.day(charges.until),
            "interest": catalogue.money(charges.interest, notice.currency),
            "indemnity": catalogue.money(charges.indemnity, notice.currency) if charges.indemnity else "",
        },
    }


def _rendered(environment: Environment, name: str, context: dict[str, Any]) -> list[str]:
    try:
        text = environment.get_template(name).render(context)
    except TemplateNotFound as error:
        raise LetterError(f"templates/{error}: there is no such text", "Write it, or change the plan.") from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise LetterError(f"templates/{name}: {error}", "Mend it.") from error
    parts = [part.strip() for part in text.split("\f")]
    if len(parts) != 5 or not all(parts[1:]):
        raise LetterError(f"templates/{name}: a part of the letter is empty", "Fill its blocks, all but `sending`.")
    return parts


def _read_back(
    name: str, parts: Sequence[str], notice: Notice, context: dict[str, Any], figures: Sequence[str]
) -> None:
    known = [
        *figures,
        notice.customer.name,
        notice.company.name,
        context["to_pay"],
        context["deadline"],
        context["law"],
    ]
    if context["charges"] is not None:
        known += context["charges"].values()
    for part in parts:
        if unknown := readback.unknown_figures(part, [figure for figure in known if figure]):
            raise LetterError(
                f"templates/{name} says {unknown[0]!r}, which is no figure of this letter", "Take it out."
            )
    said = "\n".join(parts)
    if missing := readback.missing_figures(said, [context["to_pay"], context["deadline"]]):
        raise LetterError(f"templates/{name} lacks {missing[0]!r}", "Demand the sum, and say until when.")


def _paragraphs(text: str) -> tuple[str, ...]:
    found = (_SPACES.sub(" ", part).strip(" ") for part in _GAP.split(text))
    return tuple(part for part in found if part)


def _bank(notice: Notice, catalogue: Catalogue) -> tuple[str, ...]:
    bank, phrases = notice.bank, catalogue.phrases
    if bank is None:
        return ()
    iban = NO_BREAK_SPACE.join(bank.iban[at : at + 4] for at in range(0, len(bank.iban), 4))
    bic = [f"BIC{phrases['colon']} {bank.bic}"] if bank.bic else []
    numbers = " ".join(invoice.number for invoice in notice.invoices)[:140]
    return (
        f"{phrases['pay_to']}{phrases['colon']} {bank.payee}",
        f"IBAN{phrases['colon']} {iban}",
        *bic,
        f"{phrases['reference']}{phrases['colon']} {numbers}",
    )


def _signature(notice: Notice, catalogue: Catalogue) -> tuple[str, ...]:
    who = notice.signatory
    if who is None:
        return (catalogue.phrases["department"], notice.company.name)
    return (who.name, who.title or catalogue.phrases["department"], notice.company.name)


def _code(notice: Notice) -> str | None:
    bank = notice.bank
    if bank is None or not bank.has_qr or notice.currency != "EUR" or notice.to_pay > MOST:
        return None
    numbers = " ".join(invoice.number for invoice in notice.invoices)
    return payment_code(bank.payee, bank.iban, bank.bic, notice.to_pay, numbers)
