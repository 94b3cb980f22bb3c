"""Amounts and dates of a file, whose way of writing them is told apart once for the whole file. Pure.

`1.234` is one thousand two hundred in one file and one and a bit in the next; `03/04/2026` is in April here and in
March elsewhere. So the file is asked as a whole first (`notation`): the first cell that can only be meant one way
speaks for all. A cell that says otherwise, or that stays open, is refused and never guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_PLAIN = re.compile(r"(?P<whole>\d+)(?:(?P<mark>[.,])(?P<fraction>\d+))?", re.ASCII)
_GROUPED = re.compile(
    r"(?P<whole>\d{1,3}(?P<group>[ .,'’])\d{3}(?:(?P=group)\d{3})*)(?:(?P<mark>(?!(?P=group))[.,])(?P<fraction>\d+))?",
    re.ASCII,
)
_TIME = r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_ISO = re.compile(rf"(\d{{4}})([-/])(\d{{2}})\2(\d{{2}}){_TIME}", re.ASCII)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2}", re.ASCII)
_YEARS = range(1990, 2101)
_DIGITS = 12
"""Digits before the decimal mark: a column of the database holds no more."""


class BadCell(ValueError):
    """What was expected in a cell, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How one file writes amounts and dates; lines are those of the first cell that told."""

    decimal: str | None = None
    """"." or ","; None: no cell tells."""
    decimal_line: int = 0
    is_iso: bool = True
    date_line: int = 0
    month_first_line: int = 0
    """The first line with a date that can only be month-first; 0: none, as it should be."""


def notation(amounts: Iterable[tuple[int, str]], dates: Iterable[tuple[int, str]]) -> Notation:
    """How the file that these cells (line, text) are from writes amounts and dates."""
    decimal, decimal_line = next(((mark, line) for line, text in amounts if (mark := _told_mark(text))), (None, 0))
    is_iso, date_line, month_first = True, 0, 0
    for line, text in dates:
        found = _DAY_FIRST.fullmatch(text)
        if not date_line and (found or _ISO.fullmatch(text)):
            is_iso, date_line = found is None, line
        if found and not month_first and int(found[3]) > 12 >= int(found[1]):
            month_first = line
    return Notation(decimal, decimal_line, is_iso, date_line, month_first)


def _unsigned(text: str) -> tuple[str, bool]:
    """The text without its sign, and whether it is negative; SAP writes the minus behind."""
    bare = text.replace("\u2212", "-")
    if bare.endswith("-"):
        return bare[:-1].rstrip(), True
    if bare.startswith(("-", "+")):
        return bare[1:].lstrip(), bare[0] == "-"
    return bare, False


def _told_mark(text: str) -> str | None:
    """The decimal mark, where this cell can only be meant one way."""
    bare, _ = _unsigned(text)
    plain, grouped = _PLAIN.fullmatch(bare), _GROUPED.fullmatch(bare)
    if grouped and grouped["group"] in ".," and not plain:
        return "," if grouped["group"] == "." else "."
    if grouped and grouped["mark"]:
        return grouped["mark"]
    if plain and not grouped:
        return plain["mark"]
    if plain and plain["whole"] == "0":  # 0.500 has no thousands
        return plain["mark"]
    return None


def amount(text: str, how: Notation) -> Decimal:
    """The number in a cell. Raises BadCell."""
    bare, is_negative = _unsigned(text)
    plain, grouped = _PLAIN.fullmatch(bare), _GROUPED.fullmatch(bare)
    if not plain and not grouped:
        raise BadCell(f"expected an amount, found “{text}”. Write the number alone, like 1234.56 or 1 234,56.")
    told = _told_mark(text)
    mark = told or how.decimal
    if told and told != how.decimal:
        raise BadCell(
            f"expected a decimal {_called(how.decimal)} as on line {how.decimal_line}, found “{text}”. "
            "Write all amounts of the file in one way."
        )
    is_open = plain is not None and grouped is not None and grouped["group"] in ".," and told is None
    if is_open and mark is None:
        thousand = re.sub(r"\D", "", bare)
        raise BadCell(f"“{text}” is ambiguous: {thousand} or a fraction? Write it like {thousand}.00 or {thousand}.")
    found = plain if plain is not None and (grouped is None or plain["mark"] == mark) else grouped
    if found is None:
        raise BadCell(f"expected an amount, found “{text}”. Write the number alone, like 1234.56 or 1 234,56.")
    whole = re.sub(r"\D", "", found["whole"])
    if len(whole.lstrip("0")) > _DIGITS:
        raise BadCell(f"expected at most {_DIGITS} digits before the decimal {_called(mark)}, found “{text}”.")
    value = Decimal(f"{whole}.{found['fraction'] or 0}")
    return -value if is_negative else value


def _called(mark: str | None) -> str:
    return "comma" if mark == "," else "point"


def day(text: str, how: Notation) -> date:
    """The date in a cell; a time of day behind it is left off. Raises BadCell."""
    if found := _ISO.fullmatch(text):
        is_iso, parts = True, (int(found[1]), int(found[3]), int(found[4]))
    elif found := _DAY_FIRST.fullmatch(text):
        is_iso, parts = False, (int(found[4]), int(found[3]), int(found[1]))
    elif _SHORT_YEAR.fullmatch(text):
        raise BadCell(f"expected a year of four digits, found “{text}”. Write it as 2026-01-31 or 31/01/2026.")
    else:
        raise BadCell(f"expected a date, found “{text}”. Write it as 2026-01-31 or 31/01/2026.")
    if is_iso is not how.is_iso:
        first = "2026-01-31" if how.is_iso else "31/01/2026"
        raise BadCell(f"expected a date like {first} as on line {how.date_line}, found “{text}”. Write all in one way.")
    year, month, number = parts
    if not is_iso and month > 12 >= number:
        raise BadCell(f"“{text}” has no month {month}: the day comes first. Write it as 2026-01-31 or 31/01/2026.")
    if not is_iso and how.month_first_line and number <= 12 and number != month:
        raise BadCell(
            f"“{text}” is ambiguous: line {how.month_first_line} writes the month first. "
            "Write all dates as 2026-01-31 or 31/01/2026."
        )
    if year not in _YEARS:
        raise BadCell(f"expected a year from {_YEARS[0]} to {_YEARS[-1]}, found “{text}”.")
    try:
        return date(year, month, number)
    except ValueError:
        raise BadCell(f"expected a day of the calendar, found “{text}”.") from None
