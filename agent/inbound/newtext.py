"""What is new in a message: quotes, reply headers, signatures and footers taken off.

A text is read as lines with a quote depth. First the *history* is found: lines that begin with ``>``, and what a
client writes above them ("On … wrote:", "-----Original Message-----", a block of From/Sent/To/Subject in any
language, also wrapped over lines). Behind a reply header either quoted lines follow, and unquoted text after them
is new again (an inline answer), or none do, and the rest is history. Then each piece of new text loses its
*signature*: what stands below ``-- ``, the line of a device, a disclaimer, a block of contact lines. The sign-off
and the name under it stay with the text, since they are the writer's words.

Pure: text in, texts out. Phrases are data in `agent.inbound.wordings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from agent.inbound import wordings
from agent.inbound.html import HISTORY_MARK, HISTORY_TO_END_MARK, MARKS, SIGNATURE_END_MARK, SIGNATURE_MARK

#: lines in which reply headers are looked for; what is below is kept as it is classed by then
MAX_LINES = 5_000
#: characters of a line that patterns look at
MAX_LINE = 600
#: a reply header wraps over no more lines than this
HEADER_LINES = 6


@dataclass(frozen=True, slots=True)
class Split:
    """The three fields of a text; each line of it is in exactly one."""

    new_text: str
    signature: str
    quoted: str


class _Class(Enum):
    NEW = "new"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(slots=True)
class _Line:
    text: str
    depth: int
    kind: _Class
    #: cheap look ahead of the patterns: "X wrote:" may end on this line
    may_end: bool

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def new(self) -> bool:
        return self.kind is _Class.NEW


def split_text(text: str) -> Split:
    """Part `text` (plain, or from `html_to_text` with its marks) into new text, signature and history."""
    lines = _lines(text)
    _class_history(lines)
    _class_signatures(lines)
    pick = {kind: "\n".join(line.text for line in lines if line.kind is kind) for kind in _Class}
    return Split(*(_even_blank_lines(pick[kind]) for kind in (_Class.NEW, _Class.SIGNATURE, _Class.QUOTED)))


def has_history(text: str) -> bool:
    """Whether anything in `text` is a quote or a reply header."""
    lines = _lines(text)
    _class_history(lines)
    return any(line.kind is _Class.QUOTED and not line.blank for line in lines)


def _even_blank_lines(text: str) -> str:
    text = "".join(char for char in text if char not in MARKS)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n").rstrip()


_INVISIBLE = re.compile("[\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad]")
_PGP = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[\w-]+: .*\n)*\n?", re.M)
_PGP_END = re.compile(r"^-----BEGIN PGP SIGNATURE-----\n(?:.*\n)*?-----END PGP SIGNATURE-----$", re.M)


def _lines(text: str) -> list[_Line]:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u00a0", " ")
    text = _INVISIBLE.sub("", text)
    if "-----BEGIN PGP SIGNED MESSAGE-----" in text:
        text = re.sub(r"^- (?=-)", "", _PGP_END.sub("", _PGP.sub("", text)), flags=re.M)
    lines: list[_Line] = []
    in_signature = 0
    for raw in text.split("\n"):
        if raw == SIGNATURE_MARK:
            in_signature += 1
        elif raw == SIGNATURE_END_MARK:
            in_signature = max(0, in_signature - 1)
        else:
            depth = _quote_depth(raw)
            kind = _Class.QUOTED if depth else _Class.SIGNATURE if in_signature else _Class.NEW
            lines.append(_Line(raw.rstrip(), depth, kind, not depth and _may_end(raw)))
    return lines


def _may_end(raw: str) -> bool:
    tail = raw[-80:].rstrip(_FRAME + ">")
    return tail.endswith((":", "：")) or bool(_verbs_close().search(tail))


def _quote_depth(raw: str) -> int:
    match = re.match(r"\s{0,3}((?:>\s?)+)", raw)
    if match is None or re.match(r"\s{0,3}>+[A-Za-z]{1,8}<|>From ", raw):
        return 0
    return match[1].count(">")


# --- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    """A reply header on lines [start, end); `to_end`: what follows is history even where nothing marks it."""

    start: int
    end: int
    to_end: bool


def _class_history(lines: list[_Line]) -> None:
    at = 0
    limit = min(len(lines), MAX_LINES)
    while at < limit:
        header = _header_at(lines, at, limit)
        if header is None:
            at += 1
            continue
        for line in lines[header.start : header.end]:
            line.kind = _Class.QUOTED
        follows = _next_text(lines, header.end)
        if follows is None:
            return
        if lines[follows].depth:
            at = follows
            while at < limit and (lines[at].depth or lines[at].blank):
                at += 1
            continue
        if header.to_end or not _quotes_follow(lines, header.end):
            for line in lines[header.start :]:
                line.kind = _Class.QUOTED
            return
        at = header.end
    _class_wrapped_quotes(lines)


def _quotes_follow(lines: list[_Line], at: int) -> bool:
    """Whether a quoted line comes soon: then unquoted lines in between were pushed there by line wrapping."""
    return any(line.depth for line in lines[at : at + 4])


def _next_text(lines: list[_Line], at: int) -> int | None:
    return next((index for index in range(at, len(lines)) if not lines[index].blank), None)


def _class_wrapped_quotes(lines: list[_Line]) -> None:
    """A line between two quoted ones, with no blank line around it, is the wrapped rest of the one above."""
    for index in range(1, len(lines) - 1):
        above, line, below = lines[index - 1 : index + 2]
        if line.new and not line.blank and above.depth and below.depth and len(above.text) > 60 and len(line.text) < 40:
            line.kind = _Class.QUOTED


def _header_at(lines: list[_Line], at: int, limit: int) -> _Header | None:
    line = lines[at]
    if line.depth or not line.new:
        return None
    text = line.text.strip()
    if text == HISTORY_TO_END_MARK:
        return _Header(at, at + 1, to_end=True)
    if text == HISTORY_MARK:
        return _marked_header(lines, at)
    if not text:
        return None
    return _reply_above(lines, at) or _separator(lines, at) or _block(lines, at) or _wrote(lines, at, limit)


def _marked_header(lines: list[_Line], at: int) -> _Header | None:
    """Behind a client's mark the header reaches to the first quoted line; without one the text decides."""
    texts = 0
    for index in range(at + 1, min(len(lines), at + 14)):
        if lines[index].depth:
            return _Header(at, index, to_end=False)
        texts += not lines[index].blank
        if texts > HEADER_LINES:
            break
    return None


