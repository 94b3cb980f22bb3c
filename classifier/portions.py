"""What could be a part of the sum owed, by its form alone: amounts, bare numbers, shares, the rest.

"300 €", "1.250,-", "1k5", "six hundred", "half", "30 %", "the rest". Whether a part is promised is told by the words
around it, see `classifier.instalments`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from classifier.amounts import read_number, thousands
from classifier.numbers import BARE, is_in_words, scaled, shares_of, with_hundreds
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers, is_vague_behind
from classifier.sums import CENT, is_owed_in
from classifier.surroundings import (
    CLOSE,
    COUNTED_WORDS,
    EVERY_WORDS,
    SHARES,
    Portion,
    has_its_day,
    is_multiple,
    is_of_thing,
    is_threshold,
    named_shares,
    wording_of,
)
from classifier.text import KEPT, fold, overlaps, words
from classifier.values import InvoiceRef

#: Smaller numbers without a currency are days, copies, kilos.
_LEAST_BARE = 100

#: Of such a sum a bare number that is smaller than this share isn't said to the last figure.
_LARGE_SUM = 100_000
_LEAST_OF_LARGE = 100

#: With "a month" behind them they are none of these, but may be a day: "the 15th each month".
_LEAST_REGULAR = 32

#: One word that is said of much else than money ("mille mercis"): it needs a day beside it.
_ROUND_WORDS = (100, 1000)

#: A smaller share of the sum is a rate: a tax, a discount.
_LEAST_SHARE = 10


@dataclass(frozen=True, slots=True)
class Owed:
    """What the reminder listed: its total, its currency, the whole sums that are no part, the invoices' numbers."""

    total: Decimal
    currency: str
    whole: frozenset[int]
    numbers: tuple[str, ...]


def owed_on(invoices: Sequence[InvoiceRef]) -> Owed | None:
    """What is owed on these invoices; None where they are in several currencies, or there are none."""
    return _owed_on(tuple(invoices))


@lru_cache(KEPT)
def _owed_on(invoices: tuple[InvoiceRef, ...]) -> Owed | None:
    currencies = {invoice.currency for invoice in invoices}
    if len(currencies) != 1:
        return None
    total = sum((invoice.amount for invoice in invoices), Decimal(0))
    whole = frozenset({int(invoice.amount) for invoice in invoices} | {int(total)})
    numbers = tuple(re.sub(r"\W", "", fold(invoice.number)) for invoice in invoices)
    return Owed(total, currencies.pop(), whole, numbers)


@lru_cache(KEPT)  # what a sentence promises is asked for its days, its parts, its rest
def find_portions(sentence: Sentence, language: str, owed: Owed) -> tuple[Portion, ...]:
    """All that could be a part of what is owed, in order of the text."""
    found = [
        Portion(each.start, each.end, each.amount)
        for each in sentence.amounts
        if int(each.amount) not in owed.whole and is_owed_in(each, sentence, owed.currency)
    ]
    taken = [(day.start, day.end) for day in sentence.dates] + [(sum_.start, sum_.end) for sum_ in sentence.amounts]
    found += [each for each in _bare(sentence, language, owed) if not overlaps(each.start, each.end, taken)]
    taken += [(each.start, each.end) for each in found]
    found += [each for each in _spelled(sentence, language, owed) if not overlaps(each.start, each.end, taken)]
    near = [(each.start - CLOSE, each.end) for each in found]
    stated = {each.amount for each in found if each.amount is not None}
    for each in (*_percentages(sentence, language, owed), *_named(sentence, language, owed)):
        beside = [(start, end + (0 if each.amount is None else CLOSE)) for start, end in near]
        said_twice = each.amount in stated  # "30 % today (960 €)": what is said around either counts
        if said_twice or not overlaps(each.start, each.end, [*beside, *((other.start, other.end) for other in found)]):
            found.append(each)
    if not stated:
        found += _equal_parts(sentence, language, owed)
    in_dates = [(each.start, each.end) for each in sentence.dates if each.family != "nothing"]  # "a metà giugno"
    rates = {start for start, _, _ in shares_of(sentence, language)}  # "al 20%", which is no 20th
    kept = [
        each for each in found
        if not each.is_share or each.start in rates or not overlaps(each.start, each.end, in_dates)
    ]  # fmt: skip
    kept = [
        each for each in kept
        if not is_threshold(each, sentence, language) and not is_of_thing(each, sentence, language)
    ]  # fmt: skip
    return tuple(sorted(kept, key=lambda each: each.start))


