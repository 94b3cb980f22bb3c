"""What a date phrase means: one pure function for each family of patterns in wordings/dates.

Each takes the words that its pattern caught and gives up to two readings, ahead of the message's date and behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from classifier.date_arithmetic import add_months, date_or_none, in_month, last_day, nth_weekday, working_days

#: How far a date without a year may lie from the message; beyond it the other direction is meant.
NEAR = timedelta(days=240)

FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Context:
    """What a resolver may look at beside its own words."""

    base: date
    tables: Mapping[str, Mapping[str, int]]
    params: Mapping[str, int | bool]
    month_first: bool | None


Readings = tuple[date | None, date | None]
Resolver = Callable[[Mapping[str, str], Context], Readings]

_NONE: Readings = (None, None)


def _explicit(said: Mapping[str, str], context: Context) -> Readings:
    """Day and month, with or without a year or a weekday; with `each_month` the day of each month from that one on."""
    month = context.tables["months"][said["month"]]
    ahead, behind = _near(context.base, _year(said), month, _day(said, context))
    if context.params.get("each_month") and ahead is None:
        return _day_of_month(said, context)
    return _of_weekday((ahead, behind), said, context)


def resolve_numeric(said: Mapping[str, str], context: Context) -> Readings:
    """12/03, 12.03.2026, 2026-03-12: two numbers that may be day and month in either order."""
    first, second, year = int(said["first"]), int(said["second"]), _year(said)
    if context.params.get("year_first"):
        return _of_weekday(_near(context.base, year, first, second), said, context)
    day_first = _near(context.base, year, second, first)
    month_first = _near(context.base, year, first, second)
    if context.month_first is None:
        return _of_weekday(_agreed(day_first, month_first), said, context)
    likelier, other = (month_first, day_first) if context.month_first else (day_first, month_first)
    return _of_weekday(likelier if likelier != _NONE else other, said, context)


def _agreed(one: Readings, two: Readings) -> Readings:
    """On each side the reading that both allow, or the only one."""
    ahead = {each for each in (one[0], two[0]) if each}
    behind = {each for each in (one[1], two[1]) if each}
    return (ahead.pop() if len(ahead) == 1 else None, behind.pop() if len(behind) == 1 else None)


def _day_of_month(said: Mapping[str, str], context: Context) -> Readings:
    """The 25th": the next one, or the last one; with `months` the one so many months on."""
    day = _day(said, context)
    months = context.params.get("months")
    if months is not None:
        return _either(context.base, in_month(context.base, int(months), day))
    days = [each for k in (-2, -1, 0, 1, 2) if (each := in_month(context.base, k, day))]
    if "weekday" in said:  # "Friday the 29th" that is none in this month may be one of the next
        wanted = context.tables["weekdays"][said["weekday"]]
        days = [each for each in days if each.weekday() == wanted and abs(each - context.base) <= _SOON]
    ahead = next((each for each in days if each >= context.base), None)
    behind = next((each for each in reversed(days) if each <= context.base), None)
    return ahead, behind


#: A day of the month beside a weekday that it only has further away is a slip of one of the two.
_SOON = timedelta(days=62)


def _weekday(said: Mapping[str, str], context: Context) -> Readings:
    """A bare weekday is the next one after the message; `weeks` counts calendar weeks (0 this, 1 next), `later` adds
    weeks to the next one, `past` looks back only.
    """
    base, wanted = context.base, context.tables["weekdays"][said["weekday"]]
    weeks = context.params.get("weeks")
    if weeks is not None:
        day = base - timedelta(base.weekday()) + timedelta(7 * int(weeks) + wanted)
        if weeks == 0 and day < base and base.weekday() > FRIDAY:
            return day + timedelta(7), day  # "this Friday", said on a Sunday
        return _either(base, day)
    ahead = base + timedelta((wanted - base.weekday() - 1) % 7 + 1 + 7 * int(context.params.get("later", 0)))
    behind = base - timedelta((base.weekday() - wanted - 1) % 7 + 1)
    if context.params.get("past"):
        return None, behind
    return (ahead, None) if context.params.get("ahead") else (ahead, behind)


def _week(_said: Mapping[str, str], context: Context) -> Readings:
    """A week gives its Friday, or the weekday `day` of it; "this week" said at a weekend gives nothing."""
    base, weeks = context.base, int(context.params.get("weeks", 0))
    day = base - timedelta(base.weekday()) + timedelta(7 * weeks + int(context.params.get("day", FRIDAY)))
    return _NONE if day < base else (day, None)


