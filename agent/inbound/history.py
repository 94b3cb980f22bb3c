"""What of a text is history: what clients quote, and what they write above it.

Lines that begin with ``>`` are, and so is a *reply header* ("On … wrote:", "-----Original Message-----", a block of
From/Sent/To/Subject) in any language, also wrapped over lines. Behind a header either quoted lines follow, and
unquoted text after them is new again (an inline answer), or none do, and the rest is history.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from agent.inbound import wordings
from agent.inbound.attributions import is_attribution, you_wrote
from agent.inbound.html import HISTORY_MARK, HISTORY_TO_END_MARK
from agent.inbound.lines import FOOTER_RULE, FRAME, Line, LineClass, closes_with_verb, unquoted, verbs_close

#: lines in which reply headers are looked for; what is below is kept as it is classed by then
MAX_LINES = 5_000
#: characters of a line that patterns look at
MAX_LINE = 600
#: a reply header wraps over no more lines than this
HEADER_LINES = 6


@dataclass(frozen=True, slots=True)
class _Header:
    """A reply header on lines [start, end); `to_end`: what follows is history even where nothing marks it."""

    start: int
    end: int
    to_end: bool


def class_history(lines: list[Line], correspondents: frozenset[str] = frozenset()) -> None:
    """Class what is history as quoted; `correspondents` are the names of those whom the mail is written to."""
    at = 0
    limit = min(len(lines), MAX_LINES)
    while at < limit:
        header = _header_at(lines, at, limit, correspondents)
        if header is None:
            at += 1
            continue
        for line in lines[header.start : header.end]:
            line.kind = LineClass.QUOTED
        follows = next_text(lines, header.end)
        if follows is None:
            return
        if lines[follows].depth:
            at = follows
            while at < limit and (lines[at].depth or lines[at].blank):
                at += 1
            continue
        if header.to_end or not _quotes_follow(lines, header.end):
            for line in lines[header.start :]:
                line.kind = LineClass.QUOTED
            return
        at = header.end
    _class_wrapped_quotes(lines)


def _quotes_follow(lines: list[Line], at: int) -> bool:
    """Whether a quoted line comes soon: then unquoted lines in between were pushed there by line wrapping."""
    return any(line.depth for line in lines[at : at + 4])


def next_text(lines: list[Line], at: int) -> int | None:
    return next((index for index in range(at, len(lines)) if not lines[index].blank), None)


def _class_wrapped_quotes(lines: list[Line]) -> None:
    """A line between two quoted ones, with no blank line around it, is the wrapped rest of the one above."""
    for index in range(1, len(lines) - 1):
        above, line, below = lines[index - 1 : index + 2]
        if line.new and not line.blank and above.depth and below.depth and len(above.text) > 60 and len(line.text) < 40:
            line.kind = LineClass.QUOTED


def _header_at(lines: list[Line], at: int, limit: int, correspondents: frozenset[str]) -> _Header | None:
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
    return (
        _reply_above(lines, at)
        or _separator(lines, at)
        or _dated_block(lines, at)
        or _block(lines, at)
        or _with_fields_above(lines, _wrote(lines, at, limit))
        or _wrote_and_more(lines, at)
        or (_Header(at, at + 1, to_end=True) if is_attribution(lines, at, correspondents) else None)
    )


def _marked_header(lines: list[Line], at: int) -> _Header | None:
    """Behind a client's mark the header reaches to the first quoted line; without one the text decides."""
    texts = 0
    for index in range(at + 1, min(len(lines), at + 14)):
        if lines[index].depth:
            return _Header(at, index, to_end=False)
        texts += not lines[index].blank
        if texts > HEADER_LINES:
            break
    return None


def _reply_above(lines: list[Line], at: int) -> _Header | None:
    """The line of a ticket system; at the top of its own mail what stands below is the answer (`signatures`)."""
    if (
        next_text(lines, 0) != at
        and len(lines[at].text) < 200
        and wordings.pattern("footers", "reply_above").search(lines[at].text)
    ):
        return _Header(at, at + 1, to_end=True)
    return None


