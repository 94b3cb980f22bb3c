"""What is left to be paid where a reply makes its reader reckon: what is owed, less what is taken off, less what was
paid, is what is promised.

All sums that the message names are looked at, wherever they stand: "Your credits (115 and 85) are posted. The
difference goes out on the 30th." A result needs words that say that less is paid, and no sum of the message may be one
that is itself promised. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache

from classifier.clauses import clause_around, topics
from classifier.net_sums import is_net, is_tax, names_net, net_of, tax_kept
from classifier.numbers import numbers_of, shares_of
from classifier.portions import Owed, owed_on
from classifier.preprocess import Sentence
from classifier.prices import Count, Priced, find_priced
from classifier.remainders import Said, is_against, is_left, paid_instead
from classifier.shares import sum_of_invoices
from classifier.sums import Sum, is_owed_in, sums_of
from classifier.surroundings import wording_of
from classifier.text import Phrases, fold, overlaps, words
from classifier.values import InvoiceRef, Promised
from classifier.wordings import read_wordings

#: More sums than so many are taken off by nobody in one breath.
_MOST_SUMS = 3

#: Digits of a number that customers call an invoice by.
_DIGITS = 3

#: Smaller numbers without cents and currency are things, days, copies.
_LEAST_BARE = 20

#: From this number on words like "came" behind it may be said of a sum, too.
_HUNDREDS = 100


def reckon(
    said: Sequence[Said], parts: Sequence[Promised], language: str, invoices: Sequence[InvoiceRef],
    listed: Sequence[InvoiceRef] = (),
) -> Promised | None:  # fmt: skip
    """What is left of what these invoices ask for, and promised; None where it can't be reckoned.

    `parts`: what the sentences promise by themselves; they stand, unless it is one that the account has another place
    for. `listed`: all invoices of the reminder, where others were paid or are another matter.
    """
    owed = owed_on(invoices)
    promising = [each for each in said if each.promises and "?" not in each.sentence.text]
    if owed is None or not promising:
        return None
    if summed := sum_of_invoices(said, language, invoices):
        return summed
    if (instead := paid_instead([each.sentence for each in said], language, owed)) is not None:
        return Promised(_first_day(promising), instead, owed.currency)
    if len(parts) > 1:
        return None
    sentences = [each.sentence for each in said]
    if any(_wording(language).whole.find(words(each.folded)) for each in sentences):
        return None
    known = (*invoices, *listed)
    account = _Account(
        replace(owed, numbers=tuple(number for each in known for number in (re.sub(r"\W", "", fold(each.number)),))),
        tuple(each.amount for each in invoices), frozenset({*(each.amount for each in known), owed.total}),
        sentences, [each.sentence for each in promising], language,
    )  # fmt: skip
    off = _off(account, parts)
    if off is None or not 0 < off < owed.total:
        return None
    return Promised(_first_day(promising), owed.total - off, owed.currency)


def _first_day(promising: Sequence[Said]) -> date | None:
    return next((each.dates[0].ahead for each in promising if each.dates), None)


@dataclass(frozen=True, slots=True)
class _Account:
    """What is owed, on which invoices; `whole`: sums that are an invoice's; the sentences, and those that promise."""

    owed: Owed
    invoiced: tuple[Decimal, ...]
    whole: frozenset[Decimal]
    sentences: Sequence[Sentence]
    promising: Sequence[Sentence]
    language: str


def _off(account: _Account, parts: Sequence[Promised]) -> Decimal | None:
    """All that is taken off or was paid of what is owed."""
    sentences, language, owed = account.sentences, account.language, account.owed
    priced = find_priced(sentences, language, account.invoiced)
    if priced is not None and priced.of_all:
        paid = _of_things(priced, sentences, language)
        return None if paid is None else priced.invoiced - paid
    of_tax = tax_kept(sentences, account.promising, language, owed.total, owed.currency)
    if of_tax is not None and (not parts or any(_is_share(each.amount, account) for each in parts)):
        return of_tax
    return _of_sums(account, parts, priced)


def names_what_is_left(sentence: Sentence, language: str) -> bool:
    """Whether a sentence speaks of what is left to be paid."""
    return _says(sentence, _wording(language).rest)


def _is_share(amount: Decimal | None, account: _Account) -> bool:
    """Whether an amount is a percentage of all that is owed, as a tax isn't."""
    return any(
        found is not None and found.share is not None and found.amount == amount
        for each in account.sentences
        for found in sums_of(each, account.language, account.owed.total, account.owed.currency)
    )


