"""Clauses: the part of a sentence around a date or an amount, and what it speaks of.

A clause ends at a comma or other mark, or at a joining word. What it speaks of is told by words of the language:
paying (`pay`), that something will be (`coming`), a condition (`condition`), something else that happens on a day
(`event`), that something won't be (`refusal`: "not before the 15th", but not "no later than"), that it was done
(`done`), is contested (`contested`), or is what remains to be paid (`remains`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from classifier.preprocess import Sentence
from classifier.text import KEPT, Hit, Phrases, Word, fold, words
from classifier.wordings import read_wordings

TOPICS = ("pay", "coming", "condition", "event", "refusal", "done", "contested", "remains")

#: Marks that part clauses; a comma within a number does not.
_MARK = re.compile(r",(?!\d)|(?<!\d),|;|:(?!\d)|[()\n]| - ")


def topics(
    sentence: Sentence, start: int, end: int, language: str, others: Sequence[tuple[int, int]] = ()
) -> frozenset[str]:
    """What the clause around the span speaks of.

    `others`: spans that share what speaks against them. "Less the 250 credit note we pay 2,870" is said of the first
    amount: a word like "less" belongs to the next amount behind it, or where none follows to those before it.
    """
    return _topics(sentence, start, end, language, tuple(others))


@lru_cache(KEPT)  # a day's clause is asked for its rank, its inputs, its parts and its rest
def _topics(
    sentence: Sentence, start: int, end: int, language: str, others: tuple[tuple[int, int], ...]
) -> frozenset[str]:
    first, last = clause_around(sentence, start, end, language)
    aside = _apposed(sentence.folded, first, start, end, _wording(language))
    if aside is not None and not any(aside <= other < last for other, _ in others):
        behind = _said(sentence, (aside, last), (start, end), language, others)
        if "pay" in behind:  # "after the holidays, at the end of August, it will be paid"
            return behind
    said = _said(sentence, (first, last), (start, end), language, others)
    if said or others or first == 0 or sentence.folded[:first].rstrip()[-1:] in _STRONG:
        return said
    return _said(sentence, (clause_around(sentence, first, first, language)[0], last), (start, end), language)


def depends(sentence: Sentence, end: int, parts: Sequence[int], language: str) -> bool:
    """Whether what ends at `end` waits on a condition, said before it or behind it with nothing between: "we pay 900
    once the credit note is here"; but not "900 now, the rest when it is here". `parts`: where other parts begin.
    """
    found = words(sentence.folded)
    hits = _wording(language).topics.find(found)
    off = {hit.first for hit in hits if hit.name == _OFF}
    for hit in hits:
        at = found[hit.first].start
        if (
            hit.name == "condition"
            and not off & {hit.first, hit.after, hit.after + 1}
            and (  # "once it is deducted"
                at < end or not (_MARK.search(sentence.folded, end, at) or any(end <= part < at for part in parts))
            )
        ):
            return True
    return False


#: What comes before such a mark is another matter; elsewhere a clause that says nothing leans on the one before it.
_STRONG = frozenset(";:()\n-")


@lru_cache(KEPT)
def clause_around(sentence: Sentence, start: int, end: int, language: str) -> tuple[int, int]:
    """Where the clause around the span begins and ends.

    What stands right behind a mark belongs to the clause before ("mercredi, le 3"), unless its own goes on to say
    that something is paid: "after the deduction of 300, 3,915.75 will be transferred".
    """
    first, last = _clause(sentence.folded, start, end, _wording(language))
    before = sentence.folded[first:start].rstrip()
    alone = _MARK.match(sentence.folded, end)
    if before[-1:] in _STOPS and not alone and "pay" in _said(sentence, (end, last), (end, end), language):
        return start, last
    return first, last


#: Marks behind which a clause of its own may begin with the span.
_STOPS = frozenset(",;:")


def _apposed(text: str, first: int, start: int, end: int, wording: _Wording) -> int | None:
    """Where the text goes on behind a span that stands alone between two marks and follows other words; else None."""
    mark = _MARK.match(text, end)
    return mark.end() if mark and text[first : _without_namely(text, start, wording)].rstrip()[-1:] in _ASIDE else None


#: Marks between which a span stands apart.
_ASIDE = frozenset(",;")


def _without_namely(text: str, start: int, wording: _Wording) -> int:
    """Where the words begin that only lead to the span as another name of what stands before a mark: "half of it, that
    is 1,800, goes out"; `start` where there are none.
    """
    near = words(text[max(0, start - _NAMELY) : start])
    for count in range(1, min(len(near), _NAMELY_WORDS) + 1):
        at = max(0, start - _NAMELY) + near[-count].start
        if tuple(word.folded for word in near[-count:]) in wording.namely and _MARK.search(text[:at].rstrip()[-1:]):
            return at
    return start


#: Characters and words of the longest such wording.
_NAMELY = 20
_NAMELY_WORDS = 4


def _said(
    sentence: Sentence, clause: tuple[int, int], span: tuple[int, int], language: str,
    others: Sequence[tuple[int, int]] = (),
) -> frozenset[str]:  # fmt: skip
    first, last = clause
    start, end = span[0] - first, span[1] - first
    beside = [(a - first, b - first) for a, b in others if first <= a < last and (a, b) != span]
    found = words(sentence.folded[first:last])
    outside = [word for word in found if not start <= word.start < end]
    # "will 300 be paid" says "will be paid", "not before the 15th" is said with the span's own words
    said = _names(found, start, end, beside, language) | _names(outside, start, end, beside, language)
    endings = _wording(language).future
    if endings and any(len(word.folded) >= _LEAST_FUTURE and word.folded.endswith(endings) for word in outside):
        return said | {"coming"}
    return said


def _names(
    found: Sequence[Word], start: int, end: int, beside: Sequence[tuple[int, int]], language: str
) -> frozenset[str]:
    """The topics that these words name for the span."""
    wording = _wording(language)
    hits = [hit for hit in wording.topics.find(list(found)) if not _inside(hit, found, start, end)]
    excused = [hit for hit in hits if hit.name == _EXCUSE]
    names = {
        hit.name for hit in hits
        if hit.name in TOPICS
        and not (hit.name in _EXCUSED and any(_overlap(hit, other) for other in excused))
        and not (hit.name in _AGAINST and _is_of_another(found[hit.first].start, start, beside))
    }  # fmt: skip
    for hit in hits:
        at = found[hit.first].start
        if hit.name == _BEHIND and _stands_behind(at, start, beside):
            names.add("contested")
        if hit.name == _OFF and not _is_of_another(at, start, beside) and _takes_off(hit, hits, found, start, wording):
            names.add("contested")
    return frozenset(names)


#: Words of taking something off: "less", "deducted".
_OFF = "off"

#: Words between "less" and the thing that is taken off.
_NEAR = 3


def _takes_off(hit: Hit, hits: Sequence[Hit], found: Sequence[Word], start: int, wording: _Wording) -> bool:
    """Whether what is taken off is the amount at `start`, and not a thing without an amount of its own.

    "After deducting the discount we pay 1,455", "1,455 net of the credit note", but not "we deduct 250".
    """
    if found[hit.first].start < start:
        return not any(
            each.name == "pay" and hit.after <= each.first and found[each.first].start < start
            and not (each.after < len(found) and found[each.after].folded in wording.genitive)  # "a deposit of 300"
            for each in hits
        )  # fmt: skip
    near = found[max(0, hit.first - 2) : hit.after + _NEAR]
    return not any(near[each.first].start > start for each in wording.things.find(list(near)))


#: Words that say of the amount before them what `contested` says: "the 850 credit note".
_BEHIND = "contested_behind"


def _stands_behind(said: int, start: int, others: Sequence[tuple[int, int]]) -> bool:
    """Whether what is said at `said` belongs to the amount at `start`: the last before it, or else the next."""
    if said > start:
        return not any(start < other < said for other, _ in others)
    return not any(other < start for other, _ in others)


#: A word of this length with the ending of a future says that something will be: "mettrons", "bonificheremo".
_LEAST_FUTURE = 6

#: Characters between an amount and the thing that it is of: "5 % retention".
_BEHIND_RATE = 3

#: What is said against one of several amounts only.
_AGAINST = frozenset({"contested", "done", "refusal"})


def _is_of_another(said: int, start: int, others: Sequence[tuple[int, int]]) -> bool:
    """Whether what is said at `said` belongs to another amount than the one at `start`."""
    if said < start:
        return any(said < other < start or 0 < said - end <= _BEHIND_RATE for other, end in others if other < start)
    return any(other > said for other, _ in others)


def _inside(hit: Hit, found: Sequence[Word], start: int, end: int) -> bool:
    """Whether all words of a hit belong to the span: the "after" of "the day after tomorrow" is no condition."""
    return start <= found[hit.first].start and found[hit.after - 1].end <= end


#: Wordings that hold a negation and refuse nothing, or contest nothing ("the part that is not disputed").
_EXCUSE = "no_refusal"
_EXCUSED = frozenset({"refusal", "contested"})


def _overlap(one: Hit, two: Hit) -> bool:
    return one.first < two.after and two.first < one.after


def _clause(text: str, start: int, end: int, wording: _Wording) -> tuple[int, int]:
    """Where the clause around the span begins and ends; what stands alone behind a mark belongs to the clause before
    it ("mercredi, le 3"), and so does what a leading word joins to it ("prévu pour vendredi").
    """
    before = words(text[:start])
    if before and before[-1].folded in wording.lead:
        before = before[:-1]
    joining = wording.joining
    paying = {hit.after for hit in wording.topics.find(before) if hit.name in ("pay", "coming")}
    begins = [
        word.start for at, word in enumerate(before)
        # "nous vous payons donc 300", "wir zahlen jedoch 300": not before its verb's object
        if word.folded in joining and not (word.folded in wording.adverbs and paying & {at, at - 1})
    ]  # fmt: skip
    begins += [found.end() for found in _MARK.finditer(text, 0, start)]
    named = _without_namely(text, start, wording)
    first = max((at for at in begins if words(text[at:named])), default=0)
    after = text[end:]
    mark = _MARK.search(text, end)
    if mark and _MARK.search(text[:named].rstrip()[-1:]) and not words(text[end : mark.start()]):
        mark = _MARK.search(text, mark.end())  # between two marks: "half of it, 1,800, goes out on the 20th"
    ends = [mark.start() - end] if mark else []
    ends += [word.start for word in words(after) if word.folded in joining]
    return first, end + min([len(after), *ends])


@dataclass(frozen=True, slots=True)
class _Wording:
    joining: frozenset[str]
    adverbs: frozenset[str]
    namely: frozenset[tuple[str, ...]]
    lead: frozenset[str]
    future: tuple[str, ...]
    topics: Phrases
    things: Phrases
    genitive: frozenset[str]


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    topics_of = Phrases({name: raw[name] for name in (*TOPICS, _EXCUSE, _BEHIND, _OFF)})
    joining = frozenset(fold(each) for name in ("clause", "subordinate") for each in raw[name])
    lead, genitive = (frozenset(fold(each) for each in raw[name]) for name in ("lead", "genitive"))
    adverbs = frozenset(fold(each) for each in raw["adverbs"])
    namely = frozenset(tuple(word.folded for word in words(fold(each))) for each in raw["apposed"])
    return _Wording(
        joining, adverbs, namely, lead, tuple(raw["future"]), topics_of, Phrases({"thing": raw["things"]}), genitive
    )
