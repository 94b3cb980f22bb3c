"""What the plan would do in a time to come, if nobody answered or paid: the planner itself, day by day. Pure.

Nothing is sent or written. Each day is judged at the hour when the customer's offices open, by the very function that
plans; what it names is taken as carried out at once, and the next day is judged with that. The ledger is taken as
imported every day. A promise that lies in that time counts as broken once its grace is over, because nobody pays here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from agent.reminders import schedule
from agent.reminders.decide import next_step, plan_customer
from agent.reminders.rules import is_owed
from agent.reminders.values import (
    CustomerView,
    DoneStep,
    InvoiceView,
    LedgerView,
    PlannedReminder,
    PlanSettings,
)
from config.calendars import is_working_day
from config.plans import Channel
from models.states import InvoiceState

Seen = Callable[[CustomerView, date], CustomerView]
"""How the customer stands on a day, as far as time alone changes it: holds that end, promises that break."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """One step that would be carried out, and when."""

    at: datetime
    planned: PlannedReminder


def simulate(
    customer: CustomerView, ledger: LedgerView, settings: PlanSettings, first: date, last: date, seen: Seen
) -> Iterator[Simulated]:
    """Everything that would go out to this customer from ``first`` to ``last``, in order."""
    day = first
    while day <= last:
        if is_working_day(customer.country, day):
            view = replace(seen(customer, day), mails_today=0)
            at = schedule.opening_on(day, view, settings)
            for planned in plan_customer(view, replace(ledger, as_of=_as_of(ledger, at)), settings, at).reminders:
                customer = carried_out(customer, planned, at)
                yield Simulated(at, planned)
        day = max(day + timedelta(days=1), _nothing_before(customer, settings, day))


def _as_of(ledger: LedgerView, at: datetime) -> datetime | None:
    """Imported every day from here on; never imported stays so."""
    return ledger.as_of if ledger.as_of is None else max(at, ledger.as_of)


UNMOVED = frozenset({InvoiceState.DISPUTED, InvoiceState.PAYMENT_REPORTED})
"""States that an invoice keeps for as long as nobody answers, pays or decides."""


def _nothing_before(customer: CustomerView, settings: PlanSettings, day: date) -> date:
    """A day before which no step can be due: nothing has to be judged until then."""
    days = []
    for invoice in customer.invoices:
        if not is_owed(invoice) or invoice.state in UNMOVED:
            continue
        plan = settings.plan_for(customer, invoice.currency).plan
        step = next_step(invoice, plan, day)
        if step is not None:
            due_at = schedule.due_at(step, invoice.due_date, customer, invoice.currency, plan, settings)
            days.append(schedule.local_day(due_at, customer.timezone))
            if step.day < 0:  # it lapses on the due date, and another step takes its place
                days.append(invoice.due_date)
    return min(days, default=date.max)


def carried_out(customer: CustomerView, planned: PlannedReminder, at: datetime) -> CustomerView:
    """The customer as it stands once a planned reminder was carried out."""
    steps = {line.invoice.id: line.step for line in planned.lines}
    is_mail = planned.step.channel is Channel.MAIL
    is_word = is_mail or (customer.no_mail_since is not None and planned.step.channel is Channel.CALL)
    under = f"{planned.plan}/{planned.plan_version}"
    invoices = tuple(_reached(i, steps[i.id], under, is_mail) if i.id in steps else i for i in customer.invoices)
    key = (planned.currency, planned.plan, planned.step.name)
    return replace(
        customer,
        invoices=invoices,
        cycles={**customer.cycles, key: planned.cycle},
        last_mail_at={**customer.last_mail_at, planned.currency: at} if is_word else customer.last_mail_at,
        mails_today=customer.mails_today + is_mail,
    )


def _reached(invoice: InvoiceView, step: str, under: str, is_mail: bool) -> InvoiceView:
    was_quiet = invoice.state in (InvoiceState.OPEN, InvoiceState.BROKEN)
    state = InvoiceState.REMINDED if is_mail and was_quiet else invoice.state
    return replace(invoice, done=invoice.done | {DoneStep(step, under)}, state=state)
