"""From a mail's new text to what is understood: its sentences without greeting, sign-off and signature.

A model that learns on bare sentences falls apart on wrapped ones, and names in a signature carry no meaning; so both
training and prediction see a message through `prepare`. `delexicalise` then puts a placeholder for each date, amount,
invoice number, address, so that the trained model holds no customer's figures and one example teaches for all.
Plain functions ahead of the pipeline: a trained model is arrays and built-in estimators only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from classifier.amounts import AmountMention, find_amounts
from classifier.date_patterns import shortened
from classifier.dates import DateMention, find_dates
from classifier.language import detect_language
from classifier.text import compose, fold, overlaps, words
from classifier.wordings import read_wordings

_LONG_LINE = 50
_MAX_SENTENCES = 60
_MAX_TEXT = 20_000
_BOUNDARY = re.compile(r"(?<=[.!?…])[\"')]*\s+(?=[^\s])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:n|no|nr|num|ref|rif|m|mm|mme|mlle|mr|mrs|ms|st|ste|art|env|cf|etc|ca|bzw|inkl|exkl|zzgl|tel|sr|sra|sig"
    r"|dott|dr|spett|fatt|fact|fra|f|inv|av|bd|p|pp|ex|evtl|ext|ggf|usw|d|h|z|b|u|a|i|e|g|s|jl|approx|vs|min|max|janv|fevr"
    r"|fev|avr|juil|sept|oct|nov|dec|jan|feb|mar|apr|jun|jul|aug|sep|okt|dez"
    r"|fr|rs|ds|mts|lfd|crt|ct|inst|prox|jl|v|ene|abr|ago|gen|mag|giu|lug|ott|mrt|kw|wk))\.$"
)
_LAST_WORD = re.compile(r"\b([^\W\d_]{2,5})\.$")
_NUMBER_STOP = re.compile(r"\d\.$")
_LIST_NUMBER = re.compile(r"\W*\d{1,2}\.")
_SIGNATURE_MARK = re.compile(r"^(--|__|==|\*\*\*)\s*$|^-- ?$")
_MAX_SIGNATURE_LINES = 14


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as written, its folded form, and the dates and amounts in it (spans count in `text`)."""

    text: str
    folded: str
    dates: tuple[DateMention, ...]
    amounts: tuple[AmountMention, ...]

    def __hash__(self) -> int:
        """By the text alone: readings of sentences are kept by it, and a text keeps its hash."""
        return hash(self.text)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message ready to be understood. `body` is what was left of the text."""

    language: str
    body: str
    sentences: tuple[Sentence, ...]


def prepare(text: str, base: date, month_first: bool | None = False, numbers: Sequence[str] = ()) -> Prepared:
    """Language, body and sentences of a mail's new text. Never without a sentence; text beyond 20,000 characters and
    60 sentences is not read. `numbers`: those of the invoices in question, which hold no day: "FV 12/03/2026".
    """
    composed = compose(text)[:_MAX_TEXT]
    language = detect_language(composed)
    body = strip_shape(composed)
    pieces = split_sentences(body, language)[:_MAX_SENTENCES] or [body.strip() or composed.strip() or "-"]
    sentences: list[Sentence] = []
    before: date | None = None
    usual: int | None = None
    for piece in pieces:
        dates = find_dates(piece, language, base, month_first=month_first, before=before, usual=usual)
        if taken := [span for number in numbers for span in _places_of(number, piece)]:
            dates = [each for each in dates if not overlaps(each.start, each.end, taken)]
        before = next((mention.ahead for mention in reversed(dates) if mention.ahead), before)
        usual = next((mention.usual for mention in reversed(dates) if mention.usual is not None), None)
        sentences.append(Sentence(piece, fold(piece), tuple(dates), tuple(find_amounts(piece, language))))
    return Prepared(language, body, tuple(sentences))


#: What could be a day within an invoice's number.
_DAY_IN_NUMBER = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")


def _places_of(number: str, piece: str) -> list[tuple[int, int]]:
    """Where an invoice's number that could be read as a day stands whole, with or without the blanks in it."""
    if not _DAY_IN_NUMBER.search(number):
        return []
    written = r"\s*".join(map(re.escape, fold(number).split()))
    return [found.span() for found in re.finditer(rf"(?<!\w){written}(?!\w)", fold(piece))]


