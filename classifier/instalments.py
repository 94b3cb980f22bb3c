"""Parts of a sum that a sentence promises: "300 now and the rest in March", "half tonight, the other half on the 31st".

A part is an amount beside a currency, a bare number that could be part of what is owed, a share (half, a third, 30 %),
or the rest. Each takes the date that follows it before the next part, or else the one before it; one amount with
several dates is paid on each. Nothing is a part that is an invoice's whole amount or the total, is another currency's,
stands in a clause that speaks of no payment, was paid before or is contested; and parts that add up to more than is
owed are none. Pure; which sentences promise is told by the caller.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from price_parser import Price

from classifier.clauses import said_of, topics
from classifier.dates import DateMention
from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words
from classifier.values import InvoiceRef, Promised

#: A number that is no group of a longer one (an account's, a telephone's).
_BARE = re.compile(
    r"(?<![\w.,/#-])(?<!\d )(?P<number>\d{1,3}[ .,']\d{3}(?:[.,]\d{2})?|\d{3,6}[.,]\d{2}|\d{1,6})"
    r"(?P<kilo>k\b)?(?![\w/%-]|[.,]\d| \d)"
)
_CENT = Decimal("0.01")

#: Smaller numbers without a currency are days, copies, kilos.
_LEAST_BARE = 100

#: A smaller share of the sum is a rate: a tax, a discount.
_LEAST_SHARE = 10

#: Whose sign is "$", too.
_DOLLARS = frozenset({"USD", "CAD", "AUD"})


@dataclass(frozen=True, slots=True)
class _Part:
    """A part at its place in the text; `amount` None is the rest."""

    start: int
    end: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class _Owed:
    """What the reminder listed: its total, its currency, the whole sums that are no part, the invoices' numbers."""

    total: Decimal
    currency: str
    whole: frozenset[int]
    numbers: tuple[str, ...]


def find_parts(
    sentences: Sequence[tuple[Sentence, Sequence[DateMention]]], language: str, invoices: Sequence[InvoiceRef]
) -> tuple[Promised, ...]:
    """The parts promised in these sentences (each with its coming dates), in order; none where all is promised."""
    currencies = {invoice.currency for invoice in invoices}
    if len(currencies) != 1:
        return ()
    total = sum((invoice.amount for invoice in invoices), Decimal(0))
    whole = frozenset({int(invoice.amount) for invoice in invoices} | {int(total)})
    numbers = tuple(re.sub(r"\W", "", fold(invoice.number)) for invoice in invoices)
    owed = _Owed(total, currencies.pop(), whole, numbers)
    found: list[tuple[Decimal | None, date | None]] = []
    for sentence, dates in sentences:
        parts = _parts(sentence, language, owed)
        found += [(part.amount, on) for at, part in enumerate(parts) for on in _dates_of(at, parts, dates, owed)]
    if not any(amount is not None for amount, _ in found):
        return ()
    stated = sum((amount for amount, _ in found if amount is not None), Decimal(0))
    if stated > owed.total:
        return ()
    rest = owed.total - stated
    return tuple(
        Promised(on, rest if amount is None else amount, owed.currency)
        for amount, on in found
        if amount is not None or rest
    )


def _parts(sentence: Sentence, language: str, owed: _Owed) -> list[_Part]:
    parts = [
        _Part(each.start, each.end, each.amount)
        for each in sentence.amounts
        if int(each.amount) not in owed.whole and _is_same(each.currency, owed.currency)
    ]
    taken = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    if sentence.dates:
        parts += [part for part in _bare(sentence, language, owed) if not _overlaps(part, taken)]
    near = [(each.start - _CLOSE, each.end) for each in parts]
    for part in (*_shares(sentence, language, owed), *_named(sentence, language, owed)):
        beside = [(start, end + (0 if part.amount is None else _CLOSE)) for start, end in near]
        if not _overlaps(part, beside) and not _overlaps(part, [(each.start, each.end) for each in parts]):
            parts.append(part)
    parts.sort(key=lambda part: part.start)
    less = _deduction(parts, sentence, language, owed)
    kept: list[_Part] = []
    for part in parts:
        if part is less:
            continue
        said = topics(sentence, part.start, part.end, language)
        is_done = "done" in said and "coming" not in said
        if (
            not is_done
            and (less is not None or "contested" not in said)
            and ("pay" in said or len(parts) > 1 or _has_its_day(part, sentence))
        ):
            kept.append(part)
    return _one_rest(kept)


def _deduction(parts: Sequence[_Part], sentence: Sentence, language: str, owed: _Owed) -> _Part | None:
    """Of two amounts that together are all that is owed the one that is taken off, where words say that one is: "less
    the 850 credit note, 6,500 gets paid". It is the one nearer to those words.
    """
    if len(parts) != 2 or sum((part.amount or Decimal(0) for part in parts), Decimal(0)) != owed.total:
        return None
    said = said_of("contested", sentence, language)

    def distance(part: _Part) -> int:
        return min(max(0, part.start - last, first - part.end) for first, last in said)

    return min(parts, key=distance) if said else None


