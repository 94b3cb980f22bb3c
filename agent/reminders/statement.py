"""A statement of account: all that is open of one customer, by currency, with what was paid on it. Pure.

Every figure is the ledger's; each table's balance is the sum of its open invoices less its credits and less what came
in and is not allocated yet, to the cent. What the customer has promised, disputes or says is paid stands in it as well:
a statement tells what is in the books and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jinja2 import Environment

from agent.reminders.interest import PartPayment
from agent.reminders.letter_values import LetterError
from agent.reminders.notice import Party
from agent.reminders.paper import Paper, Table
from agent.reminders.schedule import local_day
from agent.reminders.templates import Catalogue, catalogue_for
from agent.reminders.values import CustomerView, InvoiceView
from models.invoice import InvoiceKind
from models.states import InvoiceState

NOTHING = Decimal(0)

_SAID = {
    InvoiceState.PROMISED: "apart_promised",
    InvoiceState.DISPUTED: "apart_disputed",
    InvoiceState.PAYMENT_REPORTED: "apart_payment_reported",
}


@dataclass(frozen=True, slots=True)
class Account:
    """What is open in one currency. ``credits`` have negative balances, ``on_account`` is what came in unallocated."""

    currency: str
    invoices: tuple[InvoiceView, ...]
    credits: tuple[InvoiceView, ...]
    on_account: Decimal

    def total(self) -> Decimal:
        return sum((i.balance for i in self.invoices), NOTHING)

    def overdue(self, today: date) -> Decimal:
        return sum((i.balance for i in self.invoices if i.due_date < today), NOTHING)

    def credited(self) -> Decimal:
        return sum((c.balance for c in self.credits), NOTHING)

    def balance(self) -> Decimal:
        return self.total() + self.credited() - self.on_account


def accounts_of(customer: CustomerView) -> tuple[Account, ...]:
    """One account for each currency in which anything is open, by its code."""
    is_open = [i for i in customer.invoices if i.balance != 0]
    currencies = {i.currency for i in is_open} | set(customer.on_account)

    def chosen(currency: str, *, is_credit: bool) -> tuple[InvoiceView, ...]:
        found = (i for i in is_open if i.currency == currency and (i.kind is InvoiceKind.CREDIT_NOTE) is is_credit)
        return tuple(sorted(found, key=lambda i: (i.due_date, i.number)))

    return tuple(
        Account(
            currency,
            chosen(currency, is_credit=False),
            chosen(currency, is_credit=True),
            customer.on_account.get(currency, NOTHING),
        )
        for currency in sorted(currencies)
    )


@dataclass(frozen=True, slots=True)
class Heads:
    """Who writes to whom, as it stands on paper."""

    company: Party
    registration: str
    customer: Party


def compose_statement(customer: CustomerView, heads: Heads, environment: Environment, at: datetime) -> Paper:
    """The statement of a customer's present day. Raises LetterError where nothing is open at all."""
    accounts = accounts_of(customer)
    if not accounts:
        raise LetterError(f"nothing of {customer.id} is open: there is no statement to make")
    catalogue = catalogue_for(environment, customer.language)
    phrases = catalogue.phrases
    today = local_day(at, customer.timezone)
    day = catalogue.day_in_words(today)
    return Paper(
        sender=(heads.company.name, *heads.company.lines),
        recipient=(heads.customer.name, *heads.customer.lines),
        place_and_date=day,
        sending="",
        title=f"{phrases['statement']} – {phrases['statement_on'] % {'day': day}}",
        greeting="",
        opening=(phrases["statement_opening"] % {"day": day},),
        tables=tuple(_table(account, catalogue, today) for account in accounts),
        closing=(),
        bank=(),
        signature=(phrases["department"], heads.company.name),
        foot=heads.registration,
        code=None,
        at=at,
        language=catalogue.language,
    )


def _table(account: Account, catalogue: Catalogue, today: date) -> Table:
    phrases = catalogue.phrases

    def money(amount: Decimal) -> str:
        return catalogue.money(amount, account.currency)

    rows = [row for invoice in account.invoices for row in _rows(invoice, catalogue, today)]
    rows += [
        (
            f"{phrases['credit']} {credit.number}",
            catalogue.day(credit.issue_date or credit.due_date),
            phrases["nothing"],
            money(credit.amount),
            money(credit.amount - credit.balance),
            money(credit.balance),
        )
        for credit in account.credits
    ]
    overdue = account.overdue(today)
    sums = [(phrases["total"], money(account.total()))]
    if overdue:
        sums.append((phrases["overdue_part"], money(overdue)))
    if account.total() - overdue:
        sums.append((phrases["not_due_part"], money(account.total() - overdue)))
    if account.credits:
        sums.append((phrases["credits"], money(account.credited())))
    if account.on_account:
        sums.append((phrases["on_account"], money(-account.on_account)))
    sums.append((phrases["statement_balance"] % {"currency": account.currency}, money(account.balance())))
    return Table(
        title=phrases["table_of"] % {"currency": account.currency},
        heads=tuple(phrases[key] for key in ("invoice", "issued", "due", "amount", "paid", "balance")),
        rows=tuple(rows),
        sums=tuple(sums),
        right=3,
    )


def _rows(invoice: InvoiceView, catalogue: Catalogue, today: date) -> list[tuple[str, ...]]:
    """An invoice, what was paid on it day by day, and what the customer has said of it."""
    phrases = catalogue.phrases

    def money(amount: Decimal) -> str:
        return catalogue.money(amount, invoice.currency)

    paid = invoice.amount - invoice.balance
    rows: list[tuple[str, ...]] = [
        (
            invoice.number,
            catalogue.day(invoice.issue_date) if invoice.issue_date else phrases["nothing"],
            catalogue.day(invoice.due_date),
            money(invoice.amount),
            money(paid) if paid else phrases["nothing"],
            money(invoice.balance),
        )
    ]
    notes = [phrases[_SAID[invoice.state]]] if invoice.state in _SAID else []
    if invoice.due_date < today:
        notes.append(f"{phrases['late']}{phrases['colon']} {catalogue.days((today - invoice.due_date).days)}")
    if invoice.purchase_order:
        notes.append(f"{phrases['purchase_order']}{phrases['colon']} {invoice.purchase_order}")
    if notes:
        rows.append((" – ".join(notes), "", "", "", "", ""))
    for label, amount in _paid(invoice.payments, paid, catalogue):
        rows.append((label, "", "", "", money(amount), ""))
    return rows


def _paid(payments: Sequence[PartPayment], paid: Decimal, catalogue: Catalogue) -> list[tuple[str, Decimal]]:
    """Each part payment by its day; what the ledger took off besides stands as one sum, so that they add up."""
    phrases = catalogue.phrases
    found = [(phrases["part_payment"] % {"day": catalogue.day(one.day)}, one.amount) for one in payments]
    rest = paid - sum((one.amount for one in payments), NOTHING)
    if payments and rest:
        found.append((phrases["other_settled"], rest))
    return found