def sums_in(sentence: Sentence, language: str) -> list[int]:
    """Where sums stand that the sentence may part what is owed into, whole invoices too: amounts, larger numbers in
    digits or words, shares, the rest.
    """
    days = [(each.start, each.end) for each in sentence.dates]
    found = words(sentence.folded)
    spans = [(each.start, each.end) for each in sentence.amounts]
    bare = [each for each in BARE.finditer(sentence.folded) if len(each["number"]) >= _SUM_DIGITS or each["kilo"]]
    spans += [each.span() for each in bare]
    spans += [(start, end) for start, end, number in find_numbers(sentence.text, language) if number >= _LEAST_BARE]
    spans += [(found[hit.first].start, found[hit.after - 1].end) for hit in wording_of(language).named.find(found)]
    return sorted(start for start, end in spans if not overlaps(start, end, days))


#: Digits of a number that may be a sum.
_SUM_DIGITS = 2


def _bare(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Numbers without a currency that could be part of the sum, and number no invoice, order or customer.

    Written as money ("1.250,-", "2.740,00", "1k5"), beside the rest of the sum, or said to be paid several times they
    need no date in their sentence.
    """
    numbered, one = wording_of(language).numbered, wording_of(language).one
    others = numbers_in(sentence)
    has_rest = any(hit.name == "rest" for hit in wording_of(language).named.find(words(sentence.folded)))
    is_now = bool(wording_of(language).now.find(words(sentence.folded)))
    for found in BARE.finditer(sentence.folded):
        if is_in_words(found.start(), sentence, language):
            continue
        number = found["number"]
        amount = thousands(number, found["hundreds"]) if found["kilo"] else read_number(number)
        end, scale = scaled(found.end(), sentence, language)
        amount = None if amount is None else amount * scale
        if is_vague_behind(sentence.text, end, language):
            continue
        as_money = found["kilo"] or scale > 1 or found["round"] or number[-3:-2] in {",", "."}
        if not as_money and scale == 1 and _is_year(number, sentence):
            continue
        regular = is_regular(found.end(), sentence, language)
        if found["euros"] and not regular:
            continue  # "la 20e", but "50e tous les vendredis"
        least = _LEAST_REGULAR if regular else _LEAST_BARE
        if amount is None:
            continue
        is_part = (
            has_rest or owed.total - amount in others
            or is_multiple(Portion(found.start(), end, amount), sentence, language)
        )  # fmt: skip
        if not (as_money or sentence.dates or is_now or regular or is_part):
            continue
        if not (_is_portion(amount, owed, others, least) or is_with_costs(amount, owed, sentence, language)):
            continue
        digits = re.sub(r"\D", "", number)
        in_a_number = not (found["kilo"] or regular) and any(digits in each for each in owed.numbers)
        before = [word.folded for word in words(sentence.folded[: found.start()])][-2:]
        is_of_document = not numbered.isdisjoint(before) or (before[-1:] and before[-1] in one)
        if not in_a_number and not is_of_document:
            yield Portion(found.start(), end, amount)


def _spelled(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Numbers in words without a currency, as in "six hundred on Friday"."""
    rates = [(start, end) for start, end, _ in shares_of(sentence, language)]
    for start, last, number in find_numbers(sentence.text, language):
        end, scale = scaled(last, sentence, language)
        amount = with_hundreds(number) * scale  # "ten grand"
        portion = Portion(start, end, Decimal(amount))
        if overlaps(portion.start, portion.end, rates):  # the "cento" of "cinquanta per cento"
            continue
        sole = amount in _ROUND_WORDS and len(words(sentence.folded[start:end])) == 1
        if _is_portion(Decimal(amount), owed) and (
            not sole or has_its_day(portion, sentence, language) or _is_sent(portion, sentence, language)
        ):
            yield portion


def _is_sent(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether a word of paying stands right behind a round number in words: "tausend schick ich heute", "mille li mando
    oggi"; but not in "mille mercis".
    """
    behind = words(sentence.folded[portion.end :])[:_SENT_WITHIN]
    return bool(sentence.dates) and bool(wording_of(language).sends.find(behind))


#: Words behind a round number among which it is said to be sent.
_SENT_WITHIN = 2


def _is_year(number: str, sentence: Sentence) -> bool:
    """Whether a number is the year of a day of the sentence, or the one beside it: "the first run of 2025"."""
    days = [day for each in sentence.dates for day in (each.ahead, each.behind) if day]
    return number.isdigit() and any(abs(int(number) - day.year) <= 1 for day in days)


def is_regular(end: int, sentence: Sentence, language: str) -> bool:
    """Whether "a month" stands right behind a number, or behind the "e" that telephones write for euros: "60 a month",
    "60 e par mois".
    """
    behind = words(sentence.folded[end:])[:EVERY_WORDS]
    behind = behind[1:] if behind[:1] and behind[0].folded == "e" else behind
    return any(hit.first == 0 for hit in wording_of(language).every.find(behind))


def _is_portion(amount: Decimal, owed: Owed, others: Set[Decimal] = frozenset(), least: int = _LEAST_BARE) -> bool:
    """Whether a number is large enough to be money, or makes up all that is owed with another of the sentence."""
    if owed.total >= _LARGE_SUM and amount * _LEAST_OF_LARGE < owed.total:
        return False  # "I am sending 500 today" of 900,000: thousands are meant
    is_large = amount >= least or owed.total - amount in others
    return is_large and amount < owed.total and int(amount) not in owed.whole


def is_with_costs(amount: Decimal, owed: Owed, sentence: Sentence, language: str) -> bool:
    """Whether an amount is all that is owed and another sum of the sentence: "2,680, the invoice plus your 40"; but not
    where that is another thing's ("with February's, 410").
    """
    is_more = 0 < amount - owed.total < owed.total and amount - owed.total in numbers_in(sentence)
    return is_more and not wording_of(language).frames.find(words(sentence.folded))


def numbers_in(sentence: Sentence) -> set[Decimal]:
    """Every number of the sentence that could be money, in digits."""
    found = {number for each in BARE.finditer(sentence.folded) if (number := read_number(each["number"]))}
    return found | {each.amount for each in sentence.amounts}


def _equal_parts(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """As in "three equal instalments", "four times the same sum", "in three goes, the first on Friday": the sum by
    their number, where no amount says how much each is.
    """
    wording, found = wording_of(language), words(sentence.folded)
    has_first = bool(wording.first_of.find(found))
    for start, end, number in _counts(sentence, language):
        behind = words(sentence.folded[end:])[:COUNTED_WORDS]
        said = wording.equal.find(behind)
        names = {hit.name for hit in said}
        before = words(sentence.folded[:start])[-1:]
        is_parted = has_first and any(hit.first == 0 for hit in said if hit.name == "instalment") and (
            bool(before) and before[0].folded in wording.parted
        )  # fmt: skip
        is_times = "equal" in names and _says_often(sentence.folded[start:end])
        if 2 <= number <= _MOST_PARTS and (names == {"equal", "instalment"} or is_parted or is_times):
            last = max(behind[hit.after - 1].end for hit in said)
            yield Portion(
                start, end + last, (owed.total / number).quantize(CENT, ROUND_HALF_UP), is_share=True, count=number
            )
            return


def _says_often(word: str) -> bool:
    """Whether a word says how often: "viermal"."""
    return bool(_TIMES.fullmatch(word))


def _counts(sentence: Sentence, language: str) -> Iterator[tuple[int, int, int]]:
    """Small numbers of whatever, in digits or words, and those of "viermal"."""
    yield from find_numbers(sentence.text, language)
    for each in _COUNT.finditer(sentence.folded):
        yield each.start(), each.end(), int(each.group())
    for word in words(sentence.folded):
        if often := _TIMES.fullmatch(word.folded):
            counted = find_numbers(sentence.text[word.start : word.start + often.end("count")], language)
            if counted:
                yield word.start, word.end, counted[0][2]


_COUNT = re.compile(r"(?<![\w.,/-])\d{1,2}(?![\w.,/-])")
_TIMES = re.compile(r"(?P<count>[a-z]{3,}?)(?:mal|maal)")


_MOST_PARTS = 36


def _percentages(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """As in "50 % on Friday", but not in "2 % discount" or "20 % VAT"."""
    wording = wording_of(language)
    for start, end, share in shares_of(sentence, language):
        after = words(sentence.folded[end:])[:2]
        if _LEAST_SHARE <= share < 100 and not wording.rates.find(after):
            yield Portion(start, end, (owed.total * share / 100).quantize(CENT, ROUND_HALF_UP), is_share=True)


def _named(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Half, a third, the rest."""
    for start, end, name in named_shares(sentence, language):
        share = SHARES.get(name)
        amount = (owed.total * share).quantize(CENT, ROUND_HALF_UP) if share else None
        # "A third a month" is paid as often as it goes into the whole
        often = round(1 / share) if share and name in _UNITS and is_regular(end, sentence, language) else 1
        yield Portion(start, end, amount, is_share=share is not None, count=often)


#: Shares that make up the whole where they are paid again and again.
_UNITS = frozenset({"half", "third", "quarter", "fifth", "sixth", "eighth", "tenth"})
