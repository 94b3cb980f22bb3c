"""Dates as customers write them: a small grammar for six languages.

Wordings are in wordings/dates/<language>.toml: word tables (months, weekdays, numbers, units) and patterns, each of a
family that one function here resolves. A pattern's form is words with optional parts `[le]`, alternatives
`(avant|pour)` and placeholders `{day} {month} {year} {weekday} {n} {unit}`.

A mention has up to two readings, ahead of the message's date and behind it; who asks knows which (a promise looks
ahead, a payment made looks behind). Rules of the labelling guide: a range or a vague phrase gives its last day, next
week its Friday, "early June" the 5th, a bare weekday the next one after the message, "within 8 days" the date + 8.
A wrong date is worse than none: what contradicts itself (a weekday that isn't that day's) or could be two days gives
no reading, and no pattern means no date. Not read here: who promises, see `classifier.facts`.
"""

from __future__ import annotations

import calendar
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from classifier.text import fold, words

#: How far a date without a year may lie from the message; beyond it the other direction is meant.
NEAR = timedelta(days=240)

FRIDAY = 4


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date phrase: its span in the text, its family, and its readings after and before the message's date.

    The message's own day counts for both. `vague`: a week or month is meant, not a day. `later`: so many days after the
    date said before it.
    """

    start: int
    end: int
    family: str
    ahead: date | None
    behind: date | None
    vague: bool = False
    later: int | None = None


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


def find_dates(
    text: str, language: str, base: date, *, month_first: bool | None = False, before: date | None = None
) -> list[DateMention]:
    """The date phrases of `text`, in order, longest first where they overlap.

    Args:
        text: a sentence.
        language: ISO 639-1 code of one of the six languages.
        base: the message's date in its own offset.
        month_first: how 03/04 is read where both are possible: False day first, True month first, None not at all.
        before: the coming date said last before this sentence, from which "the next day" counts.
    """
    grammar = _grammar(language)
    folded = fold(text)
    present = {word.folded for word in words(folded)}
    if any(char.isdigit() for char in folded):
        present.add(_DIGITS)
    found: list[tuple[int, int, DateMention]] = []
    for order, pattern in enumerate(grammar.patterns):
        if any(present.isdisjoint(need) for need in pattern.needs):
            continue
        for match in pattern.regex.finditer(folded):
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            context = Context(base, grammar.tables, pattern.params, month_first)
            ahead, behind = pattern.resolve(groups, context)
            mention = DateMention(
                match.start(), match.end(), pattern.family, ahead, behind, pattern.vague, pattern.later
            )
            found.append((match.start() - match.end(), order, mention))
    chosen: list[DateMention] = []
    for _, _, mention in sorted(found, key=lambda each: (each[0], each[1], each[2].start)):
        if all(mention.end <= other.start or mention.start >= other.end for other in chosen):
            chosen.append(mention)
    return _after_others(sorted(chosen, key=lambda mention: mention.start), before)


def _after_others(mentions: Sequence[DateMention], before: date | None) -> list[DateMention]:
    """Gives "the next day" and "that day" their date: counted from the mention before, none without one."""
    found: list[DateMention] = []
    for mention in mentions:
        counted = mention
        if mention.later is not None and before is not None:
            counted = replace(mention, ahead=before + timedelta(mention.later))
        found.append(counted)
        before = counted.ahead or before
    return found


# Resolvers: one for each family.


def _explicit(said: Mapping[str, str], context: Context) -> Readings:
    """Day and month, with or without a year or a weekday."""
    month = context.tables["months"][said["month"]]
    return _of_weekday(_near(context.base, _number(said.get("year")), month, _day(said, context)), said, context)


def _numeric(said: Mapping[str, str], context: Context) -> Readings:
    """12/03, 12.03.2026, 2026-03-12: two numbers that may be day and month in either order."""
    first, second, year = int(said["first"]), int(said["second"]), _number(said.get("year"))
    if year is not None and year < 100:
        year += 2000
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
        return _either(context.base, _in_month(context.base, int(months), day))
    ahead = next((each for k in (0, 1, 2) if (each := _in_month(context.base, k, day)) and each >= context.base), None)
    behind = next(
        (each for k in (0, -1, -2) if (each := _in_month(context.base, k, day)) and each <= context.base), None
    )
    return _of_weekday((ahead, behind), said, context)


def _weekday(said: Mapping[str, str], context: Context) -> Readings:
    """A bare weekday is the next one after the message; `weeks` counts calendar weeks (0 this, 1 next), `later` adds
    weeks to the next one, `past` looks back only.
    """
    base, wanted = context.base, context.tables["weekdays"][said["weekday"]]
    weeks = context.params.get("weeks")
    if weeks is not None:
        return _either(base, base - timedelta(base.weekday()) + timedelta(7 * int(weeks) + wanted))
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
    first = _add_months(context.base.replace(day=1), int(context.params.get("months", 0)))
    day = _day_in(context, first.year, first.month)
    if day < context.base and context.params.get("next_if_past"):
        first = _add_months(first, 1)
        day = _day_in(context, first.year, first.month)
    return (day, None) if day >= context.base else _NONE


def _in_span(said: Mapping[str, str], context: Context) -> Readings:
    """Within 8 days", "in two weeks", "a fortnight": `days`, or {n} {unit} or {n} and the parameter `unit`."""
    base = context.base
    if "days" in context.params:
        return base + timedelta(int(context.params["days"])), None
    number = _count(said, context)
    unit = context.tables["units"][said["unit"]] if "unit" in said else int(context.params["unit"])
    if context.params.get("working"):
        return (_working_days(base, number), None) if number <= 60 else _NONE
    if unit == _MONTH_UNIT:
        return (_add_months(base, number), None) if number <= 24 else _NONE
    if unit == _HOUR_UNIT:
        return (base + timedelta(-(-number // 24)), None) if number >= 24 else (base, None)
    return (base + timedelta(number * unit), None) if number * unit <= 400 else _NONE


def _span_ago(said: Mapping[str, str], context: Context) -> Readings:
    """Three days ago"; weeks and months ago are vague."""
    unit = context.tables["units"][said["unit"]]
    if unit != 1:
        return _NONE
    return None, context.base - timedelta(_count(said, context))


def _relative_day(_said: Mapping[str, str], context: Context) -> Readings:
    """Today, tomorrow, yesterday: `days` from the message's date."""
    return _either(context.base, context.base + timedelta(int(context.params["days"])))


def _end_of_period(_said: Mapping[str, str], context: Context) -> Readings:
    """The end of the quarter (3 months) or year (12 months), `months` long."""
    length = int(context.params["length"])
    month = -(-context.base.month // length) * length
    return _last_day(context.base.year, month), None


def _days_end_of_month(said: Mapping[str, str], context: Context) -> Readings:
    """30 days end of month": that many days on, then the end of that month."""
    later = context.base + timedelta(min(_count(said, context), 120))
    return _last_day(later.year, later.month), None


def _week_of(said: Mapping[str, str], context: Context) -> Readings:
    """As in "the week of 18 May": its Friday."""
    ahead, behind = _explicit(said, context) if "month" in said else _day_of_month(said, context)
    to_friday = [each and each + timedelta((FRIDAY - each.weekday()) % 7) for each in (ahead, behind)]
    return to_friday[0], to_friday[1]


def _numbered_week(said: Mapping[str, str], context: Context) -> Readings:
    """As in "week 12": the Friday of that ISO week, of this year or the next."""
    for year in (context.base.year, context.base.year + 1):
        try:
            day = date.fromisocalendar(year, int(said["week"]), FRIDAY + 1)
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


def _nothing(_said: Mapping[str, str], _context: Context) -> Readings:
    """A phrase that holds no date and keeps a shorter one inside it from being read."""
    return _NONE


_FAMILIES: Mapping[str, Resolver] = {
    "explicit": _explicit,
    "numeric": _numeric,
    "day_of_month": _day_of_month,
    "weekday": _weekday,
    "week": _week,
    "whole_month": _whole_month,
    "in_span": _in_span,
    "span_ago": _span_ago,
    "relative_day": _relative_day,
    "end_of_period": _end_of_period,
    "days_end_of_month": _days_end_of_month,
    "week_of": _week_of,
    "last_working_day": _last_working_day,
    "numbered_week": _numbered_week,
    "later_day": _nothing,
    "nothing": _nothing,
}
_VAGUE = {"week", "numbered_week", "week_of", "whole_month", "end_of_period", "days_end_of_month"}

_HOUR_UNIT = 0
_MONTH_UNIT = 30


# Calendar arithmetic.


def _near(base: date, year: int | None, month: int, day: int) -> Readings:
    """Readings of a day and month: as given with a year, else the nearest ones on both sides."""
    if year is not None:
        return _either(base, _make(year, month, day))
    made = [each for k in (-1, 0, 1) if (each := _make(base.year + k, month, day))]
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


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _in_month(base: date, months: int, day: int) -> date | None:
    first = _add_months(base.replace(day=1), months)
    return _make(first.year, first.month, day)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _day_in(context: Context, year: int, month: int) -> date:
    last = _last_day(year, month)
    day = int(context.params.get("day", 31))
    return last if day >= last.day else last.replace(day=day)


def _working_days(base: date, number: int) -> date:
    """`number` days on, Saturdays and Sundays not counted (public holidays are not known here)."""
    day = base
    while number > 0:
        day += timedelta(1)
        number -= day.weekday() < 5
    return day


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _day(said: Mapping[str, str], context: Context) -> int:
    text = said["day"]
    return int(text) if text.isdigit() else context.tables["days"][text]


def _count(said: Mapping[str, str], context: Context) -> int:
    text = said["n"]
    return int(text) if text.isdigit() else context.tables["numbers"][text]


# Reading the wordings.


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A form ready to be searched. `needs`: it can match only where a word of each of these sets stands."""

    family: str
    regex: re.Pattern[str]
    needs: tuple[frozenset[str], ...]
    resolve: Resolver
    params: Mapping[str, int | bool]
    vague: bool
    later: int | None = None


@dataclass(frozen=True, slots=True)
class _Grammar:
    tables: Mapping[str, Mapping[str, int]]
    patterns: tuple[_Pattern, ...]


#: Stands for any number among the words of a sentence.
_DIGITS = "0"


_TABLES = ("months", "weekdays", "numbers", "units", "days")
_TOKEN = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{\w+\}|[^\s\[\](){}]+")
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![\w/.,-])", r"(?![\w/]|[.,-]\d)"
_NUMERIC: tuple[tuple[Mapping[str, int | bool], str], ...] = (
    ({"year_first": True}, r"(?P<year>20\d\d)-(?P<first>\d\d)-(?P<second>\d\d)"),
    ({}, r"(?P<first>\d{1,2})(?P<sep>[/.-])(?P<second>\d{1,2})(?P=sep)(?P<year>20\d\d|\d\d)"),
    ({}, r"(?P<first>\d{1,2})/(?P<second>\d{1,2})"),
    ({}, r"(?P<first>\d{1,2})\.(?P<second>0?[1-9]|1[0-2])\.?"),
    ({"led": True}, r"(?P<first>\d{1,2})-(?P<second>0[1-9]|1[0-2])"),
)


@cache
def _grammar(language: str) -> _Grammar:
    raw = tomllib.loads((files("classifier") / "wordings" / "dates" / f"{language}.toml").read_text("utf-8"))
    tables = {name: {fold(word): value for word, value in raw.get(name, {}).items()} for name in _TABLES}
    placeholders = _placeholders(tables, raw.get("ordinals", ""))
    patterns = []
    for each in raw["pattern"]:
        params = {key: value for key, value in each.items() if key not in ("family", "forms")}
        for form in each["forms"]:
            regex = re.compile(_EDGE_BEFORE + _regex(fold(form), placeholders) + _EDGE_AFTER)
            later = int(each["days"]) if each["family"] == "later_day" else None
            resolve, vague = _FAMILIES[each["family"]], each["family"] in _VAGUE
            needs = _needs(fold(form), tables)
            patterns.append(_Pattern(each["family"], regex, needs, resolve, params, vague, later))
    leads = "|".join(fold(word) for word in raw["numeric_lead"])
    weekday = rf"(?:{placeholders['weekday']},?\s+(?:(?:{leads})\s+)?)?"
    for numeric, body in _NUMERIC:
        lead = rf"(?:{leads})\s+" if numeric.get("led") else weekday
        regex = re.compile(_EDGE_BEFORE + lead + body + _EDGE_AFTER)
        patterns.append(_Pattern("numeric", regex, (frozenset({_DIGITS}),), _numeric, numeric, vague=False))
    return _Grammar(tables, tuple(patterns))


def _needs(form: str, tables: Mapping[str, Mapping[str, int]]) -> tuple[frozenset[str], ...]:
    """For each part that must stand in the text, on its own, the words that it can begin with."""
    needs: list[frozenset[str]] = []
    tokens = list(_TOKEN.finditer(form))
    for at, found in enumerate(tokens):
        glued = (at and tokens[at - 1].end() == found.start()) or (
            at + 1 < len(tokens) and tokens[at + 1].start() == found.end()
        )
        if not glued and found.group()[0] != "[":
            needs.append(frozenset(first for option in _options(found.group()) for first in _first(option, tables)))
    return tuple(need for need in needs if need)


def _options(token: str) -> list[str]:
    return token[1:-1].split("|") if token[0] == "(" else [token]


def _first(option: str, tables: Mapping[str, Mapping[str, int]]) -> set[str]:
    placeholder = _PLACEHOLDER.match(option)
    if placeholder is None:
        return {words(option)[0].folded} if words(option) else {_DIGITS}
    table = _TABLE_OF.get(placeholder[1].removeprefix("any_"))
    found = {words(word)[0].folded for word in tables[table]} if table else set()
    return found if table in ("months", "weekdays", "units") else found | {_DIGITS}


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TABLE_OF = {
    "month": "months",
    "weekday": "weekdays",
    "unit": "units",
    "n": "numbers",
    "day": "days",
    "day_ordinal": "days",
}


def _placeholders(tables: Mapping[str, Mapping[str, int]], ordinals: str) -> dict[str, str]:
    def among(name: str) -> str:
        longest_first = sorted(tables[name], key=lambda word: (-len(word), word))
        return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest_first) or "(?!)"

    tail = f"(?:{fold(ordinals)})?" if ordinals else ""
    strict = f"(?:{fold(ordinals)})" if ordinals else ""
    days = f"|{among('days')}" if tables["days"] else ""
    return {
        "day": rf"(?P<day>(?:0?[1-9]|[12]\d|3[01])(?=\D|$){days}){tail}",
        "day_ordinal": rf"(?P<day>(?:0?[1-9]|[12]\d|3[01])(?=\D|$){days}){strict}",
        "any_day": rf"(?:(?:0?[1-9]|[12]\d|3[01])(?=\D|$){days}){tail}",
        "month": rf"(?P<month>{among('months')})\b\.?",
        "any_month": rf"(?:{among('months')})\b\.?",
        "year": r"(?P<year>20\d\d)",
        "week": r"(?P<week>[1-9]|[1-4]\d|5[0-3])",
        "weekday": rf"(?P<weekday>{among('weekdays')})\b\.?",
        "any_weekday": rf"(?:{among('weekdays')})\b\.?",
        "n": rf"(?P<n>\d{{1,3}}|{among('numbers')})",
        "any_n": rf"(?:\d{{1,3}}|{among('numbers')})",
        "unit": rf"(?P<unit>{among('units')})",
    }


def _regex(form: str, placeholders: Mapping[str, str]) -> str:
    """One form as a regular expression without nested repetition; parts written without a space between stay so."""
    out, end = "", 0
    for found in _TOKEN.finditer(form):
        token, glued = found.group(), found.start() == end
        end = found.end()
        if token[0] == "[":
            body = _alternatives(token[1:-1], placeholders)
            out += rf"(?:,?\s+{body})?" if out and not out.endswith(_LEADING) else rf"(?:{body},?\s+)?{_LEADING}"
            continue
        piece = _alternatives(token[1:-1], placeholders) if token[0] == "(" else _piece(token, placeholders)
        out = out + piece if glued or not out or out.endswith(_LEADING) else out + _gap(piece)
    return out.replace(_LEADING, "")


#: Marks that nothing but optional parts stand before: the next part brings no space of its own.
_LEADING = "\0"


def _gap(piece: str) -> str:
    return rf",?\s+{piece}"


def _alternatives(body: str, placeholders: Mapping[str, str]) -> str:
    options = [_gap("").join(_piece(word, placeholders) for word in option.split()) for option in body.split("|")]
    return f"(?:{'|'.join(options)})"


def _piece(word: str, placeholders: Mapping[str, str]) -> str:
    parts = re.split(r"\{(\w+)\}", word)
    return "".join(re.escape(part) if at % 2 == 0 else placeholders[part] for at, part in enumerate(parts))
