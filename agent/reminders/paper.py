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

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from agent.reminders.letter_values import LetterError
from agent.reminders.payment_code import as_png

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_MARGIN, _LINE, _SIZE = 20.0, 5.2, 10.5
_ADDRESS_X, _ADDRESS_Y = 110.0, 50.0


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a letter. ``rows`` have as many cells as ``heads``; amounts stand in the last column."""

    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    place_and_date: str
    sending: str
    title: str
    greeting: str
    opening: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[tuple[str, str], ...]
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
            self.sender, self.recipient, self.opening, self.heads, self.closing, self.bank, self.signature,
            *self.rows, *self.sums,
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
        self._lines([paper.sending])
        self.ln(3)
        self.set_font(self.family, "B", 12)
        self.multi_cell(0, 6, paper.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(4)
        self._paragraphs([paper.greeting, *paper.opening])
        self._table()
        self._paragraphs(paper.closing)
        self._lines(paper.signature)
        self._bank()

    def _paragraphs(self, texts: Sequence[str]) -> None:
        self.set_font(self.family, size=_SIZE)
        for text in texts:
            self.multi_cell(0, _LINE, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2.5)

    def _table(self) -> None:
        paper = self.paper
        width = self.epw / len(paper.heads)
        for row in (paper.heads, *paper.rows):
            self.set_font(self.family, "B" if row is paper.heads else "", 9)
            for at, cell in enumerate(row):
                self.cell(width, 6, cell, border="B", align="R" if at == len(row) - 1 else "L")
            self.ln(6)
        for number, (label, amount) in enumerate(paper.sums):
            self.set_font(self.family, "B" if number == len(paper.sums) - 1 else "", 9)
            self.cell(self.epw - width, 6, label)
            self.cell(width, 6, amount, align="R")
            self.ln(6)
        self.ln(4)

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
