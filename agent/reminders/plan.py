"""Stages 1 and 2: due reminders become rows with frozen bytes (or tasks); left-outs are only told.

Finds: invoices that a step of the plan has come to. Leaves: a reminder with its lines under their unique keys, and with
it either a delivery in `reserved` whose bytes and Message-ID will never change, or a task for a person. If the process
dies, the transaction of that one customer is gone and the next drain plans it again; harmless when run twice, because
what is reserved is no longer due.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import structlog
from jinja2 import Environment
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.faults import point
from agent.reminders import approve, decide, loading, renew, schedule, store
from agent.reminders.compose import letter_of
from agent.reminders.enclose import enclosed_with
from agent.reminders.letter import compose
from agent.reminders.letter_values import LetterError
from agent.reminders.schedule import local_day
from agent.reminders.simulate import Simulated, simulate
from agent.reminders.templates import mail_environment
from agent.reminders.values import CustomerPlan, CustomerView, InvoiceView, PlannedReminder
from agent.review.queue import alarm_at, open_exception
from config import Settings
from config.calendars import add_working_days
from config.plans import Channel
from models import Database
from models.reasons import ExceptionReason
from models.states import InvoiceState

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Planned:
    """What one drain did."""

    mails: int
    tasks: int


def preview(database: Database, settings: Settings, now: datetime) -> list[CustomerPlan]:
    """What would be planned at ``now``; changes nothing."""
    with database.read() as session:
        return preview_of(session, loading.customer_views(session, settings, now), database, settings, now)


def preview_of(
    session: Session, views: Iterable[CustomerView], database: Database, settings: Settings, now: datetime
) -> list[CustomerPlan]:
    """The same for customers that were loaded already."""
    plan = loading.plan_settings(settings)
    ledger = loading.ledger_view(session, settings, database)
    return [decide.plan_customer(view, ledger, plan, now) for view in views]


def preview_day(database: Database, settings: Settings, day: date, now: datetime) -> list[CustomerPlan]:
    """What would be planned on ``day``: each customer is judged when its own offices open, in its own zone (today not
    before ``now``). Changes nothing. The ledger is taken to go on being imported as punctually as it is at ``now``.
    """
    plan = loading.plan_settings(settings)
    noon = datetime.combine(day, time(12), tzinfo=settings.zone)
    with database.read() as session:
        ledger = loading.ledger_view(session, settings, database)
        views = loading.customer_views(session, settings, noon)
    found = []
    for view in views:
        opens = schedule.opening_on(day, view, plan)
        at = max(opens, now) if local_day(now, view.timezone) == day else opens
        seen = loading.as_if_imported(ledger, now, at) if now < at else ledger
        found.append(decide.plan_customer(view, seen, plan, at))
    return found


def foresee(database: Database, settings: Settings, first: date, last: date, now: datetime) -> list[Simulated]:
    """What the plan would do from ``first`` to ``last`` if nobody answered or paid, by time; changes nothing."""
    planning = loading.plan_settings(settings)
    with database.read() as session:
        ledger = loading.ledger_view(session, settings, database)
        views = loading.customer_views(session, settings, now)
        ends = loading.hold_ends(session, local_day(now, settings.zone))
    if ledger.as_of is not None and local_day(now, settings.zone) < first:
        ledger = loading.as_if_imported(ledger, now, now + (first - local_day(now, settings.zone)))
    grace = settings.policy.promise_grace_days

    def seen(customer: CustomerView, day: date) -> CustomerView:
        return replace(
            customer,
            held=None if customer.held and _is_over(ends.get((customer.id, None)), day) else customer.held,
            invoices=tuple(_seen(invoice, customer, day) for invoice in customer.invoices),
        )

    def _seen(invoice: InvoiceView, customer: CustomerView, day: date) -> InvoiceView:
        if invoice.held and _is_over(ends.get((customer.id, invoice.id)), day):
            invoice = replace(invoice, held=None)
        promised = invoice.promised_for if invoice.state is InvoiceState.PROMISED else None
        if promised is not None and add_working_days(settings.company.country, promised, grace) < day:
            invoice = replace(invoice, state=InvoiceState.BROKEN, promised_for=None)
        return invoice

    found = [one for view in views for one in simulate(view, ledger, planning, first, last, seen)]
    return sorted(found, key=lambda one: (one.at, one.planned.customer.id, one.planned.currency))


def _is_over(end: date | None, day: date) -> bool:
    return end is not None and end < day


def drain(
    database: Database, settings: Settings, now: datetime, chance: Callable[[], float] = random.random
) -> Planned:
    """Plan and reserve for every customer, one transaction each; ``chance`` draws from 0 to 1 for the jitter."""
    if settings.policy.mode == "observe":
        return Planned(0, 0)
    approve.lapse(database, settings, now)
    renew.drain(database, settings, now)
    plan = loading.plan_settings(settings)
    environment = mail_environment(settings.root)
    with database.read() as session:
        ledger = loading.ledger_view(session, settings, database)
        views = loading.customer_views(session, settings, now)
    seen = [decide.plan_customer(view, ledger, plan, now) for view in views]
    due = [view.id for view, found in zip(views, seen, strict=True) if found.reminders]
    left_out = sum(len(found.left_out) for found in seen)
    mails = tasks = 0
    for customer_id in due:
        try:
            with database.write() as session:
                # The view that the first pass judged may be old by now: look again inside the transaction that writes.
                ledger = loading.ledger_view(session, settings, database)
                (view,) = loading.customer_views(session, settings, now, [customer_id]) or (None,)
                if view is None:
                    continue
                for planned in decide.plan_customer(view, ledger, plan, now).reminders:
                    _reserve(session, planned, database, settings, environment, now, chance)
                    is_mail = planned.step.channel is Channel.MAIL
                    mails, tasks = mails + is_mail, tasks + (not is_mail)
                point("plan.reserving")
            point("plan.reserved")
        except IntegrityError:
            # Another planner was quicker: its row is as good as ours.
            log.info("reminder.already_reserved", customer=customer_id)
        except LetterError as error:
            # One address or text that can't be written must not keep everybody else's mail back.
            log.warning("reminder.not_composed", customer=customer_id)
            _ask(database, settings, customer_id, error, now)
    log.info("reminder.planned", mails=mails, tasks=tasks, left_out=left_out)
    return Planned(mails, tasks)


def _ask(database: Database, settings: Settings, customer_id: str, error: LetterError, now: datetime) -> None:
    with database.write() as session:
        day = local_day(now, settings.zone)
        open_exception(
            session,
            key=f"letter:{customer_id}:{day}",
            reason=ExceptionReason.LETTER_FAILED,
            detail=str(error),
            at=now,
            due_at=alarm_at(settings, now),
            customer_id=customer_id,
            priority=70,
        )


def _reserve(
    session: Session,
    planned: PlannedReminder,
    database: Database,
    settings: Settings,
    environment: Environment,
    now: datetime,
    chance: Callable[[], float],
) -> None:
    if planned.step.channel is not Channel.MAIL:
        store.reserve(session, planned, now, approval="not_needed")
        return
    name, mailbox = next(iter(settings.mailbox.items()))
    ids = [line.invoice.id for line in planned.lines]
    enclosed = enclosed_with(session, settings, planned.customer, planned.step, ids, environment, now)
    letter = letter_of(planned, settings, mailbox, database.key.secret, enclosed, now)
    needs_a_person = settings.policy.mode != "automatic" or planned.step.approval != "none"
    store.reserve(
        session,
        planned,
        now,
        approval="waiting" if needs_a_person else "not_needed",
        mailbox=name,
        draft=compose(letter, environment),
        without_copy=letter.without_copy,
        not_before=now + schedule.spread(chance(), settings.reminders.jitter_minutes),
    )
