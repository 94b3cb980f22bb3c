"""Things at a price each: "two of the six came broken; at 86 apiece I pay for the four", "36 bathrobes at 54".

A price is money, or a number that words like "apiece" stand by; a count is a whole number of neither money nor days.
The number of all of them times the price may be to the cent what an invoice asks for: then both are proven, whatever
words stand around them. Else the words must say that it is a price, and the count nearest before it is of what it is
the price. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from classifier.amounts import read_number
from classifier.dates import DateMention
from classifier.numbers import shares_of
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers
from classifier.surroundings import wording_of
from classifier.text import Phrases, overlaps, words
from classifier.values import InvoiceRef
from classifier.wordings import read_wordings

#: Words between a price and the "each" behind it.
_BEHIND = 3

_COUNT = re.compile(r"(?<![\w.,/'-])(?:\d{1,3}(?:[ .']\d{3})|\d{1,4})(?![\w/%'-]|[.,]\d)")
_PRICE = re.compile(
    r"(?<![\w.,/'-])(?<!\d )(?:\d{1,3}[.,']\d{3}(?:[.,]\d{2})?|\d{1,4}(?:[.,]\d{1,2})?)(?![\w/%'-]|[.,]\d| \d)"
)


@dataclass(frozen=True, slots=True)
class Count:
    """So many of something, at its place in a sentence of a message."""

    sentence: int
    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Price:
    """What one of something costs, at its place; `is_said`: whether words like "each" say so."""

    sentence: int
    start: int
    end: int
    amount: Decimal
    is_said: bool


@dataclass(frozen=True, slots=True)
class Priced:
    """Things at a price each. `of_all`: how many make up `invoiced`, the whole amount of an invoice, 0 where that is
    not told; `counts`: how many are spoken of otherwise, in order.
    """

    price: Price
    of_all: int
    invoiced: Decimal
    counts: tuple[Count, ...]


def find_priced(sentences: Sequence[Sentence], language: str, invoiced: Sequence[Decimal]) -> Priced | None:
    """The things at a price each that a message speaks of; None where there are none, or of several prices."""
    prices = [each for at, sentence in enumerate(sentences) for each in _prices(at, sentence, language)]
    if not prices:
        return None
    counts = [each for at, sentence in enumerate(sentences) for each in _counts(at, sentence, language)]
    proven = {
        (price.amount, count.number, amount): price
        for amount in invoiced for price in prices for count in counts
        if count.number > 1 and price.amount > 1 and price.amount * count.number == amount and not _is_at(price, count)
    }  # fmt: skip
    if proven:
        # 12 × 130 and 130 × 12 are the same: the price is the one that is money, or said to be one
        (amount, number, invoice), price = max(proven.items(), key=lambda each: (each[1].is_said, each[0][0]))
        if (
            _is_paid_often(price, sentences, language)
            or len({each[2] for each in proven}) > 1
            or len({frozenset(each[:2]) for each in proven}) > 1
        ):
            return None
        others = [
            each for each in counts
            if 0 < each.number < number and not any(_is_at(one, each) and one.amount == amount for one in prices)
        ]  # fmt: skip
        return Priced(price, number, invoice, tuple(others))
    said = [each for each in prices if each.is_said]
    if len({each.amount for each in said}) != 1:
        return None
    price = said[0]
    of_it = _nearest(price, [each for each in counts if not _is_at(price, each)])
    if of_it is None or price.amount * of_it.number >= sum(invoiced):
        return None
    return Priced(price, 0, Decimal(0), (of_it,))


def costs_several(sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]) -> bool:
    """Whether a price is named that is that of several things, not proven by an invoice: what is taken off is more."""
    priced = find_priced(sentences, language, [each.amount for each in invoices])
    return priced is not None and not priced.of_all


def _is_paid_often(price: Price, sentences: Sequence[Sentence], language: str) -> bool:
    """Whether an amount is an instalment's: "four times 150"."""
    before = words(sentences[price.sentence].folded[: price.start])
    return any(hit.after == len(before) for hit in wording_of(language).times.find(before))


def _is_at(price: Price, count: Count) -> bool:
    return price.sentence == count.sentence and price.start < count.end and count.start < price.end


