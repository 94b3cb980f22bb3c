"""Tables for people: cells in a language's way of writing, and the picture of each table. Pure.

`Speech` is what a language must be able to say; the pages and the digest give one. Codes of the house (steps, reasons)
are looked up among its phrases, so that no page shows a code that has a word.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from markupsafe import Markup

from agent.reports import charts
from agent.reports.charts import Say, Series
from agent.reports.figures import BUCKETS
from agent.reports.tables import Column, Kind, Table

DASH = "—"
_WORDS_OF: Mapping[str, str] = {"reason": "dispute", "cause": "dispute", "step": "step", "template": "step"}
"""Which part of the catalogue has the words for the codes of a column."""


class Speech(Protocol):
    """One language."""

    def say(self, key: str, /, **values: object) -> str: ...
    def knows(self, key: str) -> bool: ...
    def money(self, amount: Decimal, currency: str) -> str: ...
    def percent(self, share: float) -> str: ...
    def number(self, value: float | Decimal) -> str: ...
    def day(self, day: date | datetime) -> str: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart of one table, of one currency where it has any."""

    title: str
    svg: Markup


def heading(column: Column, speech: Speech) -> str:
    return speech.say(f"figure_of.{column.name}")


def is_figure(column: Column) -> bool:
    return column.kind in {Kind.MONEY, Kind.DAYS, Kind.PERCENT, Kind.NUMBER, Kind.COUNT}


def cell(row: Mapping[str, Any], column: Column, speech: Speech) -> str:
    """One value as a person reads it; a dash where there is nothing to say."""
    value = row.get(column.name)
    if value is None:
        return DASH
    match column.kind:
        case Kind.MONEY:
            return speech.money(value, str(row["currency"]))
        case Kind.PERCENT:
            return _percent(value, speech)
        case Kind.DATE:
            return speech.day(value)
        case Kind.FLAG:
            return speech.say("figures.yes" if value else "figures.no")
        case Kind.CODE:
            return word(column.name, str(value), speech)
        case Kind.TEXT:
            return str(value)
        case _:
            return speech.number(value)


def word(column: str, code: str, speech: Speech) -> str:
    """The word for a code, or the code with spaces where nobody wrote one: a company's own step."""
    for part in (_WORDS_OF.get(column), f"{column}_code", "figure_of"):
        if part is not None and speech.knows(f"{part}.{code}"):
            return speech.say(f"{part}.{code}")
    return code.replace("_", " ")


def _percent(value: Decimal, speech: Speech) -> str:
    return speech.percent(float(value) / 100)


def short_money(amount: Decimal) -> str:
    """For the bars of a chart, where the table beside it has the cents.

    >>> [short_money(Decimal(n)) for n in ("950.4", "-1250", "172949.18", "12345678")]
    ['950', '-1.3k', '173k', '12.3M']
    """
    for unit, sign in ((1_000_000, "M"), (1000, "k")):
        if abs(amount) >= unit:
            return f"{amount / unit:.{0 if abs(amount) >= 100 * unit else 1}f}{sign}"
    return f"{amount:.0f}"


# --- pictures --------------------------------------------------------------------------------------------------------


def pictures(table: Table, speech: Speech) -> list[Picture]:
    """The pictures of a table; none where a picture would say nothing that the table does not."""
    draw = _DRAWN.get((table.name, table.by.value if table.by is not None else None))
    return list(draw(table, speech)) if draw is not None and table.rows else []


Draw = Callable[[Table, Speech], Iterator[Picture]]


def _by_currency(table: Table) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for currency in sorted({str(row["currency"]) for row in table.rows}):
        yield currency, [row for row in table.rows if row["currency"] == currency]


def _title(table: Table, speech: Speech, currency: str | None = None) -> str:
    title = speech.say(f"figures.{table.name}")
    return f"{title} ({currency})" if currency else title


def _aging(table: Table, speech: Speech) -> Iterator[Picture]:
    for currency, rows in _by_currency(table):
        title = _title(table, speech, currency)
        values = tuple(Decimal(rows[0][bucket]) for bucket in BUCKETS)
        labels = [speech.say(f"figure_of.{bucket}") for bucket in BUCKETS]
        series = [Series(speech.say("figure_of.total"), values)]
        yield Picture(title, charts.bars(f"aging-{currency}", title, labels, series, short_money))


def _months(*columns: str, say: str) -> Draw:
    """Lines over the months."""

    def draw(table: Table, speech: Speech) -> Iterator[Picture]:
        for currency, rows in _by_currency(table):
            title = _title(table, speech, currency)
            yield Picture(
                title,
                charts.lines(
                    f"{table.name}-{currency}", title, [str(row["month"]) for row in rows],
                    _series(rows, columns, speech), _say(say, speech),
                ),
            )  # fmt: skip

    return draw


def _series(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], speech: Speech) -> list[Series]:
    return [
        Series(
            speech.say(f"figure_of.{column}"),
            tuple(Decimal(row[column]) if row[column] is not None else None for row in rows),
        )
        for column in columns
    ]


def _say(kind: str, speech: Speech) -> Say:
    return (lambda v: _percent(v, speech)) if kind == "percent" else short_money if kind == "money" else speech.number


def _bars(label: str, *columns: str, say: str = "count") -> Draw:
    """Bars, one group a row."""

    def draw(table: Table, speech: Speech) -> Iterator[Picture]:
        kind = next(column for column in table.columns if column.name == label)
        for currency, rows in _by_currency(table):
            title = _title(table, speech, currency)
            labels = [cell(row, kind, speech) for row in rows]
            series = _series(rows, columns, speech)
            yield Picture(title, charts.bars(f"{table.name}-{currency}", title, labels, series, _say(say, speech)))

    return draw


def _weeks(table: Table, speech: Speech) -> Iterator[Picture]:
    title = _title(table, speech)
    labels = [f"{row['week']:%d/%m}" for row in table.rows]
    series = _series(table.rows, ("worked_share", "worked_by_people_share"), speech)
    yield Picture(title, charts.lines("weeks", title, labels, series, _say("percent", speech)))


_DRAWN: Mapping[tuple[str, str | None], Draw] = {
    ("aging", None): _aging,
    ("dso", "month"): _months("dso_count_back", "dso_best_possible", say="days"),
    ("overdue", "month"): _months("overdue_share", say="percent"),
    ("cei", "month"): _months("cei", say="percent"),
    ("promises", "month"): _bars("month", "kept", "broken"),
    ("disputes", None): _bars("reason", "amount", say="money"),
    ("recovery", None): _bars("step", "recovery_rate", "reply_rate", say="percent"),
    ("reminders", None): _bars("reminders_before", "paid_invoices"),
    ("causes", None): _bars("cause", "amount", say="money"),
    ("weeks", None): _weeks,
}
