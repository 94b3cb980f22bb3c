"""Which open credits a reminder takes off, where a customer's invoices stand at different steps. Pure.

Invoices at different steps are asked for by different mails, calls and letters. A credit that each of them took off
would be given twice: whoever pays all that was asked for would have paid too little. So it goes to the oldest invoice
first, as sums of money do by law where nobody says otherwise (in France articles 1347-4 and 1342-10 of the Code civil),
and a reminder takes off what reaches its own invoices.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal

from agent.reminders.rules import invoice_hindrance, is_owed
from agent.reminders.values import CustomerView, InvoiceView
from models.invoice import InvoiceKind

NOTHING = Decimal(0)


def credits_off(customer: CustomerView, currency: str, listed: Collection[int], today: date) -> tuple[InvoiceView, ...]:
    """What of the open credits, the oldest first, is taken off the invoices whose ids are ``listed``.

    A credit of which a part went elsewhere has the rest as its balance. What is promised, disputed, held or said to be
    paid takes none: nobody is asked for it, and a customer must not miss a credit for it. Nor does what is not due yet.
    """
    found = _open_credits(customer, currency)
    left = -sum((credit.balance for credit in found), NOTHING)
    elsewhere = NOTHING
    for invoice in sorted(customer.invoices, key=lambda i: (i.due_date, i.number)):
        if invoice.currency != currency or not is_owed(invoice):
            continue
        is_listed = invoice.id in listed
        if is_listed or (invoice.due_date < today and invoice_hindrance(invoice, customer) is None):
            share = min(left, invoice.balance)
            left -= share
            elsewhere += NOTHING if is_listed else share
    return tuple(_without(elsewhere, found))


def _open_credits(customer: CustomerView, currency: str) -> list[InvoiceView]:
    found = (i for i in customer.invoices if i.kind is InvoiceKind.CREDIT_NOTE and i.currency == currency)
    return sorted((i for i in found if i.balance < 0), key=lambda i: (i.due_date, i.number))


def _without(amount: Decimal, found: list[InvoiceView]) -> list[InvoiceView]:
    """These credits after ``amount`` of them was used, the oldest first."""
    rest = []
    for credit in found:
        used = min(amount, -credit.balance)
        amount -= used
        if credit.balance + used < 0:
            rest.append(replace(credit, balance=credit.balance + used))
    return rest


def told_elsewhere(customer: CustomerView, currency: str, taken: Collection[InvoiceView]) -> tuple[str, ...]:
    """The note that others than ``taken`` from the open credits go to older invoices; none where all are taken."""
    whole = sum((credit.balance for credit in _open_credits(customer, currency)), NOTHING)
    elsewhere = sum((credit.balance for credit in taken), NOTHING) - whole
    if not elsewhere:
        return ()
    return (f"{elsewhere} {currency} of the open credits go to older invoices, which are asked for apart",)
