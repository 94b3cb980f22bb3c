"""What is kept back of a sum where a reply says what it is made of: the tax ("the 152 VAT has no business here, you'll
get the net on Monday"), or things at a price each ("9 nights at 110; on Monday we pay the 7 that were used").

The second is worked out only where the number of all of them times the price is to the cent what is owed. Pure; which
sentences promise is told by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from classifier.clauses import depends, topics
from classifier.numbers import shares_of
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers
from classifier.sums import CENT, Sum, sums_of
from classifier.surroundings import wording_of
from classifier.text import Phrases, fold, overlaps, words
from classifier.wordings import read_wordings

#: Words between a tax and its sum: "VAT at 20 %", "the 270.75 of VAT".
_NEAR = 2

#: What speaks against paying the thing in whose clause it is said.
_AGAINST = frozenset({"refusal", "done", "condition"})

_COUNT = re.compile(r"(?<![\w.,/-])\d{1,3}(?![\w/%-]|[.,]\d)")


def kept_back(window: Sequence[Sentence], language: str, total: Decimal, currency: str) -> Decimal | None:
    """What the sentences keep back of the total, the last of which promises; None where they don't tell."""
    tax = _tax(window, language, total, currency)
    return _uncounted(window, language, total, currency) if tax is None else tax


def _tax(window: Sequence[Sentence], language: str, total: Decimal, currency: str) -> Decimal | None:
    """The one tax that is named, by its sum or its rate, where the last sentence pays the net."""
    wording, last = _wording(language), window[-1]
    found = words(last.folded)
    spans = [(found[hit.first].start, found[hit.after - 1].end) for hit in wording.net.find(found)]
    if not any(_is_paid(last, start, end, language) for start, end in spans):
        return None
    named: set[Decimal] = set()
    for sentence in window:
        for each in sums_of(sentence, language, total, currency):
            if each is None or each.amount >= total:
                continue
            to_tax = _away(sentence, each, wording.tax)
            if each.share is None and _away(sentence, each, wording.net) <= min(_NEAR, to_tax):
                return None  # "the net of 1,500, VAT is yours": told already
            if to_tax > _NEAR:
                continue
            if each.share is None:
                named.add(each.amount)
            else:
                net = total / (1 + each.share / 100)
                named.add(total - net.quantize(CENT, ROUND_HALF_UP))
    return named.pop() if len(named) == 1 else None


