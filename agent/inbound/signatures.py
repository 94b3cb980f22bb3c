"""What of the new text is signature: what stands below ``-- ``, a device's line, a courtesy line with contact lines,
the author's letterhead.

Disclaimers and the footers of lists and virus scanners are nobody's signature: they go to the history.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from agent.inbound import wordings
from agent.inbound.letterheads import letterhead_start
from agent.inbound.lines import FOOTER_RULE, Line, LineClass
from agent.inbound.values import Address

#: characters of a line in which a ticket system says where to answer
MAX_TICKET_LINE = 200


def class_signatures(lines: list[Line], author: Address | None = None) -> None:
    """Class what is signature as such; `author` is whom the mail says it is from."""
    _class_banner(lines)
    for start, end in list(_new_runs(lines)):
        cut = _signature_start(lines, start, end, author)
        for line in lines[cut:end]:
            if line.new:
                line.kind = LineClass.SIGNATURE


def _class_banner(lines: list[Line]) -> None:
    """What a machine puts above the text ("CAUTION: This email originated from …", "## Reply above this line ##")."""
    above = False
    for line in lines:
        if line.blank:
            continue
        if not line.new or not (_is_banner(line.text) or (above and line.text.lstrip()[:1].islower())):
            return
        line.kind = LineClass.QUOTED
        above = not line.text.rstrip().endswith((".", "!", "]"))


def _is_banner(text: str) -> bool:
    ticket = len(text) < MAX_TICKET_LINE and wordings.pattern("footers", "reply_above").search(text)
    return bool(ticket or wordings.pattern("footers", "banner").match(text))


def _new_runs(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Stretches of new lines; blank quoted lines don't part them."""
    start: int | None = None
    for index, line in enumerate(lines):
        if line.new and start is None:
            start = index
        elif not line.new and start is not None:
            yield start, index
            start = None
    if start is not None:
        yield start, len(lines)


_DELIMITER = re.compile(r"^\s?(--|—|––|-- -|__|- -)\s*$")
_CONTACT = re.compile(
    r"(?i)(\btel\b|\btél\b|\bphone\b|\bfax\b|\bmob(ile|il)?\b|\bdirect\b|\bcell\b|www\.|https?://|\S@\S+\.\w|\+\d[\d\s().-]{6,}|"
    r"\b0\d([\s.-]?\d{2}){4}\b|\bskype\b|\blinkedin\b|\b\d{4,5}\s+[A-ZÀ-Ý][\w-]+|\b(gmbh|sas|sarl|s\.r\.l|ltd|inc|b\.v|s\.l)\b)"
)


def _signature_start(lines: list[Line], start: int, end: int, author: Address | None) -> int:
    """Where the signature of the new lines [start, end) begins; `end` where it has none."""
    first = next((index for index in range(start, end) if not lines[index].blank), end)
    cut = end
    for index in range(first, end):
        if index > first and _DELIMITER.match(lines[index].text) and _short_below(lines, index, end):
            cut = index
            break
    if cut == end and first < end and _DELIMITER.match(lines[first].text) and _text_above(lines, start):
        return first
    cut = _after_device_line(lines, first, cut)
    cut = _footers(lines, first, cut)
    cut = _dashed_name(lines, first, cut)
    cut = _contact_block(lines, first, cut)
    return letterhead_start(lines, first, cut, author) if author is not None and cut > first else cut


def _after_device_line(lines: list[Line], first: int, cut: int) -> int:
    """A paragraph that is a device's line ends a message: what follows is a history that nothing marks."""
    for index in range(first + 1, cut):
        alone = lines[index - 1].blank and (index + 1 == cut or lines[index + 1].blank)
        if alone and len(lines[index].text) < 80 and _is_device_line(lines[index].text):
            _to_history(lines, index + 1, cut)
            return index + 1
    return cut


_DASHED_NAME = re.compile(r"^\s*[-–—/~]{1,2}\s?[A-ZÀ-Ý][\w'.]+(?:\s[A-ZÀ-Ý][\w'.-]*){0,3}\s*$")


def _dashed_name(lines: list[Line], first: int, cut: int) -> int:
    """Find "-Anna" or "/Anna" as the last paragraph."""
    last = next((index for index in range(cut - 1, first, -1) if not lines[index].blank), None)
    if last is not None and lines[last - 1].blank and _DASHED_NAME.match(lines[last].text):
        return last
    return cut


def _text_above(lines: list[Line], start: int) -> bool:
    return any(line.new and not line.blank for line in lines[:start])


def _short_below(lines: list[Line], at: int, end: int) -> bool:
    """A signature is short; a dash that parts a long message does not end it."""
    return sum(1 for line in lines[at + 1 : end] if not line.blank) <= 40