_RULED = re.compile(r"^[\s*_>|]*([-‐=_~]{2,}|—+|\*{3,})\s*(?P<words>\S.{2,80}?)\s*([-‐=_~]{2,}|—+|\*{3,})?[\s*_]*:?$")
#: Notes names who passed a mail on
FORWARDED_BY = re.compile(r"(?i)(forwarded by|weitergeleitet von|transféré par|reenviado por|inoltrato da)\b")
_RULE = re.compile(r"^[\s*]*([-‐_=*~─—–]\s?){5,}[\s*]*$")


def _separator(lines: list[Line], at: int) -> _Header | None:
    """Find "-----Original Message-----" in its languages, with or without the dashes; a rule above a header block."""
    text = lines[at].text[:MAX_LINE]
    if FOOTER_RULE.match(text):
        below = next_text(lines, at + 1)
        if below is not None and below <= at + 3:
            if _is_separator(lines[below].text.strip(" *_:")):
                return _Header(at, below + 1, to_end=True)
            if lines[below].depth and label_of(unquoted(lines[below])):
                return _Header(at, below, to_end=False)
            block = _block(lines, below) if _RULE.match(text) else None
            return _Header(at, block.end, to_end=True) if block else None
        return None
    ruled = _RULED.match(text)
    words = (ruled["words"] if ruled else text).strip(" *_:-")
    if not _is_separator(words):
        forwarded = ruled and FORWARDED_BY.match(words)
        if not forwarded and not (ruled and _label_below(lines, at)):
            return None
    elif not ruled and not text.rstrip(" *_").endswith(":") and not _label_below(lines, at):
        return None
    below = next_text(lines, at + 1)
    block = _block(lines, below) if below is not None and below <= at + 3 else None
    return _Header(at, block.end if block else at + 1, to_end=True)


def _dated_block(lines: list[Line], at: int) -> _Header | None:
    """A line that dates the message above its header block: Orange writes "Message du 12/11/26 08:15"."""
    text = lines[at].text[:MAX_LINE]
    if at + 1 == len(lines) or not _phrases_start("dated").match(text) or not _HAS_TIME.search(text):
        return None
    block = _block(lines, at + 1)
    return _Header(at, block.end, to_end=True) if block else None


def _label_below(lines: list[Line], at: int) -> bool:
    below = next_text(lines, at + 1)
    return below is not None and below <= at + 3 and label_of(lines[below].text) is not None


@cache
def _labels() -> dict[str, frozenset[str]]:
    """A label may mean different fields in different languages ("A", "De", "La")."""
    found: dict[str, set[str]] = {}
    for table in wordings.load("reply_headers").values():
        for name in ("from", "sent", "to", "subject"):
            for label in table.get(name, []):
                found.setdefault(label.lower(), set()).add(name)
    return {label: frozenset(names) for label, names in found.items()}


_LABELLED = re.compile(r"^[\s*_|•]*(?P<label>[^\W\d_][^:：*<>@]{0,24}?)\s*[*_]*\s*[:：]\s*[*_]*\s*(?P<value>.*)$")


def label_of(text: str) -> tuple[frozenset[str], str] | None:
    """(fields that the label may mean, value) of a line such as "*Von:* Anna"."""
    match = _LABELLED.match(text[:MAX_LINE])
    if match is None:
        return None
    names = _labels().get(match["label"].strip().lower())
    return (names, match["value"].strip()) if names else None


_HAS_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(\.|$)")
_HAS_TIME = re.compile(r"\b\d{1,2}\s?[:.h]\s?\d{2}\b|\b(19|20)\d\d\b|\d年|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b", re.I)


