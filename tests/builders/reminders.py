"""Views as planning sees them, with honest defaults: a test states only what matters to it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from agent.reminders.values import CustomerView, DoneStep, InvoiceView, LedgerView, PlanSettings, Recipient
from config.plans import Channel, Plan, Step
from models.invoice import InvoiceKind
from models.states import InvoiceState

PARIS = ZoneInfo("Europe/Paris")

STANDARD = Plan(
    name="standard",
    version=2,
    gap_days=7,
    steps=(
        Step("friendly_reminder", 3, Channel.MAIL, "friendly_reminder", "friendly", 1),
        Step("firm_reminder", 10, Channel.MAIL, "firm_reminder", "firm", 2, attach_invoice=True),
        Step("call", 15, Channel.CALL, "", "firm", 3),
        Step("last_reminder", 22, Channel.MAIL, "last_reminder", "firm", 4, attach_invoice=True),
        Step("formal_notice", 28, Channel.LETTER, "formal_notice", "formal", 5),
        Step("hand_over", 30, Channel.HAND_OVER, "", "formal", 6),
    ),
)
"""The shipped plan as far as timing goes; `tests/config/test_plans.py` holds the file to the same days."""


def at(day: str, hour: str = "10:00") -> datetime:
    """A moment in Paris, in UTC."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), tzinfo=PARIS).astimezone(UTC)


def invoice(**changes: Any) -> InvoiceView:
    """FA-1 of 100 EUR, due on Monday 2 March 2026, open, nothing sent yet.

    ``steps_done``: names of the steps done under the plan that counts.
    """
    if "steps_done" in changes:
        names = changes.pop("steps_done")
        changes["done"] = frozenset(DoneStep(name, f"{STANDARD.name}/{STANDARD.version}") for name in names)
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
        done=frozenset(),
        steps_reserved=frozenset(),
        held=None,
        promised_for=None,
        documents=(),
        payments=(),
        status=None,
    )
    return replace(view, **changes)


def customer(*given: InvoiceView, **changes: Any) -> CustomerView:
    """A French customer with one living address and nothing that speaks against writing to it."""
    invoices: tuple[InvoiceView, ...] = changes.pop("invoices", given)
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
        segment=None,
        segment_because="",
        account_manager=None,
        pays_by_debit=False,
        mails_today=0,
    )
    return replace(view, **changes)


def ledger(**changes: Any) -> LedgerView:
    """A ledger that never grows old, on the machine that it was made on."""
    return replace(LedgerView(as_of=datetime(2030, 1, 1, tzinfo=UTC), stops=(), is_bound_here=True), **changes)


def plan_settings(**changes: Any) -> PlanSettings:
    settings = PlanSettings(
        plans={STANDARD.name: STANDARD},
        default_plan=STANDARD.name,
        sending_hours=(time(8, 30), time(17, 30)),
        quiet_days=frozenset(),
        per_customer_per_day=2,
        shows_answered=False,
        max_age_days=3,
        country="FR",
        zone=PARIS,
    )
    return replace(settings, **changes)