def _footers(lines: list[Line], first: int, end: int) -> int:
    """Where disclaimers, list footers and device lines at the end of [first, end) begin, paragraph by paragraph.

    A disclaimer or a list footer is nobody's signature: it goes to the history. A device's line is left to its caller.
    """
    cut = end
    while True:
        last = next((index for index in range(cut - 1, first - 1, -1) if not lines[index].blank), None)
        if last is None:
            return cut
        top = last
        while top > first and not lines[top - 1].blank and not FOOTER_RULE.match(lines[top].text):
            top -= 1
        paragraph = " ".join(line.text.strip() for line in lines[top : last + 1])[:4_000]
        if (
            _is_device_line(lines[last].text)
            or FOOTER_RULE.match(lines[last].text)
            or _DELIMITER.match(lines[last].text)
        ):
            cut = last
        elif _is_disclaimer(paragraph) and (top > first or len(paragraph) > 200):
            _to_history(lines, top, cut)
            cut = top
        else:
            sent = next((i for i in range(max(first, last - 4), last) if _is_device_line(lines[i].text)), None)
            if sent is not None and all(len(line.text) < 80 for line in lines[sent : last + 1]):
                cut = sent
                continue
            return _below_rule(lines, first, cut)


def _to_history(lines: list[Line], start: int, end: int) -> None:
    for line in lines[start:end]:
        line.kind = LineClass.QUOTED


def _is_device_line(text: str) -> bool:
    text = text.strip(" \t*_[]()|-–—.!")
    words = text.split()
    if not 0 < len(words) <= 14:
        return False
    return bool(wordings.pattern("footers", "sent_from").fullmatch(text)) and not _SENTENCE.search(text)


#: "Sent from my desk, which is easier" is somebody talking
_SENTENCE = re.compile(r"(?i)\b(is|are|was|were|which|because|so|today|yesterday|this morning)\b")


def _is_disclaimer(paragraph: str) -> bool:
    return len(paragraph) > 20 and bool(wordings.pattern("footers", "disclaimer").search(paragraph))


def _below_rule(lines: list[Line], first: int, cut: int) -> int:
    """A rule of dashes or stars with only contact lines or footers below it starts the signature."""
    lowest = max(first - _text_above(lines, first), cut - 40)
    for index in range(cut - 1, lowest, -1):
        if not FOOTER_RULE.match(lines[index].text):
            continue
        below = [line.text.strip() for line in lines[index + 1 : cut] if not line.blank]
        contacts = sum(1 for text in below if _CONTACT.search(text))
        short = all(len(text) < 90 for text in below)
        if below and ((contacts >= 1 and short and len(below) <= 15) or _is_disclaimer(" ".join(below))):
            if _is_disclaimer(" ".join(below)):
                _to_history(lines, index, cut)
            return index
        return cut
    return cut


_POSTSCRIPT = re.compile(r"(?i)\s*(p\.?\s?s\.?|n\.?b\.?)\s*[:.\s]")
_SENTENCE_END = re.compile(
    r"[.!?…]\s*$|\b(is|are|will|have|est|sont|avons|sera|ist|sind|haben|wird|está|hemos|è|abbiamo|hebben|zijn)\b", re.I
)


_FIRST_WORD = re.compile(r"\W*(\w+)")


@cache
def _first_words() -> frozenset[str]:
    firsts = (_FIRST_WORD.match(phrase) for phrase in wordings.literals("sign_offs", "phrases"))
    return frozenset(match[1] for match in firsts if match)


def _is_sign_off(text: str) -> bool:
    """Whether a line is a courtesy line; its first word tells most others."""
    first = _FIRST_WORD.match(text)
    return first is not None and wordings.caseless(first[1]) in _first_words() and bool(_sign_off().match(text))


@cache
def _sign_off() -> re.Pattern[str]:
    phrases = wordings.either("sign_offs", "phrases")
    return re.compile(rf"^\W*(?:{phrases})(?:\W+(?:{phrases}))?\W*$", re.I)


def _contact_block(lines: list[Line], first: int, cut: int) -> int:
    """A courtesy line near the end with nothing but a name and contact lines below it starts the signature."""
    texts = [index for index in range(first, cut) if not lines[index].blank][-16:]
    for place, index in enumerate(texts):
        if index == first or not _is_sign_off(lines[index].text):
            continue
        below = [lines[at].text for at in texts[place + 1 :]]
        if _are_name_and_contacts(below):
            return index
    return cut


def _are_name_and_contacts(texts: list[str]) -> bool:
    """Short lines that are no sentences; a name may be missing, since a courtesy line may be the last."""
    if any(len(text) > 110 or _POSTSCRIPT.match(text) for text in texts):
        return False
    return all(_CONTACT.search(text) or not _SENTENCE_END.search(text) or len(text.split()) <= 4 for text in texts)
