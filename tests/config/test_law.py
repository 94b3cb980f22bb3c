"""The tables of late-payment law: what stands in them, and what they refuse to say."""

from datetime import date
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

import pytest

from config import ConfigError
from config.law import MEMBERS, Law, UnknownLaw, half_year, law_for, next_half_year
from tests.config.test_plans import settings

HALVES = [date(year, month, 1) for year in range(2020, 2027) for month in (1, 7)]

# Per cent for each half-year from 2020 H1 to 2026 H2, as published (see the tables' own sources).
FRANCE = "10.00 10.00 10.00 10.00 10.00 10.00 12.50 14.00 14.50 14.25 13.15 12.15 12.15 12.40"
FLOOR = "2.61 2.52 2.37 2.28 2.28 2.31 6.18 12.66 15.21 14.76 11.13 8.28 7.86"
UNION = "8.00 8.00 8.00 8.00 8.00 8.00 10.50 12.00 12.50 12.25 11.15 10.15 10.15 10.40"
GERMANY = "8.12 8.12 8.12 8.12 8.12 8.12 10.62 12.12 12.62 12.37 11.27 10.27 10.27 10.52"
BRITAIN = "8.75 8.10 8.10 8.10 8.25 9.25 11.50 13.00 13.25 13.25 12.75 12.25 11.75 11.75"
BELGIUM = "8.00 8.00 8.00 8.00 8.00 8.00 10.50 12.00 12.50 12.50 11.50 10.50 10.50 10.50"
RATES = {
    "FR": FRANCE, "DE": GERMANY, "GB": BRITAIN, "BE": BELGIUM, "NL": UNION, "IT": UNION, "ES": UNION, "PT": UNION,
}  # fmt: skip


def law(root: Path, country: str) -> Law:
    return law_for(settings(root), country)


@pytest.mark.parametrize("country", RATES)
def test_the_rates_are_those_that_were_published(tmp_path: Path, country: str) -> None:
    known = law(tmp_path, country)
    expected = dict(zip(HALVES, map(Decimal, RATES[country].split()), strict=True))
    assert {row.start: row.percent for row in known.rate} == expected
    for start, percent in expected.items():
        assert known.rate_on(start).percent == percent


# What the rates are made of, for each half-year from 2020 H1 on: the ECB's refinancing rate on its first day, and the
# French legal rate between professionals.
ECB = "0.00 0.00 0.00 0.00 0.00 0.00 2.50 4.00 4.50 4.25 3.15 2.15 2.15 2.40"
LEGAL = "0.87 0.84 0.79 0.76 0.76 0.77 2.06 4.22 5.07 4.92 3.71 2.76 2.62"


@pytest.mark.parametrize("country", ["FR", "BE", "NL", "IT", "ES", "PT"])
def test_the_rates_follow_from_the_refinancing_rate_on_the_first_day(tmp_path: Path, country: str) -> None:
    supplement = 10 if country == "FR" else 8
    for start, rate in zip(HALVES, map(Decimal, ECB.split()), strict=True):
        expected = rate + supplement
        if country == "BE":  # rounded up to half a point
            expected = (expected * 2).to_integral_value(ROUND_CEILING) / 2
        assert law(tmp_path, country).rate_on(start).percent == expected


def test_the_german_rate_is_nine_points_over_the_base_rate(tmp_path: Path) -> None:
    for start, rate in zip(HALVES, map(Decimal, ECB.split()), strict=True):
        base = rate - Decimal("0.88") if start >= date(2023, 1, 1) else Decimal("-0.88")
        assert law(tmp_path, "DE").rate_on(start).percent == base + 9


def test_the_french_floor_is_three_times_each_legal_rate_and_unknown_where_that_is(tmp_path: Path) -> None:
    france, known = law(tmp_path, "FR"), [Decimal(rate) for rate in LEGAL.split()]
    floors = [france.floor_on(start) for start in HALVES]
    assert [row.percent if row is not None else None for row in floors] == [*(rate * 3 for rate in known), None]


def test_the_french_floor_is_three_times_the_legal_rate_and_once_lay_above_the_default(tmp_path: Path) -> None:
    france = law(tmp_path, "FR")
    assert [row.percent for row in france.floor] == [Decimal(value) for value in FLOOR.split()]
    floor = france.floor_on(date(2024, 3, 1))
    assert floor is not None
    assert floor.percent > france.rate_on(date(2024, 3, 1)).percent


@pytest.mark.parametrize("country", [*RATES, "AT", "PL"])
def test_every_row_says_where_it_comes_from_and_what_is_not_certain_says_why(tmp_path: Path, country: str) -> None:
    known = law(tmp_path, country)
    for row in (*known.rate, *known.floor):
        assert row.source
        assert row.is_certain or row.note
    assert not known.rate_on(date(2026, 7, 1)).is_certain


@pytest.mark.parametrize("day", [date(2019, 12, 31), date(2027, 1, 1), date(2031, 5, 5)])
def test_a_half_year_without_a_row_is_refused(tmp_path: Path, day: date) -> None:
    with pytest.raises(UnknownLaw, match=f"half-year from {half_year(day)}") as caught:
        law(tmp_path, "FR").rate_on(day)
    assert "law/FR.toml" in str(caught.value)


def test_a_country_without_a_law_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownLaw, match="no late-payment law of US"):
        law(tmp_path, "US")


def test_every_member_state_has_at_least_the_directive(tmp_path: Path) -> None:
    for country in sorted(MEMBERS):
        assert law(tmp_path, country).rate_on(date(2026, 3, 1)).percent >= Decimal("10.15")


def test_the_companys_own_table_goes_before(tmp_path: Path) -> None:
    (tmp_path / "law").mkdir()
    text = 'country = "FR"\nlaw = "x"\n[[rate]]\nfrom = 2027-01-01\npercent = "12.40"\nsource = "Banque de France"\n'
    (tmp_path / "law" / "FR.toml").write_text(text, encoding="utf-8")
    assert law(tmp_path, "FR").rate_on(date(2027, 2, 1)).percent == Decimal("12.40")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from = 2026-02-01", "first day of a half-year"),
        ("from = 2026-01-01\nfrom = 2026-01-01", "TOML"),
        ('from = 2026-01-01\npercent = "-1"', "TOML|at least"),
    ],
)
def test_a_table_with_a_mistake_is_refused(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "law").mkdir()
    text = f'country = "FR"\nlaw = "x"\n[[rate]]\n{line}\npercent = "12"\nsource = "x"\n'
    (tmp_path / "law" / "FR.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        law(tmp_path, "FR")


@pytest.mark.parametrize(
    ("country", "due", "last"),
    [
        ("FR", date(2022, 3, 31), date(2027, 3, 31)),
        ("FR", date(2024, 2, 29), date(2029, 2, 28)),
        ("DE", date(2022, 3, 31), date(2025, 12, 31)),
        ("GB", date(2022, 3, 31), date(2028, 3, 31)),
    ],
)
def test_prescription_ends_by_the_countrys_count(tmp_path: Path, country: str, due: date, last: date) -> None:
    known = law(tmp_path, country).prescription
    assert known is not None
    assert known.ends(due) == last


def test_half_years() -> None:
    assert half_year(date(2026, 6, 30)) == date(2026, 1, 1)
    assert next_half_year(date(2026, 12, 31)) == date(2027, 1, 1)
    assert next_half_year(date(2026, 1, 1)) == date(2026, 7, 1)
