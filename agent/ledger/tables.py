"""Tables for people: aligned, amounts to the right, as wide as they must be where nobody looks at a terminal."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.console import plain, printable


@dataclass(frozen=True, slots=True)
class Heading:
    """A column; ``is_figure``: aligned at its right end."""

    name: str
    is_figure: bool = False


def show(headings: Sequence[Heading], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to standard output, or nothing where there are no rows."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading.name, justify="right" if heading.is_figure else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if table.row_count:
        Console(file=sys.stdout, width=None if sys.stdout.isatty() else 1000, highlight=False).print(table)


def _cell(value: Any) -> str:
    """One line without anything that steers a terminal: much of what is shown was written by strangers."""
    return "" if value is None else printable(str(plain(value))).replace("\n", " ").replace("\t", " ")
