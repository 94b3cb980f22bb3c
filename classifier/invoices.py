"""Which invoices a reply speaks of, and which part of it speaks of which.

Customers write numbers as they please: whole, only the last digits, by the month ("celle de mars"), by the amount
("the £195"), by size, "both", "the other one". The text is cut into segments: a segment begins where other invoices
are named and goes on until the next ones are. What a segment says is said of its invoices; who scores it is not here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from classifier.invoice_months import invoices_by_month, months_said
from classifier.preprocess import Sentence
from classifier.text import KEPT, Hit, Phrases, fold, words
from classifier.values import InvoiceRef
from classifier.wordings import read_wordings

_TOKEN = re.compile(r"[a-z0-9]+(?:[-/._][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a sentence: its index and its span."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """The pieces of a reply that speak of the invoices `numbers`."""

    numbers: tuple[str, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where in a sentence the invoices `numbers` are named."""

    sentence: int
    start: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentions:
    """The invoices named anywhere in a reply, in the reminder's order, and the segments that speak of them.

    `segments` is empty where all of the reply speaks of the same ones; `spoken` has them even so. `naming`: indices of
    the sentences that name any. `anchors`: where some are named, but for words like "all", which often mean other
    things ("both rolls came torn").
    """

    named: tuple[str, ...]
    segments: tuple[Segment, ...]
    spoken: tuple[Segment, ...] = ()
    naming: frozenset[int] = frozenset()
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    numbers: tuple[str, ...]
    specific: bool = True
    is_all: bool = False


def find_invoices(sentences: Sequence[Sentence], language: str, invoices: Sequence[InvoiceRef]) -> Mentions:
    """Where the reply names which of the invoices that the reminder listed."""
    months = invoices_by_month(sentences, language, invoices)
    named: dict[str, None] = {}
    segments: dict[tuple[str, ...], list[Piece]] = {}
    current: tuple[str, ...] = ()
    naming: set[int] = set()
    anchors: list[Anchor] = []
    for index, sentence in enumerate(sentences):
        found = _found(sentence, language, invoices, months, tuple(named))
        for numbers, start, end in _cut(sentence, language, found):
            current = numbers or current
            if current:
                segments.setdefault(current, []).append(Piece(index, start, end))
        for each in found:
            named.update(dict.fromkeys(each.numbers))
            naming.add(index)
        anchors += [Anchor(index, each.start, each.numbers) for each in found if not each.is_all]
    order = tuple(invoice.number for invoice in invoices if invoice.number in named)
    parted = tuple(Segment(numbers, tuple(pieces)) for numbers, pieces in segments.items())
    return Mentions(order, parted if len(parted) > 1 else (), parted, frozenset(naming), tuple(anchors))


def _cut(sentence: Sentence, language: str, found: Sequence[_Found]) -> list[tuple[tuple[str, ...], int, int]]:
    """The sentence in pieces, each with the invoices that it names; a whole sentence that names none has none.

    It is cut before each mention, at the last comma or joining word since the mention before. Mentions with nothing
    said between them are a list ("312, 313 and 314 are paid"), and so is a piece that says nothing beside its mention.
    """
    if not found:
        return [((), 0, len(sentence.text))]
    groups: list[list[_Found]] = []
    for each in found:
        if groups and _says_nothing(sentence, language, groups[-1][-1].end, each.start):
            groups[-1].append(each)
        else:
            groups.append([each])
    cuts = [0]
    for before, after in itertools.pairwise(groups):
        cuts.append(_cut_between(sentence, language, before[-1].end, after[0].start))
    pieces: list[tuple[tuple[str, ...], int, int]] = []
    listed = False
    for group, start, end in zip(groups, cuts, [*cuts[1:], len(sentence.text)], strict=True):
        numbers = tuple(dict.fromkeys(number for each in group for number in each.numbers))
        is_bare = _says_nothing(sentence, language, start, group[0].start) and _says_nothing(
            sentence, language, group[-1].end, end
        )
        if pieces and (is_bare or listed):
            pieces[-1] = (tuple(dict.fromkeys((*pieces[-1][0], *numbers))), pieces[-1][1], end)
        else:
            pieces.append((numbers, start, end))
        listed = is_bare
    return pieces


