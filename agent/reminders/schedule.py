"""Pure dates: when a step is due, and whether this is an hour to write.

Nothing here looks at an invoice's state or at what was sent before beyond the dates that are given.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.reminders.values import CustomerView, PlanSettings, Recipient
from config.calendars import add_working_days, next_sending_time
from config.plans import Channel, Plan, Step


def local_day(moment: datetime, timezone: str | ZoneInfo) -> date:
    """The calendar day of ``moment`` in that zone."""
    zone = timezone if isinstance(timezone, ZoneInfo) else ZoneInfo(timezone)
    return moment.astimezone(zone).date()


def step_day(due_date: date, step: Step) -> date:
    """The day that the plan names for a step of an invoice due on ``due_date``."""
    return due_date + timedelta(days=step.day)


def opening(moment: datetime, customer: CustomerView, channel: Channel, settings: PlanSettings) -> datetime:
    """The first time at or after ``moment`` that fits: the customer's working hours, for a mail on no quiet day."""
    quiet = settings.quiet_days if channel is Channel.MAIL else frozenset()
    return next_sending_time(moment, customer.country, customer.timezone, settings.sending_hours, quiet)


def opening_on(day: date, customer: CustomerView, settings: PlanSettings) -> datetime:
    """When the customer's offices open on ``day``; when they would, where they stay closed."""
    zone = ZoneInfo(customer.timezone)
    opens = opening(datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC), customer, Channel.CALL, settings)
    if local_day(opens, zone) == day:
        return opens
    return datetime.combine(day, settings.sending_hours[0], tzinfo=zone).astimezone(UTC)


def due_at(
    step: Step, due_date: date, customer: CustomerView, currency: str, plan: Plan, settings: PlanSettings
) -> datetime:
    """When a step is due: its own day, for a mail not before the gap since the last mail; moved to a working hour.

    The gap counts between mails only; a call, a letter and the hand-over keep their day, or the distance from the last
    mail that the step itself asks for: a formal notice must leave the last reminder time to be answered.
    """
    day = step_day(due_date, step)
    last = customer.last_mail_at.get(currency)
    distance = plan.gap_days if step.channel is Channel.MAIL else step.after_mail
    if last is not None and distance:
        day = max(day, local_day(last, customer.timezone) + timedelta(days=distance))
    morning = datetime.combine(day, time.min, tzinfo=ZoneInfo(customer.timezone))
    return opening(morning.astimezone(UTC), customer, step.channel, settings)


def is_open(now: datetime, customer: CustomerView, channel: Channel, settings: PlanSettings) -> bool:
    """Whether this is an hour for that channel: offices are open there, and for a mail the day is not quiet."""
    return opening(now, customer, channel, settings) <= now


def spread(draw: float, minutes: int) -> timedelta:
    """How much later than planned a mail leaves; ``draw`` is a number from 0 to 1 that chance has drawn.

    >>> spread(0.5, 20)
    datetime.timedelta(seconds=600)
    """
    return timedelta(seconds=round(draw * minutes * 60))


def back_on(recipient: Recipient, country: str) -> date | None:
    """The working day after an out-of-office answer's return date; None: not away."""
    return None if recipient.away_until is None else add_working_days(country, recipient.away_until, 1)
