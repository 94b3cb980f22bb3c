"""What a composed mail really says, read back before it is frozen: its figures, and what its HTML would load.

Templates can be changed by anybody in a company, and a wrong amount in a reminder is worse than none. So every token
with a digit in it must be one that the letter's data holds, written as the letter's language writes it, and the figures
that matter must be there. Numbers spelt out in letters are not seen.

The HTML part must look the same for everybody and must tell nobody that it was read, so nothing in it may be loaded
from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

_BLANK = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"[^ ]+")
# A known figure counts only where it stands alone: not as the tail of a longer number (whose groups are parted by a
# no-break space, a point, a comma …), nor with a sign or a letter before it that would change what it says.
_BEGINS_HERE = re.compile(r"(?<![\w+\-−])(?<!\d[.,'’/:\u00a0\u202f])")
_ENDS_HERE = re.compile(r"(?!\w)(?![.,'’/:\-\u00a0\u202f]\d)")

_LOADING_TAGS = frozenset(
    "applet audio base embed form frame iframe img input link object picture script source svg track video".split()
)
_LOADING_ATTRIBUTES = frozenset("action background data formaction http-equiv lowsrc poster src srcset".split())
_LOADING_STYLE = re.compile(r"url\s*\(|@import|expression\s*\(|image-set\s*\(", re.I)
_OWN_PICTURE = re.compile(r"cid:[A-Za-z0-9.@_-]+")  # a part of this very mail
_LINK = re.compile(r"(?:https|mailto|tel):", re.I)


def unknown_figures(text: str, known: Iterable[str]) -> tuple[str, ...]:
    r"""Words of `text` with a digit that is part of no known figure, in order.

    >>> unknown_figures("FA-12: 1 240,00 € au lieu de 240,00 €", ["FA-12", "1\u00a0240,00 €", "240,00 €"])
    ('1',)
    """
    text = _squeezed(text)
    covered = bytearray(len(text))
    for figure in {_squeezed(figure) for figure in known}:
        for start in _places(text, figure):
            covered[start : start + len(figure)] = b"\x01" * len(figure)
    # `isdigit` and not `\d`: a raised or circled digit is read as one too.
    rest = "".join(" " if is_known else char for char, is_known in zip(text, covered, strict=True))
    return tuple(word for word in _WORD.findall(rest) if any(char.isdigit() for char in word))


def missing_figures(text: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """Those of `wanted` that stand nowhere in `text` by themselves."""
    text = _squeezed(text)
    return tuple(figure for figure in dict.fromkeys(wanted) if not any(True for _ in _places(text, _squeezed(figure))))


def _squeezed(text: str) -> str:
    return _BLANK.sub(" ", text).strip(" ")


def _places(text: str, figure: str) -> Iterator[int]:
    """Where `figure` stands alone in `text`; places may overlap."""
    start = text.find(figure) if figure else -1
    while start >= 0:
        if _BEGINS_HERE.match(text, start) and _ENDS_HERE.match(text, start + len(figure)):
            yield start
        start = text.find(figure, start + 1)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.loads: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.texts.append(" ")
        shows_own = tag == "img" and _OWN_PICTURE.fullmatch(dict(attrs).get("src") or "") is not None
        if tag in _LOADING_TAGS and not shows_own:
            self.loads.append(f"<{tag}>")
        for name, value in attrs:
            if shows_own and name == "src":
                continue
            if name in _LOADING_ATTRIBUTES or (name == "style" and _LOADING_STYLE.search(value or "")):
                self.loads.append(f"{name} of <{tag}>")
            elif name == "href" and not _LINK.match((value or "").strip()):
                self.loads.append(f"href of <{tag}>")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 the name is HTMLParser's
        self._in_style = False
        self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.texts.append(data)
        elif _LOADING_STYLE.search(data):
            self.loads.append("<style>")


def read_html(html: str) -> tuple[str, tuple[str, ...]]:
    """The text that a page shows, and what in it loads something or runs (empty: nothing).

    Links that a person must click (https, mailto, tel) load nothing. Comments are skipped: Outlook reads conditional
    ones, and what stands there is part of the layout.
    """
    page = _Page()
    page.feed(html)
    page.close()
    return "".join(page.texts), tuple(dict.fromkeys(page.loads))
