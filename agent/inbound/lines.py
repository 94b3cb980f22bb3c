"""A text as lines, each with its quote depth and the class that it is given: new, quoted, or signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from agent.inbound import wordings
from agent.inbound.html import SIGNATURE_END_MARK, SIGNATURE_MARK

#: what clients frame a line with
FRAME = " \t*_-‐—=|"
#: a rule of dashes, stars or the like
FOOTER_RULE = re.compile(r"^\s*(?:[-‐_=*~─—#+]\s?){3,}\s*$")


class LineClass(Enum):
    NEW = "new"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(slots=True)
class Line:
    """One line. `kind` is settled step by step by `history` and `signatures`."""

    text: str
    depth: int
    kind: LineClass
    blank: bool
    _may_end: bool | None = None

    @property
    def may_end(self) -> bool:
        """A cheap look ahead of the patterns: "X wrote:" may end on this line. Asked of few lines, again and again."""
        if self._may_end is None:
            self._may_end = not self.depth and _may_end(self.text)
        return self._may_end

    @property
    def new(self) -> bool:
        return self.kind is LineClass.NEW


_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
_NO_INVISIBLE = str.maketrans("", "", _INVISIBLE)
_PGP = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[\w-]+: .*\n)*\n?", re.M)
_PGP_END = re.compile(r"^-----BEGIN PGP SIGNATURE-----\n(?:.*\n)*?-----END PGP SIGNATURE-----$", re.M)


def read_lines(text: str) -> list[Line]:
    return list(each_line(text))


def each_line(text: str) -> Iterator[Line]:
    """The lines of `text` one after the other, for who may need the first ones only."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u00a0", " ")
    if not text.isascii() and any(char in text for char in _INVISIBLE):
        text = text.translate(_NO_INVISIBLE)
    if "-----BEGIN PGP SIGNED MESSAGE-----" in text:
        text = re.sub(r"^- (?=-)", "", _PGP_END.sub("", _PGP.sub("", text)), flags=re.M)
    in_signature = 0
    for raw in text.split("\n"):
        if raw == SIGNATURE_MARK:
            in_signature += 1
        elif raw == SIGNATURE_END_MARK:
            in_signature = max(0, in_signature - 1)
        else:
            depth = _quote_depth(raw)
            kind = LineClass.QUOTED if depth else LineClass.SIGNATURE if in_signature else LineClass.NEW
            line = raw.rstrip()
            yield Line(line, depth, kind, not line)


def _may_end(text: str) -> bool:
    tail = text[-_TAIL:].rstrip(FRAME + ">")
    # The time may stand behind the verb: "Anna Berg skrev: (2 mars 2026 09:12)".
    return tail.endswith((":", "：", ")")) or closes_with_verb(tail)


#: Characters of a line in which the verb of a reply header is looked for.
_TAIL = 80


def closes_with_verb(text: str) -> bool:
    """Whether `text` ends with the verb of a reply header, as `verbs_close` finds it. Most lines don't, which is told
    far cheaper than by the search.
    """
    tail = text[-_TAIL:]
    lowered = wordings.caseless(tail)
    before_parenthesis = lowered.rpartition("(")[0]
    if not (_ends_in_verb(lowered) or (before_parenthesis and _ends_in_verb(before_parenthesis))):
        return False
    return bool(verbs_close().search(tail))


def _ends_in_verb(text: str) -> bool:
    return _NO_WORD_AT_END.sub("", text).endswith(_verb_ends())


_NO_WORD_AT_END = re.compile(r"(?<=[^\W_])[\W_]+$")


@cache
def _verb_ends() -> tuple[str, ...]:
    return tuple(_NO_WORD_AT_END.sub("", verb) for verb in wordings.literals("reply_headers", "verbs"))


_QUOTED = re.compile(r"\s{0,3}((?:>\s?)+)")
#: a tag that was left in a text, and the guard of mailbox files before "From "
_NO_QUOTE = re.compile(r"\s{0,3}>+[A-Za-z]{1,8}<|>From ")


def _quote_depth(raw: str) -> int:
    if ">" not in raw[:4]:
        return 0
    match = _QUOTED.match(raw)
    return 0 if match is None or _NO_QUOTE.match(raw) else match[1].count(">")


def any_quoted(text: str) -> bool:
    """Whether a line of `text` is quoted, told at the first one."""
    return ">" in text and any(line.depth for line in each_line(text))


def unquoted(line: Line) -> str:
    return _QUOTED.sub("", line.text, count=1) if line.depth else line.text


@cache
def verbs_close() -> re.Pattern[str]:
    verbs = wordings.either("reply_headers", "verbs")
    return re.compile(rf"(?:{verbs})[^\w]{{0,4}}(?:\([^()]*\))?\s*[:：]?[\s>*_]*$", re.I)
