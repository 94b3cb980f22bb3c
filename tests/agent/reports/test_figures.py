"""The formulas, on worked examples that others published or that were computed on paper."""

from datetime import date
from decimal import Decimal

import pytest

from agent.reports import figures
from agent.reports.figures import CountBack, MixedCurrencies, MonthSales
from agent.reports.values import Period


def months(*parts: tuple[str, int]) -> list[MonthSales]:
    return [MonthSales(Decimal(sales), days) for sales, days in parts]


@pytest.mark.parametrize(
    ("receivables", "sales", "expected"),
    [
        ("212000", (("100000", 30), ("80000", 30), ("70000", 30)), CountBack(Decimal("73.7"), False)),  # benjipays
        ("2500", (("1200", 30), ("800", 31), ("700", 30)), CountBack(Decimal("82.4"), False)),  # divalto, corrected
        ("100", (("100", 31), ("50", 30)), CountBack(Decimal("31.0"), False)),  # used up to the cent
        ("0", (("100", 31),), CountBack(Decimal("0.0"), False)),
        ("-5", (("100", 31),), CountBack(Decimal("0.0"), False)),  # credits exceed what is owed
        ("150", (("0", 31), ("300", 30)), CountBack(Decimal("46.0"), False)),  # a month without sales passes whole
        ("500", (("100", 31), ("100", 30)), CountBack(Decimal("61.0"), True)),  # the books don't reach back far enough
        ("10", (), CountBack(Decimal("0.0"), True)),
        ("40", (("-10", 31), ("80", 30)), CountBack(Decimal("46.0"), False)),  # credit notes add no receivables
    ],
)
def test_dso_counts_back_month_by_month(
    receivables: str, sales: tuple[tuple[str, int], ...], expected: CountBack
) -> None:
    assert figures.dso_count_back(Decimal(receivables), months(*sales)) == expected


def test_dso_best_possible_and_what_lies_between() -> None:
    simple = figures.dso_simple(Decimal(300), Decimal(900), 90)
    best = figures.best_possible_dso(Decimal(210), Decimal(900), 90)
    assert (simple, best) == (Decimal("30.0"), Decimal("21.0"))
    assert figures.average_days_delinquent(simple, best) == Decimal("9.0")
    assert figures.average_days_delinquent(Decimal(10), Decimal(12)) == Decimal(-2), "credits may exceed what is late"
    assert figures.dso_simple(Decimal(300), Decimal(0), 90) is None
    assert figures.average_days_delinquent(None, best) is None


@pytest.mark.parametrize(
    ("begin", "sales", "months", "end", "not_due", "expected"),
    [
        ("100", "100", "1", "100", "100", "100.0"),  # all that was due came in
        ("100", "100", "1", "100", "50", "66.7"),
        ("100", "300", "3", "100", "50", "66.7"),  # a quarter counts its monthly sales
        ("100", "0", "1", "100", "0", "0.0"),  # nothing came in
        ("0", "100", "1", "100", "100", None),  # nothing could come in
    ],
)
def test_cei(begin: str, sales: str, months: str, end: str, not_due: str, expected: str | None) -> None:
    found = figures.collection_effectiveness(*map(Decimal, (begin, sales, months, end, not_due)))
    assert found == (Decimal(expected) if expected is not None else None)


def test_months_of_a_period() -> None:
    assert figures.months_in(Period(date(2026, 1, 1), date(2026, 3, 31))) == 3
    assert figures.months_in(Period(date(2026, 1, 16), date(2026, 2, 15))) == 1
    assert figures.months_in(Period(date(2026, 1, 1), date(2026, 1, 15))) == Decimal("0.49")


def test_the_mean_delay_weighs_by_what_was_paid() -> None:
    due = date(2026, 3, 1)
    paid = [(Decimal(900), due, date(2026, 3, 11)), (Decimal(100), due, date(2026, 2, 19))]
    assert figures.mean_delay(paid) == Decimal("8.0")  # (900 x 10 - 100 x 10) / 1000
    assert figures.mean_delay([]) is None


def test_two_currencies_are_never_one_sum() -> None:
    assert figures.one_currency(["EUR", "EUR"]) == "EUR"
    with pytest.raises(MixedCurrencies, match="EUR, USD"):
        figures.one_currency(["EUR", "USD"])


def test_percentiles_are_values_that_occurred() -> None:
    assert figures.percentile([5, 1, 3, 9, 7, 2, 8, 4, 10, 6], 90) == 9
    assert figures.percentile([5, 1, 3], 50) == 3
    assert figures.percentile([], 50) is None
