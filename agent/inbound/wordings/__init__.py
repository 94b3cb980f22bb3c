"""Phrases by language, as data: one TOML file a subject, one table a language.

`load` merges the languages, since a mail's history may be in another language than its text.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files


def fold(text: str) -> str:
    """`text` without accents, since mailers lose them: "délivré" becomes "delivre"."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


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
def pattern(subject: str, field: str) -> re.Pattern[str]:
    """The phrases of `field` as one regular expression, without regard to case."""
    return re.compile("|".join(f"(?:{phrase})" for phrase in merged(subject, field)), re.I)
