"""Amounts in words: "deux cent cinquante euros", "zweihundertfünfzig Euro", "two hundred and fifty euros".

The name of a currency is looked for, and of the words before it the longest run that text2num reads as one number.
A number without a name ("six hundred on Friday") is told apart: whether it is money is the caller's to say.
Read beside what text2num knows are numbers as people say them (the words are data): "fuffzig", "zwo Riesen", halves
("two and a half grand", "anderthalbtausend", "mezzo milione"), English pairs ("seventeen fifty").
Words that make a number vague ("a couple of hundred", "two or three hundred", "mil y pico") leave no amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from text_to_num import text2num

from classifier.currencies import CURRENCIES, SPOKEN
from classifier.text import KEPT, Phrases, fold, overlaps, words
from classifier.wordings import read_wordings

#: Words of the longest number that is read.
_MOST_WORDS = 10
_NAME = re.compile(rf"(?<!\w)(?P<name>{SPOKEN})(?!\w)")
_WORD_BEFORE = re.compile(r"(?P<word>[^\W_]+(?:[.,]\d{1,2})?(?:-[^\W_]+)*)[ \u00a0]+$")
_CENTS = re.compile(
    r"(?i)[ \u00a0]+(?:(?:et|and|und|con|y|e|en)[ \u00a0]+)?(?P<words>(?:[^\W_]+[ \u00a0-]){1,4}?)"
    r"(?:centimes?|cents?|pence|cent|c[ée]ntimos|centesimi|rappen)(?!\w)"
)
_DIGITS = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")


@dataclass(frozen=True, slots=True)
class SpelledAmount:
    """A span of the text, the amount and its ISO 4217 currency."""

    start: int
    end: int
    amount: Decimal
    currency: str


def find_spelled(text: str, language: str) -> Iterator[SpelledAmount]:
    """The amounts of `text` that are written out in a language of the six.

    >>> [str(each.amount) for each in find_spelled("Deux cent cinquante euros partent ce soir.", "fr")]
    ['250']
    """
    halves = {end: (start, Decimal(number)) for start, end, number in _halves(text, language)}
    for name in _NAME.finditer(fold(text)):
        before = len(text[: name.start()].rstrip())
        found = halves.get(before) or _longest(text, _words_before(text, name.start()), language)
        if found is None or is_vague_behind(text, name.end(), language):
            continue
        start, amount = found
        cents, end = _cents(text, name.end(), language)
        yield SpelledAmount(start, end, amount + cents, CURRENCIES[name["name"]])
    if language == "en":
        yield from _grands(text)


@lru_cache(KEPT)  # each rule that reads a sentence for sums asks for them
def find_numbers(text: str, language: str) -> tuple[tuple[int, int, int], ...]:
    """Where numbers are written out, and which: start, end, number. A vague one ("a few hundred") is left out.

    >>> find_numbers("I can do six hundred on Friday", "en")
    ((9, 20, 600),)
    """
    halves = list(_halves(text, language))
    whole = [
        each for each in _whole_numbers(text, language)
        if not overlaps(each[0], each[1], ((start, end) for start, end, _ in halves))
    ]  # fmt: skip
    return tuple(
        each for each in sorted([*halves, *whole])
        if not _is_vague(text, each[0], language) and not is_vague_behind(text, each[1], language)
    )  # fmt: skip


def _whole_numbers(text: str, language: str) -> Iterator[tuple[int, int, int]]:
    joins = _wording(language).joins
    found = [(each.start(), each.end(), each.group().lower()) for each in _WORD.finditer(text)]
    at = 0
    while at < len(found):
        last = at
        while last < len(found) and last - at < _MOST_WORDS and _may_go_on(found, at, last, text, language):
            last += 1
        while last > at and found[last - 1][2] in joins:
            last -= 1
        if last > at:
            start, end = found[at][0], found[last - 1][1]
            said = [word for _, _, word in found[at:last]]
            number = _number(said, language) or _pair(text, start, said, language)
            if number and not (number in _MULTIPLYING and _DIGIT_BEFORE.search(text, max(0, start - 2), start)):
                yield start, end, number
        at = max(last, at + 1)


#: "5 tausend": of the digits before it.
_MULTIPLYING = frozenset({100, 1000})
_DIGIT_BEFORE = re.compile(r"\d[ \u00a0]$")

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def _may_go_on(found: Sequence[tuple[int, int, str]], first: int, at: int, text: str, language: str) -> bool:
    """Whether the word at `at` may belong to the number that begins at `first`."""
    is_next = at == first or not text[found[at - 1][1] : found[at][0]].strip()
    joins = at > first and found[at][2] in _wording(language).joins
    return is_next and (joins or _is_number_word(found[at][2], language))


def is_number(word: str, language: str) -> bool:
    """Whether the word is a number, in digits or written out."""
    return word.isdecimal() or _is_number_word(word, language)


@lru_cache(maxsize=8192)
def _is_number_word(word: str, language: str) -> bool:
    return _number([word], language) is not None


def _pair(text: str, start: int, said: Sequence[str], language: str) -> int | None:
    """As English says 1,750 and 350: "seventeen fifty", "three fifty"; but not the time of a day, nor a year."""
    wording = _wording(language)
    if not wording.pairs:
        return None
    for at in range(1, len(said)):
        hundreds, rest = _number(said[:at], language), _number(said[at:], language)
        if not hundreds or not rest or not (hundreds < 100 and hundreds % 10) or not 10 <= rest < 100:
            continue
        before = words(fold(text[:start]))[-1:]
        is_time = hundreds <= _HOURS and rest % 5 == 0 and before and before[0].folded in wording.before_times
        number = hundreds * 100 + rest
        return None if is_time or number in _YEARS else number
    return None


_HOURS = 12
_YEARS = range(1990, 2040)


def _halves(text: str, language: str) -> Iterator[tuple[int, int, int]]:
    """Numbers with a half or tenths in them: "two and a half grand", "half a million", "zweieinhalb Riesen", "duemila e
    mezzo", "1,5 mila".
    """
    wording, folded = _wording(language), fold(text)
    for tenths in _TENTHS.finditer(folded):
        if unit := wording.unit.match(folded, tenths.end()):
            yield tenths.start(), unit.end(), int(tenths["whole"] + tenths["tenth"]) * wording.units[unit["unit"]] // 10
    for found in wording.halves.finditer(folded):
        unit = wording.unit.match(folded, found.end())
        value = wording.units[unit["unit"]] if unit else 1
        if found["more"] is None:
            if unit:
                yield found.start(), unit.end(), (value + value * 2 * bool(found["one"])) // 2
            continue
        counted = _last_number(text, found.start(), language)
        if counted is None:
            continue
        start, number = counted
        if unit:
            yield start, unit.end(), (2 * number + 1) * value // 2
        elif number % 1000 == 0:
            yield start, found.end(), number + (1_000_000 if number % 1_000_000 == 0 else 1000) // 2


def _last_number(text: str, end: int, language: str) -> tuple[int, int] | None:
    """The number that ends at `end`, but for a space, and where it begins."""
    if end and text[end - 1].isalpha():  # "zwei" of "zweieinhalb"
        word = _WORD_TO_END.search(text, 0, end)
        number = _number([word.group()], language) if word else None
        return (word.start(), number) if word and number else None
    digits = re.search(r"(?<![\w.,])\d{1,3}[ \u00a0]$", text[:end])
    if digits:
        return digits.start(), int(digits.group())
    found = _longest(text, _words_before(text, end), language)
    return None if found is None else (found[0], int(found[1]))


_TENTHS = re.compile(r"(?<![\w.,])(?P<whole>\d{1,3})[.,](?P<tenth>\d)(?!\d)")
_WORD_TO_END = re.compile(r"[^\W\d_]+$")


#: "A grand", "two grand": thousand pounds.
_GRAND = re.compile(r"(?i)(?<!\w)(?<!half )(?P<count>[^\W_]+)[ \u00a0]+grand(?!\w)")


def _grands(text: str) -> Iterator[SpelledAmount]:
    halves = [(start, end) for start, end, _ in _halves(text, "en")]
    for start, end, number in _halves(text, "en"):
        if text[:end].lower().endswith("grand"):
            yield SpelledAmount(start, end, Decimal(number), "GBP")
    for found in _GRAND.finditer(text):
        said = found["count"].lower()
        count = 1 if said == "a" else int(said) if said.isdecimal() else _number([said], "en")
        is_read = overlaps(*found.span(), halves)
        if count and count < 1000 and not is_read and not is_vague_behind(text, found.end(), "en"):
            yield SpelledAmount(found.start(), found.end(), Decimal(count) * 1000, "GBP")


def _cents(text: str, start: int, language: str) -> tuple[Decimal, int]:
    """The cents behind the name of a currency and where they end: "pounds and fifty pence", "pounds fifty"."""
    named = _CENTS.match(text, start)
    part = _number(named["words"].split(), language) if named else None
    if named and part is not None and part < 100:
        return Decimal(part) / 100, named.end()
    bare = next(iter(find_numbers(text[start : start + 40], language)), None)
    if bare and text[start : start + bare[0]] == " " and 10 <= bare[2] < 100:
        following = _WORD.match(text[start + bare[1] :].lstrip())
        if not (following and fold(following.group()) in _counted(language)):
            return Decimal(bare[2]) / 100, start + bare[1]
    return Decimal(0), start


@cache
def _counted(language: str) -> frozenset[str]:
    """Words behind a number that counts something else than cents: days, a month's name."""
    raw = read_wordings("dates", language)
    return frozenset(fold(word) for table in ("units", "months") for word in raw[table]) | {"de", "of", "per", "pour"}