def strip_shape(text: str) -> str:
    """`text` without its greeting line, sign-off, signature and device line; a postscript stays.

    Never returns nothing: a mail that is only a greeting and a sign-off is returned as it is.
    """
    lines = text.strip("\n").split("\n")
    end = _end_of_text(lines)
    kept = lines[:end] + _postscript(lines[end:])
    for _ in range(3):
        while kept and not kept[0].strip():
            kept.pop(0)
        if kept:
            kept[0] = _without_greeting(kept[0])
    body = "\n".join(kept).strip()
    return body or text.strip()


def split_sentences(text: str, language: str) -> list[str]:
    """Sentences: parted at sentence marks and at line ends, but not in a wrapped line, after an abbreviation, after the
    number of a list or, in German, of a day.
    """
    joined = _unwrap(text)
    pieces: list[str] = []
    start = 0
    for found in _BOUNDARY.finditer(joined):
        if "\n" not in found.group() and _goes_on(joined[start : found.start()], joined[found.end()], language):
            continue
        pieces.append(joined[start : found.end()])
        start = found.end()
    pieces.append(joined[start:])
    return [piece.strip() for piece in pieces if any(char.isalnum() or char == "?" for char in piece)]


def _goes_on(piece: str, following: str, language: str) -> bool:
    """Whether the full stop behind `piece` ends no sentence; `following` is the first character behind the blank."""
    if _NUMBER_STOP.search(piece):
        return language == "de" or not following.isupper() or bool(_LIST_NUMBER.fullmatch(piece))
    last = _LAST_WORD.search(piece)
    if last and not following.isupper() and fold(last[1]) in shortened(language):
        return True  # "lun. mattina", "Do. nächste Woche"
    return bool(_ABBREVIATION.search(fold(piece[-8:])))


def delexicalise(sentence: Sentence) -> str:
    """The folded sentence with placeholders for dates, amounts, numbers, addresses and links.

    A date says on which side of the message's own date it lies, where that is known: a past one beside "transfer"
    speaks of a payment, a coming one of a promise.
    """
    parts: list[str] = []
    at = 0
    for start, end, name in sorted(_marked(sentence)):
        if start >= at:
            parts.append(_plain(sentence.folded[at:start]))
            parts.append(f" {name} ")
            at = end
    parts.append(_plain(sentence.folded[at:]))
    return " ".join("".join(parts).split())


def _marked(sentence: Sentence) -> list[tuple[int, int, str]]:
    marks = [(each.start, each.end, _date_name(each)) for each in sentence.dates if each.family != "nothing"]
    marks += [(each.start, each.end, "xamount") for each in sentence.amounts]
    return marks


def _date_name(mention: DateMention) -> str:
    if mention.family == "relative_day" and mention.ahead and mention.behind:
        return "xtoday"
    if mention.ahead and mention.behind:
        return "xdate"
    if mention.ahead:
        return "xdateahead"
    return "xdatebehind" if mention.behind else "xdate"


_REPLACED = (
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), " xmail "),
    (re.compile(r"\b(?:https?://|www\.)\S{1,500}"), " xlink "),
    (re.compile(r"\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?\b"), " xiban "),
    (re.compile(r"(?<!\w)(?:\+|00)?\d{2,4}(?:[ ./-]\d{2,4}){3,5}(?!\w)"), " xphone "),
    (re.compile(r"\b(?=[\w/.-]{3,30}\b)[a-z]{0,6}[-_./]?\d+(?:[-_/.]?[a-z0-9]+){1,5}\b"), " xcode "),
    (re.compile(r"\b\d{3,}\b"), " xnumber "),
    (re.compile(r"\d+"), " xdigit "),
)


def _plain(folded: str) -> str:
    for pattern, name in _REPLACED:
        folded = pattern.sub(name, folded)
    return folded


#: A line that begins with a number and a mark is one of a list: "700528 - released", "1204: paid".
_LIST_LINE = re.compile(r"[\w/.-]{0,20}\d[\w/.-]{0,20}(?: ?:| +[-–—>=]| \()")


def _unwrap(text: str) -> str:
    """Lines that a mail program broke are joined again: a long line without a sentence mark at its end goes on."""
    out = ""
    lines = text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        stripped = line.rstrip()
        goes_on = (
            len(stripped) >= _LONG_LINE
            and stripped[-1] not in ".!?:;…"
            and following[:1].isalnum()
            and not following[:1].isupper()
            and not _LIST_LINE.match(following)
        )
        out += stripped + (" " if goes_on else "\n")
    return out


