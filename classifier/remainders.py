"""What remains to be paid once something is taken off or was paid: "we pay on Friday less the credit note of 120", "I
gave your driver 200 cash. The rest on Friday".

It is worked out only where one sum alone could be meant: one deduction or one payment is named, it is smaller than what
is owed, no other sum stands beside it, and the rest is promised in the same sentence or the next. A wrong amount is
worse than none. Pure; which sentences promise is told by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from classifier.clauses import topics
from classifier.dates import DateMention
from classifier.net_sums import is_tax, kept_back
from classifier.portions import Owed, owed_on
from classifier.preprocess import Sentence
from classifier.sums import CENT, Sum, sums_of
from classifier.text import Phrases, words
from classifier.values import InvoiceRef, Promised
from classifier.wordings import read_wordings

#: Characters between a word like "less" and the sum that it takes off.
_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, its coming days, and whether it promises."""

    sentence: Sentence
    dates: Sequence[DateMention]
    promises: bool


def find_remainder(
    said: Sequence[Said], parts: Sequence[Promised], language: str, invoices: Sequence[InvoiceRef]
) -> Promised | None:
    """What remains of the total and is promised; None where it can't be worked out.

    `parts`: what the sentences promise by themselves; they stand, unless the first is what was taken off or paid.
    """
    owed = owed_on(invoices)
    if owed is None or len(invoices) != 1:
        return None
    money = owed.total, owed.currency
    for at, each in enumerate(said):
        if not each.promises or "?" in each.sentence.text:
            continue
        asks = is_against(each.sentence, language)
        for first in (at, at - 1):
            if first < 0 or (first < at and "?" in said[first].sentence.text):
                continue
            window = [one.sentence for one in said[first : at + 1]]
            off = net = kept_back(window, language, *money)
            if off is None and not asks:
                off = _half_of(window, language, *money) or _taken_off(window, language, *money)
            if off is None or not 0 < off < owed.total:
                continue
            rest = owed.total - off
            stated = {found.amount for one in said for found in sums_of(one.sentence, language, *money) if found}
            within = {found.amount for one in window for found in sums_of(one, language, *money) if found}
            if rest in stated - within:  # "The credit note is for 120. We take it off and pay 1,690": told elsewhere
                return None
            is_rest = (
                rest in within
                or net is not None
                or any(names(each.sentence, language) for names in (names_the_rest, names_all_but))
            )
            if not parts and (rest not in stated or off < rest):
                return Promised(_day(each), rest, owed.currency)
            # "After the deduction we pay 2,030": what is promised is no deduction unless a rest is spoken of
            if parts and parts[0].amount == off and is_rest and _may_replace(window, off, rest, language, money):
                return Promised(_day(each), rest, owed.currency)
            return None
    return None


def _may_replace(
    window: Sequence[Sentence], off: Decimal, rest: Decimal, language: str, money: tuple[Decimal, str]
) -> bool:
    """Whether the rest stands in the window in no figures, or in figures that the words around call what is left."""
    stated = [
        (sentence, found) for sentence in window for found in sums_of(sentence, language, *money)
        if found and found.amount == rest and found.amount != off
    ]  # fmt: skip
    return not stated or any(
        is_left(sentence, found, language) or "remains" in _around(sentence, found, language)
        for sentence, found in stated
    )


def names_the_rest(sentence: Sentence, language: str) -> bool:
    """Whether the sentence speaks of a rest."""
    return bool(_wording(language).rest.find(words(sentence.folded)))


def names_all_but(sentence: Sentence, language: str) -> bool:
    """Whether all is paid but what is named: "all of it bar 500", "everything except the towing"."""
    return bool(_wording(language).all_but.find(words(sentence.folded)))


def says_settled(sentence: Sentence, language: str) -> bool:
    """Whether nothing is left to be paid: "all paid!"."""
    return bool(_wording(language).settled.find(words(sentence.folded)))


def _day(said: Said) -> date | None:
    return said.dates[0].ahead if said.dates else None


def is_against(sentence: Sentence, language: str) -> bool:
    """Whether a condition or a request stands in the sentence: "please take off 120, then we pay"."""
    return bool(_wording(language).against.find(words(sentence.folded)))


def paid_instead(sentences: Sequence[Sentence], language: str, owed: Owed) -> Decimal | None:
    """The sum that is named to be paid instead of all that is owed: "expect 315.20 instead of 415.20"."""
    for sentence in sentences:
        sums = [each for each in _all_sums(sentence, language, owed) if each.share is None]
        for whole in (each for each in sums if each.amount == owed.total):
            before = [each for each in sums if each.end <= whole.start and each.amount < owed.total]
            between = words(sentence.folded[before[-1].end : whole.start]) if before else ()
            if any(hit.after >= len(between) - 1 for hit in _wording(language).instead.find(between)):
                return before[-1].amount
    return None


def _all_sums(sentence: Sentence, language: str, owed: Owed) -> list[Sum]:
    found = [each for each in sums_of(sentence, language, owed.total, owed.currency) if each is not None]
    return sorted(found, key=lambda each: each.start)


