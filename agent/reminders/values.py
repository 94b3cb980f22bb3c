"""The values that flow through the room: one frozen type for each arrow. No method decides anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from config.plans import Plan, Step
from models.invoice import InvoiceKind
from models.states import InvoiceState


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """What planning needs to know of one invoice that isn't closed."""

    id: int
    number: str
    kind: InvoiceKind
    issue_date: date | None
    due_date: date
    amount: Decimal
    balance: Decimal
    currency: str
    purchase_order: str | None
    state: InvoiceState
    cycle: int
    steps_done: frozenset[str]
    """Names of the steps carried out in this cycle: mail sent, task made."""
    steps_reserved: frozenset[str]
    """Names of the steps whose mail is on its way: reserved, failed, sending or of unknown outcome."""
    held: str | None
    """Who holds it, why and until when, in words; None: nobody."""
    promised_for: date | None
    documents: tuple[str, ...]
    """SHA-256 of its invoice PDFs."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address that may be written to; with the role ``cc`` it gets copies only."""

    address: str
    name: str | None
    role: str
    is_dead: bool
    away_until: date | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """One customer with all that may speak for or against writing to it."""

    id: str
    name: str
    language: str
    country: str
    timezone: str
    recipients: tuple[Recipient, ...]
    invoices: tuple[InvoiceView, ...]
    insolvent_since: date | None
    held: str | None
    open_exceptions: tuple[int, ...]
    """Ids of the exceptions that wait for a person and hold."""
    undecided_mails: int
    """Mails with any tie to this customer that relance has not decided on yet."""
    last_mail_at: Mapping[str, datetime]
    """By currency: when the last reminder mail left, or may have left."""
    cycles: Mapping[tuple[str, str, str], int]
    """How often (currency, plan, step) was reached, cancelled ones included."""
    threads: Mapping[str, "ThreadView"]
    """By currency: the conversation that the next mail continues."""


@dataclass(frozen=True, slots=True)
class ThreadView:
    """A conversation: its id, the Message-IDs so far (oldest first) and the first mail's subject."""

    id: int
    message_ids: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Whether the ledger and the installation allow anything to leave at all."""

    as_of: datetime | None
    """The time that the last import of payments (or open items) speaks for."""
    stops: tuple[str, ...]
    """Sentences: who stopped all sending, and why."""
    is_bound_here: bool
    """The database belongs to this machine and place."""


class Hindrance(StrEnum):
    """Why a due invoice is on no reminder."""

    LEDGER_STALE = "ledger_stale"
    SENDING_STOPPED = "sending_stopped"
    NOT_ADOPTED = "not_adopted"
    INSOLVENT = "insolvent"
    CUSTOMER_HELD = "customer_held"
    EXCEPTION_OPEN = "exception_open"
    MAIL_UNDECIDED = "mail_undecided"
    NO_ADDRESS = "no_address"
    ADDRESS_DEAD = "address_dead"
    CONTACT_AWAY = "contact_away"
    COVERED_BY_CREDIT = "covered_by_credit"
    HELD = "held"
    PAYMENT_REPORTED = "payment_reported"
    PROMISED = "promised"
    DISPUTED = "disputed"
    ON_ITS_WAY = "on_its_way"
    STEP_LATER = "step_later"
    PLAN_ENDED = "plan_ended"
    GAP = "gap"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A due invoice that is on no reminder, with the code and the sentence that tell why."""

    customer_id: str
    invoice_number: str
    reason: Hindrance
    detail: str


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One invoice on a planned reminder, with the step that it reaches by it."""

    invoice: InvoiceView
    step: str
    days_late: int


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One step to carry out for one customer in one currency."""

    customer: CustomerView
    currency: str
    plan: str
    plan_version: str
    step: Step
    cycle: int
    due_at: datetime
    lines: tuple[PlannedLine, ...]
    notes: tuple[str, ...]
    """What the person who reads the plan should know (no PDF to attach, ...)."""

    @property
    def key(self) -> str:
        """The words that the Message-ID is an HMAC of."""
        return "\n".join(("reminder", self.customer.id, self.currency, self.plan, self.step.name, str(self.cycle)))

    @property
    def total(self) -> Decimal:
        return sum((line.invoice.balance for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """What is to be done for one customer, and what is left out."""

    reminders: tuple[PlannedReminder, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings that planning looks at."""

    plan: Plan
    sending_hours: tuple[time, time]
    max_age_days: int
    """Working days that the ledger may be old."""
    country: str
    """The company's own, whose working days the ledger's age is counted in."""
    zone: ZoneInfo
