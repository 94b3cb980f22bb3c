"""Plain text operations that every part of the classifier shares: folding and words.

`fold` keeps the length of its input, so that a span found in folded text is the same span in the original; all
wordings are folded the same way when they are read. `Phrases` finds phrases of words in time linear in the text
(each start looks at the few phrases that begin with its word; gaps are bounded).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@lru_cache(1_000)  # a sentence is asked for its words by each rule that reads it
def words(folded: str) -> tuple[Word, ...]:
    """The words of folded text; an apostrophe or hyphen parts them."""
    return tuple(Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(folded))


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: its name, the index of its first word, and of the one after its last."""

    name: str
    first: int
    after: int


class Phrases:
    """A set of named phrases.

    In a phrase `regl*` is any word that begins so, `#` any number, `..` a gap of up to four words.
    """

    def __init__(self, named: Mapping[str, Iterable[str]]) -> None:
        self._by_word: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        self._by_prefix: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for name, phrases in named.items():
            for phrase in phrases:
                self._add(name, _parts(phrase))

    def _add(self, name: str, parts: tuple[str, ...]) -> None:
        if not parts or parts[0] == GAP or parts[-1] == GAP:
            raise ValueError(f"phrase of {name!r} is empty or begins or ends with a gap: {parts}")
        head = parts[0]
        if head.endswith("*"):
            if len(head) < 4:
                raise ValueError(f"phrase of {name!r}: a first word needs three letters before its star: {parts}")
            self._by_prefix.setdefault(head[:3], []).append((name, parts))
        else:
            self._by_word.setdefault(head, []).append((name, parts))

    def find(self, found: Sequence[Word]) -> list[Hit]:
        """All phrases in these words, overlapping ones too, in order of their first word."""
        hits = []
        texts = [word.folded for word in found]
        for start, text in enumerate(texts):
            for name, parts in (*self._by_word.get(text, ()), *self._by_prefix.get(text[:3], ())):
                after = _match(parts, texts, start)
                if after:
                    hits.append(Hit(name, start, after))
        return hits


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
