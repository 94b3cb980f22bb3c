"""What figures are made of, frozen: what the rows of the other rooms say, cut down to days, amounts and codes.

Nothing is stored for figures. The balance of an invoice on a day that has passed is today's balance with every later
move taken back; all else (reminders, promises, disputes, mails, work) carries its own day. Days are the company's.
Amounts are with tax (the ledger knows no other), each in the one currency of its invoice: no figure adds two up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from models.states import DisputeState, PromiseState

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Move:
    """A change of an invoice's balance; ``delta`` below zero lowers it. ``is_money``: it was paid, or gone from the
    list of open items; otherwise the ledger was corrected. ``day``: the value date, or the list's day.
    """

    day: date
    delta: Decimal
    is_money: bool


@dataclass(frozen=True, slots=True)
class InvoiceFigures:
    """One invoice or credit note (``amount`` below zero).

    ``issued``: its date; where the ledger gives none, the day on which it was first seen or fell due, whichever came
    first, and ``is_dated`` is false. ``given_up``: when it was written off. ``doubtful_since``: in collection, or the
    customer is insolvent.
    """

    id: int
    number: str
    customer_id: str
    currency: str
    is_credit: bool
    issued: date
    is_dated: bool
    due: date
    amount: Decimal
    balance: Decimal
    moves: tuple[Move, ...]
    is_paid: bool
    given_up: date | None = None
    doubtful_since: date | None = None

    def balance_on(self, day: date) -> Decimal:
        """What was open at the end of that day."""
        if day < self.issued or (self.given_up is not None and self.given_up <= day):
            return NOTHING
        owed = self.balance
        for move in self.moves:  # asked for every invoice and day of a trend: no generator for one or two moves
            if move.day > day:
                owed -= move.delta
        return owed

    def is_doubtful(self, day: date) -> bool:
        return self.doubtful_since is not None and self.doubtful_since <= day

    def paid_between(self, after: date, until: date) -> Decimal:
        """Money that came in after one day, up to and on another; what was taken back is deducted."""
        return -sum((m.delta for m in self.moves if m.is_money and after < m.day <= until), NOTHING)

    @property
    def paid_on(self) -> date | None:
        """The day of the last money, where the invoice is paid."""
        days = [move.day for move in self.moves if move.is_money and move.delta < 0]
        return max(days) if self.is_paid and days else None


@dataclass(frozen=True, slots=True)
class Credit:
    """Money of a customer that no invoice has taken yet, since that day."""

    customer_id: str
    currency: str
    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Covered:
    """An invoice on a reminder, with what was open of it then."""

    invoice_id: int
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Touch:
    """A step that reached its customer: a mail that left and did not come back, a call, letter or hand-over done."""

    reminder_id: int
    customer_id: str
    currency: str
    plan: str
    step: str
    level: int
    channel: str
    template: str | None
    """None: the step stands in no plan of today."""
    day: date
    at: datetime
    lines: tuple[Covered, ...]
    thread_id: int | None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A reminder that was refused or came back."""

    customer_id: str
    day: date


@dataclass(frozen=True, slots=True)
class PromiseFigures:
    """One promise. ``amount``: what was promised (the whole balance where no part was named); ``fulfilled``: the day on
    which all of it had come in since it was made, whether in time or not.
    """

    invoice_id: int
    customer_id: str
    currency: str
    made: date
    on: date
    amount: Decimal
    state: PromiseState
    fulfilled: date | None

    @property
    def fell_due(self) -> date:
        """Its day; where it was kept before that, the day on which it was."""
        if self.state is PromiseState.KEPT and self.fulfilled is not None:
            return min(self.fulfilled, self.on)
        return self.on


@dataclass(frozen=True, slots=True)
class DisputeFigures:
    invoice_id: int
    customer_id: str
    currency: str
    reason: str
    owner: str | None
    amount: Decimal
    opened: date
    settled: date | None
    state: DisputeState


@dataclass(frozen=True, slots=True)
class Mail:
    """One incoming mail. ``is_handled``: applied, in front of a person, or quarantined where people see it;
    ``was_automatic``: relance decided without asking. ``predicted``, ``corrected``: the primary intent by the trained
    model and by a person; ``settled``: when relance or a person had decided;
    ``was_wrong``: what the audit found, None where it was not drawn or is not judged yet.
    """

    id: int
    at: datetime
    day: date
    kind: str | None
    customer_id: str | None
    thread_id: int | None
    is_handled: bool
    is_waiting: bool
    was_automatic: bool
    settled: datetime | None
    predicted: str | None
    corrected: str | None
    was_wrong: bool | None
    late_reason: str | None
    invoices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """One thing done by a person: an exception, task, note, or entry (a promise or dispute written down by hand)."""

    what: str
    by: str
    day: date
    customer_id: str | None
    invoices: tuple[int, ...]
    """Empty: the whole customer."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, and what figures are split by."""

    id: str
    name: str
    segment: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that figures are made of, up to and on ``today``."""

    today: date
    customers: Mapping[str, Person]
    invoices: tuple[InvoiceFigures, ...] = ()
    credits: tuple[Credit, ...] = ()
    touches: tuple[Touch, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    promises: tuple[PromiseFigures, ...] = ()
    disputes: tuple[DisputeFigures, ...] = ()
    mails: tuple[Mail, ...] = ()
    work: tuple[Work, ...] = ()
    window_days: int = 7
    """Days after a reminder in which money counts as brought in by it."""
    objectives: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both within."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day <= self.end