def _words_before(text: str, end: int) -> list[tuple[int, str]]:
    """The words that stand before `end` with nothing but spaces between, from the left, each with its place."""
    found: list[tuple[int, str]] = []
    while len(found) <= _MOST_WORDS:
        word = _WORD_BEFORE.search(text, max(0, end - 60), end)
        if word is None:
            break
        found.append((word.start(), word["word"]))
        end = word.start()
    return found[::-1]


def _longest(text: str, said: Sequence[tuple[int, str]], language: str) -> tuple[int, Decimal] | None:
    """Where the longest number at the end of these words begins, and the number; None where it is none or vague."""
    wording = _wording(language)
    for first in range(max(0, len(said) - _MOST_WORDS), len(said)):
        number = _number([word for _, word in said[first:]], language)
        if number is None:
            number = _pair(text, said[first][0], [word.lower() for _, word in said[first:]], language)
        if number is None or said[first][1].lower() in wording.joins:
            continue
        if _is_vague(text, said[first][0], language):
            return None
        before = said[first - 1] if first else None
        if before and before[1][0].isdigit():
            factor = _DIGITS.fullmatch(before[1])
            if factor is None or number not in (100, 1000):
                return None
            return before[0], Decimal(factor[0].replace(",", ".")) * number
        return said[first][0], Decimal(number)
    return None


