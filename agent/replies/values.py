"""The values that judgement takes and gives. No method decides anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from agent.inbound.standing import Standing
from agent.inbound.values import AutoReply, Bounce, Kind
from classifier.values import Prediction
from models.reasons import ExceptionReason
from models.states import InvoiceState


@dataclass(frozen=True, slots=True)
class InvoiceAtHand:
    """An invoice that the message is tied to."""

    id: int
    number: str
    balance: Decimal
    currency: str
    state: InvoiceState
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One message with all that a decision about it may look at."""

    kind: Kind
    bounce: Bounce | None
    auto_reply: AutoReply | None
    is_colleague: bool
    """A mail that somebody of the company wrote by hand, found in Sent."""
    reuses_an_id: bool
    has_return_path: bool
    """The envelope names a sender, which no mail server's report does."""
    is_cut: bool
    """Too large to be kept whole."""
    customer_id: str | None
    """Whom the proof ties it to; without proof, whom the evidence suggests."""
    is_proven: bool
    """Tied to a reminder of ours by something that can't be forged."""
    in_conflict: bool
    """Evidence points at more than one customer."""
    standing: Standing
    invoices: tuple[InvoiceAtHand, ...]
    prediction: Prediction | None
    mentions_iban: bool
    written_on: date
    """The day of the message in the company's zone: what "tomorrow" counts from."""
    today: date
    contact: str | None
    """The contact's address that a bounce or an out-of-office is about."""
    strangers_hold_no_more: bool
    hinted_at: tuple[str, ...] = ()
    """Open invoices that the answered reminder does not list and whose last digits it names."""


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The settings that judgement looks at."""

    mode: Literal["observe", "suggest", "automatic"]
    require_authentication: bool
    promise_horizon_days: int
    absence_at_most_until: date
    """The last day that an out-of-office may move mails to."""


@dataclass(frozen=True, slots=True)
class ReportPaid:
    """The customer says that it paid: pause and ask the ledger."""

    invoice_id: int


@dataclass(frozen=True, slots=True)
class RecordPromise:
    """The customer commits to a day; ``amount`` None: all of it."""

    invoice_id: int
    on: date
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """The customer contests it: pause; a person decides."""

    invoice_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class MarkDead:
    """The address does not exist: nothing is sent to it any more."""

    address: str


@dataclass(frozen=True, slots=True)
class MarkAway:
    """The contact is away; mails wait for the working day after ``until``."""

    address: str
    until: date


@dataclass(frozen=True, slots=True)
class TakeNote:
    """Nothing to do; the message is done with."""


Action = ReportPaid | RecordPromise | OpenDispute | MarkDead | MarkAway | TakeNote


@dataclass(frozen=True, slots=True)
class Queue:
    """Ask a person: why, how urgent, and whether reminders wait meanwhile."""

    reason: ExceptionReason
    detail: str
    priority: int = 50
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, by which rule, and which rules were asked before it (for `explain`)."""

    rule: str
    actions: tuple[Action, ...]
    queue: Queue | None
    passed: tuple[str, ...]
    """Names of the rules that had nothing to say, in order."""
    proposed: tuple[Action, ...] = ()
    """What it would do if it were allowed to: shown to the person who is asked."""

    @property
    def is_queued(self) -> bool:
        """Whether a person has to act before anything happens; a dispute is applied and asks a person besides."""
        return self.queue is not None and not self.actions


Labels = Mapping[str, str]
"""Invoice number → intent."""
