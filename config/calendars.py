"""Working days and sending hours, by country and time zone.

Pure: dates in, dates out; the clock is read by whoever calls. Public holidays are national ones, from the `holidays`
library; regional ones (Alsace-Moselle, the German Länder) are not told apart. A country that the library does not know
has its weekends and no holidays: a mail on a holiday is a smaller harm than a customer who cannot be written to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

_ONE_DAY = timedelta(days=1)
_SATURDAY_AND_SUNDAY = frozenset({5, 6})


@dataclass(frozen=True, slots=True)
class _Year:
    weekend: frozenset[int]
    free: frozenset[date]


@lru_cache(maxsize=1024)
def _year(country: str, year: int) -> _Year:
    try:
        calendar = holidays.country_holidays(country.upper(), years=year, expand=False)
    except NotImplementedError:  # how the library says that it does not know the country
        return _Year(_SATURDAY_AND_SUNDAY, frozenset())
    return _Year(frozenset(calendar.weekend), frozenset(calendar))


def is_working_day(country: str, day: date) -> bool:
    """Whether offices in `country` (ISO 3166-1 alpha-2) are open on `day`.

    >>> is_working_day("FR", date(2026, 7, 14))
    False
    """
    year = _year(country, day.year)
    return day.weekday() not in year.weekend and day not in year.free


def add_working_days(country: str, day: date, n: int) -> date:
    """The `n`th working day after `day`; before it where `n` is negative; with 0 the first one on or after it.

    >>> add_working_days("FR", date(2026, 7, 10), 2)
    datetime.date(2026, 7, 15)
    """
    direction = _ONE_DAY if n >= 0 else -_ONE_DAY
    if n == 0:
        while not is_working_day(country, day):
            day += direction
        return day
    left = abs(n)
    while left:
        day += direction
        left -= is_working_day(country, day)
    return day


def working_days_between(country: str, start: date, end: date) -> int:
    """How many working days lie after `start` up to and with `end`; 0 where `end` is not later.

    >>> working_days_between("FR", date(2026, 7, 10), date(2026, 7, 15))
    2
    """
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_working_day(country, day) for day in days)


def next_sending_time(
    moment: datetime,
    country: str,
    timezone: str,
    hours: tuple[time, time],
    quiet: frozenset[int] = frozenset(),
) -> datetime:
    """The first moment at or after `moment` (aware) that lies in working `hours` of a working day there, in UTC.

    `hours` are local wall-clock times, the end left out. On a day when the clock is put forward over the start, the
    start is the first minute that exists. `quiet` are further weekdays that count as closed (Monday is 0); one working
    day a week at least must be left.
    """
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    start, end = hours
    day = local.date()
    if not (is_working_day(country, day) and local.time() < end):
        day = add_working_days(country, day, 1)
    while day.weekday() in quiet:
        day = add_working_days(country, day, 1)
    opening = datetime.combine(day, start, tzinfo=zone).astimezone(UTC)
    return max(opening, moment.astimezone(UTC))