def _reply_above(lines: list[_Line], at: int) -> _Header | None:
    if len(lines[at].text) < 200 and _patterns("footers", "reply_above").search(lines[at].text):
        return _Header(at, at + 1, to_end=True)
    return None


_RULED = re.compile(r"^[\s*_>|]*([-=_~]{2,}|—+|\*{3,})\s*(?P<words>\S.{2,80}?)\s*([-=_~]{2,}|—+|\*{3,})?[\s*_]*:?$")
_RULE = re.compile(r"^[\s*]*([-_=*~─—–]\s?){5,}[\s*]*$")


def _separator(lines: list[_Line], at: int) -> _Header | None:
    """Find "-----Original Message-----" in its languages, with or without the dashes; a rule above a header block."""
    text = lines[at].text[:MAX_LINE]
    if _FOOTER_RULE.match(text):
        below = _next_text(lines, at + 1)
        if below is not None and below <= at + 3:
            if _phrases("reply_headers", "original").fullmatch(lines[below].text.strip(" *_:")):
                return _Header(at, below + 1, to_end=True)
            block = _block(lines, below) if _RULE.match(text) else None
            return _Header(at, block.end, to_end=True) if block else None
        return None
    ruled = _RULED.match(text)
    words = (ruled["words"] if ruled else text).strip(" *_:-")
    if not _phrases("reply_headers", "original").fullmatch(words):
        forwarded = ruled and re.match(
            r"(?i)(forwarded by|weitergeleitet von|transféré par|reenviado por|inoltrato da)\b", words
        )
        if not forwarded and not (ruled and _label_below(lines, at)):
            return None
    elif not ruled and not text.rstrip(" *_").endswith(":") and not _label_below(lines, at):
        return None
    below = _next_text(lines, at + 1)
    block = _block(lines, below) if below is not None and below <= at + 3 else None
    return _Header(at, block.end if block else at + 1, to_end=True)


def _label_below(lines: list[_Line], at: int) -> bool:
    below = _next_text(lines, at + 1)
    return below is not None and below <= at + 3 and _label(lines[below].text) is not None


@cache
def _labels() -> dict[str, str]:
    fields = ("from", "sent", "to", "subject")
    return {
        label.lower(): name
        for table in wordings.load("reply_headers").values()
        for name in fields
        for label in table.get(name, [])
    }


@cache
def _ambiguous_labels() -> dict[str, frozenset[str]]:
    """A label may mean different fields in different languages ("A", "De", "La")."""
    found: dict[str, set[str]] = {}
    for table in wordings.load("reply_headers").values():
        for name in ("from", "sent", "to", "subject"):
            for label in table.get(name, []):
                found.setdefault(label.lower(), set()).add(name)
    return {label: frozenset(names) for label, names in found.items()}