def _block(lines: list[Line], at: int) -> _Header | None:
    """A block of labelled lines, at least three fields, or two where one holds an address or a date."""
    if label_of(lines[at].text) is None:
        return None
    fields: set[frozenset[str]] = set()
    values = {"address": False, "time": False}
    end, index, loose = at, at, 0
    while index < min(len(lines), at + 40) and loose <= 3:
        line = lines[index]
        labelled = None if line.depth or line.blank else label_of(line.text)
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
    r"^[\s*_\[(]*(\d{1,4}[-/.年]\s?\d{1,2}|\d{1,2}\.?\s\w{3,12}\.?,?\s\d{2,4}|[\w-]{2,14}[.,]{1,2}\s?(den\s)?\d{1,2}[./\s]|"
    r"\w{2,12}\s\d{1,2}\s\w{3,12}\.?\s\d{4}|(\w{2,12},\s)?\w{3,12}\s\d{1,2},\s\d{4}|\w{2,12},?\s\d{4}-\d\d-\d\d|"
    r"\w{2,3}\s\d{1,2}\.\s?\d|\w{2,12}\s\d{1,2}\.\s\w{3,12}\.?\s\d{4}|(19|20)\d\d\.\s\w{3,12}\.?\s\d{1,2}|\d{1,2}:\d{2})",
    re.I,
)
_BARE_DATE_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d{1,2}:\d\d (GMT|UTC)?[+-]\d\d:?\d\d \S.{0,120}$")
#: the address may stand on the next line: Gmail breaks lines behind its "<"
_NAME_AND_ADDRESS = re.compile(
    r"^[\"'“«]?[^\W\d_][^:]{0,80}(?:(?:[<(\[]|&lt;)[^\s<>]+@|<$)|^(?:<|&lt;)[^\s<>]+@[^\s<>]+(?:>|&gt;)"
)
_BARE_NAME = re.compile(r"^[\"'“«]?[^\W\d_][^:.!?@<>]{1,60}$")
_BARE_ADDRESS = re.compile(r"^[<(][^\s<>()]+@[^\s<>()]+[>)]")
#: "Anna Berg <anna@x.example> hat am": the line goes on below
_ADDRESS_AND_MORE = re.compile(r"@[\w.-]+(?:[>)\]]|&gt;)(?:\s[^\W\d_]+){1,3}$")
_OWN_WORDS = re.compile(
    r"(?i)^\W*(as|like|what|when|since|because|i|you|we|he|she|they|it|wie|was|da|ich|sie|wir|er|comme|ce que|j'|je|tu|"
    r"il a|vous|nous|como|lo que|yo|usted|come|quello|io|lei|zoals|wat|ik|u|als)\s"
)


def _wrote(lines: list[Line], at: int, limit: int) -> _Header | None:
    """Find "On … X wrote:" over one to six lines, starting exactly at `at`."""
    reach = min(limit, at + HEADER_LINES)
    first = lines[at].text.strip(FRAME)[:MAX_LINE]
    if _BARE_DATE_LINE.match(first):
        return _Header(at, at + 1, to_end=True)
    if not any(lines[end].may_end for end in range(at, reach)):
        return None
    if _OWN_WORDS.match(first) and not _names_second(first):
        return None
    opens = _opens_at(lines, at)
    starts = at == 0 or lines[at - 1].blank or not lines[at - 1].new
    if not (opens or starts or _verbs_end().search(first)) or (not opens and _is_sentence(first)):
        return None
    blanks = 0
    for end in range(at, reach):
        if lines[end].depth:
            break
        if lines[end].blank:
            blanks += 1
            if blanks > 1 or not opens or _is_sentence(lines[end - 1].text):
                break
        elif lines[end].may_end and _is_header(lines, at, end, opens):
            begun = opens and (
                _HAS_TIME.search(first) or _verbs_end().search(first) or _ADDRESS_AND_MORE.search(first)
                or _address_below(lines, at)
            )  # fmt: skip
            later = not begun and any(_is_whole_header(lines, k, end) for k in range(at + 1, end + 1))
            # Where a complete header starts further down, the lines above it are the writer's.
            return None if later else _Header(at, end + 1, to_end=True)
    return None