def _nearest(price: Price, counts: Sequence[Count]) -> Count | None:
    """The last count before the price, or else the first behind it in its sentence."""
    place = price.sentence, price.start
    before = [each for each in counts if (each.sentence, each.start) < place and price.sentence - each.sentence <= 1]
    behind = [each for each in counts if each.sentence == price.sentence and each.start > price.start]
    return before[-1] if before else behind[0] if behind else None


def _prices(at: int, sentence: Sentence, language: str) -> Iterator[Price]:
    money = [(each.start, each.end, each.amount) for each in sentence.amounts]
    days = [(each.start, each.end) for each in sentence.dates]
    for start, end, amount in money:
        yield Price(at, start, end, amount, _is_said(sentence, start, end, language, is_money=True))
    for found in _PRICE.finditer(sentence.folded):
        start, end = found.span()
        if overlaps(start, end, [*days, *((a, b) for a, b, _ in money)]):
            continue
        amount_said = read_number(found.group())
        if amount_said is None:
            continue
        has_cents = any(mark in found.group() for mark in ".,")
        is_said = _is_said(sentence, start, end, language, is_money=False)
        if has_cents or is_said:
            yield Price(at, start, end, amount_said, is_said)


def _is_said(sentence: Sentence, start: int, end: int, language: str, *, is_money: bool) -> bool:
    wording = _wording(language)
    mark = _STOP.search(sentence.folded, end)
    behind = words(sentence.folded[end : mark.start() if mark else None])[:_BEHIND]
    if any(hit.first <= 1 for hit in wording.each.find(behind)):
        return True
    if is_money and any(hit.first == 0 for hit in wording.one.find(behind)):
        return True
    if sentence.folded[:start].rstrip().endswith("@"):
        return True
    before = words(sentence.folded[:start])[-_AT_WORDS:]
    return any(hit.after == len(before) for hit in wording.at.find(before)) and _follows_a_thing(
        sentence, start, language
    )


def _follows_a_thing(sentence: Sentence, start: int, language: str) -> bool:
    """Whether a count stands a few words before "at 54": "36 bathrobes at 54"."""
    return any(0 < start - end <= _NEAR for _, end, number in _numbers(sentence, language) if number > 1)


#: Words of the longest "at the price of" before a price.
_AT_WORDS = 3

#: Characters between a count and the price of what it counts.
_NEAR = 60

_STOP = re.compile(r"[;:()\n]|[.,](?!\d)")


def _counts(at: int, sentence: Sentence, language: str) -> Iterator[Count]:
    taken = [(each.start, each.end) for each in sentence.dates if not _counts_things(each, sentence)]
    taken += [(each.start, each.end) for each in sentence.amounts]
    taken += [(start, end) for start, end, _ in shares_of(sentence, language)]
    numbered = wording_of(language).numbered
    for start, end, number in _numbers(sentence, language):
        before = [word.folded for word in words(sentence.folded[:start])][-1:]
        is_of_document = bool(before) and before[0] in numbered
        around, behind = wording_of(language), words(sentence.folded[end:])[:2]
        is_of_parts = any(  # "in two instalments"
            hit.first == 0 and hit.name != "equal" for each in (around.times, around.equal) for hit in each.find(behind)
        )
        if number > 1 and not is_of_document and not is_of_parts and not overlaps(start, end, taken):
            yield Count(at, start, end, number)


def _counts_things(mention: DateMention, sentence: Sentence) -> bool:
    """Whether what could be a day of the month has a word right behind it: "les 4 lampadaires"."""
    behind = sentence.folded[mention.end : mention.end + 2]
    return mention.family == "day_of_month" and behind[:1] == " " and behind[1:].isalpha()


def _numbers(sentence: Sentence, language: str) -> list[tuple[int, int, int]]:
    found = [
        (each.start(), each.end(), int(re.sub(r"\D", "", each.group()))) for each in _COUNT.finditer(sentence.folded)
    ]
    return sorted([*found, *find_numbers(sentence.text, language)])


@dataclass(frozen=True, slots=True)
class _Wording:
    each: Phrases
    one: Phrases
    at: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("reckoning", language)
    return _Wording(Phrases({"each": raw["each"]}), Phrases({"one": raw["one"]}), Phrases({"at": raw["at"]}))
