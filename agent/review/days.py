"""Days that a person or program may name. Pure."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)
"""What lies outside is a slip, and some of it no clock can tell in another zone."""


def day_of(text: str) -> date | None:
    """The day of an ISO date; None for anything that can't be meant."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found <= LATEST else None


def morning(day: date, zone: ZoneInfo) -> datetime:
    """Its beginning, there."""
    return datetime.combine(day, time(0), tzinfo=zone)
