"""Plain text operations that every part of the classifier shares: folding and words.

`fold` keeps the length of its input, so that a span found in folded text is the same span in the original; all
wordings are folded the same way when they are read. `Phrases` finds phrases of words in time linear in the text
(each start looks at the few phrases that begin with its word; gaps are bounded).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

_SAME_LENGTH = {
    "œ": "o",
    "æ": "a",
    "ß": "s",
    "ø": "o",
    "ł": "l",
    "’": "'",
    "‘": "'",
    "`": "'",
    "´": "'",
    "ʼ": "'",
    "–": "-",
    "—": "-",
    "‑": "-",
    "−": "-",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
}


class _Table(dict[int, int]):
    """One code point to one folded code point, worked out when first met."""

    def __missing__(self, code: int) -> int:
        char = chr(code).lower()[:1]
        char = _SAME_LENGTH.get(char, char)
        if char.isspace() and char != "\n":
            char = " "
        folded = ord((unicodedata.normalize("NFD", char) or " ")[0])
        self[code] = folded
        return folded


_TABLE = _Table()
_WORD = re.compile(r"[^\W_]+")

#: In a phrase: a gap of up to this many words.
GAP = ".."
GAP_WORDS = 4

#: In a phrase: any number.
NUMBER = "#"


def compose(text: str) -> str:
    """`text` in NFC with plain line ends: what every other function here expects."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")


def fold(text: str) -> str:
    """Lower case without accents, one character for one character.

    >>> fold("Réglée l’ÉTÉ")
    "reglee l'ete"
    """
    return text.translate(_TABLE)


class Word(NamedTuple):  # thousands a second are made
    folded: str
    start: int
    end: int


#: Texts whose reading is kept: more than a batch has sentences, and parts of them that are read on their own.
KEPT = 8_192


@lru_cache(KEPT)  # a sentence is asked for its words by each rule that reads it
def words(folded: str) -> tuple[Word, ...]:
    """The words of folded text; an apostrophe or hyphen parts them."""
    new = tuple.__new__  # what Word() comes to, without a call of Python for each
    return tuple([new(Word, (found[0], *found.span())) for found in _WORD.finditer(folded)])


def overlaps(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a span shares a character with any of the others."""
    return any(start < last and first < end for first, last in spans)


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: its name, the index of its first word, and of the one after its last."""

    name: str
    first: int
    after: int


@dataclass(frozen=True, slots=True)
class _Phrase:
    """`order`: its place among all phrases that may begin at one word; `needs`: words that must stand in the text."""

    order: int
    name: str
    parts: tuple[str, ...]
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The phrases with one first word: by the word that must follow at once, and those where that is none, a stem, a
    number or a gap.
    """

    by_second: dict[str, list[_Phrase]] = field(default_factory=dict)
    others: list[_Phrase] = field(default_factory=list)

    def add(self, phrase: _Phrase) -> None:
        second = phrase.parts[1] if len(phrase.parts) > 1 else GAP
        if second in (GAP, NUMBER) or second.endswith("*"):
            self.others.append(phrase)
        else:
            self.by_second.setdefault(second, []).append(phrase)


class Phrases:
    """A set of named phrases.

    In a phrase `regl*` is any word that begins so, `#` any number, `..` a gap of up to four words.
    """

    def __init__(self, named: Mapping[str, Iterable[str]]) -> None:
        self._by_word: dict[str, _Beginning] = {}
        self._by_prefix: dict[str, _Beginning] = {}
        self._count = 0
        for name, phrases in named.items():
            for phrase in phrases:
                self._add(name, _parts(phrase))

    def _add(self, name: str, parts: tuple[str, ...]) -> None:
        if not parts or parts[0] == GAP or parts[-1] == GAP:
            raise ValueError(f"phrase of {name!r} is empty or begins or ends with a gap: {parts}")
        head = parts[0]
        needs = frozenset(part for part in parts[1:] if part not in (GAP, NUMBER) and not part.endswith("*"))
        self._count += 1
        phrase = _Phrase(self._count, name, parts, needs)
        if head.endswith("*"):
            if len(head) < 4:
                raise ValueError(f"phrase of {name!r}: a first word needs three letters before its star: {parts}")
            self._by_prefix.setdefault(head[:3], _Beginning()).add(phrase)
        else:
            self._by_word.setdefault(head, _Beginning()).add(phrase)

    def find(self, found: Sequence[Word]) -> list[Hit]:
        """All phrases in these words, overlapping ones too, in order of their first word; of one first word those
        whose first word is written out, then those whose first word is a stem, each as they were given.
        """
        hits: list[Hit] = []
        by_word, by_prefix = self._by_word, self._by_prefix
        texts = [word.folded for word in found]
        present = set(texts)
        for start, text in enumerate(texts):
            if (beginning := by_word.get(text)) is not None:
                _add_hits(hits, beginning, texts, start, present)
            if (beginning := by_prefix.get(text[:3])) is not None:
                _add_hits(hits, beginning, texts, start, present)
        return hits


def _add_hits(hits: list[Hit], beginning: _Beginning, texts: list[str], start: int, present: Set[str]) -> None:
    """Add what begins at `start`, in the order in which the phrases were given."""
    phrases = beginning.others
    if beginning.by_second and start + 1 < len(texts):
        phrases = [*phrases, *beginning.by_second.get(texts[start + 1], ())]
    matching = [
        (phrase.order, Hit(phrase.name, start, after))
        for phrase in phrases
        if phrase.needs <= present and (after := _match(phrase.parts, texts, start))
    ]
    if len(matching) > 1:
        matching.sort(key=_order)
    hits += [hit for _, hit in matching]


def _order(matching: tuple[int, Hit]) -> int:
    return matching[0]


def _parts(phrase: str) -> tuple[str, ...]:
    parts: list[str] = []
    for token in fold(phrase).split():
        if token == GAP:
            parts.append(GAP)
            continue
        if token == NUMBER:
            parts.append(NUMBER)
            continue
        star = token.endswith("*")
        pieces = _WORD.findall(token)
        if star:
            pieces[-1] += "*"
        parts.extend(pieces)
    return tuple(parts)


def _is_like(word: str, part: str) -> bool:
    return word.startswith(part[:-1]) if part.endswith("*") else part == NUMBER and word.isdigit()


def _match(parts: tuple[str, ...], texts: list[str], start: int) -> int:
    """Index after the match of `parts` at `start`, 0 where there is none; the first fit of each gap is taken."""
    at = start
    gap = False
    for part in parts:
        if part == GAP:
            gap = True
            continue
        for index in range(at, min(len(texts), at + (GAP_WORDS + 1 if gap else 1))):
            word = texts[index]
            if word == part or _is_like(word, part):
                at = index + 1
                break
        else:
            return 0
        gap = False
    return at
