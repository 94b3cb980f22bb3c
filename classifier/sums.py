"""Sums that a sentence names, whatever for: money beside its currency, larger numbers, percentages of what is owed.

Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files

from classifier.amounts import read_number
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers
from classifier.surroundings import wording_of
from classifier.text import fold, words

CENT = Decimal("0.01")

#: Smaller numbers without a currency are days, clauses, copies.
_LEAST_BARE = 100

#: Numbers that are years where no currency stands beside them.
_YEARS = range(2015, 2040)

_BARE = re.compile(
    r"(?<![\w.,/#'-])(?<!\d )(?P<number>\d{1,3}(?:[ .,']\d{3}){1,2}(?:,\d{2}|\.\d{2})?|\d{1,6}(?:[.,]\d{2})?)"
    r"(?:[.,]-{1,2})?(?![\w/%-]|[.,']\d| \d)"
)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum at its place in the text; `share`: the percentage that it is given as."""

    start: int
    end: int
    amount: Decimal
    share: Decimal | None = None


def sums_of(sentence: Sentence, language: str, total: Decimal, currency: str) -> Iterator[Sum | None]:
    """Money and percentages of the sentence; None for what forbids working anything out: another currency's."""
    days = [(each.start, each.end) for each in sentence.dates]
    taken: list[tuple[int, int]] = []
    for each in sentence.amounts:
        yield Sum(each.start, each.end, each.amount) if each.currency == currency else None
        taken.append((each.start, each.end))
    for found in _percent(language).finditer(sentence.folded):
        share = read_number(found["share"])
        if share:
            amount = (total * share / 100).quantize(CENT, ROUND_HALF_UP)
            yield Sum(found.start(), found.end(), amount, share)
            taken.append(found.span())
    numbered = wording_of(language).numbered
    bare = [(found.start(), found.end(), read_number(found["number"])) for found in _BARE.finditer(sentence.folded)]
    bare += [(start, end, Decimal(number)) for start, end, number in find_numbers(sentence.text, language)]
    for start, end, number in bare:
        if number is None or number < _LEAST_BARE or any(start < last and first < end for first, last in taken + days):
            continue
        before = [word.folded for word in words(sentence.folded[:start])][-1:]
        is_document = bool(before) and before[0] in numbered
        if not is_document and not (number in _YEARS and sentence.folded[start:end].isdigit()):
            yield Sum(start, end, number)


@cache
def _percent(language: str) -> re.Pattern[str]:
    facts = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    names = "|".join(re.escape(fold(each)) for each in facts["percent"])
    return re.compile(rf"(?<![\w.,])(?P<share>\d{{1,2}}(?:[.,]\d{{1,2}})?)\s?(?:{names})(?!\w)")
