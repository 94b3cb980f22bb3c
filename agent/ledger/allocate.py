"""Which invoices a payment pays, and which ones a reversal reopens. Pure, exact to the cent.

The named invoice; else one whose balance is that very amount; else the oldest first. What is left over, and what names
an invoice that can't be meant, is never guessed: a person looks at it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

NAMED = "named"
EXACT_AMOUNT = "exact_amount"
OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice of the payer, in the payment's currency, of which something is left to pay."""

    id: int
    number: str
    due_date: date
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to one invoice; negative: what is taken back from it."""

    invoice_id: int
    amount: Decimal
    rule: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """The parts and what is left over; together they are the payment's amount."""

    parts: tuple[Part, ...]
    left: Decimal


@dataclass(frozen=True, slots=True)
class PastPart:
    """What an earlier payment still has on an invoice."""

    payment: str
    payment_amount: Decimal
    payment_date: date
    invoice_id: int
    amount: Decimal


def allocate(amount: Decimal, named: OpenItem | None, items: Iterable[OpenItem]) -> Allocation:
    """Spread a payment.

    Args:
        amount: what came in, above zero.
        named: the invoice that the payment names, also when nothing of it is open; None: it names none.
        items: the payer's open items in the payment's currency; not looked at where one is named.
    """
    if named is not None:
        part = min(amount, max(named.balance, Decimal(0)))
        return Allocation((Part(named.id, part, NAMED),) if part else (), amount - part)
    by_age = sorted((item for item in items if item.balance > 0), key=lambda i: (i.due_date, i.number))
    exact = next((item for item in by_age if item.balance == amount), None)
    if exact is not None:
        return Allocation((Part(exact.id, amount, EXACT_AMOUNT),), Decimal(0))
    parts: list[Part] = []
    for item in by_age:
        if not amount:
            break
        part = min(amount, item.balance)
        parts.append(Part(item.id, part, OLDEST))
        amount -= part
    return Allocation(tuple(parts), amount)


def reverse(amount: Decimal, named_id: int | None, past: Sequence[PastPart]) -> Allocation:
    """Take back what a reversal undoes.

    Args:
        amount: of the reversal, below zero.
        named_id: the invoice that it names. None: the payer's latest payment of that very amount is meant, if all that
            it went to is still there.
        past: what earlier payments of the payer still have on invoices, net of earlier reversals.
    """
    if named_id is not None:
        on_it = sum((part.amount for part in past if part.invoice_id == named_id), Decimal(0))
        back = min(-amount, on_it)
        return Allocation((Part(named_id, -back, NAMED),) if back else (), amount + back)
    net: dict[int, Decimal] = {}
    payments: dict[tuple[date, str], list[PastPart]] = {}
    for part in past:
        net[part.invoice_id] = net.get(part.invoice_id, Decimal(0)) + part.amount
        if part.payment_amount == -amount:
            payments.setdefault((part.payment_date, part.payment), []).append(part)
    for _, parts in sorted(payments.items(), reverse=True):
        if all(net[part.invoice_id] >= part.amount for part in parts):
            taken = tuple(Part(part.invoice_id, -part.amount, EXACT_AMOUNT) for part in parts)
            return Allocation(taken, amount - sum((part.amount for part in taken), Decimal(0)))
    return Allocation((), amount)
