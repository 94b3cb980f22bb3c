"""Arithmetic of the calendar: months added, last days, working days, Easter. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def in_month(base: date, months: int, day: int) -> date | None:
    first = add_months(base.replace(day=1), months)
    return date_or_none(first.year, first.month, day)


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def working_days(base: date, number: int) -> date:
    """`number` days on, Saturdays and Sundays not counted (public holidays are not known here)."""
    day = base
    while number > 0:
        day += timedelta(1)
        number -= day.weekday() < 5
    return day


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by Butcher's algorithm (Meeus, Astronomical Algorithms, chapter 8)."""
    golden, (century, short) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (short // 4) - moon - short % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(first: date, weekday: int, nth: int) -> date:
    """The `nth` such weekday of the month that `first` begins; the fifth is the last."""
    day = first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))
    return day if day.month == first.month else day - timedelta(7)
