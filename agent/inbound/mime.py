"""The MIME tree of a message, cut at its boundaries.

The standard library's parser takes a message apart line by line, attachments and all, and asks of each line whether it
is a boundary: most of what reading a mail costs. Here a boundary is looked for as text. What comes out is the library's
`Message`, as its own parser makes it under ``policy.compat32``, without the list of defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message

_HEADER_LINES = re.compile(r"(?:(?:From |[!-9;-~]*:|[\t ])[^\r\n]*(?:\r\n?|\n|\Z))*")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"(?:\A|(?<=\n)|(?<=\r)(?!\n))(?:\r\n?|\n)")
_BEHIND_BOUNDARY = re.compile(r"(?P<closes>--)?[ \t]*(?:\r\n?|\n|\Z)")


@dataclass(frozen=True, slots=True)
class _Boundary:
    """A line that parts a multipart, [start, end)."""

    start: int
    end: int
    closes: bool


def parse_message(raw: bytes) -> Message:
    """The tree of `raw`; RecursionError where it is nested too deep."""
    text = raw.decode("ascii", "surrogateescape")
    return _entity(text, 0, len(text), Message(), cut=False)


def _entity(text: str, at: int, end: int, message: Message, *, cut: bool) -> Message:
    """Fill `message` from text[at:end]; `cut`: the line end before `end` belongs to a boundary there."""
    at = _read_headers(text, at, end, message)
    kind = message.get_content_type()
    if kind == "message/delivery-status":
        _read_blocks(text, at, end, message, cut=cut)
    elif kind.startswith("message/"):
        message.attach(_entity(text, at, end, Message(), cut=cut))
    elif kind.startswith("multipart/"):
        _read_parts(text, at, end, message, cut=cut)
    else:
        message.set_payload(_without_line_end(text[at:end]) if cut else text[at:end])
    return message


def _read_headers(text: str, at: int, end: int, message: Message) -> int:
    """Put the fields at the top of text[at:end] into `message`; where its body begins."""
    section = _HEADER_LINES.match(text, at, end)
    if section is None:  # it matches nothing at all, too
        return at
    field: list[str] = []
    lines: list[str] = _LINE.findall(section[0])
    for place, line in enumerate(lines):
        if line[0] in " \t":
            if field:
                field.append(line)
            continue
        _put_field(message, field)
        field = []
        if line.startswith("From "):
            if place == 0:
                message.set_unixfrom(_without_line_end(line))
            elif place == len(lines) - 1:
                return section.end() - len(line)  # no line of a mailbox file: the body begins with it
        elif line[0] != ":":
            field = [line]
    _put_field(message, field)
    blank = _LINE_END.match(text, section.end(), end)
    return blank.end() if blank else section.end()


def _put_field(message: Message, lines: list[str]) -> None:
    if lines:
        message.set_raw(*policy.compat32.header_source_parse(lines))


def _read_blocks(text: str, at: int, end: int, message: Message, *, cut: bool) -> None:
    """A delivery-status part is blocks of fields with blank lines between them, each a message of its own."""
    while True:
        blank = _BLANK_LINE.search(text, at, end)
        below = blank.end() if blank else end
        message.attach(_entity(text, at, blank.start() if blank else end, Message(), cut=cut and below >= end))
        if below >= end:
            return
        at = below


def _read_parts(text: str, at: int, end: int, message: Message, *, cut: bool) -> None:
    boundary = message.get_boundary()
    if boundary is None:
        message.set_payload(text[at:end])
        return
    found = list(_boundaries(text, at, end, f"--{boundary}"))
    if not found or found[0].closes:
        message.set_payload(text[at : found[0].start if found else end])
        message.epilogue = None if cut else ""
        return
    if found[0].start > at:
        message.preamble = _without_line_end(text[at : found[0].start])
    default = "message/rfc822" if message.get_content_type() == "multipart/digest" else None
    place = 0
    while place < len(found) and not found[place].closes:
        # Boundaries right below each other have no part between them.
        while place + 1 < len(found) and found[place + 1].start == found[place].end:
            place += 1
        below = found[place + 1].start if place + 1 < len(found) else end
        part = Message()
        if default:
            part.set_default_type(default)
        message.attach(_entity(text, found[place].end, below, part, cut=True))
        place += 1
    if place < len(found):
        epilogue = text[found[place].end : end]
        message.epilogue = (_without_line_end(epilogue) if epilogue else None) if cut else epilogue


def _boundaries(text: str, at: int, end: int, written: str) -> Iterator[_Boundary]:
    """The lines of text[at:end] that hold the boundary and nothing else."""
    begin = at
    while (at := text.find(written, at, end)) >= 0:
        behind = _BEHIND_BOUNDARY.match(text, at + len(written), end)
        if behind and (at == begin or text[at - 1] in "\r\n"):
            yield _Boundary(at, behind.end(), behind["closes"] is not None)
            at = behind.end()
        else:
            at += len(written)


def _without_line_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith(("\r", "\n")) else text
