"""Why a person is asked: one code each, with the sentence that the queue shows."""

from enum import StrEnum


class ExceptionReason(StrEnum):
    """Why an item stands in the exception queue."""

    LOW_CONFIDENCE = "low_confidence"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_SENDER = "unknown_sender"
    NOT_THREADED = "not_threaded"
    SEVERAL_CUSTOMERS = "several_customers"
    REUSED_MESSAGE_ID = "reused_message_id"
    QUESTION = "question"
    DISPUTE = "dispute"
    OTHER = "other"
    RULE = "rule"
    PROMISE_UNDATED = "promise_undated"
    PROMISE_TOO_FAR = "promise_too_far"
    PROMISE_PAST = "promise_past"
    PROMISE_PART = "promise_part"
    INSTALMENTS = "instalments"
    CONFLICTING_INTENTS = "conflicting_intents"
    NOTHING_OPEN = "nothing_open"
    SUGGESTED = "suggested"
    OBSERVED = "observed"
    COLLEAGUE_WROTE = "colleague_wrote"
    UNREADABLE = "unreadable"
    DEAD_ADDRESS = "dead_address"
    BOUNCE = "bounce"
    LETTER_FAILED = "letter_failed"
    DELIVERY_UNKNOWN = "delivery_unknown"
    DELIVERY_REJECTED = "delivery_rejected"
    DELIVERY_FAILING = "delivery_failing"
    OVERPAYMENT = "overpayment"
    UNKNOWN_INVOICE = "unknown_invoice"
    LOOP_FAILED = "loop_failed"
    WEBHOOK_FAILED = "webhook_failed"
    AUDIT = "audit"
    """Made and settled at once where a person says that an automatic action was wrong."""


SENTENCES: dict[ExceptionReason, str] = {
    ExceptionReason.LOW_CONFIDENCE: "The trained model is not sure enough of what this mail means.",
    ExceptionReason.UNAUTHENTICATED: "The sender's address is not proven by our own mail border.",
    ExceptionReason.UNKNOWN_SENDER: "The sender is not a known contact of this customer.",
    ExceptionReason.NOT_THREADED: "The mail can't be tied to a reminder of ours with certainty.",
    ExceptionReason.SEVERAL_CUSTOMERS: "The mail points at more than one customer.",
    ExceptionReason.REUSED_MESSAGE_ID: "Another mail with the same Message-ID but other content is already here.",
    ExceptionReason.QUESTION: "The customer asks something before it acts.",
    ExceptionReason.DISPUTE: "The customer contests the invoice; reminders are paused until a person decides.",
    ExceptionReason.OTHER: "The mail is neither a payment, a promise, a dispute nor a question.",
    ExceptionReason.RULE: "Insolvency, a lawyer, bank details or an opt-out is always a person's.",
    ExceptionReason.PROMISE_UNDATED: "A promise to pay without a date.",
    ExceptionReason.PROMISE_TOO_FAR: "A promise to pay beyond the horizon that is set.",
    ExceptionReason.PROMISE_PAST: "A promise for a day that has already passed.",
    ExceptionReason.PROMISE_PART: "A promise of a part, and it is not clear of which invoice.",
    ExceptionReason.INSTALMENTS: "The customer proposes to pay in instalments.",
    ExceptionReason.CONFLICTING_INTENTS: "The mail says several things that don't go together.",
    ExceptionReason.NOTHING_OPEN: "No open invoice is left for what the mail says.",
    ExceptionReason.SUGGESTED: "The mode asks a person to confirm what relance would do.",
    ExceptionReason.OBSERVED: "relance only observes: this is what it would do.",
    ExceptionReason.COLLEAGUE_WROTE: "A colleague wrote to this customer by hand; reminders wait until released.",
    ExceptionReason.UNREADABLE: "The mail could not be read; its raw bytes are kept.",
    ExceptionReason.DEAD_ADDRESS: "The address no longer exists: another one is needed.",
    ExceptionReason.BOUNCE: "A reminder came back undelivered.",
    ExceptionReason.LETTER_FAILED: "A reminder could not be composed; nothing was sent.",
    ExceptionReason.DELIVERY_UNKNOWN: "The connection broke after the mail was handed over: sent or not, nobody knows.",
    ExceptionReason.DELIVERY_REJECTED: "The mail server refused the reminder for good.",
    ExceptionReason.DELIVERY_FAILING: "The mail server has refused the reminder for two days.",
    ExceptionReason.OVERPAYMENT: "More was paid than is owed.",
    ExceptionReason.UNKNOWN_INVOICE: "The payment names an invoice that is not known.",
    ExceptionReason.LOOP_FAILED: "A part of the daemon keeps failing.",
    ExceptionReason.AUDIT: "An automatic action that was drawn for the audit, and was wrong.",
    ExceptionReason.WEBHOOK_FAILED: "A webhook could not be delivered; nothing is lost, and it can be replayed.",
}


class TaskKind(StrEnum):
    """Work for a person that comes from the plan, the clock or the audit; it holds nothing by itself."""

    CALL = "call"
    LETTER = "letter"
    HAND_OVER = "hand_over"
    UNPAID_CLAIM = "unpaid_claim"
    BROKEN_PROMISE = "broken_promise"
    NO_NEXT_STEP = "no_next_step"
    """Overdue, the plan is at its end, and nothing else waits: somebody must say how it goes on."""
    AUDIT_SAMPLE = "audit_sample"
    INSOLVENCY = "insolvency"
    PRESCRIPTION = "prescription"
    FIND_CONTACT = "find_contact"
    """An address is a wrong one, and nobody has said yet whom to write to instead."""
