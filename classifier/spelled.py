"""Amounts in words: "deux cent cinquante euros", "zweihundertfünfzig Euro", "two hundred and fifty euros".

The name of a currency is looked for, and of the words before it the longest run that text2num reads as one number.
Words that make a number vague ("a couple of hundred", "two or three hundred") leave no amount.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from text_to_num import text2num

from classifier.text import fold

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
        found = _longest(words, language)
        if found is None:
            continue
        start, amount = found
        cents = _CENTS.match(text, name.end())
        part = _number([each.strip() for each in cents["words"].split()], language) if cents else None
        end = name.end()
        if cents and part is not None and part < 100:
            amount, end = amount + Decimal(part) / 100, cents.end()
        yield SpelledAmount(start, end, amount, _CURRENCIES[fold(name["name"])])


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


def _longest(words: Sequence[tuple[int, str]], language: str) -> tuple[int, Decimal] | None:
    """Where the longest number at the end of `words` begins, and the number; None where it is none or vague."""
    wording = _wording(language)
    for first in range(max(0, len(words) - _MOST_WORDS), len(words)):
        number = _number([word for _, word in words[first:]], language)
        if number is None or words[first][1].lower() in wording.joins:
            continue
        before = words[first - 1] if first else None
        if before and before[1].lower() in wording.vague:
            return None
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
    try:
        number = int(text2num(" ".join(said), language))
    except ValueError:
        return None
    return number or None


@dataclass(frozen=True, slots=True)
class _Wording:
    vague: frozenset[str]
    articles: frozenset[str]
    joins: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    number = raw["spelled"]
    return _Wording(*(frozenset(number[name]) for name in ("vague", "articles", "joins")))
