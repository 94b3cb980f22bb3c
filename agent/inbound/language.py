"""A guess of the language of a short text, from its commonest words and its letters.

Own and small, since replies to reminders are short, in few languages, and a wrong guess only picks a template. No
library: the permissively licensed ones carry models of megabytes for hundreds of languages.
"""

from __future__ import annotations

import re
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
def _words() -> dict[str, frozenset[str]]:
    return {language: frozenset(table["words"]) for language, table in wordings.load("languages").items()}


def guess_language(text: str) -> str:
    """ISO 639-1 code, or "und".

    >>> guess_language("Le virement de la facture est parti ce matin.")
    'fr'
    """
    text = text[:SAMPLE]
    letters = sum(char.isalpha() for char in text)
    for language, script in _SCRIPTS:
        share = len(script.findall(text))
        if share and (share * 4 > letters or (language == "uk" and share * 40 > letters)):
            return language
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = {language: sum(word in known for word in words) for language, known in _words().items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > 0 and list(scores.values()).count(scores[best]) == 1 else UNKNOWN