def _number(spoken: Sequence[str], language: str) -> int | None:
    """The words as one number above zero; digits and articles are none."""
    wording = _wording(language)
    said = [word.lower() for word in spoken]
    if any(char.isdigit() for word in said for char in word):
        return None
    ways = [said]
    if len(said) > 1 and said[0] in wording.articles:
        ways.append(said[1:])
    ways.append([_as_written(word, language) for word in ways[-1]])
    return next((number for each in ways if (number := _read(each, language)) is not None), None) or None


def _read(said: Sequence[str], language: str) -> int | None:
    try:
        return int(text2num(" ".join(said), language))
    except ValueError:
        return None


def _as_written(word: str, language: str) -> str:
    """A word that is said for a number as it is written: "riesen" is tausend, "fuffzig" fünfzig."""
    wording = _wording(language)
    if whole := wording.words.get(word):
        return whole
    for sound, written in wording.sounds.items():
        word = word.replace(sound, written)
    return word


#: Characters before a number among which the words stand that may make it vague.
_VAGUE_WITHIN = 40


def _is_vague(text: str, start: int, language: str) -> bool:
    """Whether the number that begins at `start` is not meant exactly: "a few hundred", "a couple of hundred", "two or
    three hundred"; but "to the extent of seven hundred" and "up to seven hundred" are.
    """
    wording = _wording(language)
    before = [each.group().lower() for each in _PLAIN_WORD.finditer(text, max(0, start - _VAGUE_WITHIN), start)][-2:]
    if not before:
        return False
    if before[-1] in wording.vague:
        return True
    second = before[0] if len(before) > 1 else ""
    if before[-1] in wording.between:
        return second.isdigit() or second in wording.vague or bool(second and _is_number_word(second, language))
    return before[-1] in wording.links and second in wording.vague


def is_vague_behind(text: str, end: int, language: str) -> bool:
    """Whether the words right behind a number say that it is more or less: "mil y pico", "two grand and change"."""
    behind = words(fold(text[end : end + _VAGUE_WITHIN]))
    return any(hit.first == 0 for hit in _wording(language).vague_behind.find(behind))


_PLAIN_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class _Wording:
    """`words`: said for a number word; `sounds`: letters within a word said for others; `halves`: a half before a unit
    (groups none, `one` and a half, or `more` than a number before it); `pairs`: whether 1,750 is said
    "seventeen fifty"; `before_times`: words before a time of day; `units`: words that multiply, and their pattern.
    """

    vague: frozenset[str]
    vague_behind: Phrases
    between: frozenset[str]
    links: frozenset[str]
    articles: frozenset[str]
    joins: frozenset[str]
    words: Mapping[str, str]
    sounds: Mapping[str, str]
    halves: re.Pattern[str]
    pairs: bool
    before_times: frozenset[str]
    units: Mapping[str, int]
    unit: re.Pattern[str]


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    number = raw["spelled"]
    units = {fold(word): factor for word, factor in raw["scale"].items()}

    def said(name: str) -> frozenset[str]:
        return frozenset(number[name])

    return _Wording(
        said("vague"), Phrases({"vague": number["vague_behind"]}), said("between"), said("links"), said("articles"),
        said("joins"), number["words"], number["sounds"],
        re.compile(
            rf"(?:(?<!\w)(?:(?P<one>{_any_of(number['one_and_half'])})|{_any_of(number['half'])})"
            rf"|(?P<more>(?<=\w)(?:{_any_of(number['half_suffix'])})|(?<=\w[ \u00a0])(?:{_any_of(number['and_half'])})"
            r"(?!\w)))"
        ),
        number["pairs"], said("before_times"), units, re.compile(rf"[ \u00a0-]?(?P<unit>{_any_of(units)})(?!\w)"),
    )  # fmt: skip


def _any_of(said: Iterable[str]) -> str:
    """A pattern of any of these, of nothing where there are none."""
    return "|".join(re.escape(fold(each)) for each in sorted(said, key=len, reverse=True)) or r"(?!)"
