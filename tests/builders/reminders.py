"""Views as planning sees them, with honest defaults: a test states only what matters to it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from agent.reminders.values import CustomerView, InvoiceView, LedgerView, PlanSettings, Recipient
from config.plans import Channel, Plan, Step
from models.invoice import InvoiceKind
from models.states import InvoiceState

PARIS = ZoneInfo("Europe/Paris")

STANDARD = Plan(
    name="standard",
    version=1,
    gap_days=7,
    steps=(
        Step("friendly_reminder", 3, Channel.MAIL, "friendly_reminder", "friendly", 1, attach_invoice=False),
        Step("firm_reminder", 10, Channel.MAIL, "firm_reminder", "firm", 2, attach_invoice=True),
        Step("call", 15, Channel.CALL, "", "firm", 3, attach_invoice=False),
        Step("hand_over", 30, Channel.HAND_OVER, "", "formal", 4, attach_invoice=False),
    ),
)


def at(day: str, hour: str = "10:00") -> datetime:
    """A moment in Paris, in UTC."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), tzinfo=PARIS).astimezone(UTC)


def invoice(**changes: Any) -> InvoiceView:
    """FA-1 of 100 EUR, due on Monday 2 March 2026, open, nothing sent yet."""
    view = InvoiceView(
        id=1,
        number="FA-1",
        kind=InvoiceKind.INVOICE,
        issue_date=date(2026, 1, 31),
        due_date=date(2026, 3, 2),
        amount=Decimal("100.00"),
        balance=Decimal("100.00"),
        currency="EUR",
        purchase_order=None,
        state=InvoiceState.OPEN,
        cycle=1,
        steps_done=frozenset(),
        steps_reserved=frozenset(),
        held=None,
        promised_for=None,
        documents=(),
    )
    return replace(view, **changes)


def customer(*invoices: InvoiceView, **changes: Any) -> CustomerView:
    """A French customer with one living address and nothing that speaks against writing to it."""
    view = CustomerView(
        id="C1",
        name="Dupont SARL",
        language="fr",
        country="FR",
        timezone="Europe/Paris",
        recipients=(Recipient("compta@dupont.example", None, "billing", is_dead=False, away_until=None),),
        invoices=invoices or (invoice(),),
        insolvent_since=None,
        held=None,
        open_exceptions=(),
        undecided_mails=0,
        last_mail_at={},
        cycles={},
        threads={},
    )
    return replace(view, **changes)


def ledger(**changes: Any) -> LedgerView:
    """A ledger that never grows old, on the machine that it was made on."""
    return replace(LedgerView(as_of=datetime(2030, 1, 1, tzinfo=UTC), stops=(), is_bound_here=True), **changes)


def plan_settings(**changes: Any) -> PlanSettings:
    settings = PlanSettings(
        plan=STANDARD, sending_hours=(time(8, 30), time(17, 30)), max_age_days=3, country="FR", zone=PARIS
    )
    return replace(settings, **changes)
