"""Late-payment law by country, as dated tables with their sources: interest, indemnity, terms, prescription.

A table is a TOML file in `config/law/`; a company's own `law/CC.toml` beside its configuration takes its place. Member
states of the European Union without a table of their own have the directive's. A half-year without a row is unknown:
who asks for its rate gets an error, never a guess. What computes with the tables is `agent.reminders.interest`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from config.errors import RelanceError
from config.fields import Country, Currency, wrong
from config.reading import read_toml, told
from config.settings import Settings

MEMBERS = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
"""The member states of the European Union, where directive 2011/7/EU sets the least."""


EndOfMonth = Literal["none", "first", "last"]
"""Whether terms are agreed from the end of the month: to it first and then the days on, or the days first."""


class UnknownLaw(RelanceError):
    """No table, or no row for the half-year that is asked about: nothing is computed."""


def _or_none(value: object) -> object:
    return None if value == "" else value


_UpTo = Annotated[Decimal | None, BeforeValidator(_or_none)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(_Table):
    """`[[rate]]`, `[[floor]]`: per cent a year for the half-year that begins on `start`."""

    start: date = Field(alias="from")
    percent: Decimal = Field(ge=0, le=100)
    source: str = Field(min_length=1)
    is_certain: bool = True
    note: str = ""

    @model_validator(mode="after")
    def _begins_a_half_year(self) -> Self:
        if (self.start.month, self.start.day) not in {(1, 1), (7, 1)}:
            wrong("the first day of a half-year", "Write from = 2026-01-01 or 2026-07-01.")
        return self


class Band(_Table):
    """One band of an indemnity: a fixed sum for principals up to `up_to`, or a share of what lies in the band."""

    up_to: _UpTo = None
    fixed: Decimal | None = None
    percent: Decimal | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.fixed is None) == (self.percent is None):
            wrong("either fixed or percent", "Keep one of them.")
        return self


class Indemnity(_Table):
    """What a creditor may claim for its costs, for each invoice."""

    currency: Currency
    scale: tuple[Band, ...] = Field(min_length=1)
    least: Decimal = Decimal(0)
    most: Decimal | None = None
    basis: str
    source: str


class Terms(_Table):
    """The longest term of payment that may be agreed, in days from the invoice's date.

    ``end_of_month_days``: the days that may be agreed with the end of a month instead; None: no such term.
    """

    most_days: int = Field(ge=1, le=365)
    end_of_month_days: int | None = Field(default=None, ge=1, le=365)
    source: str

    def days(self, end_of_month: EndOfMonth = "none") -> int:
        """The most days that may be agreed in that way."""
        return self.most_days if end_of_month == "none" else self.end_of_month_days or self.most_days

    def last_day(self, issued: date, end_of_month: EndOfMonth = "none") -> date:
        """The last due date that the law allows for an invoice of ``issued``.

        >>> Terms(most_days=60, end_of_month_days=45, source="x").last_day(date(2026, 1, 10), "first")
        datetime.date(2026, 3, 17)
        >>> Terms(most_days=60, end_of_month_days=45, source="x").last_day(date(2026, 1, 10), "last")
        datetime.date(2026, 2, 28)
        """
        days = timedelta(days=self.days(end_of_month))
        if end_of_month == "none" or self.end_of_month_days is None:
            return issued + days
        return _month_end(issued) + days if end_of_month == "first" else _month_end(issued + days)


class Prescription(_Table):
    """After how many years a claim can no longer be enforced, from the due date or the end of its year."""

    years: int = Field(ge=1, le=30)
    source: str
    counts_from: Literal["due", "year_end"] = "due"
    is_certain: bool = True

    def ends(self, due: date) -> date:
        """The last day on which a claim that fell due then can be enforced, where nothing interrupts the time."""
        if self.counts_from == "year_end":
            return date(due.year + self.years, 12, 31)
        return _years_later(due, self.years)


class Insolvency(_Table):
    """What a creditor must do when the debtor becomes insolvent, and within how many days."""

    days_to_declare: int = Field(ge=1, le=365)
    what: str
    is_certain: bool = True


class Law(_Table):
    """The file `law/CC.toml`."""

    country: str = Field(pattern="^[A-Z]{2}$")
    law: str
    rate_of: Literal["each_half_year", "start"] = "each_half_year"
    day_count: int = Field(default=365, ge=360, le=366)
    rate: tuple[Rate, ...] = Field(min_length=1)
    floor: tuple[Rate, ...] = ()
    indemnity: Indemnity | None = None
    terms: Terms | None = None
    prescription: Prescription | None = None
    insolvency: Insolvency | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for rows in (self.rate, self.floor):
            starts = [row.start for row in rows]
            if starts != sorted(set(starts)):
                wrong("half-years in order, each once", "Sort the rows, and take doubles out.")
        return self

    def rate_on(self, day: date) -> Rate:
        """The statutory rate of that day's half-year. Raises UnknownLaw where the table has none."""
        found = row_of(self.rate, day)
        if found is None:
            start = half_year(day)
            raise UnknownLaw(
                f"no late-payment rate of {self.country} is known for the half-year from {start}",
                f"Add it with its source to law/{self.country}.toml beside the configuration.",
            )
        return found

    def floor_on(self, day: date) -> Rate | None:
        """The least that a contract may set in that day's half-year; None: none is known."""
        return row_of(self.floor, day)


def half_year(day: date) -> date:
    """The first day of the half-year.

    >>> half_year(date(2026, 8, 9))
    datetime.date(2026, 7, 1)
    """
    return date(day.year, 1 if day.month <= 6 else 7, 1)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_half_year(day: date) -> date:
    start = half_year(day)
    return date(start.year, 7, 1) if start.month == 1 else date(start.year + 1, 1, 1)


def row_of(rows: tuple[Rate, ...], day: date) -> Rate | None:
    start = half_year(day)
    return next((row for row in rows if row.start == start), None)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 2, 28)


def law_for(settings: Settings, country: Country | None = None) -> Law:
    """The law of ``country``, else of the one that the settings name.

    Raises:
        UnknownLaw: there is no table for it.
        ConfigError: the table has a mistake.
    """
    code = country or settings.charges.country or settings.company.country
    own, shipped = settings.root / "law", Path(str(resources.files("config"))) / "law"
    names = [own / f"{code}.toml", shipped / f"{code}.toml"]
    if code in MEMBERS:
        names += [own / "EU.toml", shipped / "EU.toml"]
    path = next((name for name in names if name.exists()), None)
    if path is None:
        raise UnknownLaw(
            f"no late-payment law of {code} is known", f"Write law/{code}.toml beside the configuration, with sources."
        )
    try:
        return Law.model_validate(read_toml(path))
    except ValidationError as error:
        raise told(error, path, Law) from None
