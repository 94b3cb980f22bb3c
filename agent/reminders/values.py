"""The values that flow through the room: one frozen type for each arrow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from agent.reminders.interest import PartPayment
from config.choice import Chosen, Who, choose
from config.plans import Plan, Step
from models.invoice import InvoiceKind
from models.states import InvoiceState


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step that was carried out, and under which plan (`name/version`)."""

    name: str
    plan: str


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
    done: frozenset[DoneStep]
    """The steps carried out in this cycle: mail sent, task made."""
    steps_reserved: frozenset[str]
    """Names of the steps whose mail is on its way: reserved, failed, sending or of unknown outcome."""
    held: str | None
    """Who holds it, why and until when, in words; None: nobody."""
    promised_for: date | None
    documents: tuple[str, ...]
    """SHA-256 of its invoice PDFs."""
    payments: tuple[PartPayment, ...]
    """What came in on it, with its day: interest counts from there."""
    status: str | None
    """What the ledger's own word of it means: refused, disputed, payment_sent, debit_failed; None: nothing."""
    steps_waiting: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    """Of the reserved ones those that wait for a person's word, and whose it must be; None: anybody's."""

    @property
    def steps_done(self) -> frozenset[str]:
        return frozenset(step.name for step in self.done)


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address that may be written to; with the role ``cc`` it gets copies only."""

    address: str
    name: str | None
    role: str
    is_dead: bool
    away_until: date | None
    dead_because: str | None = None
    """wrong_person or left_company where a person said so; None: it bounced, or it lives."""


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
    segment: str | None
    segment_because: str
    """Where the segment comes from, in words."""
    account_manager: str | None
    pays_by_debit: bool
    mails_today: int
    """Reminder mails that left, or are on their way, on the customer's present day."""
    no_mail_since: date | None = None
    """Since when it wants no reminder by mail; each such step is a call then, and the gap counts between those."""
    on_account: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    """By currency: what came in and lowers no invoice's balance yet; more than zero."""


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
    INVOICE_REFUSED = "invoice_refused"
    DIRECT_DEBIT = "direct_debit"
    BELOW_MINIMUM = "below_minimum"
    ON_ITS_WAY = "on_its_way"
    STEP_LATER = "step_later"
    PLAN_ENDED = "plan_ended"
    GAP = "gap"
    DAY_FULL = "day_full"
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
class ApartLine:
    """An invoice that stands below the list: past its due date, but answered. Nothing of it is asked for."""

    invoice: InvoiceView
    why: Hindrance


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One step to carry out for one customer in one currency."""

    customer: CustomerView
    currency: str
    plan: str
    plan_version: str
    because: str
    """Why this plan."""
    step: Step
    cycle: int
    due_at: datetime
    lines: tuple[PlannedLine, ...]
    apart: tuple["ApartLine", ...]
    """What else is open in the currency and not asked for: shown so that the customer finds all of it."""
    credits: tuple[InvoiceView, ...]
    """Open credit notes, whose balances are negative."""
    notes: tuple[str, ...]
    """What the person who reads the plan should know (no PDF to attach, ...)."""

    @property
    def key(self) -> str:
        """The words that the Message-ID is an HMAC of."""
        return "\n".join(("reminder", self.customer.id, self.currency, self.plan, self.step.name, str(self.cycle)))

    @property
    def total(self) -> Decimal:
        """What the listed invoices come to."""
        return sum((line.invoice.balance for line in self.lines), Decimal(0))

    @property
    def to_pay(self) -> Decimal:
        """What is asked for: the total less the open credits."""
        return self.total + sum((credit.balance for credit in self.credits), Decimal(0))


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """What is to be done for one customer, and what is left out."""

    reminders: tuple[PlannedReminder, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings that planning looks at."""

    plans: Mapping[str, Plan]
    default_plan: str
    sending_hours: tuple[time, time]
    quiet_days: frozenset[int]
    """Weekdays on which no mail leaves; Monday is 0."""
    per_customer_per_day: int
    shows_answered: bool
    """Whether what is answered stands apart in a mail, or is left out."""
    max_age_days: int
    """Working days that the ledger may be old."""
    country: str
    """The company's own, whose working days the ledger's age is counted in."""
    zone: ZoneInfo

    def plan_for(self, customer: CustomerView, currency: str) -> Chosen:
        """The plan of this customer for what it owes in that currency."""
        owes = sum((i.balance for i in customer.invoices if i.currency == currency), Decimal(0))
        who = Who(customer.id, customer.segment, customer.country, currency, owes)
        return choose(self.plans, self.default_plan, who)
