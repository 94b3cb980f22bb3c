"""Parts of a sum that a sentence promises: "300 now and the rest in March", "half tonight, the other half on the 31st".

A part is an amount beside a currency, a bare number that could be part of what is owed, a half, or the rest. Each takes
the date that follows it before the next part, or else the one before it. Nothing is a part that is an invoice's whole
amount or the total, or stands in a clause that speaks of no payment; and parts that add up to more than is owed are
none. Pure; which sentences promise is told by the caller.
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

from classifier.clauses import speaks_of
from classifier.dates import DateMention
from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words
from classifier.values import InvoiceRef, Promised

_BARE = re.compile(r"(?<![\w.,/#-])(?P<number>\d{1,3} \d{3}|\d{1,6})(?P<kilo>k\b)?(?![\w/%-]|[.,]\d)")
_CENT = Decimal("0.01")

#: Smaller numbers without a currency are days, copies, kilos.
_LEAST_BARE = 100


@dataclass(frozen=True, slots=True)
class _Part:
    """A part at its place in the text; `amount` None is the rest."""

    start: int
    end: int
    amount: Decimal | None


def find_parts(
    sentences: Sequence[tuple[Sentence, Sequence[DateMention]]], language: str, invoices: Sequence[InvoiceRef]
) -> tuple[Promised, ...]:
    """The parts promised in these sentences (each with its coming dates), in order; none where all is promised."""
    currencies = {invoice.currency for invoice in invoices}
    if len(currencies) != 1:
        return ()
    total = sum((invoice.amount for invoice in invoices), Decimal(0))
    found: list[tuple[Decimal | None, date | None]] = []
    for sentence, dates in sentences:
        parts = _parts(sentence, language, invoices, total)
        found += [(part.amount, _date_of(at, parts, dates)) for at, part in enumerate(parts)]
    if not any(amount is not None for amount, _ in found):
        return ()
    stated = sum((amount for amount, _ in found if amount is not None), Decimal(0))
    if stated > total:
        return ()
    currency, rest = currencies.pop(), total - stated
    return tuple(
        Promised(on, rest if amount is None else amount, currency) for amount, on in found if amount is not None or rest
    )


def _parts(sentence: Sentence, language: str, invoices: Sequence[InvoiceRef], total: Decimal) -> list[_Part]:
    whole = {int(invoice.amount) for invoice in invoices} | {int(total)}
    parts = [_Part(each.start, each.end, each.amount) for each in sentence.amounts if int(each.amount) not in whole]
    taken = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    if sentence.dates:
        parts += [part for part in _bare(sentence, invoices, total, whole) if not _overlaps(part, taken)]
    found = words(sentence.folded)
    for hit in _wording(language).find(found):
        amount = (total / 2).quantize(_CENT) if hit.name == "half" else None
        part = _Part(found[hit.first].start, found[hit.after - 1].end, amount)
        near = [(each.start - _CLOSE, each.end + (0 if amount is None else _CLOSE)) for each in parts]
        if not _overlaps(part, near):
            parts.append(part)
    parts.sort(key=lambda part: part.start)
    kept = [part for part in parts if speaks_of("pay", sentence, part.start, part.end, language) or len(parts) > 1]
    return _one_rest(kept)


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


def _bare(sentence: Sentence, invoices: Sequence[InvoiceRef], total: Decimal, whole: set[int]) -> list[_Part]:
    """Numbers without a currency that could be part of the sum, and are no part of an invoice's number."""
    numbers = [re.sub(r"\W", "", fold(invoice.number)) for invoice in invoices]
    parts: list[_Part] = []
    for found in _BARE.finditer(sentence.folded):
        digits = found["number"].replace(" ", "")
        amount = Decimal(digits) * (1000 if found["kilo"] else 1)
        in_a_number = not found["kilo"] and any(digits in number for number in numbers)
        if in_a_number or not _LEAST_BARE <= amount < total or int(amount) in whole:
            continue
        parts.append(_Part(found.start(), found.end(), amount))
    return parts


def _overlaps(part: _Part, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < part.end and end > part.start for start, end in spans)


def _date_of(at: int, parts: Sequence[_Part], dates: Sequence[DateMention]) -> date | None:
    """The first date between this part and the next, else the last between the one before and this."""
    part = parts[at]
    following = parts[at + 1].start if at + 1 < len(parts) else None
    after = [each for each in dates if each.start >= part.end and (following is None or each.start < following)]
    if after:
        return after[0].ahead
    if part.amount is None:
        return None
    previous = parts[at - 1].end if at else 0
    before = [each for each in dates if previous <= each.start < part.start]
    return before[-1].ahead if before else None


@cache
def _wording(language: str) -> Phrases:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    return Phrases({"half": raw["half"], "rest": raw["rest"]})
