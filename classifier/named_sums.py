"""The sums that a message names, of which one may be promised, or was paid: money, numbers, shares of what is owed.

Of what each is the sum is not told here: a number of roses is among them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from classifier.numbers import numbers_of, shares_of
from classifier.portions import Owed, find_portions, owed_on
from classifier.preprocess import Sentence
from classifier.sums import CENT, is_owed_in
from classifier.surroundings import wording_of
from classifier.text import overlaps, words
from classifier.values import InvoiceRef

#: What a sum may be: the (first) part promised, a later one, what is taken off and leaves the part promised, what was
#: paid; or none of these.
SUMS = ("promised", "later", "off", "paid", "none")

#: Smaller numbers are none.
_LEAST = 5

#: Larger numbers than so many times all that is owed are another thing's.
_MOST = 3


#: Start and end of a sum in its sentence, and the sum.
_Found = tuple[int, int, Decimal]


@dataclass(frozen=True, slots=True)
class NamedSum:
    """A sum at its place in a sentence of a message, in the currency of what is owed."""

    sentence: int
    start: int
    end: int
    amount: Decimal


def named_sums(sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]) -> tuple[NamedSum, ...]:
    """The sums of a message in order; none where what is owed is in several currencies."""
    owed = owed_on(invoices)
    if owed is None:
        return ()
    return tuple(
        NamedSum(at, start, end, amount)
        for at, sentence in enumerate(sentences)
        for start, end, amount in sorted(_of(sentence, language, owed))
    )


def _of(sentence: Sentence, language: str, owed: Owed) -> Iterator[_Found]:
    """Where readings overlap, the longer one: "900 mil" is not 900."""
    own = [each for each in sentence.amounts if is_owed_in(each, sentence, owed.currency)]
    found = [(each.start, each.end, each.amount) for each in own]
    found += [
        (start, end, (owed.total * share / 100).quantize(CENT, ROUND_HALF_UP))
        for start, end, share in shares_of(sentence, language)
    ]
    found += [(each.start, each.end, each.amount) for each in find_portions(sentence, language, owed) if each.amount]
    other = [(each.start, each.end) for each in sentence.dates]
    other += [(each.start, each.end) for each in sentence.amounts]
    found += [
        (start, end, number) for start, end, number in numbers_of(sentence, language)
        if not overlaps(start, end, other)
        and _may_be_money(start, end, number, sentence, language, owed)
    ]  # fmt: skip
    kept: list[_Found] = []
    for each in sorted(found, key=lambda each: each[0] - each[1]):
        if not overlaps(each[0], each[1], ((start, end) for start, end, _ in kept)):
            kept.append(each)
    yield from kept


def _may_be_money(start: int, end: int, number: Decimal, sentence: Sentence, language: str, owed: Owed) -> bool:
    if not _LEAST <= number <= owed.total * _MOST:
        return False
    digits = re.sub(r"\D", "", sentence.folded[start:end])
    before = [word.folded for word in words(sentence.folded[:start])][-1:]
    is_of_document = bool(before) and before[0] in wording_of(language).numbered and number != owed.total
    return not is_of_document and not (digits and any(digits in each for each in owed.numbers))
