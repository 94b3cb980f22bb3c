"""Days and ages of the ledger, counted on the company's calendar. Pure."""

from datetime import date, datetime

from config import Settings
from config.calendars import add_working_days, working_days_between


def local_day(moment: datetime, settings: Settings) -> date:
    """The company's calendar day of a moment."""
    return moment.astimezone(settings.zone).date()


def is_fresh(as_of: datetime | None, settings: Settings, now: datetime) -> bool:
    """Whether the last payments (or open items) speak for a time that is recent enough to judge by."""
    if as_of is None:
        return False
    spoken, today = local_day(as_of, settings), local_day(now, settings)
    return working_days_between(settings.company.country, spoken, today) <= settings.ledger.max_age


def promise_deadline(promised: date, settings: Settings) -> date:
    """The last day on which money for a promise may come in: the grace days count in the company's working days."""
    return add_working_days(settings.company.country, promised, settings.policy.promise_grace_days)


def claim_deadline(claimed_at: datetime, settings: Settings) -> datetime:
    """When a "paid" has waited long enough: the same time of day, the set number of working days later."""
    local = claimed_at.astimezone(settings.zone)
    day = add_working_days(settings.company.country, local.date(), settings.policy.paid_wait_days)
    return datetime.combine(day, local.timetz())
