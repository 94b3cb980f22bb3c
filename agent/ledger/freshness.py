"""Days and ages of the ledger, counted on the company's calendar. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from config import Settings
from config.calendars import add_working_days, working_days_between


def local_day(moment: datetime, settings: Settings) -> date:
    """The company's calendar day of a moment."""
    return moment.astimezone(settings.zone).date()


def age(as_of: datetime, country: str, zone: ZoneInfo, now: datetime) -> int:
    """For how many working days of the company the ledger says nothing yet, by the days of its zone."""
    return working_days_between(country, as_of.astimezone(zone).date(), now.astimezone(zone).date())


def is_recent(as_of: datetime | None, max_age: int, country: str, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a ledger that speaks for ``as_of`` may be judged and written by; ``max_age`` in working days."""
    return as_of is not None and age(as_of, country, zone, now) <= max_age


def is_fresh(as_of: datetime | None, settings: Settings, now: datetime) -> bool:
    """The same by the company's settings."""
    return is_recent(as_of, settings.ledger.max_age, settings.company.country, settings.zone, now)


def promise_deadline(promised: date, settings: Settings) -> date:
    """The last day on which money for a promise may come in: the grace days count in the company's working days."""
    return add_working_days(settings.company.country, promised, settings.policy.promise_grace_days)


def claim_deadline(claimed_at: datetime, settings: Settings) -> datetime:
    """When a "paid" has waited long enough: the same time of day, the set number of working days later."""
    local = claimed_at.astimezone(settings.zone)
    day = add_working_days(settings.company.country, local.date(), settings.policy.paid_wait_days)
    return datetime.combine(day, local.timetz())
