"""Days that a sentence itself takes back: "the 12th, no wait, the 14th", "not this Friday", "Friday, not tomorrow".

Whoever names such a day means another one, or none. Wordings are in wordings/dates. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from classifier.text import Phrases, Word, words
from classifier.wordings import read_wordings

if TYPE_CHECKING:
    from classifier.dates import DateMention


def without_struck(folded: str, mentions: Sequence[DateMention], language: str) -> list[DateMention]:
    """The mentions of a sentence, those without a day that are corrected or denied in it."""
    wording = _wording(language)
    found = words(folded)
    denials = {(hit.first, hit.after) for hit in wording.denies.find(found)} if mentions else set()
    kept: list[DateMention] = []
    for at, mention in enumerate(mentions):
        following = next((each for each in mentions[at + 1 :] if each.ahead), None)
        struck = mention.family in _DAYS and (
            (following is not None and _is_corrected(folded, mention, following, wording))
            or _is_denied(folded, found, mention, denials)
            or _is_denied_behind(folded, mention, wording)
        )
        kept.append(replace(mention, family="nothing", ahead=None, behind=None) if struck else mention)
    return kept


def opens_with_a_correction(folded: str, language: str) -> bool:
    """Whether the first words of a sentence take back what the sentence before it said: "Miento, …", "Anzi no, …"."""
    return any(hit.first == 0 for hit in _wording(language).corrects.find(words(folded)))


#: The families that may be taken back: a phrase of their own.
_DAYS = frozenset({"explicit", "numeric", "day_of_month", "weekday", "feast", "relative_day", "week", "whole_month"})

#: Words between a day and the one that is said in its place.
_BETWEEN = 6


def _is_corrected(folded: str, mention: DateMention, following: DateMention, wording: _Wording) -> bool:
    between = list(words(folded[mention.end : following.start]))
    return len(between) <= _BETWEEN and any(hit.first == 0 for hit in wording.corrects.find(between))


def _is_denied(folded: str, found: Sequence[Word], mention: DateMention, denials: set[tuple[int, int]]) -> bool:
    """Whether a denial ends right before the mention, or within its first words: "not" + "before the 12th"."""
    inside = [at for at, word in enumerate(found) if mention.start <= word.start < mention.end]
    return bool(inside) and any(
        first < inside[0] <= after <= inside[-1] and not _MARK.search(folded, found[first].end, mention.start)
        for first, after in denials
    )


def _is_denied_behind(folded: str, mention: DateMention, wording: _Wording) -> bool:
    """Whether a denial follows at once: "el viernes no, el siguiente"; one word only before a mark."""
    behind = folded[mention.end : mention.end + _NEAR]
    found = list(words(behind))
    return behind[:1] == " " and any(
        hit.first == 0 and (hit.after > 1 or behind[found[0].end :].lstrip()[:1] in _MARKS)
        for hit in wording.denies_behind.find(found)
    )


_MARK = re.compile(r"[,;:.!?()]")

#: Characters behind a day in which its denial stands, and what may end it; "" where the text does.
_NEAR = 20
_MARKS = ("", ",", ".", ";", ":", "!", ")", "-")


@dataclass(frozen=True, slots=True)
class _Wording:
    corrects: Phrases
    denies: Phrases
    denies_behind: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("dates", language)
    return _Wording(*(Phrases({name: raw[name]}) for name in ("corrects", "denies", "denies_behind")))
