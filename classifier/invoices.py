"""Which invoices a reply speaks of, and what it says of each.

Customers write numbers as they please: whole, only the last digits, by the month of the due date ("celle de mars"),
by the amount, "both", "the other one". Text is cut into clauses; a clause speaks of the invoices that it names, or, if
it names none, of those last named. An invoice's intent is the strongest of its clauses among the intents that the
whole reply says. Pure: clauses come with their scores.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from classifier.labels import PRIMARY_ORDER
from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words
from classifier.values import InvoiceRef

_TOKEN = re.compile(r"[a-z0-9]+(?:[-/._][a-z0-9]+)*")
_MIN_TAIL = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """Part of a sentence that speaks of invoices: the sentence's index, its span, the numbers that it names."""

    sentence: int
    start: int
    end: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentions:
    """All clauses of a reply in order, and the invoices named anywhere in it."""

    clauses: tuple[Clause, ...]
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    numbers: tuple[str, ...]
    specific: bool


def find_invoices(sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]) -> Mentions:
    """Where the reply names which of the invoices that the reminder listed."""
    clauses: list[Clause] = []
    named: dict[str, None] = {}
    for index, sentence in enumerate(sentences):
        found = _found(sentence, language, invoices, tuple(named))
        for each in found:
            named.update(dict.fromkeys(each.numbers))
        clauses += _clauses(index, sentence, found)
    return Mentions(tuple(clauses), tuple(invoice.number for invoice in invoices if invoice.number in named))


def assign(
    mentions: Mentions,
    invoices: Sequence[InvoiceRef],
    intents: Sequence[str],
    primary: str,
    score: Callable[[Clause], Mapping[str, float]],
) -> dict[str, str]:
    """The intent of each invoice that is labelled, by number, in the reminder's order.

    Args:
        mentions: what `find_invoices` found.
        invoices: those that the reminder listed.
        intents: those that the reply says; an invoice gets one of these.
        primary: what invoices get where nothing is said of them apart.
        score: probability of each intent in a clause.
    """
    listed = [invoice.number for invoice in invoices]
    if not mentions.named:
        return {} if primary == "other" else dict.fromkeys(listed, primary)
    if len(intents) == 1:
        return {number: primary for number in listed if number in mentions.named}
    said: dict[str, dict[str, float]] = {number: {} for number in mentions.named}
    current: tuple[str, ...] = ()
    for clause in mentions.clauses:
        current = clause.numbers or current
        scores = score(clause)
        for number in current:
            for intent in intents:
                said[number][intent] = max(said[number].get(intent, 0.0), scores[intent])
    return {
        number: max(said[number], key=lambda intent: (said[number][intent], -PRIMARY_ORDER.index(intent)))
        if said[number]
        else primary
        for number in listed
        if number in said
    }


def _clauses(index: int, sentence: Sentence, found: Sequence[_Found]) -> list[Clause]:
    """The sentence cut before each mention of other invoices, at the comma, semicolon or word before it."""
    if not found:
        return [Clause(index, 0, len(sentence.text), ())]
    cuts = [0]
    for previous, each in itertools.pairwise(found):
        gap = sentence.folded[previous.end : each.start]
        cut = max(gap.rfind(","), gap.rfind(";"), gap.rfind(" et "), gap.rfind(" and "), gap.rfind(":"))
        cuts.append(previous.end + cut if cut >= 0 else each.start)
    ends = [*cuts[1:], len(sentence.text)]
    clauses: list[Clause] = []
    for each, start, end in zip(found, cuts, ends, strict=True):
        before = clauses[-1] if clauses else None
        if before and (_is_short(sentence, start, end) or _is_short(sentence, before.start, before.end)):
            clauses[-1] = Clause(index, before.start, end, tuple(dict.fromkeys((*before.numbers, *each.numbers))))
        else:
            clauses.append(Clause(index, start, end, each.numbers))
    return clauses


#: A clause of this many words or fewer says nothing by itself: it is one of several in a list ("312, 313 and 314").
_ENUMERATED = 3


def _is_short(sentence: Sentence, start: int, end: int) -> bool:
    return len(words(sentence.folded[start:end])) <= _ENUMERATED


