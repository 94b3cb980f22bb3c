"""Which invoices "the March one" means: the month in a number, of the due date, or the one before it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from classifier.preprocess import Sentence
from classifier.text import fold, words
from classifier.values import InvoiceRef
from classifier.wordings import read_wordings


def invoices_by_month(
    sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]
) -> Mapping[int, tuple[str, ...]]:
    """What "the March one" means here: the month in the number, of the due date, or the one before it.

    A reply uses one of these for all its invoices; the first under which each month that it names has an invoice.
    """
    if len(invoices) < 2:
        return {}
    months = [each for sentence in sentences for each in months_said(sentence, language)]
    said = {each.month for each in months if each.is_sure}
    all_said = {each.month for each in months}
    ways: list[dict[int, tuple[str, ...]]] = [{}, {}, {}, {}]
    for invoice in invoices:
        due = invoice.due.month if invoice.due else None
        months_of = (_month_in(invoice.number), _month_at_end(invoice), due, due and (due - 2) % 12 + 1)
        for way, month in zip(ways, months_of, strict=True):
            if month:
                way[month] = (*way.get(month, ()), invoice.number)
    # Months that open a sentence ("April is paid. For May I have no slip") stand for invoices where each has one.
    beside = next((way for way in ways if len(all_said) > 1 and all_said <= set(way)), None)
    return beside or next(({month: way[month] for month in said} for way in ways if said and said <= set(way)), {})


_YEAR_MONTH = re.compile(r"(?:20)?2\d[-/_.]?(0[1-9]|1[0-2])(?!\d)")


def _month_at_end(invoice: InvoiceRef) -> int | None:
    """The month that a number like M-09 ends with, where the invoice falls due in it or in the next one."""
    match = _MONTH_AT_END.search(invoice.number)
    month = int(match[1]) if match else None
    return month if invoice.due and month in (invoice.due.month, (invoice.due.month - 2) % 12 + 1) else None


_MONTH_AT_END = re.compile(r"(?<!\d)(0[1-9]|1[0-2])$")


def _month_in(number: str) -> int | None:
    """The month in a number like 26-03-0210, F2604-0133."""
    match = _YEAR_MONTH.search(number)
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Month:
    """A month that stands for an invoice, surely ("celle de mars", "the March one"), or because it opens a sentence."""

    month: int
    start: int
    end: int
    is_sure: bool


def months_said(sentence: Sentence, language: str) -> list[Month]:
    wording = _wording(language)
    texts = words(sentence.folded)
    found: list[Month] = []
    for at, word in enumerate(texts):
        month = wording.months.get(word.folded) or _month_of_compound(word.folded, wording)
        if month is None or (at and texts[at - 1].folded.isdigit()):
            continue
        near = {other.folded for other in texts[max(0, at - 4) : at + 2]}
        is_sure = bool(near & wording.ones) or word.folded not in wording.months
        clause = [other for other in texts[:at] if other.start >= sentence.folded.rfind(":", 0, word.start)]
        opens = all(other.folded in wording.filler for other in clause) and not (
            at + 1 < len(texts) and texts[at + 1].folded[:1].isdigit()
        )
        joined = bool(found) and all(
            other.folded in wording.filler for other in texts[:at] if other.start >= found[-1].end
        )
        if (
            not opens
            and _is_in_a_day(sentence, word.start)
            and not any(
                other.folded in wording.ones and len(other.folded) >= _LEAST_ONE for other in texts[max(0, at - 4) : at]
            )
        ):
            continue
        if is_sure or opens or joined:
            found.append(Month(month, texts[max(0, at - 1)].start, word.end, is_sure or (joined and found[-1].is_sure)))
    return found


#: Letters of a word that stands for an invoice and is no article.
_LEAST_ONE = 4


def _is_in_a_day(sentence: Sentence, start: int) -> bool:
    """Whether the month there only says when: "by the end of February"."""
    return any(each.start <= start < each.end and each.family != "nothing" for each in sentence.dates)


def _month_of_compound(word: str, wording: _Wording) -> int | None:
    """As in "Märzrechnung": a month and a word for invoice in one."""
    return next(
        (
            wording.months[word[:at]]
            for at in range(3, len(word) - 4)
            if word[:at] in wording.months and word[at:] in wording.ones
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class _Wording:
    months: Mapping[str, int]
    ones: frozenset[str]
    filler: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    months = read_wordings("dates", language)["months"]
    return _Wording(
        {fold(name): number for name, number in months.items() if len(name) > 2},
        frozenset(word.folded for phrase in raw["one"] for word in words(fold(phrase))),
        frozenset(fold(word) for word in (*raw["filler"], *raw["clause"])),
    )
