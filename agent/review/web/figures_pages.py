"""The figures: tiles, pictures with the table behind each, and the same as CSV and XLSX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from starlette.responses import Response

from agent.reports import export, showing
from agent.reports.asking import Wish
from agent.reports.showing import Picture
from agent.reports.tables import REPORTS, By, Table
from agent.review import files
from agent.review.days import day_of
from agent.review.deeds import NoSuch
from agent.review.files import File
from agent.review.web.frame import Call

PARTS: Mapping[str, tuple[str, ...]] = {
    "money": ("objectives", "aging", "dso", "cei", "overdue"),
    "reminders": ("recovery", "channels", "reminders"),
    "answers": ("promises", "disputes", "causes"),
    "work": ("mailbox", "weeks", "people"),
}
"""The parts of the page and their tables: each table stands in one, in this order. The first has the tiles."""
_FIRST = "money"
TREND_MONTHS = 6
MOST_ROWS = 200
"""Rows of a table that the page shows; its file has all of them."""
_TRENDS = ("dso", "cei", "overdue", "promises")
"""Told month by month; what they are today stands in the tiles."""


@dataclass(frozen=True)
class Section:
    """One table with its pictures."""

    table: Table
    pictures: list[Picture]
    lead: str
    formulas: list[str]
    """How each of its figures is computed, with the source of the formula."""


def figures_page(call: Call) -> Response:
    books, wish = call.desk.books(call.now), _wish(call)
    part = call.query.get("part", _FIRST)
    part = part if part in PARTS else _FIRST
    has_tiles = part == _FIRST
    wanted = dict.fromkeys([*PARTS[part], *(name for name, _ in _TILES if has_tiles)])
    now = {table.name: table for table in _tables(call, wanted, replace(wish, by=None))}
    end = wish.end or books.today
    trend = replace(wish, start=_months_before(end, TREND_MONTHS - 1), end=end, by=By.MONTH)
    split = PARTS[part] if wish.by is not None else [name for name in PARTS[part] if name in _TRENDS]
    apart = {table.name: table for table in _tables(call, split, wish if wish.by is not None else trend)}
    tables = [apart.get(name, now[name]) for name in PARTS[part]]
    return call.show(
        "figures.html.j2", sections=[_section(call, table) for table in tables if table.rows], wish=wish, end=end,
        tiles=_tiles(call, now) if has_tiles else [], showing=showing, part=part, parts=tuple(PARTS),
        splits=[one for one in By if one is not By.OWNER or call.actor.only_of is None], most=MOST_ROWS,
        segments=sorted({p.segment for p in books.customers.values() if p.segment and _sees(call, p.owner)}),
        owners=sorted({p.owner for p in books.customers.values() if p.owner}) if call.actor.only_of is None else [],
        customer=books.customers.get(wish.customer or ""), query=_query(wish, call),
    )  # fmt: skip


def _sees(call: Call, owner: str | None) -> bool:
    only_of = call.actor.only_of
    return only_of is None or (only_of != "" and (owner or "").casefold() == only_of.casefold())


def table_file(call: Call) -> Response:
    """One table as CSV."""
    name = call.path("name")
    if name not in REPORTS:
        raise NoSuch(f"there is no table {name}")
    table = _tables(call, (name,), _wish(call))[0]
    return files.response(File(export.to_csv(table).encode("utf-8"), f"{name}.csv", files.CSV))


def workbook_file(call: Call) -> Response:
    """Every table as a workbook, in the reader's language."""
    tables = _tables(call, REPORTS, _wish(call))
    titles = {name: call.say(f"figures.{name}") for name in REPORTS}
    columns = {column.name for table in tables for column in table.columns}
    words = {name: call.say(f"figure_of.{name}") for name in columns} | titles
    return files.response(File(export.to_xlsx(tables, words), "figures.xlsx", files.XLSX))


def _tables(call: Call, names: Iterable[str], wish: Wish) -> list[Table]:
    return call.desk.figures(names, wish, call.now)


def _wish(call: Call) -> Wish:
    """What the form asks for; whoever sees their own customers only gets theirs, whatever the form says."""
    given = {name: call.query.get(name, "").strip() or None for name in ("customer", "segment", "owner")}
    by = call.query.get("by")
    return Wish(
        by=By(by) if by in set(By) else None,
        start=day_of(call.query.get("from", "")),
        end=day_of(call.query.get("to", "")),
        customer=given["customer"],
        segment=given["segment"],
        owner=call.actor.only_of if call.actor.only_of is not None else given["owner"],
    )


def _query(wish: Wish, call: Call) -> Mapping[str, str]:
    """The same wish for the addresses of files."""
    parts = {
        "from": wish.start, "to": wish.end, "customer": wish.customer, "segment": wish.segment,
        "owner": wish.owner if call.actor.only_of is None else None, "by": wish.by.value if wish.by else None,
    }  # fmt: skip
    return {name: str(value) for name, value in parts.items() if value is not None}


def _months_before(end: date, count: int) -> date:
    first = end.replace(day=1)
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def _section(call: Call, table: Table) -> Section:
    key, days = f"figures.{table.name}", call.desk.settings.reports.window_days
    return Section(
        table=table,
        pictures=showing.pictures(table, call.tongue),
        lead=call.say(f"{key}_means", days=days),
        formulas=call.say(f"{key}_formula", days=days).splitlines(),
    )


_TILES = (
    ("dso", "dso_count_back"),
    ("overdue", "overdue_share"),
    ("overdue", "mean_delay"),
    ("cei", "cei"),
    ("promises", "kept_rate"),
    ("mailbox", "automatic_share"),
)


def _tiles(call: Call, tables: Mapping[str, Table]) -> list[tuple[str, str]]:
    """The figures that matter most: a label (with the currency) and a value."""
    found = []
    for name, wanted in _TILES:
        column = next(c for c in tables[name].columns if c.name == wanted)
        for row in tables[name].rows:
            label = showing.heading(column, call.tongue)
            currency = row.get("currency")
            value = showing.cell(row, column, call.tongue)
            if row.get("is_at_least") and wanted == "dso_count_back":
                value = f"> {value}"
            found.append((f"{label} ({currency})" if currency else label, value))
    return found