_ADDRESS_COLON = re.compile(r"[<(]?[\w.+'-]+@[\w-]+(?:\.[\w-]+)+[>)]?(?:\s(?P<verb>[^:@]{3,25}))?[:：]\s{2,}(?=\S)")


def _wrote_and_more(lines: list[Line], at: int) -> _Header | None:
    """Find a whole header with the history on its own line: Yahoo's apps write "On … X<x@y> wrote:   Dear Anna,"."""
    text = lines[at].text.strip()[:MAX_LINE]
    if "@" not in text or not _opens(text):
        return None
    match = _ADDRESS_COLON.search(text)
    if match is None or not _HAS_TIME.search(text[: match.start()]):
        return None
    # In German the verb stands before the name.
    told = closes_with_verb(match["verb"]) if match["verb"] else _names_behind_verb(text[: match.start()])
    return _Header(at, at + 1, to_end=True) if told else None


def _names_behind_verb(text: str) -> bool:
    """Whether a text ends in a verb and a name, as "… um 9:12 schrieb Anna Berg", and in no "schrieb ich an"."""
    found = _verb_and_name().search(text)
    particles = wordings.merged("salutations", "particles")
    return found is not None and all(word[0].isupper() or word in particles for word in found["name"].split())


def _with_fields_above(lines: list[Line], header: _Header | None) -> _Header | None:
    """Yandex writes to whom and of what the mail was right above the line that says whose it is."""
    if header is None:
        return None
    start = header.start
    while start and lines[start - 1].new and label_of(lines[start - 1].text):
        start -= 1
    if header.start - start < 2:
        return header
    if start and FOOTER_RULE.match(lines[start - 1].text):
        start -= 1
    return replace(header, start=start)


def _framed(line: Line) -> str:
    return line.text.strip(FRAME)


def _is_header(lines: list[Line], at: int, end: int, opens: bool) -> bool:
    joined = _joined(lines, at, end)
    return len(joined) <= MAX_LINE and _ends_header(joined, opens, _next_is_quote(lines, end + 1))


def _is_sentence(text: str) -> bool:
    """Whether a line ends as sentences do, and is no date that a full stop shortens ("lun., 2 mar.")."""
    ends = text.rstrip(FRAME + "\"'”»)").endswith((".", "!", "?", "…"))
    return ends and (not any(char.isdigit() for char in text) or len(re.findall(r"[^\W\d]{2,}", text)) > 3)


def _joined(lines: list[Line], at: int, end: int) -> str:
    return " ".join(_framed(line) for line in lines[at : end + 1] if not line.blank)


def _is_whole_header(lines: list[Line], at: int, end: int) -> bool:
    """Whether a header with an address or a verb begins on this line: a date alone is the rest of one."""
    opens = _opens_at(lines, at)
    if not (opens or _is_sentence(lines[at - 1].text)) or not _is_header(lines, at, end, opens):
        return False
    joined = _joined(lines, at, end)
    verb = _verbs_end().search(joined)
    return verb.start() > 0 if verb else bool(_HAS_ADDRESS.search(joined))


def _opens_at(lines: list[Line], at: int) -> bool:
    """Whether a line opens a reply header, by itself or with an address below its name."""
    return _opens(_framed(lines[at])) or _address_below(lines, at)


def _address_below(lines: list[Line], at: int) -> bool:
    """Whether a line is a name, whose address a program put on the next one."""
    below = _framed(lines[at + 1]) if at + 1 < len(lines) else ""
    return bool(_BARE_ADDRESS.match(below) and _BARE_NAME.match(_framed(lines[at])))


def _opens(text: str) -> bool:
    """Whether a line begins as reply headers do: with a date, a word such as "On", or a name and an address."""
    return bool(
        _STARTS_WITH_DATE.match(text)
        or _phrases_start("openers", "citing").match(text)
        or _NAME_AND_ADDRESS.match(text)
    )


