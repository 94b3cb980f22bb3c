"""Phrases by language, as data: one TOML file a subject, one table a language.

`load` merges the languages, since a mail's history may be in another language than its text.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agent.inbound.wordings.needed import needed_words


def fold(text: str) -> str:
    """`text` without accents, since mailers lose them: "délivré" becomes "delivre"."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def caseless(text: str) -> str:
    """`text` in the letter case in which it equals what a pattern that ignores case takes for the same."""
    if text.isascii():
        return text.lower()
    return text.replace("İ", "i").lower().replace("ı", "i")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Regular expressions as one, without regard to case, asked only of texts that hold a word of theirs."""

    pattern: re.Pattern[str]
    #: one of these stands in each text that the pattern matches
    needed: tuple[str, ...]

    def search(self, text: str) -> re.Match[str] | None:
        return self.pattern.search(text) if self._may_match(text) else None

    def match(self, text: str) -> re.Match[str] | None:
        return self.pattern.match(text) if self._may_match(text) else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self.pattern.fullmatch(text) if self._may_match(text) else None

    def _may_match(self, text: str) -> bool:
        lowered = caseless(text)
        return any(word in lowered for word in self.needed)


@cache
def load(subject: str) -> dict[str, dict[str, list[str]]]:
    """The file of `subject`: {language: {field: phrases}}."""
    text = files(__name__).joinpath(f"{subject}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def merged(subject: str, field: str) -> tuple[str, ...]:
    """The phrases of `field` over all languages, longest first, so that an alternation prefers the fullest."""
    phrases = {phrase for table in load(subject).values() for phrase in table.get(field, [])}
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))


@cache
def pattern(subject: str, field: str) -> Phrases:
    """The phrases of `field`, which are regular expressions, over all languages."""
    phrases = merged(subject, field)
    needed = {caseless(word) for phrase in phrases for word in needed_words(phrase)}
    return Phrases(re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.I), tuple(sorted(needed)))


@cache
def literals(subject: str, *fields: str) -> frozenset[str]:
    """The phrases of `fields`, which are no regular expressions, as `caseless` writes them."""
    return frozenset(caseless(phrase) for field in fields for phrase in merged(subject, field))


@cache
def either(subject: str, *fields: str) -> str:
    """The phrases of `fields`, which are no regular expressions, as the alternatives of one."""
    return "|".join(re.escape(phrase) for field in fields for phrase in merged(subject, field))
