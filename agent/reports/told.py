"""The core's sentences in another language.

The core speaks English: an error says what is wrong, a row of the queue why it is there, the plan why an invoice is
left out, a training how far it is. Some of it was written into rows long ago. So the English sentence itself is the
key, as in gettext: ``templates/told/en.toml`` has each with its values in braces, the other languages have a phrase of
the same name. A sentence that no catalogue knows stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from string import Formatter

PART = "told"
"""The folder below `templates`, and the table of its catalogues."""
SHAPES = {
    **dict.fromkeys(("day", "next", "horizon", "until"), r"\d{4}-\d\d-\d\d"),
    **dict.fromkeys(("item", "task", "reminder", "count", "hours", "days", "kept", "parts"), r"\d+"),
    **dict.fromkeys(("step", "plan", "intent", "currency", "error"), r"[\w-]+"),
    "template": r"\S+",
    "country": r"[A-Z]{2}",
}
"""What a value of that name looks like, where not everything may stand there."""

ENDS = 16
"""So many ends of sentences are tried in a text, whoever wrote it."""


class Sentences:
    """The English sentences of a catalogue, found again with their values."""

    def __init__(self, english: Mapping[str, str], shapes: Mapping[str, str] = SHAPES) -> None:
        """``english``: phrases by their keys; only those of `PART` count. ``shapes``: of values, by their names."""
        phrases = [(key, text) for key, text in english.items() if key.startswith(f"{PART}.")]
        phrases.sort(key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[1])))  # what says the most goes first
        self._patterns = [(key, re.compile(_pattern(text, shapes), re.S)) for key, text in phrases]
        self._find = lru_cache(maxsize=1024)(self._found)

    def find(self, sentence: str) -> tuple[str, Mapping[str, str]] | None:
        """The key and the values of a sentence; None where no phrase is like it."""
        return self._find(sentence)

    def _found(self, sentence: str) -> tuple[str, Mapping[str, str]] | None:
        for key, pattern in self._patterns:
            if match := pattern.fullmatch(sentence):
                return key, match.groupdict()
        return None


def _pattern(text: str, shapes: Mapping[str, str]) -> str:
    seen: set[str] = set()
    parts = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{shapes.get(name, '.+?')})")
            seen.add(name)
    return "".join(parts)


def pieces(sentence: str) -> Iterable[str]:
    """The parts of a sentence that was put together of several."""
    return sentence.split("; ")


def halves(text: str) -> Iterable[tuple[str, str]]:
    """Where an error may be taken apart that was written down as one text: what is wrong, and how to mend it."""
    for end in islice(re.finditer(r"\. ", text), ENDS):
        yield text[: end.start()], text[end.end() :]