_LABELLED = re.compile(r"^[\s*_|•]*(?P<label>[^\W\d_][^:：*<>@]{0,24}?)\s*[*_]*\s*[:：]\s*[*_]*\s*(?P<value>.*)$")


def _label(text: str) -> tuple[frozenset[str], str] | None:
    """(fields that the label may mean, value) of a line such as "*Von:* Anna"."""
    match = _LABELLED.match(text[:MAX_LINE])
    if match is None:
        return None
    names = _ambiguous_labels().get(match["label"].strip().lower())
    return (names, match["value"].strip()) if names else None


_HAS_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(\.|$)")
_HAS_TIME = re.compile(r"\b\d{1,2}\s?[:.h]\s?\d{2}\b|\b(19|20)\d\d\b|\d年|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b", re.I)


def _block(lines: list[_Line], at: int) -> _Header | None:
    """A block of labelled lines, at least three fields, or two where one holds an address or a date."""
    if _label(lines[at].text) is None:
        return None
    fields: set[frozenset[str]] = set()
    values = {"address": False, "time": False}
    end, index, loose = at, at, 0
    while index < min(len(lines), at + 40) and loose <= 3:
        line = lines[index]
        labelled = None if line.depth or line.blank else _label(line.text)
        if labelled:
            fields.add(labelled[0])
            values["address"] |= bool(_HAS_ADDRESS.search(labelled[1]))
            values["time"] |= bool(_HAS_TIME.search(labelled[1]))
            end, loose = index + 1, 0
        elif line.blank:
            # HTML turned into text has empty lines between the fields, a plain block ends at one.
            loose += 1 if _label_below(lines, index) and index == end else 9
        else:
            loose += 1
        index += 1
    if not _enough_fields(fields, values):
        return None
    while end < len(lines) and not lines[end].blank and not lines[end].depth and _continues(lines[end].text):
        end += 1
    return _Header(at, end, to_end=True)


def _enough_fields(fields: set[frozenset[str]], values: dict[str, bool]) -> bool:
    meant = [set(names) for names in fields]
    distinct = len({min(names) if len(names) == 1 else "+".join(sorted(names)) for names in meant})
    some_from = any("from" in names for names in meant)
    some_other = any(names & {"sent", "subject"} for names in meant)
    if not some_other or not (some_from or distinct >= 3):
        return False
    return distinct >= 3 or (distinct == 2 and (values["address"] or values["time"]))


def _continues(text: str) -> bool:
    """Whether a line below the last label is the wrapped rest of an address list."""
    return bool(_HAS_ADDRESS.search(text)) and (";" in text or "," in text or text.rstrip().endswith(">"))


_STARTS_WITH_DATE = re.compile(
    r"^[\s*_\[(]*(\d{1,4}[-/.年]\s?\d{1,2}|\d{1,2}\.?\s\w{3,10}\.?,?\s\d{2,4}|\w{2,9}[.,]{1,2}\s?(den\s)?\d{1,2}[./\s]|"
    r"\w{2,3}\s\d{1,2}\.\s?\d|\d{1,2}:\d{2})",
    re.I,
)
_BARE_DATE_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d{1,2}:\d\d (GMT|UTC)?[+-]\d\d:?\d\d \S.{0,120}$")
_NAME_AND_ADDRESS = re.compile(r"^[\"'“«]?[^\W\d_][^:]{0,80}(?:[<(\[]|&lt;)[^\s<>]+@")
_OWN_WORDS = re.compile(
    r"(?i)^\W*(as|like|what|when|since|because|i|you|we|he|she|they|it|wie|was|da|ich|sie|wir|er|comme|ce que|j'|je|tu|"
    r"il a|vous|nous|como|lo que|yo|usted|come|quello|io|lei|zoals|wat|ik|u|als)\s"
)


def _wrote(lines: list[_Line], at: int, limit: int) -> _Header | None:
    """Find "On … X wrote:" over one to six lines, starting exactly at `at`."""
    reach = min(limit, at + HEADER_LINES)
    first = lines[at].text.strip(_FRAME)[:MAX_LINE]
    if _BARE_DATE_LINE.match(first):
        return _Header(at, at + 1, to_end=True)
    if not any(lines[end].may_end for end in range(at, reach)) or _OWN_WORDS.match(first):
        return None
    opens = _opens(first)
    starts = at == 0 or lines[at - 1].blank or not lines[at - 1].new
    if not (opens or starts or _verbs_end().search(first)):
        return None
    blanks = 0
    for end in range(at, reach):
        if lines[end].depth:
            break
        if lines[end].blank:
            blanks += 1
            if blanks > 1 or not opens:
                break
        elif lines[end].may_end and _is_header(lines, at, end, opens):
            dated = opens and _HAS_TIME.search(first)
            later = not dated and any(
                _opens(_framed(lines[k])) and _is_header(lines, k, end, True) for k in range(at + 1, end + 1)
            )
            # Where a complete header starts further down, the lines above it are the writer's.
            return None if later else _Header(at, end + 1, to_end=True)
    return None


