"""Amounts in words: "deux cent cinquante euros", "zweihundertfünfzig Euro", "two hundred and fifty euros".

The name of a currency is looked for, and of the words before it the longest run that text2num reads as one number.
A number without a name ("six hundred on Friday") is told apart: whether it is money is the caller's to say.
Words that make a number vague ("a couple of hundred", "two or three hundred") leave no amount.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files

from text_to_num import text2num

from classifier.text import KEPT, fold

#: Words of the longest number that is read.
_MOST_WORDS = 10
_NAME = re.compile(
    r"(?i)(?<!\w)(?P<name>euros?|pounds?|quid|dollars?|dólares|d[oó]lar|dollari|livres sterling|pfund|pond|sterline|"
    r"libras|francs suisses|franken|franchi|francos suizos|frank)(?!\w)"
)
_CURRENCIES = {
    "euro": "EUR", "euros": "EUR", "quid": "GBP", "pound": "GBP", "pounds": "GBP", "livres sterling": "GBP",
    "pfund": "GBP", "pond": "GBP", "sterline": "GBP", "libras": "GBP", "dollar": "USD", "dollars": "USD",
    "dolares": "USD", "dolar": "USD", "dollari": "USD", "francs suisses": "CHF", "franken": "CHF", "franchi": "CHF",
    "francos suizos": "CHF", "frank": "CHF",
}  # fmt: skip
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
    for name in _NAME.finditer(text):
        words = _words_before(text, name.start())
        found = _longest(text, words, language)
        if found is None:
            continue
        start, amount = found
        cents, end = _cents(text, name.end(), language)
        yield SpelledAmount(start, end, amount + cents, _CURRENCIES[fold(name["name"])])
    if language == "en":
        yield from _grands(text)


@lru_cache(KEPT)  # each rule that reads a sentence for sums asks for them
def find_numbers(text: str, language: str) -> tuple[tuple[int, int, int], ...]:
    """Where numbers are written out, and which: start, end, number. A vague one ("a few hundred") is left out.

    >>> find_numbers("I can do six hundred on Friday", "en")
    ((9, 20, 600),)
    """
    return tuple(_find_numbers(text, language))


def _find_numbers(text: str, language: str) -> Iterator[tuple[int, int, int]]:
    wording = _wording(language)
    found = [(each.start(), each.end(), each.group().lower()) for each in _WORD.finditer(text)]
    at = 0
    while at < len(found):
        last = at
        while last < len(found) and last - at < _MOST_WORDS and _may_go_on(found, at, last, text, language):
            last += 1
        while last > at and found[last - 1][2] in wording.joins:
            last -= 1
        if last > at:
            number = _number([word for _, _, word in found[at:last]], language)
            if number and not _is_vague(text, found[at][0], language):
                yield found[at][0], found[last - 1][1], number
        at = max(last, at + 1)


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


#: "A grand", "two grand": thousand pounds.
_GRAND = re.compile(r"(?i)(?<!\w)(?P<count>[^\W_]+)[ \u00a0]+grand(?!\w)")


def _grands(text: str) -> Iterator[SpelledAmount]:
    for found in _GRAND.finditer(text):
        said = found["count"].lower()
        count = 1 if said == "a" else int(said) if said.isdecimal() else _number([said], "en")
        if count and count < 1000:
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
    raw = tomllib.loads((files("classifier") / "wordings" / "dates" / f"{language}.toml").read_text("utf-8"))
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


def _longest(text: str, words: Sequence[tuple[int, str]], language: str) -> tuple[int, Decimal] | None:
    """Where the longest number at the end of `words` begins, and the number; None where it is none or vague."""
    wording = _wording(language)
    for first in range(max(0, len(words) - _MOST_WORDS), len(words)):
        number = _number([word for _, word in words[first:]], language)
        if number is None or words[first][1].lower() in wording.joins:
            continue
        if _is_vague(text, words[first][0], language):
            return None
        before = words[first - 1] if first else None
        if before and before[1][0].isdigit():
            factor = _DIGITS.fullmatch(before[1])
            if factor is None or number not in (100, 1000):
                return None
            return before[0], Decimal(factor[0].replace(",", ".")) * number
        return words[first][0], Decimal(number)
    return None


def _number(words: Sequence[str], language: str) -> int | None:
    """The words as one number above zero; digits and articles are none."""
    said = [word.lower() for word in words if word.lower() not in _wording(language).articles or len(words) == 1]
    if not said or any(char.isdigit() for word in said for char in word):
        return None
    if language == "de" and len(said) == 1 and (half := _AND_A_HALF.fullmatch(fold(said[0]))):
        whole = _number([said[0][: half.end("whole")]], language)
        return None if whole is None else whole * (unit := _UNITS[half["unit"]]) + unit // 2
    try:
        number = int(text2num(" ".join(said), language))
    except ValueError:
        return None
    return number or None


#: "Viereinhalbtausend", as German says four and a half thousand.
_AND_A_HALF = re.compile(r"(?P<whole>[a-z]{3,}?)einhalb(?P<unit>tausend|hundert)")
_UNITS = {"tausend": 1000, "hundert": 100}


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


_PLAIN_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class _Wording:
    vague: frozenset[str]
    between: frozenset[str]
    links: frozenset[str]
    articles: frozenset[str]
    joins: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    number = raw["spelled"]
    return _Wording(*(frozenset(number[name]) for name in ("vague", "between", "links", "articles", "joins")))
