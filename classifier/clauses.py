"""Clauses: the part of a sentence around a date or an amount, and what it speaks of.

A clause ends at a comma or other mark, or at a joining word. What it speaks of is told by words of the language:
paying (`pay`), a condition (`condition`), something else that happens on a day (`event`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words

TOPICS = ("pay", "condition", "event")

_MARKS = (",", ";", ":", "(", ")", " - ", "\n")


def topics(sentence: Sentence, start: int, end: int, language: str) -> frozenset[str]:
    """What the clause around the span speaks of."""
    found = words(_clause(sentence.folded, start, end, _wording(language).joining))
    return frozenset(hit.name for hit in _wording(language).topics.find(found))


def speaks_of(topic: str, sentence: Sentence, start: int, end: int, language: str) -> bool:
    """Whether the clause around the span speaks of `topic`."""
    return topic in topics(sentence, start, end, language)


def _clause(text: str, start: int, end: int, joining: frozenset[str]) -> str:
    before = text[:start]
    first = max(before.rfind(mark) for mark in _MARKS) + 1
    first = max([first, *(word.start for word in words(before) if word.folded in joining)])
    if not words(text[first:start]):  # nothing between the mark and the span: "mercredi, le 3"
        first = max([0, *(before[: max(first - 1, 0)].rfind(mark) + 1 for mark in _MARKS)])
    after = text[end:]
    ends = [at for mark in _MARKS if (at := after.find(mark)) >= 0]
    ends += [word.start for word in words(after) if word.folded in joining]
    return text[first : end + min([len(after), *ends])]


@dataclass(frozen=True, slots=True)
class _Wording:
    joining: frozenset[str]
    topics: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    return _Wording(frozenset(fold(each) for each in raw["clause"]), Phrases({name: raw[name] for name in TOPICS}))