def _half_of(window: Sequence[Sentence], language: str, total: Decimal, currency: str) -> Decimal | None:
    """What another pays where two share alike and one promises "my share"; None where a sum is named, too."""
    wording = _wording(language)
    shared = any(wording.shared.find(words(each.folded)) for each in window)
    if not shared or not wording.share.find(words(window[-1].folded)):
        return None
    if any(
        found is None or found.amount != total for each in window for found in sums_of(each, language, total, currency)
    ):
        return None
    return total - (total / 2).quantize(CENT, ROUND_HALF_UP)


def _taken_off(window: Sequence[Sentence], language: str, total: Decimal, currency: str) -> Decimal | None:
    """The one sum of one or two sentences, the last of which promises, that is taken off or was paid; None where there
    are several, or none.
    """
    wording = _wording(language)
    sums = [list(sums_of(each, language, total, currency)) for each in window]
    if any(found is None for row in sums for found in row):
        return None
    if any(
        found and found.share is not None and is_tax(sentence, found, language)
        for sentence, row in zip(window, sums, strict=True) for found in row
    ):  # fmt: skip
        return None  # a tax is no such share of the whole that contains it
    rows = [[found for found in row if found is not None and found.amount != total] for row in sums]
    # "That leaves 2,057": what is named is the rest already; what was taken off may be named beside it
    left = {
        found.amount for sentence, row in zip(window, rows, strict=True) for found in row
        if is_left(sentence, found, language)
    }  # fmt: skip
    rows = [[found for found in row if found.amount not in left] for row in rows]
    different = left | {found.amount for row in rows for found in row}
    if not different or len(different) > 2 or (len(different) == 2 and sum(different) != total):
        return None
    has_rest = bool(wording.rest.find(words(window[-1].folded)))
    remains = any("remains" in _around(window[-1], found, language) for found in rows[-1])
    pays = len(window) > 1 or has_rest or remains or _speaks_of_paying(window[-1], language)
    if not pays or any(is_against(each, language) for each in window[:-1]):
        return None
    named: set[Decimal] = set()
    for sentence, row in zip(window, rows, strict=True):
        if len(different) == 1 or left:  # of two that make up the total the words of paying tell which is promised
            named |= {each.amount for each in _beside(sentence, row, wording.deducts)}
        takes_up = sentence is not window[-1] and not rows[-1] and wording.deducts.find(words(window[-1].folded))
        if has_rest or takes_up:  # "10 % discount was granted. I take it off and pay on Friday"
            named |= {each.amount for each in _beside(sentence, row, wording.kept)}
        if has_rest or len(different) == 2:
            named |= {
                each.amount for each in _beside(sentence, row, wording.told)
                if not _is_coming(sentence, each, language)
                and (len(different) == 2 or "remains" not in _around(sentence, each, language))
            }  # fmt: skip
    return named.pop() if len(named) == 1 else None


def is_left(sentence: Sentence, found: Sum, language: str) -> bool:
    """Whether the words right before a sum say that it is what is left: "that leaves 2,057"."""
    before = words(sentence.folded[: found.start])
    wording = _wording(language)
    return any(hit.after == len(before) for hit in wording.left.find(before)) or any(
        hit.after >= len(before) - 1
        for hit in wording.rest.find(before)  # "the balance of 2,057"
    )


def _around(sentence: Sentence, found: Sum, language: str) -> frozenset[str]:
    return topics(sentence, found.start, found.end, language)


def _is_coming(sentence: Sentence, found: Sum, language: str) -> bool:
    """Whether the clause of the sum speaks of a payment to come: "500 will be sent today"."""
    return "coming" in _around(sentence, found, language)


def _speaks_of_paying(sentence: Sentence, language: str) -> bool:
    spans = [(0, 0), *((each.start, each.end) for each in sentence.dates)]
    spans += [(word.start, word.end) for word in words(sentence.folded)[::3]]
    return any("pay" in topics(sentence, start, end, language) for start, end in spans)


def _beside(sentence: Sentence, row: Sequence[Sum], phrases: Phrases) -> Iterator[Sum]:
    """The sums that such a phrase stands by: of several the nearest one."""
    found = words(sentence.folded)
    for hit in phrases.find(found):
        first, last = found[hit.first].start, found[hit.after - 1].end

        def away(each: Sum, first: int = first, last: int = last) -> int:
            return max(0, each.start - last, first - each.end)

        nearest = min(row, key=away, default=None)
        if nearest is not None and away(nearest) <= _WITHIN:
            yield nearest


@dataclass(frozen=True, slots=True)
class _Wording:
    deducts: Phrases
    all_but: Phrases
    kept: Phrases
    against: Phrases
    told: Phrases
    rest: Phrases
    settled: Phrases
    left: Phrases
    instead: Phrases
    shared: Phrases
    share: Phrases


#: The tables of phrases behind the first, in the order of their fields.
_NAMES = ("all_but", "kept", "against", "told", "rest", "settled", "left", "instead", "shared", "share")


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("remainders", language)
    return _Wording(
        Phrases({"deducts": [*raw["deducts"], *raw["all_but"]]}),
        *(Phrases({name: raw[name]}) for name in _NAMES),
    )
