"""Which of the six languages a text is in, by its small words, its dates, its endings and its letters.

Replies are short ("Pagheremo appena possibile."), so every word that tells is used. Own and small: the libraries carry
models of megabytes for hundreds of languages, and a wrong one of the six costs a date. Wordings are in
wordings/languages.toml and the tables of wordings/dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from classifier import labels
from classifier.text import fold, words
from classifier.wordings import read_wordings

#: Folded characters that are looked at.
_SAMPLE = 4000

#: What an ending and a letter count beside a word that a list holds.
_ENDING, _LETTER = 0.4, 0.4

_LONG_WORD = 5


def detect_language(text: str) -> str:
    """ISO 639-1 code of the likeliest of the six languages; French where nothing tells."""
    evidence = _evidence()
    scores = dict.fromkeys(labels.LANGUAGES, 0.0)
    for word in words(fold(text[:_SAMPLE])):
        holders = evidence.words.get(word.folded)
        if holders:
            _add(scores, holders, 1.0)
        elif len(word.folded) >= _LONG_WORD:
            _add(scores, _of_ending(word.folded, evidence.endings), _ENDING)
    sample = text[:_SAMPLE].lower()
    for letter, holders in evidence.letters.items():
        if letter in sample:
            _add(scores, holders, _LETTER)
    return max(labels.LANGUAGES, key=lambda language: scores[language])


def _add(scores: dict[str, float], holders: tuple[str, ...], weight: float) -> None:
    for language in holders:
        scores[language] += weight / len(holders)


def _of_ending(word: str, endings: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The languages of the longest known ending."""
    return next((holders for size in range(6, 1, -1) if (holders := endings.get(word[-size:], ()))), ())


@dataclass(frozen=True, slots=True)
class _Evidence:
    """For each folded word, ending and letter the languages that have it."""

    words: Mapping[str, tuple[str, ...]]
    endings: Mapping[str, tuple[str, ...]]
    letters: Mapping[str, tuple[str, ...]]


@cache
def _evidence() -> _Evidence:
    raw = read_wordings("languages")
    said: dict[str, list[str]] = {language: raw["words"][language].split() for language in labels.LANGUAGES}
    for language, listed in said.items():
        dates = read_wordings("dates", language)
        for table in ("months", "weekdays", "numbers", "days"):
            listed += [word for word in dates[table] if len(word) >= _LONG_WORD - 1]
        spelt = (each for others in dates["spellings"].values() for each in others)
        listed += [word for word in spelt if len(word) >= _LONG_WORD - 1]
    return _Evidence(
        _holders(
            {
                language: [each.folded for word in listed for each in words(fold(word))]
                for language, listed in said.items()
            }
        ),
        _holders({language: [fold(each) for each in raw["endings"][language]] for language in labels.LANGUAGES}),
        _holders(raw["letters"]),
    )


def _holders(of: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for language, listed in of.items():
        for each in listed:
            found.setdefault(each, set()).add(language)
    return {each: tuple(sorted(languages)) for each, languages in found.items()}
