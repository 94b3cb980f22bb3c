"""Amounts and dates: what a file's cells mean, and which are refused."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger.cells import BadCell, Notation, amount, day, notation

POINT, COMMA, OPEN = Notation(".", 2), Notation(",", 2), Notation()


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        ("1234", OPEN, "1234"),
        ("1234.5", POINT, "1234.5"),
        ("1234,50", COMMA, "1234.50"),
        ("1 234,50", COMMA, "1234.50"),
        ("1.234,50", COMMA, "1234.50"),
        ("1,234.50", POINT, "1234.50"),
        ("1'234'567.50", POINT, "1234567.50"),
        ("1.234", COMMA, "1234"),
        ("1.234", POINT, "1.234"),
        ("1.234.567", COMMA, "1234567"),
        ("-12,50", COMMA, "-12.50"),
        ("12,50-", COMMA, "-12.50"),
        ("\u221212.50", POINT, "-12.50"),
        ("+7", OPEN, "7"),
        ("0.500", POINT, "0.500"),
    ],
)
def test_an_amount_is_read_in_the_notation_of_its_file(text: str, how: Notation, expected: str) -> None:
    assert amount(text, how) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "how", "words"),
    [
        ("1.234", OPEN, "ambiguous: 1234 or a fraction"),
        ("1,234", OPEN, "ambiguous"),
        ("12.50", COMMA, "expected a decimal comma as on line 2"),
        ("12,50", POINT, "expected a decimal point as on line 2"),
        ("1,23,456", POINT, "expected an amount"),
        ("12,50 EUR", COMMA, "expected an amount"),
        ("€12", OPEN, "expected an amount"),
        ("1.2E+05", POINT, "expected an amount"),
        ("NaN", OPEN, "expected an amount"),
        ("12.", POINT, "expected an amount"),
        ("--1", OPEN, "expected an amount"),
        ("١٢", OPEN, "expected an amount"),
        ("1234567890123", OPEN, "at most 12 digits"),
    ],
)
def test_an_amount_that_is_open_or_otherwise_is_refused(text: str, how: Notation, words: str) -> None:
    with pytest.raises(BadCell, match=words):
        amount(text, how)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.234", "12,50"], ","),
        (["1.234", "1.234.567"], ","),
        (["1,234", "9.90"], "."),
        (["1,234", "0.123"], "."),
        (["1 234", "100"], None),
        (["1.234", "1,234"], None),
    ],
)
def test_the_first_cell_that_can_only_be_meant_one_way_speaks_for_the_file(cells: list[str], mark: str | None) -> None:
    assert notation(enumerate(cells, 2), []).decimal == mark


@given(
    st.decimals(min_value=0, max_value=10**11, places=2), st.sampled_from([",", "."]), st.sampled_from(["", " ", "'"])
)
def test_what_a_spreadsheet_writes_is_read_to_the_cent(value: Decimal, mark: str, group: str) -> None:
    text = f"{value:,.2f}".replace(",", "\0").replace(".", mark).replace("\0", group)
    assert amount(text, notation([(2, text)], [])) == value


ISO, DAY_FIRST = Notation(date_line=2), Notation(is_iso=False, date_line=2)


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        ("2026-01-31", ISO, date(2026, 1, 31)),
        ("2026/01/31", ISO, date(2026, 1, 31)),
        ("2026-01-31T10:20:30", ISO, date(2026, 1, 31)),
        ("31/01/2026", DAY_FIRST, date(2026, 1, 31)),
        ("3.4.2026", DAY_FIRST, date(2026, 4, 3)),
        ("31-01-2026 00:00:00", DAY_FIRST, date(2026, 1, 31)),
    ],
)
def test_a_date_is_read_in_the_notation_of_its_file(text: str, how: Notation, expected: date) -> None:
    assert day(text, how) == expected


@pytest.mark.parametrize(
    ("text", "how", "words"),
    [
        ("31/01/2026", ISO, "expected a date like 2026-01-31 as on line 2"),
        ("2026-01-31", DAY_FIRST, "expected a date like 31/01/2026 as on line 2"),
        ("01/31/2026", DAY_FIRST, "has no month 31: the day comes first"),
        ("03/04/2026", Notation(is_iso=False, date_line=2, month_first_line=7), "ambiguous: line 7"),
        ("31/01/26", DAY_FIRST, "a year of four digits"),
        ("31/02/2026", DAY_FIRST, "a day of the calendar"),
        ("0226-01-31", ISO, "a year from 1990 to 2100"),
        ("46053", ISO, "expected a date"),
        ("demain", ISO, "expected a date"),
    ],
)
def test_a_date_that_is_open_or_otherwise_is_refused(text: str, how: Notation, words: str) -> None:
    with pytest.raises(BadCell, match=re.escape(words)):
        day(text, how)


def test_a_day_that_is_its_own_month_stays_clear_in_a_month_first_file() -> None:
    assert day("05/05/2026", Notation(is_iso=False, date_line=2, month_first_line=3)) == date(2026, 5, 5)


def test_dates_of_a_file_are_told_apart_together() -> None:
    how = notation([], [(2, ""), (3, "03/04/2026"), (4, "04/30/2026"), (5, "2026-01-01")])
    assert (how.is_iso, how.date_line, how.month_first_line) == (False, 3, 4)
