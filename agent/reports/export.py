"""A table as a file for a spreadsheet: CSV and XLSX. Pure: values in, text or bytes out.

Names were written by customers, and a spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` (OWASP,
"CSV injection"): such a text gets an apostrophe in front. In XLSX every text is written as a string cell, which no
program evaluates; the apostrophe stands there too, as people save what they opened as CSV. Figures stay figures.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from agent.console import plain
from agent.reports.tables import Column, Kind, Table

FIGURES = frozenset({Kind.MONEY, Kind.DAYS, Kind.PERCENT, Kind.NUMBER, Kind.COUNT})
_STARTS_A_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_LONGEST_CELL = 32_767
_FORMATS: Mapping[Kind, str] = {
    Kind.MONEY: "#,##0.00##",
    Kind.DAYS: "0.0",
    Kind.PERCENT: '0.0"%"',
    Kind.NUMBER: "0.0#",
    Kind.COUNT: "0",
    Kind.DATE: "yyyy-mm-dd",
}
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""The time inside of every file: the same figures give the same bytes."""


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, in one line and without what steers.

    >>> harmless("=HYPERLINK(1)"), harmless("Dupont & Fils"), harmless(" @x")
    ("'=HYPERLINK(1)", 'Dupont & Fils', "' @x")
    """
    shown = "".join(c if c.isprintable() else " " for c in text)
    return f"'{shown}" if shown.strip().startswith(_STARTS_A_FORMULA) else shown


def to_csv(table: Table) -> str:
    """Comma-separated by RFC 4180, with a line of column names; dates ISO 8601, figures with a dot."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    for row in table.as_objects():
        writer.writerow(_text(row[column.name], column.kind) for column in table.columns)
    return out.getvalue()


def _text(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = str(plain(value))
    return shown if kind in FIGURES or kind is Kind.DATE else harmless(shown)


def to_xlsx(tables: Iterable[Table], titles: Mapping[str, str] | None = None) -> bytes:
    """A workbook with a sheet for each table. ``titles``: words for the names of columns and sheets.

    Amounts go in as numbers to the cent, exact up to fifteen digits, which is what a spreadsheet can hold.
    """
    words = titles or {}
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": _NEVER.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        formats = {kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        for table in tables:
            sheet = book.add_worksheet(words.get(table.name, table.name)[:31])
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, words.get(column.name, column.name), bold)
                sheet.set_column(place, place, _width(column))
            for line, row in enumerate(table.rows, 1):
                for place, column in enumerate(table.columns):
                    _write(sheet, line, place, row.get(column.name), formats.get(column.kind))
    return out.getvalue()


def _width(column: Column) -> int:
    return 28 if column.kind is Kind.TEXT else 16


def _write(sheet: Any, line: int, place: int, value: Any, form: Any) -> None:
    match value:
        case None:
            sheet.write_blank(line, place, None)
        case bool():
            sheet.write_boolean(line, place, value)
        case int() | float() | Decimal():
            sheet.write_number(line, place, float(value), form)
        case datetime():
            sheet.write_string(line, place, value.isoformat())
        case date():
            sheet.write_datetime(line, place, value, form)
        case _:
            sheet.write_string(line, place, harmless(str(plain(value)))[:_LONGEST_CELL])