def _end_of_text(lines: list[str]) -> int:
    """Index of the line with which the sign-off or the signature begins."""
    shape = _shape()
    for index, line in enumerate(lines):
        if index and _SIGNATURE_MARK.match(line.strip()):
            return index
    for index, line in enumerate(lines):
        if index == 0 or len(lines) - index > _MAX_SIGNATURE_LINES:
            continue
        folded = fold(line).strip(" ,.!*-\t")
        if folded.startswith(shape.closings) and _is_closing(folded, shape.closings):
            return index
        if folded.startswith(shape.thanks) and _is_thanks(folded, shape.thanks):
            return index
    lines = _without_bare_signature(lines)
    while lines and (not lines[-1].strip() or fold(lines[-1]).strip().startswith(shape.devices)):
        lines = lines[:-1]
    return len(lines)


def _is_closing(folded: str, closings: tuple[str, ...]) -> bool:
    """A line is a closing where little follows the closing words, or they are the polite formula of a letter."""
    longest = max((each for each in closings if folded.startswith(each)), key=len)
    rest = folded[len(longest) :]
    return not rest[:1].isalnum() and (len(words(rest)) <= 6 or longest in _LETTER_FORMULAS)


def _is_thanks(folded: str, thanks: tuple[str, ...]) -> bool:
    longest = max((each for each in thanks if folded.startswith(each)), key=len)
    rest = folded[len(longest) :]
    return not rest[:1].isalnum() and len(words(rest)) <= _NAME_WORDS and not any(char.isdigit() for char in rest)


#: A first name, or a first name and a family name, beside a closing word.
_NAME_WORDS = 2
_CAPITALISED = re.compile(r"(?:[A-ZÀ-Þ][\w'’.-]*|de|du|la|le|van|von|der|di|da|del|et|&)")


def _without_bare_signature(lines: list[str]) -> list[str]:
    """Drops a last paragraph of short lines that begins with a name: a signature without a sign-off before it."""
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    first = last
    while first and lines[first - 1].strip():
        first -= 1
    if first in (0, last):
        return lines
    block = [line.strip() for line in lines[first:last]]
    name = block[0].split(",")[0].split(" - ")[0].split()
    is_name = 0 < len(name) <= 4 and all(_CAPITALISED.fullmatch(word) for word in name)
    return lines[:first] if is_name and all(len(line) <= 70 and line[-1] not in "!?:" for line in block) else lines


_LETTER_FORMULAS = frozenset(
    fold(each)
    for each in (
        "veuillez agréer", "je vous prie d'agréer", "nous vous prions d'agréer", "veuillez recevoir", "recevez",
        "je vous prie de croire", "je vous prie de recevoir", "dans l'attente", "nous vous prions de croire", "agréez",
        "in attesa di", "sin otro particular",
    )
)  # fmt: skip


def _postscript(lines: list[str]) -> list[str]:
    shape = _shape()
    for index, line in enumerate(lines):
        if fold(line).lstrip(" *-").startswith(shape.postscripts):
            return lines[index:]
    return []


def _without_greeting(line: str) -> str:
    """The first line without its greeting: the whole line, or what follows the comma of "Bonjour Madame, …"."""
    shape = _shape()
    folded = fold(line).lstrip()
    if not folded.startswith(shape.greetings):
        return line
    longest = max((each for each in shape.greetings if folded.startswith(each)), key=len)
    if folded[len(longest) : len(longest) + 1].isalnum():
        return line
    offset = len(line) - len(line.lstrip())
    cut = re.search(r"[,!:.;]|\s-\s", folded[len(longest) :])
    if cut and len(words(folded[: len(longest) + cut.start()])) <= 7:
        return line[offset + len(longest) + cut.end() :].lstrip(" ,!:.;-")
    return "" if len(words(folded)) <= 6 else line[offset + len(longest) :].lstrip()


@dataclass(frozen=True, slots=True)
class _Shape:
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    thanks: tuple[str, ...]
    postscripts: tuple[str, ...]
    devices: tuple[str, ...]


@cache
def _shape() -> _Shape:
    raw = read_wordings("shape")

    def every(name: str) -> tuple[str, ...]:
        return tuple(sorted({fold(each) for listed in raw[name].values() for each in listed}))

    return _Shape(
        every("greeting"),
        every("closing"),
        every("thanks"),
        every("postscript"),
        every("device"),
    )