def net_of(total: Decimal, rate: Decimal) -> Decimal:
    """The net of a total in which a tax of so many per cent is contained."""
    return (total / (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)


def tax_kept(
    window: Sequence[Sentence], promising: Sequence[Sentence], language: str, total: Decimal, currency: str
) -> Decimal | None:
    """What is not paid (yet) where a tax is told by its rate and these sentences promise it or its net, by the first of
    the two that they say is paid: "the VAT, 20 %, goes out today, the net on the 15th"; None where they don't tell.
    """
    wording = _wording(language)
    rates = {
        each.share for sentence in window for each in sums_of(sentence, language, total, currency)
        if each is not None and each.share is not None
    }  # fmt: skip
    if len(rates) != 1 or not any(wording.tax.find(words(each.folded)) for each in window):
        return None
    net = net_of(total, rates.pop())
    told: list[tuple[int, bool]] = []
    for sentence in promising:
        nets = _places(sentence, wording.net)
        taxes = [each for each in _places(sentence, wording.tax) if not overlaps(*each, nets)]
        shares = [(start, end) for start, end, _ in shares_of(sentence, language)]
        if not nets and not any(overlaps(*_widened(each, sentence), shares) for each in taxes):
            continue
        for place in sorted([*nets, *taxes]):
            said = topics(sentence, *place, language)
            is_told = place in nets or "pay" in said or overlaps(*_widened(place, sentence), shares)
            if is_told and not said & (_AGAINST | {"contested"}):  # "we are exempt from VAT" pays none
                told.append((-len(said & _COMING), place in nets))
    if not told:
        return None
    _, is_of_net = min(told, key=lambda each: each[0])
    return total - net if is_of_net else net


#: What says of a tax or a net that it will be paid.
_COMING = frozenset({"pay", "coming"})


def _widened(place: tuple[int, int], sentence: Sentence) -> tuple[int, int]:
    """The place with the words around it in which its rate may stand."""
    return max(0, place[0] - _RATE_WITHIN), min(len(sentence.folded), place[1] + _RATE_WITHIN)


#: Characters between a tax and its rate.
_RATE_WITHIN = 12


def _places(sentence: Sentence, phrases: Phrases) -> list[tuple[int, int]]:
    found = words(sentence.folded)
    return [(found[hit.first].start, found[hit.after - 1].end) for hit in phrases.find(found)]


def names_net(sentence: Sentence, language: str) -> bool:
    """Whether the sentence speaks of a net of tax."""
    return bool(_wording(language).net.find(words(sentence.folded)))


def is_net(sentence: Sentence, sum_: Sum, language: str) -> bool:
    """Whether a sum is said to be the net: "the net of 1,500", "le hors taxe, 440"."""
    away = _away(sentence, sum_, _wording(language).net)
    is_near = away <= min(_NEAR, _away(sentence, sum_, _wording(language).tax))
    return is_near or any(0 <= sum_.start - end <= _COMMA for _, end in _places(sentence, _wording(language).net))


#: Characters of a comma between "the net" and its sum.
_COMMA = 2


def is_tax(sentence: Sentence, sum_: Sum, language: str) -> bool:
    """Whether a tax is named beside a sum: "20 % VAT"."""
    return _away(sentence, sum_, _wording(language).tax) <= _NEAR


def _away(sentence: Sentence, sum_: Sum, phrases: Phrases) -> int:
    """Words between a sum and the nearest such phrase of its part of the sentence."""
    first = max((found.end() for found in _STOP.finditer(sentence.folded, 0, sum_.start)), default=0)
    mark = _STOP.search(sentence.folded, sum_.end)
    before = words(sentence.folded[first : sum_.start])
    behind = words(sentence.folded[sum_.end : mark.start() if mark else None])
    ends = [len(before) - hit.after for hit in phrases.find(before)]
    return min([*ends, *(hit.first for hit in phrases.find(behind))], default=len(words(sentence.folded)))


_STOP = re.compile(r"[,;:](?!\d)")


def _uncounted(window: Sequence[Sentence], language: str, total: Decimal, currency: str) -> Decimal | None:
    """What the things cost that aren't paid, where the last sentence pays so many of them."""
    prices = {each.amount for sentence in window for each in sentence.amounts if each.currency == currency}
    stated = {number for sentence in window for _, _, number in _counts(sentence, language)}
    of_all = {(price, count) for price in prices for count in stated if count > 1 and price * count == total}
    if len(of_all) != 1:
        return None
    price, count = of_all.pop()
    last, wording = window[-1], _wording(language)
    paid: set[int] = set()
    for start, end, number in _counts(last, language):
        before = [word.folded for word in words(last.folded[:start])][-1:]
        behind = words(last.folded[end:])[:1]
        is_thing = before and before[0] in wording.counted and not wording_of(language).equal.find(behind)
        if 1 < number < count and is_thing and _is_paid(last, start, end, language):
            paid.add(number)
    return total - price * paid.pop() if len(paid) == 1 else None


def _counts(sentence: Sentence, language: str) -> Iterator[tuple[int, int, int]]:
    """Numbers of things: none of a day or of money."""
    taken = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    counted = [(each.start(), each.end(), int(each.group())) for each in _COUNT.finditer(sentence.folded)]
    for start, end, number in (*counted, *find_numbers(sentence.text, language)):
        if not overlaps(start, end, taken):
            yield start, end, number


def _is_paid(sentence: Sentence, start: int, end: int, language: str) -> bool:
    said = topics(sentence, start, end, language)
    return "pay" in said and not said & _AGAINST and not depends(sentence, end, [], language)


@dataclass(frozen=True, slots=True)
class _Wording:
    net: Phrases
    tax: Phrases
    counted: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("remainders", language)
    return _Wording(
        Phrases({"net": raw["net"]}), Phrases({"tax": raw["tax"]}), frozenset(fold(each) for each in raw["counted"])
    )