def _cut_between(sentence: Sentence, language: str, start: int, end: int) -> int:
    """At the last comma or joining word; where nothing is said before that, right before the mention."""
    gap = sentence.folded[start:end]
    marks = [gap.rfind(mark) for mark in (",", ";", ":")]
    joining = [word.start for word in words(gap) if word.folded in _wording(language).clause]
    last = max([*marks, *joining])
    return start + last if last >= 0 and not _says_nothing(sentence, language, start, start + last) else end


def _says_nothing(sentence: Sentence, language: str, start: int, end: int) -> bool:
    """Whether no word there says anything: only what stands around a number, and other numbers."""
    return all(
        word.folded in _wording(language).filler or word.folded.isdigit()
        for word in words(sentence.folded[start : max(end, start)])
    )


def _found(
    sentence: Sentence,
    language: str,
    invoices: Sequence[InvoiceRef],
    months: Mapping[int, tuple[str, ...]],
    named: tuple[str, ...],
) -> list[_Found]:
    found = _by_number(sentence, invoices)
    if len(invoices) > 1:
        found += (
            _by_amount(sentence, invoices) + _by_month(sentence, language, months) + _by_letters(sentence, invoices)
        )
        here = tuple(number for each in found for number in each.numbers)
        found += _by_quantity(sentence, language, invoices, (*named, *here), specific=bool(found))
        rest = _all_but(sentence, language, invoices, found)
        found = [each for each in found if not _is_left_out(sentence, language, rest, each)] + rest
    chosen: list[_Found] = []
    for each in sorted(found, key=lambda each: (not each.specific, each.start)):
        if all(each.end <= other.start or each.start >= other.end for other in chosen):
            chosen.append(each)
    return sorted(chosen, key=lambda each: each.start)


