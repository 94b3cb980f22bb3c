"""The closed lists of the labelling guide: the one place in code that spells a label.

What each label means is told in classifier/data/labels.md; training data, corrections and evaluations are all held to
these lists.
"""

from __future__ import annotations

from collections.abc import Collection

INTENTS = ("paid", "promise", "dispute", "question", "other")

#: Which intent is primary when a message says several about the same invoices: the one that needs a person most.
PRIMARY_ORDER = ("dispute", "question", "promise", "paid", "other")

#: Intents on which a state may be set or paused without a person.
ACTIONABLE = ("paid", "promise", "dispute")

DISPUTE_REASONS = ("amount", "not_received", "quality", "duplicate", "credit_note", "admin", "contract", "other")
QUESTION_TOPICS = (
    "invoice_copy",
    "bank_details",
    "breakdown",
    "delivery_proof",
    "purchase_order",
    "payment_plan",
    "contact",
    "other",
)
OTHER_REASONS = (
    "acknowledgement",
    "wrong_person",
    "left_company",
    "insolvency",
    "legal",
    "unsubscribe",
    "unrelated",
    "spam",
)
LATE_REASONS = ("cash", "lost_invoice", "process", "disagreement", "absence", "customer_unpaid")
PAYMENT_METHODS = ("transfer", "cheque", "card", "direct_debit", "cash", "other")
LANGUAGES = ("fr", "en", "de", "es", "it", "nl")

#: Detail of an intent: label key, the intent that it belongs to, its closed list.
DETAILS = (
    ("dispute_reason", "dispute", DISPUTE_REASONS),
    ("question_topic", "question", QUESTION_TOPICS),
    ("other_reason", "other", OTHER_REASONS),
)


def primary_of(intents: Collection[str]) -> str:
    """The primary among `intents` that speak of the same invoices.

    >>> primary_of({"paid", "question"})
    'question'
    """
    return min(intents, key=PRIMARY_ORDER.index)
