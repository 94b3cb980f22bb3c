"""Why an invoice stands where it stands in its plan, in sentences: the plan and why it, what was done, what comes."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import decide, loading, schedule
from agent.reminders.values import CustomerView, InvoiceView, PlanSettings
from config import Settings
from models import Customer, Database, Event, Invoice, Reminder, ReminderLine


def explain_invoice(
    session: Session, settings: Settings, database: Database, number: str, now: datetime
) -> dict[str, Any] | None:
    """The story of an invoice in its plan as a document; `sentences` tells it in words. None: no such invoice."""
    invoice = session.scalar(select(Invoice).where(Invoice.number == number))
    if invoice is None:
        return None
    name = session.get_one(Customer, invoice.customer_id).name
    state = invoice.state.value.replace("_", " ")
    money = f"{invoice.balance} of {invoice.amount} {invoice.currency} open"
    first = f"{number} of {name} ({invoice.customer_id}): {money}, due on {invoice.due_date}, {state}."
    sentences = [first, *_done(session, invoice)]
    document: dict[str, Any] = {"invoice": number, "customer": invoice.customer_id, "state": invoice.state.value}
    if invoice.is_closed:
        return {**document, "plan": None, "next_step": None, "left_out": None, "sentences": sentences}
    planning = loading.plan_settings(settings)
    (customer,) = loading.customer_views(session, settings, now, [invoice.customer_id])
    view = next(i for i in customer.invoices if i.id == invoice.id)
    chosen = planning.plan_for(customer, invoice.currency)
    segment = f"segment {customer.segment} ({customer.segment_because})" if customer.segment else "no segment"
    sentences.append(
        f"Its plan is {chosen.plan.name}, version {chosen.plan.version}, because {chosen.because}; {segment}."
    )
    if customer.no_mail_since is not None:
        sentences.append(f"The customer wants no mails since {customer.no_mail_since}: such a step becomes a call.")
    sentences += _wrong_addresses(customer)
    step = _next(view, customer, planning, now)
    if step is not None:
        sentences.append(f"The next step is {step[0]}, on {step[1]} at the earliest.")
    else:
        sentences.append("The plan has no further step for it.")
    plan = decide.plan_customer(customer, loading.ledger_view(session, settings, database), planning, now)
    left = next((x for x in plan.left_out if x.invoice_number == number), None)
    if left is not None:
        sentences.append(f"Nothing goes out now: {left.detail}.")
    elif any(line.invoice.id == invoice.id for r in plan.reminders for line in r.lines):
        sentences.append("It is due now.")
    return {
        **document,
        "plan": {"name": chosen.plan.name, "version": chosen.plan.version, "because": chosen.because},
        "segment": customer.segment,
        "next_step": {"step": step[0], "on": step[1]} if step else None,
        "left_out": {"reason": left.reason.value, "detail": left.detail} if left else None,
        "sentences": sentences,
    }


def _wrong_addresses(customer: CustomerView) -> list[str]:
    to = decide.billing_address(customer.recipients)
    goes = f"reminders go to {to}" if to is not None else "nobody has said whom to write to instead"
    why = {"left_company": "is of somebody who has left", "wrong_person": "is not the right person's"}
    return [f"{r.address} {why[r.dead_because]}: {goes}." for r in customer.recipients if r.dead_because in why]


def _next(view: InvoiceView, customer: CustomerView, planning: PlanSettings, now: datetime) -> tuple[str, Any] | None:
    plan = planning.plan_for(customer, view.currency).plan
    step = decide.next_step(view, plan, schedule.local_day(now, customer.timezone))
    if step is None:
        return None
    due_at = schedule.due_at(step, view.due_date, customer, view.currency, plan, planning)
    return step.name, schedule.local_day(due_at, customer.timezone)


def _done(session: Session, invoice: Invoice) -> list[str]:
    query = (
        select(ReminderLine.step, Reminder)
        .join(Reminder, Reminder.id == ReminderLine.reminder_id)
        .where(ReminderLine.invoice_id == invoice.id, ReminderLine.cycle == invoice.cycle, ~ReminderLine.voided)
        .order_by(ReminderLine.id)
    )
    return [
        f"Step {step} ({reminder.channel.replace('_', ' ')}) was planned on {reminder.created_at:%Y-%m-%d}"
        f" under plan {reminder.plan}, version {reminder.plan_version}."
        for step, reminder in session.execute(query)
    ]


def why_planned(session: Session, reminder: Reminder) -> str:
    """Under which plan a reminder was made, and why that one, as its event tells."""
    query = select(Event.data).where(
        Event.kind == "reminder.reserved", Event.subject_type == "reminder", Event.subject_id == str(reminder.id)
    )
    data = session.scalar(query) or {}
    because = f", because {data['because']}" if data.get("because") else ""
    return f"It was planned under plan {reminder.plan}, version {reminder.plan_version}{because}."