def _by_number(sentence: Sentence, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    """Whole numbers, and shortened ones that only one invoice can mean."""
    plain = {invoice.number: _alnum(invoice.number) for invoice in invoices}
    own = _own_parts([invoice.number for invoice in invoices])
    spans = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    found: list[_Found] = []
    for match in _TOKEN.finditer(sentence.folded):
        if not _DIGIT.search(match.group()):
            continue
        token = _alnum(match.group())
        whole = [number for number, each in plain.items() if each == token]
        if not whole and any(start < match.end() and end > match.start() for start, end in spans):
            continue
        matching = whole or [number for number, each in plain.items() if _is_tail(token, each, number)]
        matching = matching or [number for number, part in own.items() if token == part]
        if not matching and "/" in match.group():  # "440/441"
            tails = [[number for number, each in plain.items() if _is_tail(_alnum(part), each, number)]
                     for part in match.group().split("/")]  # fmt: skip
            matching = [each[0] for each in tails] if all(len(each) == 1 for each in tails) else []
        elif len(matching) > 1:
            matching = []
        if matching:
            found.append(_Found(match.start(), match.end(), tuple(dict.fromkeys(matching))))
    return found


_SHORTEST = 2
_SHORTEST_TAIL = 3


def _is_tail(token: str, plain: str, number: str) -> bool:
    """Whether `token` is how someone would shorten `plain`: its last digits, with or without leading zeros."""
    if len(token) < _SHORTEST:
        return False
    last = re.split(r"[^a-z0-9]+", fold(number))[-1]
    digits = re.sub(r"^\D+", "", last)
    if token in (last, digits, digits.lstrip("0")):
        return True
    return len(token) >= _SHORTEST_TAIL and plain.endswith(token)


def _own_parts(numbers: Sequence[str]) -> dict[str, str]:
    """What is left of each number without the part that all end with: 132 of 132-26 beside 131-26, M132 of FA-M132/24.

    Nothing of those where that is no number of two digits and more.
    """
    cut = {number: re.split(r"[^a-z0-9]+", fold(number)) for number in numbers}
    if len(cut) < 2 or len({parts[-1] for parts in cut.values()}) > 1:
        return {}
    own = {number: parts[-2] for number, parts in cut.items() if len(parts) > 1}
    return {number: part for number, part in own.items() if len(part) >= _SHORTEST and part[-1:].isdigit()}


#: Letters that a number begins with, and of the word that they are taken from.
_LEAST_LETTERS, _LEAST_WORD = 3, 5


def _by_letters(sentence: Sentence, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    """As in "the marquee" for MAR-221: a word that begins with the letters before one number, and no other's."""
    letters = {invoice.number: re.match(r"[a-z]*", fold(invoice.number)) for invoice in invoices}
    heads = {number: match[0] for number, match in letters.items() if match}
    found: list[_Found] = []
    for word in words(sentence.folded):
        matching = tuple(number for number, head in heads.items() if head and word.folded.startswith(head))
        if len(matching) == 1 and len(heads[matching[0]]) >= _LEAST_LETTERS and len(word.folded) >= _LEAST_WORD:
            found.append(_Found(word.start, word.end, matching))
    return found


def _by_amount(sentence: Sentence, invoices: Sequence[InvoiceRef]) -> list[_Found]:
    """As in "the £195", "(1960)": an amount that only one invoice has, with or without cents and currency."""
    found: list[_Found] = []
    for mention in sentence.amounts:
        matching = tuple(each.number for each in invoices if mention.amount in (each.amount, int(each.amount)))
        if len(matching) == 1:
            found.append(_Found(mention.start, mention.end, matching))
    spans = [(each.start, each.end) for each in sentence.dates] + [(each.start, each.end) for each in sentence.amounts]
    for match in _BARE_AMOUNT.finditer(sentence.folded):
        value = int(re.sub(r"\D", "", match.group()))
        matching = tuple(each.number for each in invoices if int(each.amount) == value)
        inside = any(start < match.end() and end > match.start() for start, end in spans)
        if len(matching) == 1 and not inside:
            found.append(_Found(match.start(), match.end(), matching))
    return found


_BARE_AMOUNT = re.compile(r"(?<![\w.,/-])(?:\d{1,3}[ .,']\d{3}|\d{2,7})(?![\w.,/-]*\d)")


def _by_month(sentence: Sentence, language: str, months: Mapping[int, tuple[str, ...]]) -> list[_Found]:
    said = months_said(sentence, language)
    return [_Found(each.start, each.end, months[each.month]) for each in said if each.month in months]


def _by_quantity(
    sentence: Sentence, language: str, invoices: Sequence[InvoiceRef], named: tuple[str, ...], *, specific: bool
) -> list[_Found]:
    """As in "both", "all", "the other", "the first", "the big one", as far as they leave no doubt."""
    listed = tuple(invoice.number for invoice in invoices)
    rest = tuple(number for number in listed if number not in named)
    by_amount = sorted(invoices, key=lambda invoice: invoice.amount)
    means: dict[str, tuple[str, ...]] = {
        "all": () if specific else listed,
        "other": rest if named else (),
        "first": listed[:1],
        "first_two": listed[:2] if len(listed) > 2 else (),
        "first_three": listed[:3] if len(listed) > 3 else (),
        "second": listed[1:2],
        "third_one": listed[2:3],
        "last": listed[-1:],
        "last_two": listed[-2:] if len(listed) > 2 else (),
        "oldest": _by_due(invoices)[:1],
        "oldest_two": _by_due(invoices)[:2] if len(listed) > 2 else (),
        "biggest": (by_amount[-1].number,) if by_amount[-1].amount > by_amount[-2].amount else (),
        "smallest": (by_amount[0].number,) if by_amount[0].amount < by_amount[1].amount else (),
        "smallest_two": _two(by_amount),
        "biggest_two": _two(by_amount[::-1]),
    }
    texts = words(sentence.folded)
    hits = sorted(_wording(language).quantities.find(texts), key=lambda hit: hit.first - hit.after)
    return [
        _Found(
            texts[hit.first].start, texts[hit.after - 1].end, means[hit.name], specific=False, is_all=hit.name == "all"
        )
        for hit in hits
        if means.get(hit.name) and not (hit.name == "all" and len(listed) > 2 and _is_two(hit, hits))
    ]


def _is_two(hit: Hit, hits: Sequence[Hit]) -> bool:
    """Whether what is found says "both", which is not all of three."""
    return any(other.name == "pair" and (other.first, other.after) == (hit.first, hit.after) for other in hits)


def _two(ordered: Sequence[InvoiceRef]) -> tuple[str, ...]:
    """The first two of an order by amount; none where the third has the second's amount, or is none."""
    if len(ordered) < 3 or ordered[1].amount == ordered[2].amount:
        return ()
    return tuple(invoice.number for invoice in ordered[:2])


def _all_but(
    sentence: Sentence, language: str, invoices: Sequence[InvoiceRef], found: Sequence[_Found]
) -> list[_Found]:
    """As in "all of them are paid except 312": a word for all, and behind it "except" with some."""
    texts = words(sentence.folded)
    hits = _wording(language).quantities.find(texts)
    out = next((texts[hit.first].start for hit in hits if hit.name == "except"), None)
    whole = next(
        (hit for hit in hits if hit.name == "all" and out is not None and texts[hit.after - 1].end <= out), None
    )
    but = {number for each in found if out is not None and each.start >= out for number in each.numbers}
    if whole is None or not but or any(each.start < texts[whole.after - 1].end for each in found if not each.is_all):
        return []
    rest = tuple(invoice.number for invoice in invoices if invoice.number not in but)
    return [_Found(texts[whole.first].start, texts[whole.after - 1].end, rest)] if rest else []


def _is_left_out(sentence: Sentence, language: str, rest: Sequence[_Found], each: _Found) -> bool:
    """Whether it says no more than which are not meant: "all but 312 are paid", but "all are paid but 312: wrong"."""
    texts = words(sentence.folded)
    out = [hit for hit in _wording(language).quantities.find(texts) if hit.name == "except"]

    def is_all_but(whole: _Found) -> bool:
        """Nothing stands between the word for all and this one but the exception's own words."""
        between = [hit for hit in out if whole.end <= texts[hit.first].start and texts[hit.after - 1].end <= each.start]
        first = texts[between[0].first].start if between else whole.end
        last = max((texts[hit.after - 1].end for hit in between), default=whole.end)
        gaps = (whole.end, first), (last, each.start)
        return all(_says_nothing(sentence, language, start, end) for start, end in gaps)

    def is_said_more_of(whole: _Found) -> bool:
        """A colon behind a heading ("all but the last: paid") is followed by what is said of the others."""
        mark = sentence.folded[each.end :].lstrip()[:1]
        return mark in _SAYS_MORE or (mark == ":" and not _says_nothing(sentence, language, 0, whole.start))

    return any(whole.end <= each.start and is_all_but(whole) and not is_said_more_of(whole) for whole in rest)


#: Marks behind which it is said of what is left out.
_SAYS_MORE = frozenset(",;(")


def _by_due(invoices: Sequence[InvoiceRef]) -> tuple[str, ...]:
    """The numbers by due date; none where the first two fall due on one day."""
    dated = sorted((invoice.due, invoice.number) for invoice in invoices if invoice.due)
    if len(dated) < len(invoices) or (len(dated) > 1 and dated[0][0] == dated[1][0]):
        return ()
    return tuple(number for _, number in dated)


_DIGIT = re.compile(r"\d")


@lru_cache(KEPT)  # each sentence of a reply is searched for the same numbers
def _alnum(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


@dataclass(frozen=True, slots=True)
class _Wording:
    clause: frozenset[str]
    filler: frozenset[str]
    quantities: Phrases


_QUANTITIES = (
    "all", "other", "except", "first", "first_two", "first_three", "second", "third_one", "last", "last_two", "oldest",
    "biggest", "smallest", "biggest_two", "smallest_two", "oldest_two", "pair",
)  # fmt: skip


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    return _Wording(
        frozenset(fold(word) for word in raw["clause"]),
        frozenset(fold(word) for word in (*raw["filler"], *raw["clause"])),
        Phrases({name: raw[name] for name in _QUANTITIES}),
    )