def _framed(line: _Line) -> str:
    return line.text.strip(_FRAME)


def _is_header(lines: list[_Line], at: int, end: int, opens: bool) -> bool:
    joined = " ".join(_framed(line) for line in lines[at : end + 1] if not line.blank)
    return len(joined) <= MAX_LINE and _ends_header(joined, opens, _next_is_quote(lines, end + 1))


_FRAME = " \t*_-—=|"


def _opens(text: str) -> bool:
    """Whether a line begins as reply headers do: with a date, a word such as "On", or a name and an address."""
    return bool(_STARTS_WITH_DATE.match(text) or _phrases_start("openers").match(text) or _NAME_AND_ADDRESS.match(text))


def _next_is_quote(lines: list[_Line], at: int) -> bool:
    follows = _next_text(lines, at)
    return follows is not None and follows <= at + 2 and lines[follows].depth > 0


def _ends_header(joined: str, opens: bool, quote_next: bool) -> bool:
    text = joined.strip(" *_")
    colon = text.endswith((":", "：", ":>", ": >"))
    verb = bool(_verbs_end().search(text))
    time, address = bool(_HAS_TIME.search(text)), bool(_HAS_ADDRESS.search(text))
    if colon and verb and (time or address or quote_next) and _verb_is_predicate(text, opens, quote_next):
        return True
    if colon and time and address and (opens or quote_next):
        return True
    if colon and quote_next and (time or address):
        return True
    return bool(verb and time and address and _verbs_close().search(text))


def _verb_is_predicate(text: str, opens: bool, quote_next: bool) -> bool:
    """The verb of a reply header is its last word, or a date follows it; in running text more words do."""
    return opens or quote_next or bool(_verbs_close().search(text))


@cache
def _patterns(subject: str, field: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in wordings.merged(subject, field)), re.I)


@cache
def _phrases(subject: str, field: str) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(phrase) for phrase in wordings.merged(subject, field)), re.I)


@cache
def _phrases_start(field: str) -> re.Pattern[str]:
    words = "|".join(re.escape(phrase) for phrase in wordings.merged("reply_headers", field))
    return re.compile(rf"^[\s*_\[(]*(?:{words})[\s,]", re.I)


@cache
def _verbs_end() -> re.Pattern[str]:
    verbs = "|".join(wordings.merged("reply_headers", "verbs"))
    return re.compile(
        rf"(?:^|[\s>)\]\"',，、.]|(?<=[^\x00-\u02ff]))(?:{verbs})(?=$|[\s:：,(<\"/]|[^\x00-\u02ff])", re.I
    )


@cache
def _verbs_close() -> re.Pattern[str]:
    verbs = "|".join(wordings.merged("reply_headers", "verbs"))
    return re.compile(rf"(?:{verbs})[^\w]{{0,4}}(?:\([^()]*\))?\s*[:：]?[\s>*_]*$", re.I)


# --- signatures ------------------------------------------------------------------------------------------------------


def _class_signatures(lines: list[_Line]) -> None:
    for start, end in list(_new_runs(lines)):
        cut = _signature_start(lines, start, end)
        for line in lines[cut:end]:
            if line.new:
                line.kind = _Class.SIGNATURE


def _new_runs(lines: list[_Line]) -> Iterator[tuple[int, int]]:
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
_FOOTER_RULE = re.compile(r"^\s*(?:[-_=*~─—#+]\s?){3,}\s*$")
_CONTACT = re.compile(
    r"(?i)(\btel\b|\btél\b|\bphone\b|\bfax\b|\bmob(ile|il)?\b|\bdirect\b|\bcell\b|www\.|https?://|\S@\S+\.\w|\+\d[\d\s().-]{6,}|"
    r"\b0\d([\s.-]?\d{2}){4}\b|\bskype\b|\blinkedin\b|\b\d{4,5}\s+[A-ZÀ-Ý][\w-]+|\b(gmbh|sas|sarl|s\.r\.l|ltd|inc|b\.v|s\.l)\b)"
)


