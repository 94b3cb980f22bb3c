"""People's corrections as labelled rows to train on.

Only what a person said of a mail counts, never an item that merely waits; what was withdrawn (by undo, or because the
person's data were erased) is left out. Text is read from the mail's reading at that moment and kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.decide import is_frozen, without_dominance
from agent.replies import store
from classifier import labels
from classifier.data import Labels, Row
from config import Settings
from models import Correction, Message


@dataclass(frozen=True, slots=True)
class Learnt:
    """One correction: the row that it gives, and who said so when."""

    id: int
    row: Row
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Corrections:
    """`training` is learnt from, `frozen` is kept to compare trained models on."""

    training: tuple[Learnt, ...]
    frozen: tuple[Learnt, ...]


def read(session: Session, settings: Settings, salt: str) -> Corrections:
    """The corrections that stand, the last one of each mail, oldest first."""
    last: dict[int, Correction] = {each.message_id: each for each in store.corrections(session)}
    training: list[tuple[str, Learnt]] = []
    frozen: list[Learnt] = []
    for correction in sorted(last.values(), key=lambda each: each.id):
        message = session.get_one(Message, correction.message_id)
        row = _row(session, settings, message, correction)
        if row is None:
            continue
        customer = message.customer_id or f"message:{message.id}"
        learnt = Learnt(correction.id, row, correction.corrected_by, correction.corrected_at)
        if is_frozen(customer, salt):
            frozen.append(learnt)
        else:
            training.append((customer, learnt))
    return Corrections(tuple(without_dominance(training)), tuple(frozen))


def _row(session: Session, settings: Settings, message: Message, correction: Correction) -> Row | None:
    """None where the mail's text or the labels are gone, or no longer fit the labelling guide."""
    reply = store.reply_of(session, message, settings)
    prediction = store.prediction_of(session, message.id)
    said = _labels(correction.labels, {invoice.number for invoice in reply.invoices})
    if said is None or prediction is None or not reply.text.strip():
        return None
    # A hand of its own for each customer: no customer is on both sides of a split.
    customer = message.customer_id or f"message {message.id}"
    return Row(reply, f"own {customer}/", f"own message {message.id}", prediction.language, said)


def _labels(raw: Mapping[str, Any], numbers: set[str]) -> Labels | None:
    primary, intents = raw.get("primary"), tuple(raw.get("intents") or ())
    if primary not in labels.INTENTS or primary not in intents or not set(intents) <= set(labels.INTENTS):
        return None
    details = {
        name: value if intent in intents and (value := raw.get(name)) in closed else None
        for name, intent, closed in labels.DETAILS
    }
    on = raw.get("promise_date")
    return Labels(
        primary,
        intents,
        {number: intent for number, intent in (raw.get("per_invoice") or {}).items() if number in numbers},
        promise_date=date.fromisoformat(on) if on else None,
        dispute_reason=details["dispute_reason"],
        question_topic=details["question_topic"],
        other_reason=details["other_reason"],
    )


def withdrawn(session: Session) -> set[int]:
    """Ids of the corrections that no longer stand."""
    return set(session.scalars(select(Correction.id).where(Correction.withdrawn_at.is_not(None))))
