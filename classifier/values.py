"""The values that go into the classifier and come out of it.

A `Reply` is one inbound human message, reduced to its new text, beside the invoices that the reminder listed.
A `Prediction` is what the classifier reads in it. Both are frozen: the same reply and the same trained model give
the same prediction, so that a past decision can be replayed.

Nothing here judges; `classifier.trained.Classifier` makes predictions and `agent.replies` decides what to do with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class InvoiceRef:
    """One invoice as the reminder listed it."""

    number: str
    amount: Decimal
    currency: str
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One inbound message: new text only, without quoted history.

    `date` is the message's own date with its offset: relative words ("tomorrow") count from there.
    """

    id: str
    text: str
    date: datetime
    reminder_sent: datetime | None = None
    invoices: tuple[InvoiceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Promised:
    """One instalment, or a promise of less than the total."""

    on: date | None
    amount: Decimal | None
    currency: str | None

    def as_json(self) -> dict[str, str | None]:
        return {
            "date": self.on.isoformat() if self.on else None,
            "amount": str(self.amount) if self.amount is not None else None,
            "currency": self.currency,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence that carried an intent most, and the words in it that did."""

    intent: str
    sentence: str
    words: tuple[str, ...]

    def as_json(self) -> dict[str, str | list[str]]:
        return {"intent": self.intent, "sentence": self.sentence, "words": list(self.words)}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the classifier reads in one reply.

    `intents` holds all five intents with their calibrated probabilities; one of 0.5 or more counts as said.
    `confidence` is the calibrated probability that `primary` is right, `action_confidence` that what would be done on
    it is: the date and the invoices too, `promise_date_confidence` that the date is the promised one. `automatic`: the
    policy may set or pause a state on it without a person, were the sender authenticated and the mode automatic. `rule`
    names the rule that stood ahead of the trained model (insolvency, legal, unsubscribe, bank_details); then
    `automatic` is false.
    """

    id: str
    primary: str
    intents: Mapping[str, float]
    confidence: float
    automatic: bool
    per_invoice: Mapping[str, str]
    promise_date: date | None
    promised: tuple[Promised, ...]
    promised_amount: Decimal | None
    promised_currency: str | None
    paid_date: date | None
    paid_amount: Decimal | None
    payment_method: str | None
    payment_reference: str | None
    dispute_reason: str | None
    question_topic: str | None
    other_reason: str | None
    language: str
    evidence: tuple[Evidence, ...]
    rule: str | None
    model_version: str
    late_reason: str | None = None
    action_confidence: float = 0.0
    promise_date_confidence: float = 0.0

    def as_json(self) -> dict[str, object]:
        """The keys of `relance classify --json`: dates ISO 8601, amounts as strings with a dot."""
        return {
            "id": self.id,
            "primary": self.primary,
            "intents": {intent: round(p, 6) for intent, p in self.intents.items()},
            "confidence": round(self.confidence, 6),
            "automatic": self.automatic,
            "action_confidence": round(self.action_confidence, 6),
            "per_invoice": dict(self.per_invoice),
            "promise_date": self.promise_date.isoformat() if self.promise_date else None,
            "promise_date_confidence": round(self.promise_date_confidence, 6),
            "promised": [each.as_json() for each in self.promised],
            "promised_amount": _plain(self.promised_amount),
            "promised_currency": self.promised_currency,
            "paid_date": self.paid_date.isoformat() if self.paid_date else None,
            "paid_amount": _plain(self.paid_amount),
            "payment_method": self.payment_method,
            "payment_reference": self.payment_reference,
            "dispute_reason": self.dispute_reason,
            "question_topic": self.question_topic,
            "other_reason": self.other_reason,
            "late_reason": self.late_reason,
            "language": self.language,
            "evidence": [each.as_json() for each in self.evidence],
            "rule": self.rule,
            "model_version": self.model_version,
        }


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