def _of_things(priced: Priced, sentences: Sequence[Sentence], language: str) -> Decimal | None:
    """What is paid of things at a price each, where all of them are what an invoice asks for."""
    about: dict[int, set[str]] = {}
    for each in priced.counts:
        about.setdefault(each.number, set()).add(_fate(each, sentences[each.sentence], language))
    paid = [number for number, said in about.items() if "paid" in said]  # "9 were done: we pay these 9"
    unpaid = [number for number, said in about.items() if "not" in said]
    came = [number for number, said in about.items() if "came" in said and "not" not in said]
    if len(about) > _MOST_SUMS:
        return None
    for numbers in (paid, came):
        if len(numbers) == 1:
            return priced.price.amount * numbers[0]
        if numbers:
            return None
    return priced.price.amount * (priced.of_all - unpaid[0]) if len(unpaid) == 1 else None


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


def _of_sums(account: _Account, parts: Sequence[Promised], priced: Priced | None) -> Decimal | None:
    """The sums of the message together, where its words say that less than all is paid, and that each of them is taken
    off or was paid.
    """
    owed, language, sentences = account.owed, account.language, account.sentences
    wording = _wording(language)
    if any(not is_owed_in(each, sentence, owed.currency) for sentence in sentences for each in sentence.amounts):
        return None
    found = [(at, each) for at, each in _named(account, priced) if each.amount not in account.whole]
    named = {sum_.amount for _, sum_ in found}
    promised = {sum_.amount for at, sum_ in found if _is_promised(sum_, sentences[at], language, wording)}
    if len(promised) == 1 and len(named) == _BOTH and sum(named) == owed.total:
        found = [each for each in found if each[1].amount not in promised]  # "500 went, 380 follows on Friday"
        named, promised = named - promised, set()
    if not named or len(named) > _MOST_SUMS or sum(named) >= owed.total:
        return None
    if promised:
        return None
    if any(
        is_left(sentences[at], sum_, language)
        or (is_net(sentences[at], sum_, language) and not _says(sentences[at], wording.past))
        for at, sum_ in found
    ):
        return None  # "the net of 1,500", "that leaves 2,057": told already
    if any(is_against(sentences[at], language) for at, _ in found):
        return None  # "please take off 120, then we pay"
    told = {sum_.amount for at, sum_ in found if _is_told(at, sum_, account)}
    if told != named or (parts and not (len(named) == 1 and parts[0].amount in named)):
        return None
    here = any(
        _says(each, wording.rest) or _says(each, wording.lessened) or names_net(each, language)
        for each in account.promising
    )
    elsewhere = not parts and len(account.invoiced) == 1 and any(_says(each, wording.lessened) for each in sentences)
    return sum(named, Decimal(0)) if here or elsewhere else None


#: What was paid, and what is left and named, too.
_BOTH = 2

#: What says of a sum that it won't be paid.
_REFUSED = frozenset({"contested", "refusal"})


def _is_told(at: int, sum_: Sum, account: _Account) -> bool:
    """Whether the words around a sum, or of the next sentence, say that it is taken off or was paid."""
    wording, sentence = _wording(account.language), account.sentences[at]
    first, last = clause_around(sentence, sum_.start, sum_.end, account.language)
    clause = words(sentence.folded[first:last])
    if any(phrases.find(clause) for phrases in (wording.lessened, wording.past)):
        return True
    days = [each for each in sentence.dates if first <= each.start < last]
    if any(each.ahead is None and each.behind is not None for each in days):
        return True  # "the 620 of 27 February were transferred"
    said = topics(sentence, sum_.start, sum_.end, account.language)
    if said & _REFUSED or _says(sentence, wording.lessened):
        return True
    if any(each.ahead is not None for each in sentence.dates) and not _says(sentence, wording.past):
        return False  # "a payment of 2,000 is approved and goes out on 5 May. The rest follows"
    if _says(sentence, wording.rest):
        return _says(sentence, wording.past) and not _says_rest_behind(sentence, sum_, wording)
    if "done" in said and "coming" not in said:
        return True
    following = account.sentences[at + 1 : at + 1 + _TAKEN_UP]
    return any(_says(each, wording.lessened) or _says(each, wording.rest) for each in following)


#: Sentences behind a sum that may take it up: "There's 20 for delivery. Take that off."
_TAKEN_UP = 2


def _says_rest_behind(sentence: Sentence, sum_: Sum, wording: _Wording) -> bool:
    """As in "300 on Friday and the rest in May", with nothing past before the rest."""
    behind = sentence.folded[sum_.end :]
    hits = wording.rest.find(words(behind))
    if not hits:
        return False
    return not wording.past.find(words(sentence.folded[: sum_.end] + behind[: words(behind)[hits[0].first].start]))


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


#: The index of a sentence, and a sum in it.
_Named = tuple[int, Sum]


