"""Answers by one click: the code that a prefilled answer carries, written into our mails and read back from answers.

A reminder offers links that open a new mail, already addressed and worded ("we have paid"). Mail programs send it
without In-Reply-To, so it would be nobody's answer to nothing; the code in its last line says which answer it is, and
to which reminder: its token is that of the reminder's Message-ID, an HMAC that nobody outside can make up. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Choice(StrEnum):
    """What a customer may say by one click."""

    PAID = "paid"
    PROMISE = "promise"
    PROBLEM = "problem"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read back; ``token`` names the reminder."""

    choice: Choice
    token: str


_CODE = re.compile(r"\[\s*relance\s*:\s*(paid|promise|problem|question)\s*:\s*([a-z2-7]{26})\s*\]", re.I)


def code(choice: Choice, token: str) -> str:
    """The code as it stands in a prefilled answer.

    >>> read("Bonjour " + code(Choice.PAID, "a" * 26)).choice.value
    'paid'
    """
    return f"[relance:{choice.value}:{token}]"


def read(text: str) -> Answer | None:
    """The answer whose code stands in the text; None: there is none, or there are several that differ."""
    found = {Answer(Choice(choice.lower()), token.lower()) for choice, token in _CODE.findall(text)}
    return found.pop() if len(found) == 1 else None
