"""The states of everything that has any, and the one table of allowed changes.

docs/states.md is made from :data:`TRANSITIONS`. A change that is absent here can't happen: `models.transitions.move`
asks this table and nothing else. The odd but real changes carry their reason beside them.
"""

from collections.abc import Mapping
from enum import StrEnum


class InvoiceState(StrEnum):
    OPEN = "open"
    REMINDED = "reminded"
    PAYMENT_REPORTED = "payment_reported"
    PROMISED = "promised"
    BROKEN = "broken"
    DISPUTED = "disputed"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"
    IN_COLLECTION = "in_collection"


class DeliveryState(StrEnum):
    RESERVED = "reserved"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class MessageState(StrEnum):
    STORED = "stored"
    READ = "read"
    DECIDED = "decided"
    APPLIED = "applied"
    QUEUED = "queued"
    QUARANTINED = "quarantined"


class ExceptionState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    SUPERSEDED = "superseded"


class DisputeState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


V, D, M, E, T, P, C = (
    InvoiceState,
    DeliveryState,
    MessageState,
    ExceptionState,
    TaskState,
    PromiseState,
    DisputeState,
)

CLOSED = frozenset({V.PAID, V.CREDITED, V.WRITTEN_OFF, V.IN_COLLECTION})
"""Invoice states in which nothing is due any more from relance's side."""

HANDLED = frozenset({M.APPLIED, M.QUEUED, M.QUARANTINED})
"""Message states after which relance has decided: applied, or in front of a person."""

WAITING = frozenset({E.OPEN, E.TAKEN, E.SNOOZED})
"""Exception states that still wait for a person, and hold the reminders of every customer linked."""

_ANSWERED = frozenset({V.PAYMENT_REPORTED, V.PROMISED, V.DISPUTED})
_ENDED = frozenset(CLOSED)
# From an answered state the plan goes on (`reminded`), or a person takes the answer back before any reminder (`open`).
_GOES_ON = frozenset({V.REMINDED, V.OPEN})

TRANSITIONS: Mapping[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]]] = {
    InvoiceState: {
        V.OPEN: frozenset({V.REMINDED}) | _ANSWERED | _ENDED,
        V.REMINDED: frozenset({V.OPEN}) | _ANSWERED | _ENDED,  # open: the reminder turned out not to have left
        V.PAYMENT_REPORTED: (_GOES_ON | _ANSWERED | _ENDED) - {V.PAYMENT_REPORTED},
        V.PROMISED: ((_GOES_ON | _ANSWERED | _ENDED) - {V.PROMISED}) | {V.BROKEN},
        V.BROKEN: _GOES_ON | _ANSWERED | _ENDED | {V.PROMISED},
        V.DISPUTED: (_GOES_ON | _ANSWERED | _ENDED) - {V.DISPUTED},
        # A reversed payment, a credit note taken back or an item that returns to the open list reopens.
        V.PAID: frozenset({V.OPEN, V.REMINDED, V.CREDITED}),
        V.CREDITED: frozenset({V.OPEN, V.REMINDED, V.PAID}),
        V.WRITTEN_OFF: frozenset({V.OPEN, V.REMINDED, V.PAID, V.CREDITED}),
        V.IN_COLLECTION: frozenset({V.OPEN, V.REMINDED, V.PAID, V.CREDITED, V.WRITTEN_OFF}),
    },
    DeliveryState: {
        D.RESERVED: frozenset({D.SENDING, D.FAILED, D.REJECTED, D.CANCELLED}),
        D.FAILED: frozenset({D.SENDING, D.FAILED, D.REJECTED, D.CANCELLED}),  # failed again: one more attempt counted
        D.SENDING: frozenset({D.SENT, D.FAILED, D.REJECTED, D.UNKNOWN}),
        D.UNKNOWN: frozenset({D.SENT, D.REJECTED, D.CANCELLED, D.RESERVED}),  # reserved: a person says send it again
        D.SENT: frozenset({D.REJECTED}),  # a bounce that comes after the 250
        D.REJECTED: frozenset({D.RESERVED}),  # a person says send it again
        D.CANCELLED: frozenset(),
    },
    MessageState: {
        M.STORED: frozenset({M.READ, M.QUARANTINED}),
        M.READ: frozenset({M.DECIDED, M.QUARANTINED}),
        M.DECIDED: frozenset({M.APPLIED, M.QUEUED, M.QUARANTINED}),
        M.APPLIED: frozenset({M.QUEUED}),  # a person takes an automatic action back
        M.QUEUED: frozenset({M.APPLIED}),
        M.QUARANTINED: frozenset({M.STORED, M.APPLIED}),  # read again after an upgrade, or settled by a person
    },
    ExceptionState: {
        E.OPEN: frozenset({E.TAKEN, E.SNOOZED, E.RESOLVED, E.DISMISSED}),
        E.TAKEN: frozenset({E.OPEN, E.TAKEN, E.SNOOZED, E.RESOLVED, E.DISMISSED}),  # taken over by a colleague
        E.SNOOZED: frozenset({E.OPEN, E.TAKEN, E.SNOOZED, E.RESOLVED, E.DISMISSED}),
        E.RESOLVED: frozenset({E.OPEN}),  # undo
        E.DISMISSED: frozenset({E.OPEN}),  # undo
    },
    TaskState: {
        T.OPEN: frozenset({T.DONE, T.CANCELLED}),
        T.DONE: frozenset({T.OPEN}),  # undo
        T.CANCELLED: frozenset({T.OPEN}),
    },
    PromiseState: {
        P.OPEN: frozenset({P.KEPT, P.BROKEN, P.SUPERSEDED}),
        P.KEPT: frozenset({P.OPEN}),  # the payment that kept it was reversed
        P.BROKEN: frozenset({P.KEPT, P.SUPERSEDED}),  # the money came late, value-dated in time
        P.SUPERSEDED: frozenset({P.OPEN}),  # undo
    },
    DisputeState: {
        C.OPEN: frozenset({C.UPHELD, C.REJECTED, C.WITHDRAWN}),
        C.UPHELD: frozenset({C.OPEN}),
        C.REJECTED: frozenset({C.OPEN}),
        C.WITHDRAWN: frozenset({C.OPEN}),
    },
}


def allowed(current: StrEnum, to: StrEnum) -> bool:
    """Whether the table lets ``current`` become ``to``."""
    return to in TRANSITIONS[type(current)][current]
