"""The formulas, each with its source. Pure: plain numbers in, a number out, None where there is nothing to divide by.

Sales and receivables are both with tax: a DSO of receivables with tax over sales without it is a fifth too long.
Who calls has parted the currencies; `one_currency` refuses what has not.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from agent.reports.values import NOTHING, Period

HUNDRED = Decimal(100)
TENTH = Decimal("0.1")
_MONTH = Decimal("30.4375")


class MixedCurrencies(ValueError):
    """Amounts of two currencies were about to be added up: a fault of the program."""


def one_currency(currencies: Iterable[str]) -> str:
    """The one currency of all of them. Raises MixedCurrencies."""
    found = set(currencies)
    if len(found) != 1:
        raise MixedCurrencies(f"one currency was expected, not {', '.join(sorted(found)) or 'none'}")
    return found.pop()


@dataclass(frozen=True, slots=True)
class MonthSales:
    """Credit sales of one month (or the part of it that has passed) with tax, and its days."""

    sales: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class CountBack:
    """Days; ``is_at_least``: the sales that are known did not reach back far enough, so it is more than that."""

    days: Decimal
    is_at_least: bool


def dso_simple(receivables: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """Receivables at the end / sales of the period x days of the period.

    Source: deltarecovery.com newsletter of March 2005; "méthode comptable", finthesis.io.

    >>> dso_simple(Decimal(212), Decimal(250), 90)
    Decimal('76.3')
    """
    return _rounded(receivables / sales * days) if sales > 0 else None


def best_possible_dso(not_due: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """Receivables that aren't due yet / sales x days: what is left of DSO if everybody paid in time.

    Source: creditmanagementsource.com.
    """
    return dso_simple(not_due, sales, days)


def average_days_delinquent(dso: Decimal | None, best: Decimal | None) -> Decimal | None:
    """DSO - best possible DSO; below zero where credits exceed what is overdue. Source: waycalculator.com."""
    return dso - best if dso is not None and best is not None else None


def dso_count_back(receivables: Decimal, months: Sequence[MonthSales]) -> CountBack:
    """Receivables used up by the sales of the latest month, then the one before, and so on ("méthode d'épuisement").

    ``months``: the latest first. Sources: benjipays.com, divalto (corrected example).

    >>> dso_count_back(Decimal(212), [MonthSales(Decimal(n), 30) for n in (100, 80, 70)])
    CountBack(days=Decimal('73.7'), is_at_least=False)
    """
    left, days = receivables, NOTHING
    for month in months:
        if left <= 0:
            break
        sales = max(month.sales, NOTHING)
        if left < sales:
            return CountBack(_rounded(days + left / sales * month.days), is_at_least=False)
        left -= sales
        days += month.days
    return CountBack(_rounded(days), is_at_least=left > 0)


def collection_effectiveness(
    begin: Decimal, sales: Decimal, months: Decimal, end: Decimal, end_not_due: Decimal
) -> Decimal | None:
    """CEI in percent: (begin + sales/N - end) / (begin + sales/N - end not due) x 100, N months of sales.

    Source: Oracle's page on collection metrics; creditmanagementsource.com. None where nothing could be collected.
    """
    monthly = sales / months
    could = begin + monthly - end_not_due
    return _rounded((begin + monthly - end) / could * HUNDRED) if could > 0 else None


def months_in(period: Period) -> Decimal:
    """How many months: whole where the period is made of whole ones, else days over their mean length."""
    after = period.end + timedelta(days=1)
    if after.day == period.start.day:
        return Decimal((after.year - period.start.year) * 12 + after.month - period.start.month)
    return (Decimal(period.days) / _MONTH).quantize(Decimal("0.01"), ROUND_HALF_UP)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Percent, None of nothing.

    >>> share(1, 3), share(0, 0)
    (Decimal('33.3'), None)
    """
    return _rounded(Decimal(part) / Decimal(whole) * HUNDRED) if whole > 0 else None


def mean_delay(paid: Iterable[tuple[Decimal, date, date]]) -> Decimal | None:
    """Days between due date and payment, weighted by what was paid: (amount, due, paid). Source: mydsomanager.com."""
    parts = list(paid)
    total = sum((amount for amount, _, _ in parts), NOTHING)
    late = sum((amount * (day - due).days for amount, due, day in parts), NOTHING)
    return _rounded(late / total) if total > 0 else None


def ratio(part: int, whole: int) -> Decimal | None:
    """So many for each, to a tenth; None of nothing."""
    return _rounded(Decimal(part) / whole) if whole else None


def mean(values: Sequence[int | Decimal]) -> Decimal | None:
    return _rounded(Decimal(sum(values)) / len(values)) if values else None


def percentile(values: Iterable[int | Decimal], of_hundred: int) -> Decimal | None:
    """The nearest rank: the smallest value that so many of a hundred don't exceed.

    >>> percentile([1, 2, 3, 10], 50), percentile([1, 2, 3, 10], 90)
    (Decimal('2.0'), Decimal('10.0'))
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return _rounded(Decimal(ordered[max(0, math.ceil(len(ordered) * of_hundred / 100) - 1)]))


BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")


def bucket(due: date, day: date) -> str:
    """Where an invoice stands in the aged balance, by its due date.

    >>> [bucket(date(2026, 3, 1), date(2026, 3, d)) for d in (1, 2, 31)], bucket(date(2026, 1, 1), date(2026, 6, 1))
    (['not_due', '1_30', '1_30'], 'over_90')
    """
    late = (day - due).days
    if late <= 0:
        return "not_due"
    return BUCKETS[min((late - 1) // 30 + 1, 4)]


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(TENTH, ROUND_HALF_UP)
