"""The ordered table of what hinders a reminder: for the whole customer, then for one invoice.

Each rule is a small predicate that answers with a sentence for people, or None. The order is that of the enum's
severity: what stops everything comes first, so that `plan` names the cause and not a consequence.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agent.ledger import freshness
from agent.reminders.schedule import back_on, local_day
from agent.reminders.values import CustomerView, Hindrance, InvoiceView, LedgerView, PlanSettings
from models.invoice import InvoiceKind
from models.states import InvoiceState


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a rule may look at."""

    ledger: LedgerView
    customer: CustomerView
    settings: PlanSettings
    now: datetime


def _stale(at: Situation) -> str | None:
    plan = at.settings
    if freshness.is_recent(at.ledger.as_of, plan.max_age_days, plan.country, plan.zone, at.now):
        return None
    if at.ledger.as_of is None:
        return "no payments (or open items) were ever imported: nothing is sent"
    since = local_day(at.ledger.as_of, at.settings.zone)
    return f"the ledger speaks for {since}, more than {at.settings.max_age_days} working days ago: nothing is sent"


def _stopped(at: Situation) -> str | None:
    return "; ".join(at.ledger.stops) or None


def _not_adopted(at: Situation) -> str | None:
    if at.ledger.is_bound_here:
        return None
    return "this database was restored, copied or set back: nothing is sent until `relance adopt` was given"


def _insolvent(at: Situation) -> str | None:
    since = at.customer.insolvent_since
    return f"insolvent since {since}" if since is not None else None


def _customer_held(at: Situation) -> str | None:
    return at.customer.held


def _exception_open(at: Situation) -> str | None:
    if not at.customer.open_exceptions:
        return None
    items = ", ".join(f"#{item}" for item in at.customer.open_exceptions)
    return f"the queue holds {items} of this customer"


def _mail_undecided(at: Situation) -> str | None:
    count = at.customer.undecided_mails
    return f"{count} mail(s) of this customer are not decided yet" if count else None


Rule = tuple[Hindrance, Callable[[Situation], str | None]]

CUSTOMER_RULES: tuple[Rule, ...] = (
    (Hindrance.LEDGER_STALE, _stale),
    (Hindrance.SENDING_STOPPED, _stopped),
    (Hindrance.NOT_ADOPTED, _not_adopted),
    (Hindrance.INSOLVENT, _insolvent),
    (Hindrance.CUSTOMER_HELD, _customer_held),
    (Hindrance.EXCEPTION_OPEN, _exception_open),
    (Hindrance.MAIL_UNDECIDED, _mail_undecided),
)
"""Hold for every channel: a call to a payer is no better than a mail."""


def _no_address(at: Situation) -> str | None:
    if any(r.role != "cc" for r in at.customer.recipients):
        return None
    return "no address to write to is known"


def _dead(at: Situation) -> str | None:
    if any(not r.is_dead for r in at.customer.recipients if r.role != "cc"):
        return None
    wrong = next((r for r in at.customer.recipients if r.role != "cc" and r.dead_because is not None), None)
    if wrong is None:
        return "the address no longer exists; import another one"
    if wrong.dead_because == "left_company":
        return f"{wrong.address} belongs to somebody who has left; whom to write to instead is not known yet"
    return f"{wrong.address} is not the right person's; whom to write to instead is not known yet"


def _away(at: Situation) -> str | None:
    to = next((r for r in at.customer.recipients if r.role != "cc" and not r.is_dead), None)
    back = back_on(to, at.customer.country) if to is not None else None
    if back is None or local_day(at.now, at.customer.timezone) >= back:
        return None
    return f"the contact is away; mails wait until {back}"


MAIL_RULES: tuple[Rule, ...] = (
    (Hindrance.NO_ADDRESS, _no_address),
    (Hindrance.ADDRESS_DEAD, _dead),
    (Hindrance.CONTACT_AWAY, _away),
)
"""Hold for mails only."""


def first_hindrance(rules: tuple[Rule, ...], at: Situation) -> tuple[Hindrance, str] | None:
    """The first rule that speaks against, with its sentence."""
    for reason, rule in rules:
        if (sentence := rule(at)) is not None:
            return reason, sentence
    return None


def covered_currencies(invoices: Iterable[InvoiceView]) -> frozenset[str]:
    """The currencies in which open credits cover all that is owed: such a customer owes nothing on balance."""
    balances: dict[str, list[Decimal]] = defaultdict(list)
    for invoice in invoices:
        balances[invoice.currency].append(invoice.balance)
    return frozenset(currency for currency, found in balances.items() if min(found) < 0 and sum(found, Decimal(0)) <= 0)


CHASED = frozenset({InvoiceState.OPEN, InvoiceState.REMINDED, InvoiceState.BROKEN})
"""The only states in which a reminder may name an invoice."""


_STATUSES: Mapping[str, tuple[Hindrance, str]] = {
    "refused": (
        Hindrance.INVOICE_REFUSED,
        "the ledger says that the buyer's platform refused the invoice; issue it anew",
    ),
    "disputed": (Hindrance.DISPUTED, "the ledger says that the buyer disputes or suspends it"),
    "payment_sent": (Hindrance.PAYMENT_REPORTED, "the ledger says that the buyer has sent the payment"),
}


def invoice_hindrance(invoice: InvoiceView, customer: CustomerView) -> tuple[Hindrance, str] | None:
    """What its own state, the ledger's word of it or a hold says against naming this invoice."""
    if (said := _STATUSES.get(invoice.status or "")) is not None:
        return said
    if customer.pays_by_debit and invoice.status != "debit_failed":
        return Hindrance.DIRECT_DEBIT, "it is taken by direct debit, and the ledger does not say that the debit failed"
    if invoice.held is not None:
        return Hindrance.HELD, invoice.held
    if invoice.state is InvoiceState.PAYMENT_REPORTED:
        return Hindrance.PAYMENT_REPORTED, "the customer says that it is paid; the ledger is asked first"
    if invoice.state is InvoiceState.PROMISED:
        return Hindrance.PROMISED, f"promised for {invoice.promised_for}"
    if invoice.state is InvoiceState.DISPUTED:
        return Hindrance.DISPUTED, "disputed; a person decides"
    if invoice.state not in CHASED:
        raise ValueError(f"invoice {invoice.number} is {invoice.state} and should not have been looked at")
    return None


def is_owed(invoice: InvoiceView) -> bool:
    """Whether anything of it is left to pay (a credit note never is)."""
    return invoice.kind is InvoiceKind.INVOICE and invoice.balance > 0
