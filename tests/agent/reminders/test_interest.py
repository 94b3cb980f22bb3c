"""Interest and indemnity: worked figures, and properties that hold for all sums and days."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.interest import Interest, PartPayment, indemnity, interest, rounded
from config.law import Law, UnknownLaw, law_for
from tests.config.test_plans import settings

LAWS = {country: law_for(settings(Path()), country) for country in ("FR", "DE", "GB", "NL", "IT", "ES", "BE", "PT")}
FRANCE, BRITAIN = LAWS["FR"], LAWS["GB"]


def of(principal: str, due: date, until: date, law: Law = FRANCE, **more: object) -> Interest:
    return interest(Decimal(principal), due, until, law, **more)  # type: ignore[arg-type]  # keywords of the tests


@pytest.mark.parametrize(
    ("law", "due", "until", "expected"),
    [
        # one half-year: 10,000 x rate x days / 365
        ("FR", date(2026, 1, 31), date(2026, 3, 2), "99.86"),  # 30 days at 12.15
        ("DE", date(2026, 1, 31), date(2026, 3, 2), "84.41"),  # 30 days at 10.27
        ("PT", date(2026, 1, 31), date(2026, 3, 2), "83.42"),  # 30 days at 10.15
        ("BE", date(2026, 1, 31), date(2026, 3, 2), "86.30"),  # 30 days at 10.50
        ("GB", date(2026, 1, 31), date(2026, 3, 2), "96.58"),  # 30 days at 11.75
        # over a half-year's end: 30 days at 14.25, 31 at 13.15
        ("FR", date(2024, 12, 1), date(2025, 1, 31), "228.81"),
        # the same in Britain, where the rate of the first day counts: 61 days at 13.25
        ("GB", date(2024, 12, 1), date(2025, 1, 31), "221.44"),
        # a whole year of zero ECB rate, in France and by the directive
        ("FR", date(2020, 12, 31), date(2021, 12, 31), "1000.00"),
        ("PT", date(2020, 12, 31), date(2021, 12, 31), "800.00"),
        # not late, and late since today
        ("FR", date(2026, 3, 2), date(2026, 3, 2), "0.00"),
        ("FR", date(2026, 3, 2), date(2026, 2, 1), "0.00"),
        ("FR", date(2026, 3, 2), date(2026, 3, 3), "3.33"),
    ],
)
def test_worked_figures(law: str, due: date, until: date, expected: str) -> None:
    assert of("10000.00", due, until, LAWS[law]).amount == Decimal(expected)


def test_a_part_payment_lowers_the_base_from_the_day_after() -> None:
    found = of("1000", date(2026, 1, 31), date(2026, 3, 2), payments=[PartPayment(date(2026, 2, 10), Decimal(400))])
    assert [(p.base, p.days) for p in found.periods] == [(Decimal(1000), 10), (Decimal(600), 20)]
    # 1000 x 12.15 % x 10/365 + 600 x 12.15 % x 20/365
    assert found.amount == Decimal("7.32")


def test_what_was_paid_before_the_due_date_bears_no_interest() -> None:
    paid = [PartPayment(date(2026, 1, 15), Decimal(400))]
    assert (
        of("1000", date(2026, 1, 31), date(2026, 3, 2), payments=paid).amount
        == of("600", date(2026, 1, 31), date(2026, 3, 2)).amount
    )


def test_the_period_ends_where_all_is_paid() -> None:
    paid = [PartPayment(date(2026, 2, 10), Decimal(1000))]
    found = of("1000", date(2026, 1, 31), date(2026, 12, 1), payments=paid)
    assert [(p.first, p.last) for p in found.periods] == [(date(2026, 2, 1), date(2026, 2, 10))]


def test_a_contracts_rate_counts_instead_and_one_below_the_floor_is_told() -> None:
    fair = of("10000", date(2026, 1, 31), date(2026, 3, 2), contract_rate=Decimal(15))
    assert (fair.amount, fair.notes) == (Decimal("123.29"), ())
    # "ECB + 10" lay below three times the legal rate in the first half of 2024
    low = of("10000", date(2024, 1, 31), date(2024, 3, 1), contract_rate=Decimal("14.50"))
    assert len(low.notes) == 1
    assert "15.21" in low.notes[0]
    (told,) = of("10000", date(2022, 12, 31), date(2026, 3, 1), contract_rate=Decimal(5)).notes
    assert "15.21 % of FR from 2024-01-01, and below that of 6 other half-year(s)" in told


def test_a_contracts_rate_below_the_last_known_floor_is_told_where_the_floor_is_not_known_yet() -> None:
    (told,) = of("10000", date(2026, 7, 31), date(2026, 8, 30), contract_rate=Decimal(6)).notes
    assert "from 2026-07-01 is not known, and the contract's rate of 6 % lies below the 7.86 %" in told
    assert of("10000", date(2026, 7, 31), date(2026, 8, 30), contract_rate=Decimal(8)).notes == ()


def test_an_uncertain_rate_is_told() -> None:
    assert of("100", date(2026, 5, 1), date(2026, 6, 1)).notes == ()
    assert "12.40" in of("100", date(2026, 5, 1), date(2026, 7, 1)).notes[0]


@pytest.mark.parametrize(
    ("due", "until"), [(date(2019, 11, 1), date(2020, 1, 5)), (date(2026, 12, 1), date(2027, 1, 1))]
)
def test_nothing_is_computed_where_a_rate_is_missing(due: date, until: date) -> None:
    with pytest.raises(UnknownLaw):
        of("100", due, until)
    assert of("100", due, until, contract_rate=Decimal(12)).amount > 0


@pytest.mark.parametrize(
    ("country", "principal", "currency", "expected"),
    [
        ("FR", "12.00", "EUR", "40.00"),
        ("FR", "900000", "EUR", "40.00"),
        ("FR", "100", "USD", None),
        ("GB", "999.99", "GBP", "40.00"),
        ("GB", "1000.00", "GBP", "70.00"),
        ("GB", "9999.99", "GBP", "70.00"),
        ("GB", "10000.00", "GBP", "100.00"),
        ("GB", "10000.00", "EUR", None),
        ("NL", "100", "EUR", "40.00"),
        ("NL", "2500", "EUR", "375.00"),
        ("NL", "5000", "EUR", "625.00"),
        ("NL", "10000", "EUR", "875.00"),
        ("NL", "200000", "EUR", "2775.00"),
        ("NL", "1000000", "EUR", "6775.00"),
        ("NL", "5000000", "EUR", "6775.00"),
        ("FR", "0", "EUR", None),
    ],
)
def test_indemnities(country: str, principal: str, currency: str, expected: str | None) -> None:
    found = indemnity(LAWS[country], Decimal(principal), currency)
    assert found == (None if expected is None else Decimal(expected))


DAYS = st.dates(date(2020, 1, 1), date(2026, 12, 30))
SUMS = st.decimals(min_value="0.01", max_value="999999.99", places=2)
PAYMENTS = st.lists(st.builds(PartPayment, DAYS, st.decimals("0.01", "5000", places=2)), max_size=4)
COUNTRIES = st.sampled_from(sorted(LAWS))


@given(principal=SUMS, due=DAYS, days=st.integers(0, 900), payments=PAYMENTS, country=COUNTRIES)
def test_the_periods_come_to_what_each_day_comes_to(
    principal: Decimal, due: date, days: int, payments: list[PartPayment], country: str
) -> None:
    """The oracle counts day by day, with nothing cut into periods."""
    law = LAWS[country]
    until = min(due + timedelta(days=days), date(2026, 12, 31))
    expected = Fraction(0)
    for number in range(1, (until - due).days + 1):
        day = due + timedelta(days=number)
        base = principal - sum((p.amount for p in payments if p.day < day), Decimal(0))
        rate = law.rate_on(due + timedelta(days=1) if law.rate_of == "start" else day)
        expected += Fraction(max(base, Decimal(0))) * Fraction(rate.percent) / 36500
    found = interest(principal, due, until, law, payments=payments)
    assert found.exact == expected
    assert abs(Fraction(found.amount) - expected) <= Fraction(1, 200)


@given(principal=SUMS, due=DAYS, one=st.integers(0, 400), more=st.integers(0, 400), payments=PAYMENTS)
def test_interest_never_falls_as_time_passes_and_never_rises_by_a_payment(
    principal: Decimal, due: date, one: int, more: int, payments: list[PartPayment]
) -> None:
    first = min(due + timedelta(days=one), date(2026, 12, 31))
    later = min(first + timedelta(days=more), date(2026, 12, 31))
    early = interest(principal, due, first, FRANCE, payments=payments)
    assert 0 <= early.exact <= interest(principal, due, later, FRANCE, payments=payments).exact
    assert early.exact <= interest(principal, due, first, FRANCE).exact


@given(principal=SUMS, due=DAYS, days=st.integers(1, 700))
def test_periods_follow_each_other_without_a_gap(principal: Decimal, due: date, days: int) -> None:
    until = min(due + timedelta(days=days), date(2026, 12, 31))
    periods = interest(principal, due, until, FRANCE).periods
    assert sum(p.days for p in periods) == (until - due).days
    assert all(a.last + timedelta(days=1) == b.first for a, b in pairwise(periods))


@pytest.mark.parametrize(
    ("exact", "cents"), [("0.005", "0.01"), ("0.0049999", "0.00"), ("2.675", "2.68"), ("3", "3.00")]
)
def test_half_a_cent_is_rounded_up(exact: str, cents: str) -> None:
    assert rounded(Fraction(exact)) == Decimal(cents)


def test_a_year_may_be_counted_as_360_days() -> None:
    assert of("3600", date(2026, 1, 31), date(2026, 3, 2), day_count=360).amount == Decimal("36.45")
