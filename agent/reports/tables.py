"""The figures as plain tables: which there are, their columns, and how they are split. Pure.

A table is made by one function of `figures_*.py` over the books and a period; splitting by customer, segment, owner or
month hands it a part of the books (or of the period) each time, so that a figure is the same thing however it is split.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from agent.reports import figures_ledger, figures_mailbox, figures_promises, figures_recovery, objectives
from agent.reports.figures_ledger import Row
from agent.reports.values import Books, Period, Person


class _Owned(Protocol):
    """A row of the books that belongs to a customer, or to nobody that is known."""

    @property
    def customer_id(self) -> str | None: ...


Owned = TypeVar("Owned", bound=_Owned)


class Kind(StrEnum):
    """What the values of a column are, and so how they are shown; None stands for nothing to say in any of them."""

    TEXT = "text"
    CODE = "code"
    """A word of the house (a step, a reason) that catalogues may have words for."""
    MONEY = "money"
    """Decimal in the row's ``currency``."""
    DAYS = "days"
    PERCENT = "percent"
    NUMBER = "number"
    COUNT = "count"
    DATE = "date"
    FLAG = "flag"


class By(StrEnum):
    """What a table is split by."""

    CUSTOMER = "customer"
    SEGMENT = "segment"
    OWNER = "owner"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under named columns. ``name`` is the report's."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    period: Period
    by: By | None = None

    def as_objects(self) -> Iterator[dict[str, Any]]:
        """The rows for programs: amounts stay Decimal (and become text), days and shares are numbers."""
        for row in self.rows:
            yield {c.name: _plain(row.get(c.name), c.kind) for c in self.columns}


def _plain(value: Any, kind: Kind) -> Any:
    is_number = kind in {Kind.DAYS, Kind.PERCENT, Kind.NUMBER} and value is not None
    return float(value) if is_number else value


@dataclass(frozen=True, slots=True)
class Report:
    """A table that can be made. ``is_of_a_day``: it tells of the period's end, and by default reaches back over three
    months only; the others tell of all that is on record.
    """

    name: str
    columns: tuple[Column, ...]
    make: Callable[[Books, Period], Iterable[Row]]
    is_of_a_day: bool = False


def _columns(text: str) -> tuple[Column, ...]:
    """``name:kind`` of each column; a bare name is a count."""
    found = (part.partition(":") for part in text.split())
    return tuple(Column(name, Kind(kind or "count")) for name, _, kind in found)


_AGING = """
currency:text as_of:date not_due:money 1_30:money 31_60:money 61_90:money over_90:money total:money overdue:money
overdue_share:percent at_risk:percent credits:money net:money doubtful:money invoices"""
_DSO = """
currency:text as_of:date days receivables:money not_due:money sales:money dso_count_back:days is_at_least:flag
dso_simple:days dso_best_possible:days add:days"""
_CEI = """
currency:text from:date to:date months:number begin:money sales:money end:money end_not_due:money cei:percent"""
_OVERDUE = """
currency:text as_of:date open:money overdue:money overdue_share:percent was_overdue:money collected:money
recovery_rate:percent mean_delay:days days_to_pay:days paid_invoices"""
_PROMISES = """
currency:text from:date to:date fallen_due kept broken kept_rate:percent amount_fallen_due:money amount_kept:money
kept_rate_by_amount:percent slippage_days:days replaced open"""
_DISPUTES = """
currency:text reason:code opened amount:money open upheld rejected withdrawn unfounded_share:percent days_to_settle:days
dispute_rate:percent dispute_rate_by_amount:percent"""
_AFTER = """
reminders invoices covered:money collected:money recovery_rate:percent window_running paid_after
days_to_pay_median:days days_to_pay_p90:days answered reply_rate:percent"""
_NEEDED = "currency:text reminders_before paid_invoices share:percent amount:money"
_MAILBOX = """
from:date to:date seen handled in_progress waiting human auto_replies bounces automatic automatic_share:percent
corrected corrected_wrong override_rate:percent automatic_wrong audited audited_wrong audited_error:percent
hours_to_decision_median:number hours_to_decision_p90:number reminders_sent
reminders_undelivered"""
_WEEKS = """
week:date overdue_invoices worked worked_share:percent worked_by_people worked_by_people_share:percent"""
_PEOPLE = "person:text cases exceptions tasks notes entries working_days cases_per_day:number"
_CAUSES = "currency:text source:code cause:code said invoices amount:money"
_OBJECTIVES = "objective:code currency:text target:number result:number is_met:flag"

REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        Report("aging", _columns(_AGING), figures_ledger.aging, is_of_a_day=True),
        Report("dso", _columns(_DSO), figures_ledger.dso, is_of_a_day=True),
        Report("cei", _columns(_CEI), figures_ledger.cei, is_of_a_day=True),
        Report("overdue", _columns(_OVERDUE), figures_ledger.overdue, is_of_a_day=True),
        Report("promises", _columns(_PROMISES), figures_promises.promises),
        Report("disputes", _columns(_DISPUTES), figures_promises.disputes),
        Report(
            "recovery",
            _columns("currency:text plan:code step:code channel:code template:code" + _AFTER),
            figures_recovery.recovery,
        ),
        Report(
            "channels", _columns("currency:text channel:code template:code" + _AFTER), figures_recovery.channels
        ),
        Report("reminders", _columns(_NEEDED), figures_recovery.reminders_needed),
        Report("mailbox", _columns(_MAILBOX), figures_mailbox.mailbox),
        Report("weeks", _columns(_WEEKS), figures_mailbox.weeks, is_of_a_day=True),
        Report("people", _columns(_PEOPLE), figures_mailbox.people),
        Report("causes", _columns(_CAUSES), figures_mailbox.causes),
        Report("objectives", _columns(_OBJECTIVES), objectives.results, is_of_a_day=True),
    )
}  # fmt: skip


def build(name: str, books: Books, period: Period, by: By | None = None) -> Table:
    """The report of that name, split or whole."""
    report = REPORTS[name]
    rows: list[Row] = []
    for label, part, days in _split(books, period, by):
        rows += ({**label, **row} for row in report.make(part, days))
    return Table(name, (*_label_columns(by), *report.columns), tuple(rows), period, by)


def _label_columns(by: By | None) -> tuple[Column, ...]:
    match by:
        case None:
            return ()
        case By.CUSTOMER:
            return Column("customer", Kind.TEXT), Column("name", Kind.TEXT)
        case _:
            return (Column(by.value, Kind.TEXT),)


def _split(books: Books, period: Period, by: By | None) -> Iterator[tuple[Row, Books, Period]]:
    if by is None:
        yield {}, books, period
    elif by is By.MONTH:
        for month in months(period):
            yield {"month": f"{month.start:%Y-%m}"}, books, month
    else:
        groups: dict[str | None, set[str]] = defaultdict(set)
        for person in books.customers.values():
            groups[_group(person.id, books, by)].add(person.id)
        parts = _parts(books, {each: group for group, ids in groups.items() for each in ids})
        for group in sorted(groups, key=lambda g: (g is None, g or "")):
            label: Row = {by.value: group}
            if by is By.CUSTOMER and group is not None:
                label["name"] = books.customers[group].name
            yield label, parts[group], period


def _group(customer_id: str, books: Books, by: By) -> str | None:
    person = books.customers[customer_id]
    match by:
        case By.SEGMENT:
            return person.segment
        case By.OWNER:
            return person.owner
        case _:
            return customer_id


def _parts(books: Books, group_of: Mapping[str, str | None]) -> dict[str | None, Books]:
    """The books by group, each row handed out once: a split over thousands of customers stays one walk."""
    people: dict[str | None, dict[str, Person]] = defaultdict(dict)
    for customer_id, group in group_of.items():
        people[group][customer_id] = books.customers[customer_id]

    def handed_out(rows: Iterable[Owned]) -> dict[str | None, list[Owned]]:
        found: dict[str | None, list[Owned]] = defaultdict(list)
        for row in rows:
            if row.customer_id is not None and row.customer_id in group_of:
                found[group_of[row.customer_id]].append(row)
        return found

    invoices, credits_, touches = handed_out(books.invoices), handed_out(books.credits), handed_out(books.touches)
    promises, disputes = handed_out(books.promises), handed_out(books.disputes)
    mails, work = handed_out(books.mails), handed_out(books.work)
    return {
        group: replace(
            books,
            customers=members,
            invoices=tuple(invoices[group]),
            credits=tuple(credits_[group]),
            touches=tuple(touches[group]),
            promises=tuple(promises[group]),
            disputes=tuple(disputes[group]),
            mails=tuple(mails[group]),
            work=tuple(work[group]),
            undelivered=tuple(each for each in books.undelivered if each.customer_id in members),
        )
        for group, members in people.items()
    }


def only(books: Books, customers: Collection[str]) -> Books:
    """The books of these customers; raises KeyError where one is unknown."""
    return _parts(books, dict.fromkeys(customers, "chosen"))["chosen"]


def months(period: Period) -> Iterator[Period]:
    """The calendar months of a period; the first and the last may be parts of one."""
    start = period.start
    while start <= period.end:
        last = start.replace(day=monthrange(start.year, start.month)[1])
        yield Period(start, min(last, period.end))
        start = last + timedelta(days=1)


def three_months_to(end: date) -> Period:
    """From the day after the same day three months earlier.

    >>> three_months_to(date(2026, 5, 31)).start.isoformat(), three_months_to(date(2026, 3, 15)).start.isoformat()
    ('2026-03-01', '2025-12-16')
    """
    after = end + timedelta(days=1)
    months_ago = after.year * 12 + after.month - 1 - 3
    year, month = divmod(months_ago, 12)
    day = min(after.day, monthrange(year, month + 1)[1])
    return Period(date(year, month + 1, day), end)


def everything_to(books: Books, end: date) -> Period:
    """From the first day on record."""
    days = [
        *(i.issued for i in books.invoices), *(t.day for t in books.touches), *(m.day for m in books.mails),
        *(p.fell_due for p in books.promises), *(d.opened for d in books.disputes), *(w.day for w in books.work),
    ]  # fmt: skip
    return Period(min([*days, end]), end)
