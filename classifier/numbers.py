"""Numbers without a currency, in digits and words, and percentages: what may be money by its form alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from classifier.amounts import read_number, thousands
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers, is_vague_behind
from classifier.surroundings import wording_of
from classifier.text import KEPT, words

#: A number that is no group of a longer one (an account's, a telephone's).
BARE = re.compile(  # groups of three, and of two as India writes lakhs
    r"(?<![\w.,/#'-])(?<!\d )"
    r"(?P<number>\d{1,2}(?:,\d{2}){1,2},\d{3}"
    r"|\d{1,3}(?:[ .,']\d{3}){1,2}(?:,\d{2}|\.\d{2})?|\d{1,6}(?:[.,]\d{1,2})?(?=k)|\d{1,6}(?:[.,]\d{2})?)"
    r"(?:(?P<kilo>k)(?P<hundreds>\d)?\b|(?P<round>[.,]-{1,2})|(?P<euros>e)\b)?(?![\w/%-]|[.,']\d| \d)"
)


def numbers_of(sentence: Sentence, language: str) -> Iterator[tuple[int, int, Decimal]]:
    """Every number of the sentence without a currency, in digits or words, with the word that multiplies it: start, end
    and number.
    """
    for found in BARE.finditer(sentence.folded):
        if is_in_words(found.start(), sentence, language):
            continue
        number = found["number"]
        amount = thousands(number, found["hundreds"]) if found["kilo"] else read_number(number)
        if amount is not None:
            end, scale = scaled(found.end(), sentence, language)
            if is_vague_behind(sentence.text, end, language):
                continue
            yield found.start(), end, amount * scale
    for start, last, counted in find_numbers(sentence.text, language):
        end, scale = scaled(last, sentence, language)
        yield start, end, Decimal(with_hundreds(counted) * scale)


def is_in_words(start: int, sentence: Sentence, language: str) -> bool:
    """Whether a number in digits begins one that goes on in words: "3 mil y medio"."""
    return any(start == first for first, _, _ in find_numbers(sentence.text, language))


def with_hundreds(counted: int) -> int:
    """The number that is meant where money is spoken of: "mille deux" is 1,200, "duemilacinque" 2,500."""
    thousands, rest = divmod(counted, 1000)
    return 1000 * thousands + 100 * rest if 1 <= thousands < 10 and 2 <= rest < 10 else counted


def scaled(end: int, sentence: Sentence, language: str) -> tuple[int, int]:
    """Where a number that ends at `end` ends with the word that multiplies it ("15 grand"), and by how much."""
    behind = words(sentence.folded[end : end + _SCALE_WITHIN])[:1]
    scale = wording_of(language).scale.get(behind[0].folded, 1) if behind and behind[0].start <= 1 else 1
    return (end, 1) if scale == 1 else (end + behind[0].end, scale)


_SCALE_WITHIN = 12


@lru_cache(KEPT)
def shares_of(sentence: Sentence, language: str) -> tuple[tuple[int, int, Decimal], ...]:
    """Where percentages stand, and how large: "50 %", "fifty percent"."""
    return tuple(_shares_of(sentence, language))


def _shares_of(sentence: Sentence, language: str) -> Iterator[tuple[int, int, Decimal]]:
    wording = wording_of(language)
    for found in wording.percent.finditer(sentence.folded):
        if share := read_number(found["share"]):
            yield found.start(), found.end(), share
    for start, end, number in find_numbers(sentence.text, language):
        if name := wording.percent_name.match(sentence.folded, end):
            yield start, name.end(), Decimal(number)
