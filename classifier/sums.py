"""Sums that a sentence names, whatever for: money beside its currency, larger numbers, percentages of what is owed.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from classifier.amounts import AmountMention
from classifier.currencies import SLANG
from classifier.numbers import numbers_of, shares_of
from classifier.preprocess import Sentence
from classifier.surroundings import SHARES, named_shares, wording_of
from classifier.text import overlaps, words

CENT = Decimal("0.01")

#: Smaller numbers without a currency are days, clauses, copies.
_LEAST_BARE = 100

#: Numbers that are years where no currency stands beside them.
_YEARS = range(2015, 2040)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum at its place in the text; `share`: the percentage that it is given as."""

    start: int
    end: int
    amount: Decimal
    share: Decimal | None = None


#: Names and signs that several currencies share: whichever of them is owed is meant.
_SHARED = {
    "$": {"USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "ARS", "CLP", "COP"},
    "dollar": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD"},
    "bucks": {"USD", "CAD", "AUD", "NZD"},
    "franc": {"CHF", "XOF", "XAF", "XPF"},
    "dinar": {"TND", "DZD"},
    "dirham": {"MAD", "AED"},
    "peso": {"MXN", "ARS", "CLP", "COP"},
    "kron": {"SEK", "NOK"},
    "rs": {"INR"},
}

#: The share that leaves as much as it takes: nothing is to be reckoned.
_HALF = "half"

#: Of whatever is owed: "two grand", "1500 balles" in Geneva.
_SLANG = ("grand", *SLANG)


def is_owed_in(amount: AmountMention, sentence: Sentence, owed: str) -> bool:
    """Whether an amount is in the currency that is owed; "USD" names one, "$" any that has the sign."""
    written = sentence.folded[amount.start : amount.end]
    is_shared = any(name in written and owed in of for name, of in _SHARED.items()) and "us" not in written
    return amount.currency == owed or is_shared or written.endswith(_SLANG)


def sums_of(sentence: Sentence, language: str, total: Decimal, currency: str) -> Iterator[Sum | None]:
    """Money, percentages and shares of the sentence; None for what forbids working anything out: another currency's."""
    days = [(each.start, each.end) for each in sentence.dates]
    taken: list[tuple[int, int]] = []
    for each in sentence.amounts:
        yield Sum(each.start, each.end, each.amount) if is_owed_in(each, sentence, currency) else None
        taken.append((each.start, each.end))
    for start, end, share in shares_of(sentence, language):
        yield Sum(start, end, (total * share / 100).quantize(CENT, ROUND_HALF_UP), share)
        taken.append((start, end))
    numbers = list(numbers_of(sentence, language))
    if not taken and all(number < _LEAST_BARE for _, _, number in numbers):  # "I paid 2,100, a third is left" has one
        for start, end, name in named_shares(sentence, language):
            if name in SHARES and name != _HALF:
                yield Sum(start, end, (total * SHARES[name]).quantize(CENT, ROUND_HALF_UP), SHARES[name] * 100)
                taken.append((start, end))
    numbered = wording_of(language).numbered
    for start, end, number in numbers:
        if overlaps(start, end, taken + days):
            continue
        if number == total:
            yield Sum(start, end, number)
        if number < _LEAST_BARE or number == total:
            continue
        before = [word.folded for word in words(sentence.folded[:start])][-1:]
        is_document = bool(before) and before[0] in numbered
        if not is_document and not (number in _YEARS and sentence.folded[start:end].isdigit()):
            yield Sum(start, end, number)