def _found(sentence: Sentence, language: str, invoices: Sequence[InvoiceRef], named: tuple[str, ...]) -> list[_Found]:
    found = _by_number(sentence, invoices) + _by_amount(sentence, invoices) + _by_month(sentence, language, invoices)
    taken = sorted(found, key=lambda each: each.start)
    said_here = {number for each in taken for number in each.numbers}
    if len(invoices) > 1:
        taken += _by_quantity(sentence, language, invoices, (*named, *said_here), bool(taken))
    chosen: list[_Found] = []
    for each in sorted(taken, key=lambda each: (not each.specific, each.start)):
        if all(each.end <= other.start or each.start >= other.end for other in chosen):
            chosen.append(each)
    return sorted(chosen, key=lambda each: each.start)


def _by_number(sentence: Sentence, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    """Whole numbers, and ends of them of three characters or more (two after a hyphen) that only one invoice has."""
    plain = {invoice.number: _alnum(invoice.number) for invoice in invoices}
    spans = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    found: list[_Found] = []
    for match in _TOKEN.finditer(sentence.folded):
        token = _alnum(match.group())
        if not any(char.isdigit() for char in token):
            continue
        whole = [number for number, each in plain.items() if each == token]
        inside = any(start < match.end() and end > match.start() for start, end in spans)
        if not whole and (inside or len(token) < _MIN_TAIL):
            continue
        matching = whole or [number for number, each in plain.items() if _is_tail(token, each, number)]
        if len(matching) == 1:
            found.append(_Found(match.start(), match.end(), tuple(matching), True))
    return found


def _is_tail(token: str, plain: str, number: str) -> bool:
    """Whether `token` is how someone would shorten `plain`: its last digits, with or without leading zeros."""
    last = re.split(r"[^a-z0-9]+", fold(number))[-1]
    digits = re.sub(r"^\D+", "", last)
    if token in (last, digits, digits.lstrip("0")):
        return True
    return len(token) >= 3 and plain.endswith(token)


def _by_amount(sentence: Sentence, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    if len(invoices) < 2:
        return []
    found: list[_Found] = []
    for mention in sentence.amounts:
        matching = [invoice.number for invoice in invoices if invoice.amount == mention.amount]
        if len(matching) == 1:
            found.append(_Found(mention.start, mention.end, tuple(matching), True))
    return found


def _by_month(sentence: Sentence, language: str, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    """As in "celle de mars", "the March one": the month of the due date, where only one invoice has it."""
    if len(invoices) < 2:
        return []
    wording = _wording(language)
    found: list[_Found] = []
    texts = words(sentence.folded)
    for at, word in enumerate(texts):
        month = wording.months.get(word.folded)
        if month is None:
            continue
        near = {other.folded for other in texts[max(0, at - 2) : at + 2]} - {word.folded}
        previous = texts[at - 1].folded if at else ""
        if previous.isdigit() or not near & wording.ones:
            continue
        matching = [invoice.number for invoice in invoices if invoice.due and invoice.due.month == month]
        if len(matching) == 1:
            found.append(_Found(texts[max(0, at - 1)].start, word.end, tuple(matching), True))
    return found


def _by_quantity(
    sentence: Sentence, language: str, invoices: Sequence[InvoiceRef], named: tuple[str, ...], specific: bool
) -> list[_Found]:
    """As in "both", "all", "the other", "the first", as far as they leave no doubt."""
    listed = tuple(invoice.number for invoice in invoices)
    texts = words(sentence.folded)
    found: list[_Found] = []
    for hit in _wording(language).quantities.find(texts):
        rest = tuple(number for number in listed if number not in named)
        numbers: tuple[str, ...] = ()
        if hit.name == "all":
            numbers = () if specific else listed
        elif hit.name == "other" and named and rest:
            numbers = rest
        elif hit.name == "first" and not named:
            numbers = listed[:1]
        elif hit.name == "last" and len(listed) == 2 and not rest:
            numbers = listed[1:]
        if numbers:
            found.append(_Found(texts[hit.first].start, texts[hit.after - 1].end, numbers, False))
    return found


def _alnum(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


@dataclass(frozen=True, slots=True)
class _Wording:
    months: Mapping[str, int]
    ones: frozenset[str]
    quantities: Phrases


@cache
def _wording(language: str) -> _Wording:
    folder = files("classifier") / "wordings"
    raw = tomllib.loads((folder / "facts" / f"{language}.toml").read_text("utf-8"))
    months = tomllib.loads((folder / "dates" / f"{language}.toml").read_text("utf-8"))["months"]
    return _Wording(
        {fold(name): number for name, number in months.items() if len(name) > 2},
        frozenset(word.folded for phrase in raw["one"] for word in words(fold(phrase))),
        Phrases({name: raw[name] for name in ("all", "other", "first", "last")}),
    )
