"""Where a reply may turn from one invoice to the next, though it names none.

"The roof and gutters went on Friday, the lock never came": customers name goods or places that the reminder doesn't
list. The text is cut into units, each of which may begin to speak of another thing, and words at the head of a unit
tell whether it is likely to ("as for", an article, a colon behind the first words), and whether it speaks of two
things at once ("the roof and gutters", "both"). Pure; the words are the language's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from classifier.invoices import Piece
from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words
from classifier.wordings import read_wordings

#: Words at the head of a unit among which "and" joins two things, and behind which a colon ends a heading.
_HEAD = 8

#: Words that a unit has at least.
_LEAST = 2

#: A comma or semicolon; not the comma of a number.
_MARK = re.compile(r"[,;](?!\d)")
_HEAD_END = re.compile(r"[,;:=.!?](?!\d)")
_HEADING = frozenset(":=")
_BULLETS = frozenset("-*•")
_SIGNS = re.compile(r"(?<=\w)\s?[+&]\s?(?=\w)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the text that speaks of one thing; `opens`: its first words are those of a new thing; `is_heading`: a
    colon stands behind them; `is_apart`: a full stop or semicolon stands before it; `is_pair`: it speaks of two things.
    """

    piece: Piece
    opens: bool
    is_heading: bool
    is_apart: bool
    is_pair: bool


def find_units(sentences: Sequence[Sentence], language: str, wanted: int, most: int) -> list[Unit]:
    """The units of a text: its sentences, cut where a new thing is named within them, or at each comma where that gives
    fewer than `wanted`. Whole sentences where the cut ones were more than `most`; none where these are more, too.
    """
    ways = [_cut(sentences, language, any_comma=False), _whole(sentences)]
    if len(ways[0]) < wanted:
        ways.insert(0, _cut(sentences, language, any_comma=True))
    pieces = next((way for way in ways if len(way) <= most), [])
    return [_unit(sentences[each.sentence], each, language) for each in pieces]


def _whole(sentences: Sequence[Sentence]) -> list[Piece]:
    return [Piece(index, 0, len(sentence.text)) for index, sentence in enumerate(sentences)]


def _cut(sentences: Sequence[Sentence], language: str, *, any_comma: bool) -> list[Piece]:
    found: list[Piece] = []
    for index, sentence in enumerate(sentences):
        cuts = [0, *_places(sentence, language, any_comma=any_comma), len(sentence.text)]
        kept = [0]
        for place in cuts[1:-1]:
            if min(len(words(sentence.folded[kept[-1] : place])), len(words(sentence.folded[place:]))) >= _LEAST:
                kept.append(place)
        found += [Piece(index, start, end) for start, end in zip(kept, [*kept[1:], len(sentence.text)], strict=True)]
    return found


def _places(sentence: Sentence, language: str, *, any_comma: bool) -> list[int]:
    """Where a sentence may be cut: at a semicolon, before a word that opens behind a comma ("and" may stand between),
    and before a phrase that turns to something else and such a word ("par contre la").
    """
    wording = _wording(language)
    found = words(sentence.folded)
    places = {mark.end() for mark in _MARK.finditer(sentence.folded) if any_comma or mark.group() == ";"}
    turning = {hit.after: hit.first for hit in wording.turns.find(found)}
    for at, word in enumerate(found[1:], 1):
        if word.folded not in wording.opens:
            continue
        first = turning.get(at, at)
        before = first - 1 if first and found[first - 1].folded in wording.joins else first
        if sentence.folded[: found[before].start].rstrip().endswith((",", ";")):
            places.add(found[before].start)
        elif first < at:
            places.add(found[first].start)
    return sorted(places)


def _unit(sentence: Sentence, piece: Piece, language: str) -> Unit:
    wording = _wording(language)
    text = sentence.folded[piece.start : piece.end]
    found = words(text)
    skipped = max((hit.after for hit in wording.turns.find(found) if hit.first <= 1), default=0)
    skipped += len(found) > skipped + 1 and found[skipped].folded in wording.joins
    found = found[skipped:] or found
    end = next(
        (mark.start() for mark in _HEAD_END.finditer(text) if found and mark.start() > found[0].start), len(text)
    )
    head = [word for word in found if word.start < end][:_HEAD]
    is_heading = text[end : end + 1] in _HEADING and len(head) < _HEAD
    opens = bool(found) and (found[0].folded in wording.opens or found[0].folded in wording.regards)
    joined = any(word.folded in wording.joins for word in head[1:-1]) or bool(
        head and _SIGNS.search(text, head[0].start, head[-1].end)
    )
    return Unit(
        piece, opens or is_heading or text.lstrip()[:1] in _BULLETS, is_heading,
        piece.start == 0 or sentence.folded[piece.start - 1] == ";",
        joined or any(hit.first <= 1 for hit in wording.pair.find(head)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Wording:
    opens: frozenset[str]
    regards: frozenset[str]
    joins: frozenset[str]
    turns: Phrases
    pair: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    opens, regards, joins = (
        frozenset(fold(each) for each in raw[name]) for name in ("opens", "regards", "joins_things")
    )
    return _Wording(opens, regards, joins, Phrases({"turn": raw["turns"]}), Phrases({"pair": raw["pair"]}))
