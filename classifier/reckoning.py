"""What is left to be paid where a reply makes its reader reckon: what is owed, less what is taken off, less what was
paid, is what is promised.

All sums that the message names are looked at, wherever they stand: "Your credits (115 and 85) are posted. The
difference goes out on the 30th." A result needs words that say that less is paid, and no sum of the message may be one
that is itself promised. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files

from classifier.clauses import clause_around, topics
from classifier.net_sums import is_tax, names_net, tax_kept
from classifier.numbers import numbers_of
from classifier.portions import Owed, owed_on
from classifier.preprocess import Sentence
from classifier.prices import Count, Priced, find_priced
from classifier.remainders import Said
from classifier.shares import sum_of_invoices
from classifier.sums import CENT, Sum, is_owed_in, sums_of
from classifier.surroundings import wording_of
from classifier.text import Phrases, words
from classifier.values import InvoiceRef, Promised

#: More sums than so many are taken off by nobody in one breath.
_MOST_SUMS = 3

#: Smaller numbers without cents and currency are things, days, copies.
_LEAST_BARE = 5


def reckon(
    said: Sequence[Said], parts: Sequence[Promised], language: str, invoices: Sequence[InvoiceRef]
) -> Promised | None:
    """What is left of what these invoices ask for, and promised; None where it can't be reckoned.

    `parts`: what the sentences promise by themselves; they stand, unless it is one that the account has another place
    for.
    """
    owed = owed_on(invoices)
    promising = [each for each in said if each.promises and "?" not in each.sentence.text]
    if owed is None or not promising:
        return None
    if summed := sum_of_invoices(said, language, invoices):
        return summed
    if len(parts) > 1:
        return None
    sentences = [each.sentence for each in said]
    if any(_wording(language).whole.find(words(each.folded)) for each in sentences):
        return None
    off = _off(
        [each.amount for each in invoices], owed, sentences, [each.sentence for each in promising], parts, language
    )
    if off is None or not 0 < off < owed.total:
        return None
    day = next((each.dates[0].ahead for each in promising if each.dates), None)
    return Promised(day, owed.total - off, owed.currency)


def _off(
    invoiced: Sequence[Decimal], owed: Owed, sentences: Sequence[Sentence], promising: Sequence[Sentence],
    parts: Sequence[Promised], language: str,
) -> Decimal | None:  # fmt: skip
    """All that is taken off or was paid of what is owed."""
    priced = find_priced(sentences, language, invoiced)
    if priced is not None and priced.of_all:
        paid = _of_things(priced, sentences, language)
        return None if paid is None else priced.invoiced - paid
    if not parts:
        of_tax = tax_kept(sentences, promising, language, owed.total, owed.currency)
        if of_tax is not None:
            return of_tax
    return _account(owed, {*invoiced, owed.total}, sentences, promising, parts, language, priced)


def _of_things(priced: Priced, sentences: Sequence[Sentence], language: str) -> Decimal | None:
    """What is paid of things at a price each, where all of them are what an invoice asks for."""
    about: dict[int, set[str]] = {}
    for each in priced.counts:
        about.setdefault(each.number, set()).add(_fate(each, sentences[each.sentence], language))
    paid = [number for number, said in about.items() if "paid" in said and "not" not in said]
    unpaid = [number for number, said in about.items() if "not" in said]
    came = [number for number, said in about.items() if "came" in said and "not" not in said]
    if len(about) > _MOST_SUMS:
        return None
    for numbers in (paid, came):
        if len(numbers) == 1:
            return priced.price.amount * numbers[0]
        if numbers:
            return None
    left = unpaid or list(about)
    return priced.price.amount * (priced.of_all - left[0]) if len(left) == 1 else None


def _fate(count: Count, sentence: Sentence, language: str) -> str:
    """What the clause of a count of things says of them: that they are paid, are not, or only that they came."""
    first, last = clause_around(sentence, count.start, count.end, language)
    wording, clause = _wording(language), words(sentence.folded[first:last])
    said = topics(sentence, count.start, count.end, language)
    if said & _AGAINST or wording.bad.find(clause):
        return "not"
    if "pay" in said:
        return "paid"
    return "came" if wording.good.find(clause) else ""


#: What says of things that they aren't to be paid.
_AGAINST = frozenset({"refusal", "done", "contested"})


def _account(
    owed: Owed, whole: set[Decimal], sentences: Sequence[Sentence], promising: Sequence[Sentence],
    parts: Sequence[Promised], language: str, priced: Priced | None,
) -> Decimal | None:  # fmt: skip
    """The sums of the message together, where its words say that less than all is paid, and none of them is promised."""
    wording = _wording(language)
    if any(not is_owed_in(each, sentence, owed.currency) for sentence in sentences for each in sentence.amounts):
        return None
    found = _named(sentences, language, owed, priced)
    if any(sum_.amount not in whole and _is_promised(sum_, sentence, language, wording) for sentence, sum_ in found):
        return None
    named = {sum_.amount for _, sum_ in found}
    named -= whole
    if not named or len(named) > _MOST_SUMS or sum(named) >= owed.total:
        return None
    if parts and not (len(named) == 1 and parts[0].amount in named):
        return None
    says_less = [_says(each, wording.lessened) for each in sentences]
    if any(
        _says(each, wording.rest) or _says(each, wording.lessened) or names_net(each, language) for each in promising
    ):
        return sum(named, Decimal(0))
    return sum(named, Decimal(0)) if any(says_less) and not parts else None


def _says(sentence: Sentence, phrases: Phrases) -> bool:
    return bool(phrases.find(words(sentence.folded)))


def _is_promised(sum_: Sum, sentence: Sentence, language: str, wording: _Wording) -> bool:
    """Whether the clause of a sum has it paid on a day to come, or says that it will be, and takes nothing off."""
    first, last = clause_around(sentence, sum_.start, sum_.end, language)
    clause = words(sentence.folded[first:last])
    said = topics(sentence, sum_.start, sum_.end, language)
    if said & _AGAINST or wording.lessened.find(clause) or wording.past.find(clause):
        return False
    days = [each for each in sentence.dates if first <= each.start < last and each.family != "nothing"]
    if any(each.ahead is None for each in days):
        return False
    beside = any(0 <= each.start - sum_.end <= _BESIDE for each in days)  # "5,000 on Monday, the rest on Friday"
    return beside or any(each.behind is None or "pay" in said for each in days) or {"pay", "coming"} <= said


#: Characters between a sum and the day that stands right behind it.
_BESIDE = 6


_Named = tuple[Sentence, Sum]


def _named(sentences: Sequence[Sentence], language: str, owed: Owed, priced: Priced | None) -> list[_Named]:
    """The sums of a message: what is money by its form, shares, for a price what the things cost together; numbers
    only where there is nothing else.
    """
    money = [each for at, sentence in enumerate(sentences) for each in _money(at, sentence, language, owed, priced)]
    if money:
        return money
    wording = _wording(language)
    tables = (wording.lessened, wording.paid, wording.rest)
    reckons = [any(_says(sentence, phrases) for phrases in tables) for sentence in sentences]
    return [
        each for at, sentence in enumerate(sentences) if any(reckons[at : at + 2])
        for each in _numbers(sentence, language, owed)
    ]  # fmt: skip


def _money(at: int, sentence: Sentence, language: str, owed: Owed, priced: Priced | None) -> Iterator[_Named]:
    taken = [(each.start, each.end) for each in sentence.dates]
    if priced is not None:
        taken += [(each.start, each.end) for each in priced.counts if each.sentence == at]
        if priced.price.sentence == at:
            price = priced.price
            taken.append((price.start, price.end))
            if not priced.of_all:
                yield sentence, Sum(price.start, price.end, price.amount * priced.counts[0].number)
    for each in sums_of(sentence, language, owed.total, owed.currency):
        if each is None or _overlaps(each.start, each.end, taken):
            continue
        taken.append((each.start, each.end))
        if each.share is not None and is_tax(sentence, each, language):
            net = (owed.total / (1 + each.share / 100)).quantize(CENT, ROUND_HALF_UP)
            yield sentence, Sum(each.start, each.end, owed.total - net, each.share)
        elif each.share is not None or _is_money(each, sentence):
            yield sentence, each
    for start, end, number in numbers_of(sentence, language):
        found = Sum(start, end, number)
        if _is_money(found, sentence) and not _overlaps(start, end, taken) and number < owed.total:
            yield sentence, found


def _is_money(sum_: Sum, sentence: Sentence) -> bool:
    """Whether a number has a currency, or cents."""
    has_currency = any(each.start <= sum_.start < each.end for each in sentence.amounts)
    return has_currency or sentence.folded[sum_.start : sum_.end][-3:-2] in {",", "."}


def _numbers(sentence: Sentence, language: str, owed: Owed) -> Iterator[_Named]:
    """Numbers without a currency that may be money."""
    days = [(each.start, each.end) for each in sentence.dates]
    for start, end, number in numbers_of(sentence, language):
        before = [word.folded for word in words(sentence.folded[:start])][-1:]
        digits = re.sub(r"\D", "", sentence.folded[start:end])
        is_of_document = bool(before) and before[0] in wording_of(language).numbered
        is_in_a_number = bool(digits) and any(digits in each for each in owed.numbers)
        if _LEAST_BARE <= number < owed.total and not (_overlaps(start, end, days) or is_of_document or is_in_a_number):
            yield sentence, Sum(start, end, number)


def _overlaps(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in spans)


@dataclass(frozen=True, slots=True)
class _Wording:
    lessened: Phrases
    rest: Phrases
    paid: Phrases
    past: Phrases
    whole: Phrases
    bad: Phrases
    good: Phrases


#: The tables of phrases, in the order of the fields.
_NAMES = ("lessened", "rest", "paid", "past", "whole", "bad", "good")


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "reckoning" / f"{language}.toml").read_text("utf-8"))
    return _Wording(*(Phrases({name: raw[name]}) for name in _NAMES))
