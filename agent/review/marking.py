"""Which words of a mail carried the intent, as stretches of its text. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from classifier.values import Evidence


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the text; ``intent`` where its sentence spoke for one, ``is_word`` where it is a word that did."""

    text: str
    intent: str | None = None
    is_word: bool = False


def marked(text: str, evidence: Iterable[Evidence]) -> list[Stretch]:
    """`text` cut into stretches that make it up again; sentences that can't be found in it stay unmarked.

    >>> marked("Bonjour. Nous payons vendredi.", [Evidence("promise", "Nous payons vendredi.", ("payons",))])
    [Stretch(text='Bonjour. ', intent=None, is_word=False), Stretch(text='Nous ', intent='promise', is_word=False), \
Stretch(text='payons', intent='promise', is_word=True), Stretch(text=' vendredi.', intent='promise', is_word=False)]
    """
    spans: list[tuple[int, int, Evidence]] = []
    for one in evidence:
        found = _place(text, one.sentence)
        if found is not None and not any(start < found[1] and found[0] < end for start, end, _ in spans):
            spans.append((*found, one))
    stretches: list[Stretch] = []
    at = 0
    for start, end, one in sorted(spans, key=lambda span: span[0]):
        if start > at:
            stretches.append(Stretch(text[at:start]))
        stretches += _words(text[start:end], one)
        at = end
    if at < len(text):
        stretches.append(Stretch(text[at:]))
    return stretches


def _place(text: str, sentence: str) -> tuple[int, int] | None:
    """Where the sentence stands, whatever white space lies between its words."""
    words = sentence.split()[:200]
    if not words:
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text, re.I)
    return match.span() if match is not None else None


def _words(sentence: str, one: Evidence) -> list[Stretch]:
    wanted = sorted({word for word in one.words if len(word) > 1}, key=len, reverse=True)
    if not wanted:
        return [Stretch(sentence, one.intent)]
    pattern = r"\b(?:" + "|".join(r"\s+".join(map(re.escape, word.split())) for word in wanted) + r")\b"
    stretches, at = [], 0
    for match in re.finditer(pattern, sentence, re.I):
        if match.start() > at:
            stretches.append(Stretch(sentence[at : match.start()], one.intent))
        stretches.append(Stretch(match[0], one.intent, is_word=True))
        at = match.end()
    if at < len(sentence):
        stretches.append(Stretch(sentence[at:], one.intent))
    return stretches
