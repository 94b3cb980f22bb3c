"""Which words a phrase can't do without: where none of them stands in a text, its regular expression needs no look.

Python tries each alternative of a union at each place of a text; to look for a few words first costs a tenth of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|:))?|[)|^$]|.", re.S)
_QUANTIFIER = re.compile(r"([*+?]|\{(?P<least>\d*),?\d*\})\??")
#: no word is needed: the phrase may match any text
NONE_NEEDED = frozenset({""})


def needed_words(phrase: str) -> frozenset[str]:
    r"""Words of which one stands in each text that the regular expression `phrase` matches.

    >>> sorted(needed_words("sent (from|via) my\\b.*"))
    ['sent ']
    >>> sorted(needed_words("(get|download) it?"))
    ['download', 'get']
    """
    return _Reader(phrase).alternatives()


class _Reader:
    """Reads the subset of regular expressions that wordings are written in, from left to right."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase
        self.at = 0

    def alternatives(self) -> frozenset[str]:
        """One of the words of each alternative, up to the end of the group."""
        found = self._sequence()
        while self.phrase[self.at : self.at + 1] == "|":
            self.at += 1
            found |= self._sequence()
        return found

    def _sequence(self) -> frozenset[str]:
        return max(self._candidates(), key=lambda words: min(map(len, words)), default=NONE_NEEDED)

    def _candidates(self) -> Iterator[frozenset[str]]:
        literal = ""
        while self.at < len(self.phrase) and self.phrase[self.at] not in "|)":
            token = self._token()
            inner = self.alternatives() if token.startswith("(") else None
            if inner is not None:
                self.at += 1  # the closing parenthesis
            quantifier = _QUANTIFIER.match(self.phrase, self.at)
            self.at = quantifier.end() if quantifier else self.at
            optional = quantifier is not None and (quantifier[1] in "*?" or quantifier["least"] in ("", "0"))
            char = _literal(token)
            if char and not optional:
                literal += char
                if quantifier is None:
                    continue
            if literal:
                yield frozenset({literal})
            literal = ""
            if inner is not None and not optional and token in ("(", "(?:"):
                yield inner
        if literal:
            yield frozenset({literal})

    def _token(self) -> str:
        match = _TOKEN.match(self.phrase, self.at)
        if match is None:
            raise ValueError(f"{self.phrase!r} is no phrase, from character {self.at}")
        self.at = match.end()
        return match[0]


def _literal(atom: str) -> str:
    """The one character that an atom of a regular expression stands for; empty where it stands for none or several."""
    if len(atom) == 2 and not atom[1].isalnum():
        return atom[1]
    return atom if len(atom) == 1 and atom not in ".^$(" else ""