def _signature_start(lines: list[_Line], start: int, end: int) -> int:
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
    return _contact_block(lines, first, cut)


def _after_device_line(lines: list[_Line], first: int, cut: int) -> int:
    """A paragraph that is a device's line ends a message: what follows is a history that nothing marks."""
    for index in range(first + 1, cut):
        alone = lines[index - 1].blank and (index + 1 == cut or lines[index + 1].blank)
        if alone and len(lines[index].text) < 80 and _is_device_line(lines[index].text):
            _to_history(lines, index + 1, cut)
            return index + 1
    return cut


_DASHED_NAME = re.compile(r"^\s*[-–—/~]{1,2}\s?[A-ZÀ-Ý][\w'.]+(?:\s[A-ZÀ-Ý][\w'.-]*){0,3}\s*$")


def _dashed_name(lines: list[_Line], first: int, cut: int) -> int:
    """Find "-Anna" or "/Anna" as the last paragraph."""
    last = next((index for index in range(cut - 1, first, -1) if not lines[index].blank), None)
    if last is not None and lines[last - 1].blank and _DASHED_NAME.match(lines[last].text):
        return last
    return cut


def _text_above(lines: list[_Line], start: int) -> bool:
    return any(line.new and not line.blank for line in lines[:start])


def _short_below(lines: list[_Line], at: int, end: int) -> bool:
    """A signature is short; a dash that parts a long message does not end it."""
    return sum(1 for line in lines[at + 1 : end] if not line.blank) <= 40


def _footers(lines: list[_Line], first: int, end: int) -> int:
    """Where disclaimers, list footers and device lines at the end of [first, end) begin, paragraph by paragraph.

    A disclaimer or a list footer is nobody's signature: it goes to the history. A device's line is left to its caller.
    """
    cut = end
    while True:
        last = next((index for index in range(cut - 1, first - 1, -1) if not lines[index].blank), None)
        if last is None:
            return cut
        top = last
        while top > first and not lines[top - 1].blank and not _FOOTER_RULE.match(lines[top].text):
            top -= 1
        paragraph = " ".join(line.text.strip() for line in lines[top : last + 1])[:4_000]
        if (
            _is_device_line(lines[last].text)
            or _FOOTER_RULE.match(lines[last].text)
            or _DELIMITER.match(lines[last].text)
        ):
            cut = last
        elif _is_disclaimer(paragraph) and (top > first or len(paragraph) > 200):
            _to_history(lines, top, cut)
            cut = top
        else:
            sent = next((i for i in range(max(first, last - 4), last + 1) if _is_device_line(lines[i].text)), None)
            if sent is not None and all(len(line.text) < 80 for line in lines[sent : last + 1]):
                cut = sent
                continue
            return _below_rule(lines, first, cut)


def _to_history(lines: list[_Line], start: int, end: int) -> None:
    for line in lines[start:end]:
        line.kind = _Class.QUOTED


def _is_device_line(text: str) -> bool:
    text = text.strip(" \t*_[]()|-–—.!")
    words = text.split()
    return 0 < len(words) <= 14 and not _SENTENCE.search(text) and bool(_device_pattern().fullmatch(text))


#: "Sent from my desk, which is easier" is somebody talking
_SENTENCE = re.compile(r"(?i)\b(is|are|was|were|which|because|so|today|yesterday|this morning)\b")


@cache
def _device_pattern() -> re.Pattern[str]:
    return _patterns("footers", "sent_from")


def _is_disclaimer(paragraph: str) -> bool:
    return len(paragraph) > 30 and bool(_patterns("footers", "disclaimer").search(paragraph))


def _below_rule(lines: list[_Line], first: int, cut: int) -> int:
    """A rule of dashes or stars with only contact lines or footers below it starts the signature."""
    lowest = max(first - _text_above(lines, first), cut - 40)
    for index in range(cut - 1, lowest, -1):
        if not _FOOTER_RULE.match(lines[index].text):
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


@cache
def _sign_off() -> re.Pattern[str]:
    phrases = "|".join(re.escape(phrase) for phrase in wordings.merged("sign_offs", "phrases"))
    return re.compile(rf"^\W*(?:{phrases})(?:\W+(?:{phrases}))?\W*$", re.I)


def _contact_block(lines: list[_Line], first: int, cut: int) -> int:
    """A courtesy line near the end with nothing but a name and contact lines below it starts the signature."""
    texts = [index for index in range(first, cut) if not lines[index].blank][-16:]
    for place, index in enumerate(texts):
        if index == first or not _sign_off().match(lines[index].text):
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