def _has_its_day(part: _Part, sentence: Sentence) -> bool:
    """Whether a coming day stands right behind the amount: "three hundred pounds Friday" needs no verb."""
    return any(each.ahead and 0 <= each.start - part.end <= _BESIDE for each in sentence.dates)


#: Characters between an amount and the day that it is promised for.
_BESIDE = 6


def _is_same(written: str, owed: str) -> bool:
    return written == owed or (written == "USD" and owed in _DOLLARS)


def _one_rest(parts: Sequence[_Part]) -> list[_Part]:
    """The rest counts once, and only after a part that it is the rest of: "the 400 that remain" is an amount."""
    kept: list[_Part] = []
    for part in parts:
        rest_of_something = kept and all(each.amount is not None for each in kept)
        if part.amount is not None or (rest_of_something and part.start - kept[-1].end >= _CLOSE):
            kept.append(part)
    return kept


#: Characters between an amount and a word like "remaining" that belongs to it.
_CLOSE = 12


def _bare(sentence: Sentence, language: str, owed: _Owed) -> list[_Part]:
    """Numbers without a currency that could be part of the sum, and number no invoice, order or customer."""
    parts: list[_Part] = []
    numbered = _wording(language).numbered
    for found in _BARE.finditer(sentence.folded):
        digits = re.sub(r"\D", "", found["number"])
        read = Price.fromstring(found["number"]).amount or Decimal(0)
        amount = read * (1000 if found["kilo"] else 1)
        in_a_number = not found["kilo"] and any(digits in number for number in owed.numbers)
        before = [word.folded for word in words(sentence.folded[: found.start()])][-2:]
        if in_a_number or not _LEAST_BARE <= amount < owed.total or int(amount) in owed.whole:
            continue
        if numbered.isdisjoint(before):
            parts.append(_Part(found.start(), found.end(), amount))
    return parts


def _shares(sentence: Sentence, language: str, owed: _Owed) -> list[_Part]:
    """As in "50 % on Friday", but not in "2 % discount" or "20 % VAT"."""
    wording = _wording(language)
    parts: list[_Part] = []
    for found in wording.percent.finditer(sentence.folded):
        share = Decimal(found["share"])
        after = words(sentence.folded[found.end() :])[:2]
        if _LEAST_SHARE <= share < 100 and not wording.rates.find(after):
            parts.append(_Part(found.start(), found.end(), (owed.total * share / 100).quantize(_CENT)))
    return parts


def _named(sentence: Sentence, language: str, owed: _Owed) -> list[_Part]:
    """Half, a third, the rest."""
    found = words(sentence.folded)
    divisors = {"half": 2, "third": 3}
    parts: list[_Part] = []
    for hit in _wording(language).named.find(found):
        amount = (owed.total / divisors[hit.name]).quantize(_CENT) if hit.name in divisors else None
        parts.append(_Part(found[hit.first].start, found[hit.after - 1].end, amount))
    return parts


def _overlaps(part: _Part, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < part.end and end > part.start for start, end in spans)


def _dates_of(at: int, parts: Sequence[_Part], dates: Sequence[DateMention], owed: _Owed) -> list[date | None]:
    """The first date between this part and the next, else the last between the one before and this.

    A sole amount with several dates behind it is paid on each, as far as that is not more than is owed.
    """
    part = parts[at]
    following = parts[at + 1].start if at + 1 < len(parts) else None
    after = [each for each in dates if each.start >= part.end and (following is None or each.start < following)]
    if len(parts) == 1 and part.amount is not None and len(after) > 1 and part.amount * len(after) <= owed.total:
        return [each.ahead for each in after]
    if after:
        return [after[0].ahead]
    if part.amount is None:
        return [None]
    previous = parts[at - 1].end if at else 0
    before = [each for each in dates if previous <= each.start < part.start]
    return [before[-1].ahead if before else None]


@dataclass(frozen=True, slots=True)
class _Wording:
    named: Phrases
    percent: re.Pattern[str]
    rates: Phrases
    numbered: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    percent = "|".join(re.escape(fold(each)) for each in raw["percent"])
    return _Wording(
        Phrases({"half": raw["half"], "third": raw["third"], "rest": raw["rest"]}),
        re.compile(rf"(?<![\w.,])(?P<share>\d{{1,3}})\s?(?:{percent})(?!\w)"),
        Phrases({"rate": raw["rate"]}),
        frozenset(fold(each) for name in ("numbered", "one", "documents") for each in raw[name]),
    )
