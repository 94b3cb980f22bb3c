"""Clauses: the part of a sentence around a date or an amount, and what it speaks of.

A clause ends at a comma or other mark, or at a joining word. What it speaks of is told by words of the language:
paying (`pay`), that something will be (`coming`), a condition (`condition`), something else that happens on a day
(`event`), that something won't be (`refusal`: "not before the 15th", but not "no later than"), that it was done
(`done`) or is contested (`contested`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from classifier.preprocess import Sentence
from classifier.text import Hit, Phrases, Word, fold, words

TOPICS = ("pay", "coming", "condition", "event", "refusal", "done", "contested")

#: Marks that part clauses; a comma within a number does not.
_MARK = re.compile(r",(?!\d)|(?<!\d),|;|:(?!\d)|[()\n]| - ")

#: What comes before such a mark is another matter.
_STOP = re.compile(r"[;:()\n-]")


def topics(sentence: Sentence, start: int, end: int, language: str) -> frozenset[str]:
    """What the clause around the span speaks of; where it says none of it, what the clause joined before it does."""
    joining = _wording(language).joining
    begins = _begins(sentence.folded, start, joining)
    first, last = _clause(sentence.folded, start, end, begins, joining)
    behind = [at for at in (_apposed(sentence.folded, first, start, end), max(begins)) if at is not None]
    for at in behind:
        said = _said(sentence, at, last, start, end, language)
        if (
            "pay" in said
        ):  # "after the holidays, at the end of August, it will be paid"; "less the 850, 6,500 gets paid"
            return said
    said = _said(sentence, first, last, start, end, language)
    if said or _STOP.search(sentence.folded[:first].rstrip()[-1:]):
        return said
    return _said(sentence, max((at for at in begins if at < first), default=0), last, start, end, language)


def _apposed(text: str, first: int, start: int, end: int) -> int | None:
    """Where the text goes on behind a span that stands alone between two marks and follows other words; else None."""
    mark = _MARK.match(text, end)
    return mark.end() if mark and text[first:start].rstrip()[-1:] in {",", ";"} else None


def _said(sentence: Sentence, first: int, last: int, start: int, end: int, language: str) -> frozenset[str]:
    found = words(sentence.folded[first:last])
    hits = [hit for hit in _wording(language).topics.find(found) if not _inside(hit, found, start - first, end - first)]
    excused = [hit for hit in hits if hit.name == _EXCUSE]
    return frozenset(
        hit.name for hit in hits
        if hit.name in TOPICS and not (hit.name == "refusal" and any(_overlap(hit, other) for other in excused))
    )  # fmt: skip


def _inside(hit: Hit, found: Sequence[Word], start: int, end: int) -> bool:
    """Whether all words of a hit belong to the span: the "after" of "the day after tomorrow" is no condition."""
    return start <= found[hit.first].start and found[hit.after - 1].end <= end


#: Wordings that hold a negation and refuse nothing.
_EXCUSE = "no_refusal"


def _overlap(one: Hit, two: Hit) -> bool:
    return one.first < two.after and two.first < one.after


def said_of(topic: str, sentence: Sentence, language: str) -> list[tuple[int, int]]:
    """Where words of the sentence speak of `topic`."""
    found = words(sentence.folded)
    hits = _wording(language).topics.find(found)
    return [(found[hit.first].start, found[hit.after - 1].end) for hit in hits if hit.name == topic]


def _begins(text: str, start: int, joining: frozenset[str]) -> list[int]:
    """Where clauses begin before the span: at the first character, behind each mark, at each joining word."""
    begins = [word.start for word in words(text[:start]) if word.folded in joining]
    return [0, *begins, *(found.end() for found in _MARK.finditer(text, 0, start))]


def _clause(text: str, start: int, end: int, begins: Sequence[int], joining: frozenset[str]) -> tuple[int, int]:
    """Where the clause around the span begins and ends; what stands alone behind a mark belongs to the clause before
    it: "mercredi, le 3".
    """
    first = max((at for at in begins if words(text[at:start])), default=0)
    after = text[end:]
    mark = _MARK.search(text, end)
    if mark and _MARK.search(text[:start].rstrip()[-1:]) and not words(text[end : mark.start()]):
        mark = _MARK.search(text, mark.end())  # between two marks: "half of it, 1,800, goes out on the 20th"
    ends = [mark.start() - end] if mark else []
    ends += [word.start for word in words(after) if word.folded in joining]
    return first, end + min([len(after), *ends])


@dataclass(frozen=True, slots=True)
class _Wording:
    joining: frozenset[str]
    topics: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    topics_of = Phrases({name: raw[name] for name in (*TOPICS, _EXCUSE)})
    return _Wording(frozenset(fold(each) for name in ("clause", "subordinate") for each in raw[name]), topics_of)