def _next_is_quote(lines: list[Line], at: int) -> bool:
    follows = next_text(lines, at)
    return follows is not None and follows <= at + 2 and lines[follows].depth > 0


def _ends_header(joined: str, opens: bool, quote_next: bool) -> bool:
    text = joined.strip(" *_")
    colon = text.endswith((":", "：", ":>", ": >"))
    time, address = bool(_HAS_TIME.search(text)), bool(_HAS_ADDRESS.search(text))
    if not colon and not (time and address):
        return False
    if not address and not quote_next and _tells_whom().search(text):
        return False
    verb = bool(_verbs_end().search(text))
    if colon and verb and (time or address or quote_next) and _verb_is_predicate(text, opens, quote_next):
        return True
    if colon and time and (_names_second(text) or (address and (opens or quote_next))):
        return True
    if colon and (quote_next or _phrases_start("citing").match(text)) and (time or address):
        return True
    return bool(verb and time and address and verbs_close().search(text))


_SECOND = re.compile(r"\b\d{1,2}[:.]\d\d[:.]\d\d\b")


def _names_second(text: str) -> bool:
    """Whether a line says "you wrote" with a time of day down to the second, as programs do and nobody else."""
    return bool(you_wrote().match(text) and _SECOND.search(text))


def _verb_is_predicate(text: str, opens: bool, quote_next: bool) -> bool:
    """The verb of a reply header is its last word, or nothing but a date follows it; in running text more words do."""
    return opens or quote_next or bool(verbs_close().search(text) or _dated_verb().search(text))


def _is_separator(words: str) -> bool:
    return wordings.caseless(words) in wordings.literals("reply_headers", "original", "forwarded")


@cache
def _phrases_start(*fields: str) -> re.Pattern[str]:
    words = wordings.either("reply_headers", *fields)
    return re.compile(rf"^[\s*_\[(]*(?:{words})[\s,]", re.I)


@cache
def _dated_verb() -> re.Pattern[str]:
    """Match "Anna Berg schrieb am 12.11.2026 um 08:15:": a name, the verb, and a date with its time of day."""
    verbs = wordings.either("reply_headers", "verbs")
    # What stands between is told word by word: "schrieb mir gestern am ..." is a sentence.
    before = r"(?:(?:no dia|am|den|le|el|il|op|på|w|v|pe|on|w dniu|dne|в)\s)?(?:[\w-]{2,14}[.,]{0,2}\s)?"
    date = r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4},?\s(?:\S{1,5}\s)?\d{1,2}[.:]\d\d(?:[.:]\d\d)?(?:\s\[?[+-]\d{4})?"
    return re.compile(rf"^(?:\S+\s){{1,4}}(?:{verbs})\s{before}{date}\W*$", re.I)


@cache
def _tells_whom() -> re.Pattern[str]:
    """Match "nous a écrit" and "schrieb uns", which people write and no program does."""
    verbs, whom = wordings.either("reply_headers", "verbs"), wordings.either("reply_headers", "whom")
    return re.compile(rf"(?<!\w)(?:{whom})\s?(?:{verbs})(?!\w)|(?<!\w)(?:{verbs})\s(?:to\s)?(?:{whom})(?!\w)", re.I)


@cache
def _verb_and_name() -> re.Pattern[str]:
    verbs = wordings.either("reply_headers", "verbs")
    return re.compile(rf"\s(?:{verbs})\s(?P<name>[^\s:@]+(?:\s[^\s:@]+){{0,4}})\s?$", re.I)


@cache
def _verbs_end() -> re.Pattern[str]:
    verbs = wordings.either("reply_headers", "verbs")
    return re.compile(
        rf"(?:^|[\s>)\]\"',，、.]|(?<=[^\x00-\u02ff]))(?:{verbs})(?=$|[\s:：,(<\"/]|[^\x00-\u02ff])", re.I
    )