def _named(account: _Account, priced: Priced | None) -> list[_Named]:
    """The sums of a message: what is money by its form, shares, for a price what the things cost together; numbers
    only where there is nothing else.
    """
    sentences, wording = account.sentences, _wording(account.language)
    money = [(at, each) for at, sentence in enumerate(sentences) for each in _money(at, sentence, account, priced)]
    if money:
        return money
    tables = (wording.lessened, wording.paid, wording.rest)
    reckons = [any(_says(sentence, phrases) for phrases in tables) for sentence in sentences]
    return [
        (at, each) for at, sentence in enumerate(sentences) if any(reckons[at : at + 2])
        for each in _numbers(sentence, account)
    ]  # fmt: skip


def _money(at: int, sentence: Sentence, account: _Account, priced: Priced | None) -> Iterator[Sum]:
    language, owed = account.language, account.owed
    rates = [(start, end) for start, end, _ in shares_of(sentence, language)]  # "del 5 %" is no 5th
    taken = [(each.start, each.end) for each in sentence.dates if not overlaps(each.start, each.end, rates)]
    if priced is not None:
        taken += [(each.start, each.end) for each in priced.counts if each.sentence == at]
        if priced.price.sentence == at:
            price = priced.price
            taken.append((price.start, price.end))
            if not priced.of_all:
                yield Sum(price.start, price.end, price.amount * priced.counts[0].number)
    for each in sums_of(sentence, language, owed.total, owed.currency):
        if each is None or overlaps(each.start, each.end, taken):
            continue
        taken.append((each.start, each.end))
        if each.share is not None and is_tax(sentence, each, language):
            yield Sum(each.start, each.end, owed.total - net_of(owed.total, each.share), each.share)
        elif each.share is not None or _is_money(each, sentence):
            yield each
    for start, end, number in numbers_of(sentence, language):
        found = Sum(start, end, number)
        if _is_money(found, sentence) and not overlaps(start, end, taken) and number < owed.total:
            yield found


def _is_money(sum_: Sum, sentence: Sentence) -> bool:
    """Whether a number has a currency, cents, or thousands that are parted: "2.000"."""
    has_currency = any(each.start <= sum_.start < each.end for each in sentence.amounts)
    return has_currency or bool(_AS_MONEY.search(sentence.folded[sum_.start : sum_.end]))


_AS_MONEY = re.compile(r"[.,]\d{2}$|\d[.,']\d{3}|\dk$|[.,]-")


def _numbers(sentence: Sentence, account: _Account) -> Iterator[Sum]:
    """Numbers without a currency that may be money: none of things ("22 plates") or documents."""
    language, owed = account.language, account.owed
    other = [(each.start, each.end) for each in sentence.dates]
    other += [(start, end) for start, end, _ in shares_of(sentence, language)]
    for start, end, number in numbers_of(sentence, language):
        before = [word.folded for word in words(sentence.folded[:start])][-1:]
        digits = re.sub(r"\D", "", sentence.folded[start:end])
        is_of_document = bool(before) and before[0] in wording_of(language).numbered
        is_in_a_number = len(digits) >= _DIGITS and any(digits in each for each in owed.numbers)
        is_other = is_of_document or is_in_a_number or _is_of_things(sentence, end, number, language)
        if _LEAST_BARE <= number < owed.total and not is_other and not overlaps(start, end, other):
            yield Sum(start, end, number)


def _is_of_things(sentence: Sentence, end: int, number: Decimal, language: str) -> bool:
    """Whether a word stands right behind a number that may be what it counts."""
    if not sentence.folded[end : end + 2].strip() or not sentence.folded[end : end + 2][1:].isalpha():
        return False
    if any(0 <= each.start - end <= 1 for each in sentence.dates):
        return False  # "500 début mars"
    behind = words(sentence.folded[end:])[:4]
    wording, around = _wording(language), wording_of(language)
    if any(
        hit.first == 0
        for phrases in (wording.past, wording.lessened, wording.rest, wording.paid)
        for hit in phrases.find(behind)
    ):
        return False
    sums = wording.behind | wording.behind_sum if number >= _HUNDREDS else wording.behind
    return behind[0].folded not in around.by | around.linked | around.joins | sums


@dataclass(frozen=True, slots=True)
class _Wording:
    behind: frozenset[str]
    behind_sum: frozenset[str]
    lessened: Phrases
    rest: Phrases
    paid: Phrases
    past: Phrases
    whole: Phrases
    bad: Phrases
    good: Phrases


#: The tables of phrases, in the order of the fields behind the first.
_NAMES = ("lessened", "rest", "paid", "past", "whole", "bad", "good")


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("reckoning", language)
    behind, behind_sum = (frozenset(fold(each) for each in raw[name]) for name in ("behind", "behind_sum"))
    return _Wording(behind, behind_sum, *(Phrases({name: raw[name]}) for name in _NAMES))
