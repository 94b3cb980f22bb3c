"""Pure dates: when a step is due, and whether this is an hour to write.

Nothing here looks at an invoice's state or at what was sent before beyond the dates that are given.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.reminders.values import CustomerView, LedgerView, PlanSettings, Recipient
from config.calendars import add_working_days, next_sending_time, working_days_between
from config.plans import Channel, Step


def local_day(moment: datetime, timezone: str | ZoneInfo) -> date:
    """The calendar day of ``moment`` in that zone."""
    zone = timezone if isinstance(timezone, ZoneInfo) else ZoneInfo(timezone)
    return moment.astimezone(zone).date()


def step_day(due_date: date, step: Step) -> date:
    """The day that the plan names for a step of an invoice due on ``due_date``."""
    return due_date + timedelta(days=step.day)


def earliest(day: date, customer: CustomerView, hours: tuple[time, time]) -> datetime:
    """The first sending time on or after ``day`` on the customer's clock and working days, in UTC."""
    morning = datetime.combine(day, time.min, tzinfo=ZoneInfo(customer.timezone))
    return next_sending_time(morning.astimezone(UTC), customer.country, customer.timezone, hours)


def due_at(step: Step, due_date: date, customer: CustomerView, currency: str, settings: PlanSettings) -> datetime:
    """When a step is due: its own day, for a mail not before the gap since the last mail; moved to a working hour.

    The gap counts between mails only; a call, a letter and the hand-over keep their day.
    """
    day = step_day(due_date, step)
    last = customer.last_mail_at.get(currency)
    if step.channel is Channel.MAIL and last is not None:
        day = max(day, local_day(last, customer.timezone) + timedelta(days=settings.plan.gap_days))
    return earliest(day, customer, settings.sending_hours)


def is_sending_time(now: datetime, customer: CustomerView, hours: tuple[time, time]) -> bool:
    """Whether the customer's offices are open."""
    return next_sending_time(now, customer.country, customer.timezone, hours) <= now


def back_on(recipient: Recipient, country: str) -> date | None:
    """The working day after an out-of-office answer's return date; None: not away."""
    return None if recipient.away_until is None else add_working_days(country, recipient.away_until, 1)


def is_fresh(ledger: LedgerView, settings: PlanSettings, now: datetime) -> bool:
    """Whether the ledger speaks for a time that is recent enough to write to people about money."""
    if ledger.as_of is None:
        return False
    spoken, today = local_day(ledger.as_of, settings.zone), local_day(now, settings.zone)
    return working_days_between(settings.country, spoken, today) <= settings.max_age_days