def _whole_month(said: Mapping[str, str], context: Context) -> Readings:
    """A month gives its last day, or the day `day` of it (5 early, 15 middle)."""
    if "month" in said:
        number = context.tables["months"][said["month"]]
        year = _number(said.get("year"))
        years = (year,) if year else (context.base.year - 1, context.base.year, context.base.year + 1)
        ends = [_day_in(context, each, number) for each in years]
        ahead = next((each for each in ends if context.base <= each <= context.base + NEAR + timedelta(31)), None)
        return ahead, None
    first = add_months(context.base.replace(day=1), int(context.params.get("months", 0)))
    day = _day_in(context, first.year, first.month)
    if day < context.base and context.params.get("next_if_past"):
        first = add_months(first, 1)
        day = _day_in(context, first.year, first.month)
    return (day, None) if day >= context.base else _NONE


def _in_span(said: Mapping[str, str], context: Context) -> Readings:
    """Within 8 days", "in two weeks", "a fortnight": `days`, or {n} {unit} or {n} and the parameter `unit`."""
    base = context.base
    if "days" in context.params and not context.params.get("working"):
        return base + timedelta(int(context.params["days"])), None
    number = int(context.params["days"]) if "days" in context.params else _count(said, context)
    unit = context.tables["units"][said["unit"]] if "unit" in said else int(context.params["unit"])
    if context.params.get("working"):
        return (working_days(base, number), None) if number <= 60 else _NONE
    if unit == _MONTH_UNIT:
        return (add_months(base, number), None) if number <= 24 else _NONE
    if unit == HOUR_UNIT:
        return (base + timedelta(-(-number // 24)), None) if number >= 24 else (base, None)
    return (base + timedelta(number * unit), None) if number * unit <= 400 else _NONE


def _span_ago(said: Mapping[str, str], context: Context) -> Readings:
    """Three days ago", "two hours ago" (the same day); weeks and months ago are vague."""
    unit = context.tables["units"][said["unit"]]
    if unit == HOUR_UNIT and _count(said, context) <= _SAME_DAY_HOURS:
        return None, context.base
    if unit != 1:
        return _NONE
    return None, context.base - timedelta(_count(said, context))


def _relative_day(_said: Mapping[str, str], context: Context) -> Readings:
    """Today, tomorrow, yesterday: `days` from the message's date; with `ahead` never behind it, with `past` never ahead
    of it.
    """
    ahead, behind = _either(context.base, context.base + timedelta(int(context.params["days"])))
    return None if context.params.get("past") else ahead, None if context.params.get("ahead") else behind


def _end_of_period(said: Mapping[str, str], context: Context) -> Readings:
    """The end of the quarter (3 months), half-year or year (12 months), `length` long; or of a quarter by number."""
    length = int(context.params["length"])
    if "quarter" in said:
        quarter = said["quarter"]
        number = int(quarter) if quarter.isdigit() else _value(quarter, context.tables["quarters"])
        year = _number(said.get("year"))
        years = [year] if year else [context.base.year, context.base.year + 1]
        ends = [last_day(each, number * 3) for each in years]
        return next((end for end in ends if end >= context.base), None), None
    month = -(-context.base.month // length) * length
    return last_day(context.base.year, month), None


def _days_end_of_month(said: Mapping[str, str], context: Context) -> Readings:
    """30 days end of month": that many days on, then the end of that month."""
    later = context.base + timedelta(min(_count(said, context), 120))
    return last_day(later.year, later.month), None


def _week_of(said: Mapping[str, str], context: Context) -> Readings:
    """As in "the week of 18 May": its Friday."""
    ahead, behind = _explicit(said, context) if "month" in said else _day_of_month(said, context)
    to_friday = [each and each + timedelta((FRIDAY - each.weekday()) % 7) for each in (ahead, behind)]
    if to_friday[1] and to_friday[1] > context.base:  # the week has begun and its Friday is to come
        return to_friday[1], None
    return to_friday[0], to_friday[1]


def _numbered_week(said: Mapping[str, str], context: Context) -> Readings:
    """As in "week 12": the Friday of that ISO week, or the weekday said, of this year or the next."""
    wanted = context.tables["weekdays"][said["weekday"]] if "weekday" in said else FRIDAY
    for year in (context.base.year, context.base.year + 1):
        try:
            day = date.fromisocalendar(year, int(said["week"]), wanted + 1)
        except ValueError:
            return _NONE
        if context.base <= day <= context.base + NEAR:
            return day, None
    return _NONE


def _last_working_day(said: Mapping[str, str], context: Context) -> Readings:
    """The last Monday to Friday of the month."""
    ahead, _ = _whole_month(said, context)
    if ahead is None:
        return _NONE
    day = ahead - timedelta(max(0, ahead.weekday() - FRIDAY))
    return (day, None) if day >= context.base else _NONE


def _weekday_of_month(said: Mapping[str, str], context: Context) -> Readings:
    """The first Friday of April", "the last Friday of the month" (`months` on)."""
    wanted, nth = context.tables["weekdays"][said["weekday"]], context.tables["nths"][said["nth"]]
    if "month" in said:
        number = context.tables["months"][said["month"]]
        firsts = [date(context.base.year + k, number, 1) for k in (0, 1)]
    else:
        firsts = [add_months(context.base.replace(day=1), int(context.params.get("months", 0)))]
    days = [nth_weekday(first, wanted, nth) for first in firsts]
    return next((day for day in days if context.base <= day <= context.base + NEAR), None), None


def _each_week(said: Mapping[str, str], context: Context) -> Readings:
    """What is done each week has no day; with `ahead` its next one may be meant: "we pay on Mondays, you are next"."""
    return _weekday(said, context) if context.params.get("ahead") else _NONE


def _later_weekday(said: Mapping[str, str], context: Context) -> Readings:
    """As in "the Monday after": without a day said before the next one, but no "Friday before"."""
    return _NONE if "weeks" in context.params else _weekday(said, context)


def _later_week(said: Mapping[str, str], context: Context) -> Readings:
    """As in "the week after": counted from a day said before; where none was, from the message's own week."""
    if not context.params.get("weeks"):
        return _NONE
    return (_weekday if "weekday" in said else _week)(said, context)


def _nothing(_said: Mapping[str, str], _context: Context) -> Readings:
    """A phrase that holds no date and keeps a shorter one inside it from being read."""
    return _NONE


FAMILIES: Mapping[str, Resolver] = {
    "explicit": _explicit,
    "numeric": resolve_numeric,
    "day_of_month": _day_of_month,
    "weekday": _weekday,
    "week": _week,
    "whole_month": _whole_month,
    "in_span": _in_span,
    "span_ago": _span_ago,
    "relative_day": _relative_day,
    "day_part": _relative_day,
    "end_of_period": _end_of_period,
    "days_end_of_month": _days_end_of_month,
    "week_of": _week_of,
    "last_working_day": _last_working_day,
    "weekday_of_month": _weekday_of_month,
    "numbered_week": _numbered_week,
    "each_week": _each_week,
    "from_next_day": _nothing,
    "later_day": _nothing,
    "later_month": _nothing,
    "later_week": _later_week,
    "later_weekday": _later_weekday,
    "nothing": _nothing,
}
VAGUE = {
    "week",
    "numbered_week",
    "week_of",
    "whole_month",
    "end_of_period",
    "days_end_of_month",
    "later_month",
    "later_week",
}

HOUR_UNIT = 0
_SAME_DAY_HOURS = 6
_MONTH_UNIT = 30


# Calendar arithmetic.


def _near(base: date, year: int | None, month: int, day: int) -> Readings:
    """Readings of a day and month: as given with a year, else the nearest ones on both sides."""
    if year is not None:
        return _either(base, date_or_none(year, month, day))
    made = [each for k in (-1, 0, 1) if (each := date_or_none(base.year + k, month, day))]
    ahead = next((each for each in made if base <= each <= base + NEAR), None)
    behind = next((each for each in reversed(made) if base - NEAR <= each <= base), None)
    return ahead, behind


def _of_weekday(readings: Readings, said: Mapping[str, str], context: Context) -> Readings:
    """Readings that fall on the weekday said beside them; one that contradicts it is dropped."""
    if "weekday" not in said:
        return readings
    wanted = context.tables["weekdays"][said["weekday"]]
    ahead, behind = (each if each is not None and each.weekday() == wanted else None for each in readings)
    return ahead, behind


def _either(base: date, day: date | None) -> Readings:
    if day is None:
        return _NONE
    return (day if day >= base else None, day if day <= base else None)


def _day_in(context: Context, year: int, month: int) -> date:
    last = last_day(year, month)
    day = int(context.params.get("day", 31))
    return last if day >= last.day else last.replace(day=day)


def _year(said: Mapping[str, str]) -> int | None:
    year = _number(said.get("year"))
    return year + 2000 if year is not None and year < 100 else year


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _day(said: Mapping[str, str], context: Context) -> int:
    """The day said; the first where the pattern's words mean it: "am Ersten des Monats"."""
    text = said.get("named_day") or said.get("day") or "1"
    return int(text) if text.isdigit() else _value(text, context.tables["days"], context.tables["cardinal_days"])


def _value(text: str, *tables: Mapping[str, int]) -> int:
    """The number of a word as a table spells it, whatever stands between its parts in the text."""
    spelt = re.sub(r"[\s-]+", " ", text)
    return next(number for table in tables for word, number in table.items() if word.replace("-", " ") == spelt)


def number_in(said: Mapping[str, str], context: Context) -> int:
    """The day or the number that a phrase says."""
    return _count(said, context) if "n" in said else _day(said, context)


def _count(said: Mapping[str, str], context: Context) -> int:
    text = said["n"]
    return int(text) if text.isdigit() else _value(text, context.tables["numbers"])
