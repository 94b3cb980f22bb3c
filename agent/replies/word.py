"""What a person says of an item of the queue, and what followed from it, in codes and in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

INTENTS = ("paid", "promise", "dispute", "question", "other")
DeliveryWord = Literal["sent", "again", "drop"]


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says of an item; ``per_invoice`` (number → intent) goes before the primary ``intent``."""

    by: str
    intent: str | None = None
    per_invoice: Mapping[str, str] | None = None
    promise_date: date | None = None
    dispute_reason: str | None = None
    delivery: DeliveryWord | None = None
    other_reason: str | None = None
    """Why it is `other`; None: as the model takes it."""
    wrong_contact: str | None = None
    """The address that is the wrong one; None: the one that the mail is about."""
    new_contact: str | None = None
    """The address to write to in its place."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that followed: a code with its values for pages in any language, and the English sentence."""

    code: str
    sentence: str
    invoice: str | None = None
    on: date | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What followed from a person's word."""

    effects: tuple[Effect, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """In words for the person."""
        return tuple(effect.sentence for effect in self.effects)
