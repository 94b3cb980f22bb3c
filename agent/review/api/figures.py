"""Key figures by API: as rows, and as the files of the page."""

from __future__ import annotations

from pydantic_core import to_jsonable_python

from agent.reports import export
from agent.reports.asking import Wish
from agent.reports.tables import REPORTS, By
from agent.review import files
from agent.review.api import given, told
from agent.review.api.frame import Ask
from agent.review.files import File


def figures(ask: Ask) -> told.Figures:
    """One table."""
    (table,) = ask.desk.figures([str(ask.path["name"])], _wish(ask), ask.now)
    return told.Figures(
        name=table.name, start=table.period.start, end=table.period.end,
        rows=tuple(to_jsonable_python(row) for row in table.as_objects()),
    )  # fmt: skip


def as_csv(ask: Ask) -> File:
    """One table, safe in a spreadsheet."""
    (table,) = ask.desk.figures([str(ask.path["name"])], _wish(ask), ask.now)
    return File(export.to_csv(table).encode("utf-8"), f"{table.name}.csv", files.CSV)


def as_workbook(ask: Ask) -> File:
    """All of them, a sheet each."""
    return File(export.to_xlsx(ask.desk.figures(REPORTS, _wish(ask), ask.now)), "figures.xlsx", files.XLSX)


def _wish(ask: Ask) -> Wish:
    """What is asked for; whoever sees their own customers only gets theirs, whatever that is."""
    query: given.FiguresQuery = ask.query
    return Wish(
        start=query.since, end=query.to, by=By(query.by) if query.by is not None else None, customer=query.customer,
        segment=query.segment, owner=ask.actor.only_of if ask.actor.only_of is not None else query.owner,
    )  # fmt: skip
