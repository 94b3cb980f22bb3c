"""Late-payment interest and the fixed indemnity of one invoice. Pure: dates, sums and a law's table in, figures out.

Interest is simple, on the sum with tax, from the day after the due date up to and with the day asked about; the day on
which a part was paid still counts with that part. The period is cut at 1 January and 1 July, because the rate changes
there (where the law takes the rate of the day on which interest starts, that one rate counts throughout), and after
each part payment. Days over 365, as the table says. The sum is rounded once, at the end, half a cent up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from config.law import Band, Law, Rate, half_year, next_half_year

ONE_DAY = timedelta(days=1)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PartPayment:
    """Money that came in on a day."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Period:
    """Days with one rate and one sum: from ``first`` up to and with ``last``."""

    first: date
    last: date
    base: Decimal
    percent: Decimal

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Interest:
    """``amount`` is rounded to the cent, ``exact`` is not; ``notes`` are for the person who answers for it."""

    amount: Decimal
    exact: Fraction
    periods: tuple[Period, ...]
    notes: tuple[str, ...]


def interest(
    principal: Decimal,
    due: date,
    until: date,
    law: Law,
    *,
    payments: Sequence[PartPayment] = (),
    contract_rate: Decimal | None = None,
    day_count: int | None = None,
) -> Interest:
    """What has accrued on a sum that fell due on ``due``, up to and with ``until``.

    Args:
        principal: the sum with tax that was open on the due date.
        due: the last day on which it could be paid in time.
        until: the last day that counts.
        law: whose rates count.
        payments: what came in on it, in any order; what came on or before the due date lowers it from the start.
        contract_rate: per cent a year that the contract sets in place of the law's.
        day_count: days that a year has; None: as the law's table says.

    Raises:
        UnknownLaw: a half-year in the period has no rate.
    """
    first = due + ONE_DAY
    year = day_count or law.day_count
    notes: list[str] = []
    periods: list[Period] = []
    floors: list[Rate] = []
    exact = Fraction(0)
    for start, last in _stretches(first, until, payments):
        base = principal - sum((p.amount for p in payments if p.day < start), Decimal(0))
        if base <= 0:
            continue
        percent = _percent(law, first if law.rate_of == "start" else start, contract_rate, notes)
        floor = law.floor_on(start) if contract_rate is not None else None
        floors += [floor] if floor is not None else []
        period = Period(start, last, base, percent)
        periods.append(period)
        exact += Fraction(base) * Fraction(percent) * period.days / (100 * year)
    if contract_rate is not None and (note := below_floors(law, floors, contract_rate)) is not None:
        notes.append(note)
    if contract_rate is not None:
        unsure = (floor_in_doubt(law, period.first, contract_rate) for period in periods)
        notes += [note for note in unsure if note is not None]
    return Interest(rounded(exact), exact, tuple(periods), tuple(dict.fromkeys(notes)))


def _stretches(first: date, until: date, payments: Sequence[PartPayment]) -> list[tuple[date, date]]:
    if until < first:
        return []
    cuts = {first, *(p.day + ONE_DAY for p in payments if first <= p.day < until)}
    day = next_half_year(first)
    while day <= until:
        cuts.add(day)
        day = next_half_year(day)
    starts = sorted(cuts)
    return [(start, after - ONE_DAY) for start, after in pairwise([*starts, until + ONE_DAY])]


def _percent(law: Law, day: date, contract_rate: Decimal | None, notes: list[str]) -> Decimal:
    if contract_rate is not None:
        return contract_rate
    rate = law.rate_on(day)
    if not rate.is_certain:
        notes.append(uncertain(law, rate))
    return rate.percent


def uncertain(law: Law, rate: Rate) -> str:
    """The sentence on a rate that nobody has checked against its official source."""
    return f"the rate of {law.country} from {rate.start} ({rate.percent} %) is not certain: {rate.note or rate.source}"


def below_floors(law: Law, floors: Iterable[Rate], contract_rate: Decimal) -> str | None:
    """The warning on a contract's rate that the law does not allow in some of these half-years; None: high enough."""
    low = list(dict.fromkeys(floor for floor in floors if contract_rate < floor.percent))
    if not low:
        return None
    most = max(low, key=lambda floor: floor.percent)
    told = (
        f"the contract's rate of {contract_rate} % lies below the floor of {most.percent} % of {law.country}"
        f" from {most.start}"
    )
    return told if len(low) == 1 else f"{told}, and below that of {len(low) - 1} other half-year(s)"


def floor_in_doubt(law: Law, day: date, contract_rate: Decimal) -> str | None:
    """The warning on a contract's rate in a half-year whose floor is not known yet: the last known one was higher."""
    start = half_year(day)
    before = [floor for floor in law.floor if floor.start < start]
    if law.floor_on(day) is not None or not before or contract_rate >= before[-1].percent:
        return None
    return (
        f"the floor of {law.country} for the half-year from {start} is not known, and the contract's rate of"
        f" {contract_rate} % lies below the {before[-1].percent} % of the one from {before[-1].start}"
    )


def indemnity(law: Law, principal: Decimal, currency: str) -> Decimal | None:
    """The fixed sum for recovery costs of one invoice of ``principal``; None: the law has none in that currency."""
    known = law.indemnity
    if known is None or known.currency != currency or principal <= 0:
        return None
    if known.scale[0].fixed is not None:
        band = next(band for band in known.scale if band.up_to is None or principal <= band.up_to)
        assert band.fixed is not None
        return band.fixed
    total = sum((_in_band(principal, below, band) for below, band in _bands(known.scale)), Decimal(0))
    total = max(total.quantize(CENT, ROUND_HALF_UP), known.least)
    return total if known.most is None else min(total, known.most)


def _bands(scale: Sequence[Band]) -> list[tuple[Decimal, Band]]:
    below = Decimal(0)
    found = []
    for band in scale:
        found.append((below, band))
        below = band.up_to if band.up_to is not None else below
    return found


def _in_band(principal: Decimal, below: Decimal, band: Band) -> Decimal:
    top = principal if band.up_to is None else min(principal, band.up_to)
    return max(Decimal(0), top - below) * (band.percent or Decimal(0)) / 100


def rounded(exact: Fraction) -> Decimal:
    """To the cent, half a cent up, without a detour over a decimal of limited length.

    >>> rounded(Fraction(1, 200))
    Decimal('0.01')
    """
    cents = (exact * 100 + Fraction(1, 2)).__floor__()
    return Decimal(cents).scaleb(-2)
