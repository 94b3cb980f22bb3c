"""A letter as a PDF: head, address, date, text, table of what is owed, payment code. Pure: values in, bytes out.

The page follows the letters of the trade (A4, the address at the right where a French window envelope shows it). The
fonts are the standard ones of every PDF reader; a name that they can't write needs DejaVu on this machine.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from agent.reminders.letter_values import LetterError
from agent.reminders.payment_code import as_png

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_MARGIN, _LINE, _SIZE = 20.0, 5.2, 10.5
_ROW = 6.0
_ADDRESS_X, _ADDRESS_Y = 110.0, 50.0


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` have as many cells as ``heads``; the last ``right`` columns are amounts. ``title`` may be empty.

    A row whose second cell is empty explains the row above it, and is written small.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[tuple[str, str], ...]
    right: int

    def texts(self) -> list[str]:
        return [self.title, *self.heads, *(cell for row in (*self.rows, *self.sums) for cell in row)]


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a letter; parts that are empty are left out."""

    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    place_and_date: str
    sending: str
    title: str
    greeting: str
    opening: tuple[str, ...]
    tables: tuple[Table, ...]
    closing: tuple[str, ...]
    bank: tuple[str, ...]
    signature: tuple[str, ...]
    foot: str
    code: str | None
    """What the payment code holds."""
    at: datetime
    language: str

    def texts(self) -> list[str]:
        """Everything that is written."""
        single = [self.place_and_date, self.sending, self.title, self.greeting, self.foot]
        lists: Sequence[Sequence[str]] = (
            self.sender, self.recipient, self.opening, self.closing, self.bank, self.signature,
            *(table.texts() for table in self.tables),
        )  # fmt: skip
        return single + [text for each in lists for text in each]


def as_pdf(paper: Paper) -> bytes:
    """The same letter gives the same bytes. Raises LetterError where a character can't be written on this machine."""
    pdf = _Page(paper)
    pdf.write_letter()
    return bytes(pdf.output())


class _Page(FPDF):
    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self.paper = paper
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=25)
        self.set_creation_date(paper.at)
        self.set_title(paper.title)
        self.set_lang(paper.language)
        self.family = self._fit_for(paper.texts())

    def _fit_for(self, texts: Sequence[str]) -> str:
        """The name of a font that can write all of it."""
        try:
            "".join(texts).encode("cp1252")
        except UnicodeEncodeError as error:
            if not (DEJAVU / "DejaVuSans.ttf").exists():
                raise LetterError(
                    f"{error.object[error.start]!r} can't be written with the standard fonts of a PDF",
                    "Install the package fonts-dejavu-core, or write the name in Latin letters.",
                ) from None
            self.add_font("DejaVu", "", str(DEJAVU / "DejaVuSans.ttf"))
            self.add_font("DejaVu", "B", str(DEJAVU / "DejaVuSans-Bold.ttf"))
            return "DejaVu"
        self.core_fonts_encoding = "cp1252"
        return "Helvetica"

    def footer(self) -> None:
        self.set_y(-18)
        self.set_font(self.family, size=7.5)
        self.multi_cell(0, 3.5, self.paper.foot, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _lines(self, lines: Sequence[str], *, bold_first: bool = False) -> None:
        for number, line in enumerate(lines):
            self.set_font(self.family, "B" if bold_first and number == 0 else "", _SIZE)
            self.multi_cell(0, _LINE, line, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)

    def write_letter(self) -> None:
        paper = self.paper
        self.add_page()
        self._lines(paper.sender, bold_first=True)
        self.set_xy(_ADDRESS_X, _ADDRESS_Y)
        self._lines(paper.recipient, bold_first=True)
        self.set_xy(_ADDRESS_X, max(self.get_y() + 6, 82))
        self._lines([paper.place_and_date])
        self.set_xy(_MARGIN, self.get_y() + 6)
        if paper.sending:
            self._lines([paper.sending])
            self.ln(3)
        self.set_font(self.family, "B", 12)
        self.multi_cell(0, 6, paper.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(4)
        self._paragraphs([text for text in (paper.greeting, *paper.opening) if text])
        for table in paper.tables:
            self._table(table)
        self._paragraphs(paper.closing[:-1])
        # A signature on a page of its own, or torn in two, could stand under anything: it goes with the last sentence.
        if self.will_page_break(_LINE * (3 + len(paper.signature))):
            self.add_page()
        self._paragraphs(paper.closing[-1:])
        self._lines(paper.signature)
        self._bank()

    def _paragraphs(self, texts: Sequence[str]) -> None:
        self.set_font(self.family, size=_SIZE)
        for text in texts:
            self.multi_cell(0, _LINE, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2.5)

    def _table(self, table: Table) -> None:
        if table.title:
            self.set_font(self.family, "B", _SIZE)
            self.multi_cell(0, 7, table.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        width = self.epw / len(table.heads)
        self._row(table, table.heads, width, style="B")
        for row in table.rows:
            if self.will_page_break(_ROW):
                self.add_page()
                self._row(table, table.heads, width, style="B")
            self._row(table, row, width)
        for number, (label, amount) in enumerate(table.sums):
            self.set_font(self.family, "B" if number == len(table.sums) - 1 else "", 9)
            self.cell(self.epw - width, _ROW, label)
            self._cell(width, amount, "R", border="")
            self.ln(_ROW)
        self.ln(4)

    def _row(self, table: Table, row: tuple[str, ...], width: float, style: str = "") -> None:
        explains = not row[1]
        self.set_font(self.family, style, 7.5 if explains else 9)
        for at, cell in enumerate(row):
            # What explains a row may run on over the empty cells beside it.
            beside = len(row) - table.right if explains and at == 0 else 1
            if explains and 0 < at < len(row) - table.right:
                continue
            self._cell(width * beside, cell, "R" if at >= len(row) - table.right else "L", "" if explains else "T")
        self.ln(_ROW)

    def _cell(self, width: float, text: str, align: Literal["L", "R"], border: Literal["", "T"]) -> None:
        """A cell whose text is narrowed where it would run into the next one."""
        room, needed = width - 2 * self.c_margin, self.get_string_width(text)
        self.set_stretching(min(100.0, 100.0 * room / needed) if needed else 100.0)
        self.cell(width, _ROW, text, border=border, align=align)
        self.set_stretching(100.0)

    def _bank(self) -> None:
        if not self.paper.bank:
            return
        self.ln(5)
        if self.will_page_break(32):
            self.add_page()
        top = self.get_y()
        self._lines(self.paper.bank)
        if self.paper.code is not None:
            self.image(io.BytesIO(as_png(self.paper.code)), x=self.w - _MARGIN - 28, y=top, w=28, h=28)
