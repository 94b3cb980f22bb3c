"""A guess of the language of a short text, from its commonest words and its letters.

Own and small, since replies to reminders are short, in few languages, and a wrong guess only picks a template. No
library: the permissively licensed ones carry models of megabytes for hundreds of languages.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from agent.inbound import wordings

UNKNOWN = "und"
#: characters that are looked at
SAMPLE = 4_000

_SCRIPTS = (
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[а-яА-ЯёЁ]")),
    ("el", re.compile("[α-ωΑ-Ω]")),
    ("he", re.compile("[א-ת]")),
    ("ar", re.compile("[ء-ي]")),
    ("ja", re.compile("[ぁ-ヿ]")),
    ("ko", re.compile("[가-힣]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
)


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    """The languages that each of the words is common in."""
    found: dict[str, tuple[str, ...]] = {}
    for language, table in wordings.load("languages").items():
        for word in set(table["words"]):
            found[word] = (*found.get(word, ()), language)
    return found


def guess_language(text: str) -> str:
    """ISO 639-1 code, or "und".

    >>> guess_language("Le virement de la facture est parti ce matin.")
    'fr'
    """
    text = text[:SAMPLE]
    letters = sum(map(str.isalpha, text))
    for language, script in () if text.isascii() else _SCRIPTS:
        share = len(script.findall(text))
        if share and (share * 4 > letters or (language == "uk" and share * 40 > letters)):
            return language
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = Counter(language for word in words for language in _languages().get(word, ()))
    first, second = (*scores.most_common(2), (UNKNOWN, 0), (UNKNOWN, 0))[:2]
    return first[0] if first[1] > second[1] else UNKNOWN
