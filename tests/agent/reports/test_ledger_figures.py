"""Receivables as they were on a day, from today's balances and what has happened since."""

from datetime import date
from decimal import Decimal

import pytest

from agent.reports.figures import MixedCurrencies
from agent.reports.figures_ledger import Receivables, aging, cei, dso, overdue
from agent.reports.values import Credit, Move, Period
from tests.builders.figures import books, day, invoice, paid

Q3 = Period(date(2026, 7, 1), date(2026, 9, 30))


def test_a_balance_of_the_past_takes_later_moves_back() -> None:
    found = invoice("100", "2026-07-01", "2026-07-31", paid("2026-08-10", "40"), paid("2026-09-10", "60"))
    days = ("2026-06-30", "2026-07-01", "2026-08-09", "2026-08-10", "2026-09-10")
    assert [found.balance_on(day(d)) for d in days] == [0, 100, 100, 60, 0]
    assert found.paid_on == day("2026-09-10")


def test_a_reversal_is_open_again_from_its_own_day() -> None:
    back = Move(day("2026-09-01"), Decimal(100), is_money=True)
    found = invoice("100", "2026-07-01", "2026-07-31", paid("2026-08-10", "100"), back)
    assert [found.balance_on(day(d)) for d in ("2026-08-09", "2026-08-31", "2026-09-01")] == [100, 0, 100]
    assert found.paid_on is None


def test_what_was_given_up_is_owed_until_that_day_only() -> None:
    found = invoice("100", "2026-07-01", "2026-07-31", given_up=day("2026-09-01"))
    assert [found.balance_on(day(d)) for d in ("2026-08-31", "2026-09-01")] == [100, 0]


def test_the_aged_balance_shows_each_part_and_credits_apart() -> None:
    ledger = books(
        invoice("10", "2026-09-01", "2026-09-30"),  # due today: not late yet
        invoice("20", "2026-08-01", "2026-09-29"),
        invoice("30", "2026-07-01", "2026-08-31"),
        invoice("40", "2026-07-01", "2026-08-30"),
        invoice("50", "2026-06-01", "2026-07-01"),
        invoice("60", "2026-05-01", "2026-06-30", doubtful_since=day("2026-07-15")),
        invoice("-15", "2026-08-01", "2026-08-01"),
        invoice("99", "2026-01-01", "2026-02-01", paid("2026-09-30", "99")),
        credits=(Credit("C1", "EUR", day("2026-09-20"), Decimal(5)),),
    )
    (row,) = aging(ledger, Q3)
    assert [row[b] for b in ("not_due", "1_30", "31_60", "61_90", "over_90")] == [10, 50, 40, 0, 110]
    assert (row["total"], row["overdue"], row["credits"], row["net"]) == (210, 200, -20, 190)
    assert (row["overdue_share"], row["at_risk"], row["doubtful"]) == (Decimal("95.2"), Decimal("52.4"), 60)
    assert row["invoices"] == 6


def test_aging_of_a_day_that_has_passed() -> None:
    ledger = books(invoice("99", "2026-01-01", "2026-02-01", paid("2026-09-30", "99")))
    (row,) = aging(ledger, Period(day("2026-01-01"), day("2026-03-03")))
    assert (row["1_30"], row["total"]) == (99, 99)


def test_currencies_are_rows_of_their_own() -> None:
    ledger = books(invoice("10", "2026-09-01", "2026-09-10"), invoice("20", "2026-09-01", "2026-09-10", currency="USD"))
    for report in (aging, dso, cei, overdue):
        assert [row["currency"] for row in report(ledger, Q3)] == ["EUR", "USD"]
    with pytest.raises(MixedCurrencies):
        Receivables(list(ledger.invoices), [])


def test_dso_from_the_books() -> None:
    """Sales of July 700, August 800 and September 1,200; open at the end 2,500, of which 1,000 is not due."""
    ledger = books(
        invoice("700", "2026-07-15", "2026-08-14", paid("2026-08-20", "200")),
        invoice("800", "2026-08-15", "2026-09-14"),
        invoice("1000", "2026-09-05", "2026-10-05"),
        invoice("200", "2026-09-06", "2026-09-20"),
        invoice("5000", "2026-06-01", "2026-06-30", paid("2026-07-01", "5000")),
    )
    (row,) = dso(ledger, Q3)
    assert (row["receivables"], row["not_due"], row["sales"], row["days"]) == (2500, 1000, 2700, 92)
    # 30 days of September, 31 of August, and 500 of July's 700 x 31 days: 22.1
    assert (row["dso_count_back"], row["is_at_least"]) == (Decimal("83.1"), False)
    assert (row["dso_simple"], row["dso_best_possible"]) == (Decimal("85.2"), Decimal("34.1"))
    assert row["add"] == Decimal("51.1")


def test_doubtful_debts_and_credits_are_no_receivables() -> None:
    ledger = books(
        invoice("100", "2026-09-01", "2026-09-15"),
        invoice("900", "2026-09-01", "2026-09-15", doubtful_since=day("2026-09-20")),
        invoice("-30", "2026-09-10", "2026-09-10"),
        credits=(Credit("C1", "EUR", day("2026-09-20"), Decimal(20)),),
    )
    (row,) = dso(ledger, Q3)
    assert row["receivables"] == 50


def test_count_back_says_when_the_books_are_too_short() -> None:
    """An opening item without a date was seen first in September: what was sold before is not on record."""
    ledger = books(
        invoice("100", "2026-09-01", "2026-09-15"),
        invoice("0", "2026-09-01", "2026-09-15"),
        invoice("-50", "2026-09-02", "2026-09-15", paid("2026-09-03", "-50")),
    )
    (row,) = dso(ledger, Q3)
    assert (row["dso_count_back"], row["is_at_least"]) == (Decimal("30.0"), True)


def test_cei_from_the_books() -> None:
    """August begins with 300 open; 100 is sold and not due; 200 of the 300 comes in."""
    ledger = books(
        invoice("300", "2026-07-01", "2026-07-31", paid("2026-08-10", "200")),
        invoice("100", "2026-08-20", "2026-09-20"),
    )
    (row,) = cei(ledger, Period(day("2026-08-01"), day("2026-08-31")))
    assert (row["begin"], row["sales"], row["end"], row["end_not_due"]) == (300, 100, 200, 100)
    assert row["cei"] == Decimal("66.7")  # (300 + 100 - 200) / (300 + 100 - 100)


def test_recovery_of_what_was_overdue_and_how_late_it_came() -> None:
    ledger = books(
        invoice("400", "2026-05-01", "2026-06-01", paid("2026-07-11", "400")),  # 40 days late
        invoice("100", "2026-07-01", "2026-08-01", paid("2026-08-01", "100")),  # in time: was never overdue
        invoice("200", "2026-07-01", "2026-08-01", paid("2026-08-11", "50")),  # 10 days late, in part
        invoice("900", "2026-01-01", "2026-02-01", paid("2026-05-01", "900")),  # before the period
        invoice("70", "2026-09-01", "2026-10-01"),
    )
    (row,) = overdue(ledger, Q3)
    assert (row["was_overdue"], row["collected"], row["recovery_rate"]) == (600, 450, Decimal("75.0"))
    assert (row["open"], row["overdue"], row["overdue_share"]) == (220, 150, Decimal("68.2"))
    # within six months: 400 x 40, 100 x 0, 50 x 10, 900 x 89
    assert row["mean_delay"] == Decimal("66.6")
    assert row["paid_invoices"] == 3
