"""What is left to be paid where a reply makes its reader reckon: what is owed, less what is taken off, less what was
paid, is what is promised.

All sums that the message names are looked at, wherever they stand: "Your credits (115 and 85) are posted. The
difference goes out on the 30th." A result needs words that say that less is paid, and every sum of the message must
have found its place in the account; one that has none, and nothing is reckoned. Pure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files

from classifier.clauses import topics
from classifier.net_sums import is_tax
from classifier.portions import owed_on
from classifier.preprocess import Sentence
from classifier.prices import Count, Priced, find_priced
from classifier.remainders import Said
from classifier.sums import CENT, is_owed_in, sums_of
from classifier.text import Phrases, words
from classifier.values import InvoiceRef, Promised

#: More sums than so many are taken off by nobody in one breath.
_MOST_SUMS = 3


def reckon(
    said: Sequence[Said], parts: Sequence[Promised], language: str, invoices: Sequence[InvoiceRef]
) -> Promised | None:
    """What is left of what these invoices ask for, and promised; None where it can't be reckoned.

    `parts`: what the sentences promise by themselves; they stand, unless it is one that the account has another place
    for.
    """
    owed = owed_on(invoices)
    promising = [each for each in said if each.promises and "?" not in each.sentence.text]
    if owed is None or not promising or len(parts) > 1:
        return None
    sentences = [each.sentence for each in said]
    day = next((day for each in promising if (day := _day(each))), None)
    priced = find_priced(sentences, language, [each.amount for each in invoices])
    left = _of_things(priced, sentences, language) if priced and priced.of_all else None
    if left is not None and priced is not None:
        unpaid = priced.invoiced - left
        if 0 < unpaid < owed.total:
            return Promised(day, owed.total - unpaid, owed.currency)
    off = _account(sentences, promising, parts, language, invoices, priced)
    if off is None or not 0 < off < owed.total:
        return None
    return Promised(day, owed.total - off, owed.currency)


def _day(said: Said) -> date | None:
    return said.dates[0].ahead if said.dates else None


def _of_things(priced: Priced, sentences: Sequence[Sentence], language: str) -> Decimal | None:
    """What is paid of things at a price each, where all of them are what an invoice asks for."""
    numbers = {each.number for each in priced.counts}
    if not numbers or len(numbers) > _MOST_SUMS:
        return None
    about = {number: _about(number, priced.counts, sentences, language) for number in numbers}
    paid = [number for number, said in about.items() if "pay" in said and not said & _AGAINST]
    if len(paid) > 1:
        paid = [number for number in paid if "coming" in about[number]]
    if len(paid) == 1:
        return priced.price.amount * paid[0]
    if paid:
        return None
    off = set(numbers)
    pairs = [number for number in numbers if priced.of_all - number in numbers]
    if pairs:
        off = {number for number in pairs if about[number] & _AGAINST}
    if len(off) == 1:
        return priced.price.amount * (priced.of_all - off.pop())
    return None


#: What says of things that they aren't to be paid.
_AGAINST = frozenset({"refusal", "done", "contested"})


def _about(number: int, counts: Sequence[Count], sentences: Sequence[Sentence], language: str) -> frozenset[str]:
    said: frozenset[str] = frozenset()
    for each in counts:
        if each.number == number:
            said |= topics(sentences[each.sentence], each.start, each.end, language)
    return said


def _account(
    sentences: Sequence[Sentence], promising: Sequence[Said], parts: Sequence[Promised], language: str,
    invoices: Sequence[InvoiceRef], priced: Priced | None,
) -> Decimal | None:  # fmt: skip
    """All that is taken off or was paid of what is owed; None where a sum has no place in the account."""
    owed = owed_on(invoices)
    if owed is None:
        return None
    wording = _wording(language)
    whole = {each.amount for each in invoices} | {owed.total}
    named: set[Decimal] = set()
    for at, sentence in enumerate(sentences):
        if any(not is_owed_in(each, sentence, owed.currency) for each in sentence.amounts):
            return None
        named |= {amount for amount in _named(at, sentence, language, owed.total, owed.currency, priced)}
    named -= whole
    if not named or len(named) > _MOST_SUMS or sum(named) >= owed.total:
        return None
    if parts and not (len(named) == 1 and parts[0].amount in named):
        return None
    lessens = [_lessens(each, wording) for each in sentences]
    rests = [bool(wording.rest.find(words(each.folded))) for each in sentences]
    of_promise = [at for at, each in enumerate(sentences) if any(each is one.sentence for one in promising)]
    if parts and not any(lessens[at] or rests[at] for at in of_promise):
        return None
    if any(rests[at] for at in of_promise) or any(lessens):
        return sum(named, Decimal(0))
    return None


def _lessens(sentence: Sentence, wording: _Wording) -> bool:
    return bool(wording.lessened.find(words(sentence.folded)))


def _named(
    at: int, sentence: Sentence, language: str, total: Decimal, currency: str, priced: Priced | None
) -> Iterator[Decimal]:
    """The sums of a sentence: money, shares; for a price what the things cost together."""
    if priced is not None and not priced.of_all and priced.price.sentence == at:
        yield priced.price.amount * priced.counts[0].number
    for each in sums_of(sentence, language, total, currency):
        if each is None:
            continue
        if priced is not None and priced.price.sentence == at and each.start < priced.price.end and priced.price.start < each.end:
            continue
        if each.share is not None and is_tax(sentence, each, language):
            yield total - (total / (1 + each.share / 100)).quantize(CENT, ROUND_HALF_UP)
            continue
        if each.share is None and not _is_money(sentence, each.start):
            continue
        yield each.amount


def _is_money(sentence: Sentence, start: int) -> bool:
    return any(each.start <= start < each.end for each in sentence.amounts)


@dataclass(frozen=True, slots=True)
class _Wording:
    lessened: Phrases
    rest: Phrases
    paid: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "reckoning" / f"{language}.toml").read_text("utf-8"))
    return _Wording(
        Phrases({"lessened": raw["lessened"]}), Phrases({"rest": raw["rest"]}), Phrases({"paid": raw["paid"]})
    )
