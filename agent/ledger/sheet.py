"""Bytes → Sheet: encoding, separator, header and lines of a CSV file. Pure.

Spreadsheets and ledgers write CSV in a few ways (RFC 4180 describes one of them); which one is told apart from the file
itself, once for the whole file, and never guessed cell by cell. What a cell means is for `columns`.
"""

import csv
import difflib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from agent.ledger.values import RowError

_SEPARATORS = (",", ";")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx (a ZIP) and .xls (OLE2)."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Line:
    """One record: the number of its first line in the file, and its cells in the order of the header."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    errors: tuple[RowError, ...]
    """Lines that are no record; they are not in ``lines``."""


class UnreadableSheet(Exception):
    """Nothing past the mistake can be read."""

    def __init__(self, *errors: RowError) -> None:
        super().__init__(errors)
        self.errors = errors


def read_sheet(raw: bytes, known: Collection[str], required: Collection[str]) -> Sheet:
    """Take a file apart.

    Args:
        raw: the file, in UTF-8 with or without a byte order mark, or in Windows-1252.
        known: names of the columns that may stand in the header.
        required: those of them that must.

    Raises:
        UnreadableSheet: empty, no text, no such header, or a quote that is never closed.
    """
    text = _decoded(raw)
    separator = _separator(text, known) if text.strip() else ","
    records = _records(text, separator)
    if not records:  # nothing, or lines of separators only
        raise _unreadable(1, None, "the file is empty. Export it again; its first line must name the columns.")
    header, *rest = records
    columns = _header(header, known, required)
    lines: list[Line] = []
    errors: list[RowError] = []
    for line in rest:
        if not any(cell.strip() for cell in line.cells):
            continue
        cells = line.cells
        while len(cells) > len(columns) and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) == len(columns):
            lines.append(Line(line.number, cells))
        else:
            errors.append(RowError(line.number, None, _uneven(len(cells), len(columns), separator)))
    return Sheet(columns, tuple(lines), tuple(errors))


def _unreadable(line: int, column: str | None, message: str) -> UnreadableSheet:
    return UnreadableSheet(RowError(line, column, message))


def _decoded(raw: bytes) -> str:
    if raw.startswith(_WORKBOOKS):
        raise _unreadable(1, None, "this is a workbook, not CSV. Save it from the spreadsheet as “CSV UTF-8”.")
    if raw.startswith(_UTF16):
        raise _unreadable(1, None, "the file is in UTF-16. Save it as “CSV UTF-8”.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            line = raw.count(b"\n", 0, error.start) + 1
            message = "the text is neither UTF-8 nor Windows-1252. Save the file as “CSV UTF-8”."
            raise _unreadable(line, None, message) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _unreadable(line, None, "this is no text file (it holds a zero byte). Save it as “CSV UTF-8”.")
    return unicodedata.normalize("NFC", text)


def _separator(text: str, known: Collection[str]) -> str:
    """The separator that finds more known columns in the header; on a tie the one that finds more cells."""
    first = next(line for line in text.splitlines() if line.strip())

    def worth(separator: str) -> tuple[int, int]:
        names = [_name(cell) for cell in next(csv.reader([first], delimiter=separator))]
        return sum(name in known for name in names), len(names)

    return max(_SEPARATORS, key=worth)


def _records(text: str, separator: str) -> list[Line]:
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    found: list[Line] = []
    start = 1
    try:
        for cells in reader:
            if found or any(cell.strip() for cell in cells):
                found.append(Line(start, tuple(cells)))
            start = reader.line_num + 1
    except csv.Error as error:
        message = f"the quotes of this line don't match ({error}). Double a quote inside of a quoted cell."
        raise _unreadable(start, None, message) from None
    return found


def _lines(text: str) -> list[str]:
    # Only what ends a line in a file: str.splitlines would also cut at form feeds and Unicode separators in a cell.
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)[: None if not text.endswith(("\n", "\r")) else -1]


def _name(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().casefold())


def _header(header: Line, known: Collection[str], required: Collection[str]) -> tuple[str, ...]:
    names = [_name(cell) for cell in header.cells]
    while names and not names[-1]:
        names.pop()
    errors = [_unknown(header.number, name, known) for name in names if name not in known]
    doubled = sorted({name for name in names if name in known and names.count(name) > 1})
    errors += [
        RowError(header.number, name, "the column stands there twice. Take one of them out.") for name in doubled
    ]
    missing = [name for name in required if name not in names]
    if len(missing) == len(required) and len(names) == len(errors):
        message = f"the first line names no known column. It must name {', '.join(required)}, separated by , or ;"
        raise _unreadable(header.number, None, message)
    errors += [RowError(header.number, name, "the column is missing. Add it to the file.") for name in missing]
    if errors:
        raise UnreadableSheet(*errors)
    return tuple(names)


def _unknown(line: int, name: str, known: Collection[str]) -> RowError:
    close = difflib.get_close_matches(name, sorted(known), 1, 0.6)
    if not name:
        return RowError(line, None, "a column has no name. Name it, or take it out.")
    if close:
        return RowError(line, name, f"unknown column. Did you mean {close[0]}?")
    return RowError(line, name, f"unknown column. Take it out, or name it as one of {', '.join(sorted(known))}.")


def _uneven(cells: int, columns: int, separator: str) -> str:
    if cells > columns:
        return (
            f"{cells} cells where the header has {columns} columns. "
            f"Put a cell that holds a “{separator}” into double quotes."
        )
    return f"{cells} cells where the header has {columns} columns. Was the file cut off? Export it again."
