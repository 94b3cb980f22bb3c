"""What the law lets a creditor add to a reminder: interest and indemnity, shown or claimed as the step says. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agent.reminders.interest import indemnity, interest
from agent.reminders.values import InvoiceView, PlannedReminder
from config.law import Law

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """What one invoice bears; ``indemnity`` is None where the law has none in its currency."""

    number: str
    interest: Decimal
    indemnity: Decimal | None


@dataclass(frozen=True, slots=True)
class Charges:
    """What all of them bear, up to and with ``until``; ``notes`` are for the person who answers for it."""

    until: date
    law: str
    lines: tuple[ChargedLine, ...]
    is_claimed: bool
    notes: tuple[str, ...]

    @property
    def interest(self) -> Decimal:
        return sum((line.interest for line in self.lines), NOTHING)

    @property
    def indemnity(self) -> Decimal:
        return sum((line.indemnity or NOTHING for line in self.lines), NOTHING)

    @property
    def total(self) -> Decimal:
        return self.interest + self.indemnity


@dataclass(frozen=True, slots=True)
class ChargeRules:
    """The law that counts and what the company has set."""

    law: Law
    contract_rate: Decimal | None = None
    with_indemnity: bool = True


def charges_on(invoices: Iterable[InvoiceView], until: date, rules: ChargeRules, *, is_claimed: bool) -> Charges | None:
    """The charges on these invoices; None: none of them bears any.

    Raises:
        UnknownLaw: a rate is missing.
    """
    lines, notes = [], []
    for invoice in invoices:
        if invoice.due_date >= until:
            continue
        paid = sum((p.amount for p in invoice.payments), Decimal(0))
        found = interest(
            invoice.balance + paid,
            invoice.due_date,
            until,
            rules.law,
            payments=invoice.payments,
            contract_rate=rules.contract_rate,
        )
        fixed = indemnity(rules.law, invoice.amount, invoice.currency) if rules.with_indemnity else None
        if rules.with_indemnity and fixed is None:
            notes.append(f"{rules.law.country} has no indemnity in {invoice.currency}: none is added")
        lines.append(ChargedLine(invoice.number, found.amount, fixed))
        notes += found.notes
    charges = Charges(until, rules.law.law, tuple(lines), is_claimed, tuple(dict.fromkeys(notes)))
    return charges if charges.total > 0 else None


def charges_of(planned: PlannedReminder, until: date, rules: ChargeRules) -> Charges | None:
    """The charges that a planned reminder shows or claims; None: its step does neither. Raises UnknownLaw."""
    if planned.step.charges == "none" or planned.customer.insolvent_since is not None:
        return None
    invoices = [line.invoice for line in planned.lines]
    return charges_on(invoices, until, rules, is_claimed=planned.step.charges == "claimed")
