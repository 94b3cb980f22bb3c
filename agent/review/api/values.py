"""The shapes that programs send and get. Amounts are strings with a dot, days and moments ISO 8601, unknown keys are
mistakes. The OpenAPI document is made of these, so that it can't say anything else.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from classifier.labels import DISPUTE_REASONS, INTENTS, OTHER_REASONS
from models.states import InvoiceState

Intent = Literal["paid", "promise", "dispute", "question", "other"]
OtherReason = Literal[
    "acknowledgement", "wrong_person", "left_company", "insolvency", "legal", "unsubscribe", "unrelated", "spam",
]  # fmt: skip
DisputeReason = Literal["amount", "not_received", "quality", "duplicate", "credit_note", "admin", "contract", "other"]
Verdict = Literal["upheld", "rejected", "withdrawn"]
assert set(Intent.__args__) == set(INTENTS)  # type: ignore[attr-defined]  # a Literal has its values there
assert set(DisputeReason.__args__) == set(DISPUTE_REASONS)  # type: ignore[attr-defined]  # the same
assert set(OtherReason.__args__) == set(OTHER_REASONS)  # type: ignore[attr-defined]  # the same

_MONEY = r"^-?\d{1,12}(\.\d{1,2})?$"


def _plain(text: str) -> str:
    """Text that a database can hold and that a person can see."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text) or not text.strip():
        raise ValueError("must be text that can be seen")
    return text


def _storable(text: str) -> str:
    """Text that a database can compare with."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("must hold no NUL and no half characters")
    return text


Word = Annotated[str, AfterValidator(_storable)]
Short = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
Long = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_plain)]
Money = Annotated[str, Field(pattern=_MONEY, description="An amount with a dot and at most two places.")]


class Given(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """What it gets."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


# --- asked -----------------------------------------------------------------------------------------------------------


class WorkQuery(Given):
    reason: Annotated[Word, Field(max_length=64, description="A reason's or task's code, or `approval`.")] = ""
    whose: Literal["", "mine", "nobody"] = ""
    text: Annotated[Word, Field(max_length=100, description="In customer, invoice, sender or subject.")] = ""
    segment: Annotated[Word, Field(max_length=64)] = ""
    asleep: Annotated[bool, Field(description="Those that are put away until later.")] = False
    after: Annotated[
        str, Field(max_length=40, pattern=r"^(\d{1,3}-(item|task|approval)-\d{1,17})?$", description="A page's `next`.")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CustomersQuery(Given):
    text: Annotated[Word, Field(max_length=100)] = ""
    after: Annotated[Word, Field(max_length=600, description="A page's `next`.")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class InvoicesQuery(Given):
    customer: Annotated[Word | None, Field(max_length=256)] = None
    state: InvoiceState | None = None
    after: Annotated[int, Field(ge=0, le=2_000_000_000, description="A page's `next`.")] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class CalendarQuery(Given):
    days: Annotated[int, Field(ge=1, le=366)] = 30


class FiguresQuery(Given):
    since: Annotated[date | None, Field(alias="from", description="First day.")] = None
    to: Annotated[date | None, Field(description="Last day; today where not given.")] = None
    by: Literal["customer", "segment", "owner", "month"] | None = None
    customer: Annotated[Word | None, Field(max_length=256)] = None
    segment: Annotated[Word | None, Field(max_length=64)] = None
    owner: Annotated[Word | None, Field(max_length=320)] = None


# --- sent ------------------------------------------------------------------------------------------------------------


class Assignment(Given):
    assignee: Short


class Nap(Given):
    until: Annotated[date, Field(description="The day on which it is shown again.")]


class Decision(Given):
    """What a mail means, or what became of a delivery. Another intent than the suggested one is a correction."""

    intent: Intent | None = None
    per_invoice: Annotated[
        dict[Annotated[Word, Field(min_length=1, max_length=128)], Intent] | None, Field(max_length=100)
    ] = None
    promise_date: date | None = None
    dispute_reason: DisputeReason | None = None
    delivery: Literal["sent", "again", "drop"] | None = None
    other_reason: OtherReason | None = None
    wrong_contact: Annotated[Word | None, Field(max_length=320)] = None
    new_contact: Annotated[Word | None, Field(max_length=320)] = None


class Ending(Given):
    verdict: Verdict


class Reason(Given):
    reason: Long


class AnswerText(Given):
    """An answer in the item's conversation. ``attach``: numbers of the invoices whose PDF goes along."""

    subject: Annotated[Word, Field(max_length=300)] = ""
    text: Annotated[Word, Field(min_length=1, max_length=20_000), AfterValidator(_plain)]
    attach: Annotated[tuple[Annotated[Word, Field(min_length=1, max_length=128)], ...], Field(max_length=50)] = ()


class TaskOutcome(Given):
    outcome: Literal["done", "promise", "dispute", "no_answer", "right", "wrong"] = "done"
    text: Annotated[Word, Field(max_length=2000)] = ""
    promise_date: date | None = None
    dispute_reason: DisputeReason = "other"


class Line(Given):
    """What is written down of a customer or of one invoice (one of the two is named)."""

    kind: Literal["call", "note", "promise", "dispute", "hold", "release", "verdict"]
    invoice: Annotated[Word | None, Field(min_length=1, max_length=128)] = None
    customer: Annotated[Word | None, Field(min_length=1, max_length=256)] = None
    text: Annotated[Word, Field(max_length=4000)] = ""
    day: date | None = None
    amount: Money | None = None
    dispute_reason: DisputeReason | None = None
    verdict: Verdict | None = None


# --- told ------------------------------------------------------------------------------------------------------------


class Entry(Told):
    kind: Literal["item", "task", "approval"]
    id: int
    reason: str
    state: str
    customer: str | None
    customer_name: str | None
    invoices: tuple[str, ...]
    owed: dict[str, Decimal]
    days_late: int
    priority: int
    assignee: str | None
    due: datetime | date | None
    created_at: datetime
    snoozed_until: datetime | None
    detail: str
    subject: str | None
    sender: str | None
    suggested: str | None
    confidence: float | None
    holds: bool


class WorkPage(Told):
    entries: tuple[Entry, ...]
    next: str | None


class Counts(Told):
    counts: dict[str, int]
    total: int


class Invoice(Told):
    number: str
    customer: str
    kind: str
    amount: Decimal
    balance: Decimal
    currency: str
    due_date: date
    state: str
    promise_date: date | None
    hold: dict[str, Any] | None
    last_reminder: dict[str, Any] | None
    next_step: dict[str, Any] | None


class Mail(Told):
    id: int
    message_id: str | None
    is_ours: bool
    kind: str | None
    at: datetime
    sender: str
    recipients: str
    subject: str
    text: str
    quoted: str
    attachments: tuple[str, ...]
    proof: str


class Item(Told):
    entry: Entry
    way: Literal["intent", "verdict", "delivery", "settle"]
    is_waiting: bool
    resolved_by: str | None
    resolved_at: datetime | None
    prediction: dict[str, Any] | None
    mails: tuple[Mail, ...]
    invoices: tuple[Invoice, ...]
    other_invoices: tuple[Invoice, ...]
    delivery_ways: tuple[str, ...]


class Task(Told):
    entry: Entry
    kind: str
    due_on: date
    outcome: str | None
    done_by: str | None
    done_at: datetime | None
    invoices: tuple[Invoice, ...]


class Approval(Told):
    entry: Entry
    step: str
    approval: str
    recipient: str | None
    mail: Mail | None
    invoices: tuple[Invoice, ...]


class Draft(Told):
    name: str
    subject: str
    text: str
    attach: tuple[str, ...]
    recipient: str


class Drafts(Told):
    drafts: tuple[Draft, ...]


class Effect(Told):
    code: str
    sentence: str
    invoice: str | None = None
    on: date | None = None
    detail: str | None = None


class Done(Told):
    """What followed."""

    effects: tuple[Effect, ...]


class Undone(Told):
    kind: str
    id: int
    effects: tuple[Effect, ...]


class Sent(Told):
    message_id: str
    recipient: str
    is_new: bool


class Customer(Told):
    id: str
    name: str
    email: str
    language: str | None
    country: str | None
    segment: str | None
    account_manager: str | None
    open_invoices: int
    balance: dict[str, Decimal]
    oldest_due_date: date | None


class CustomersPage(Told):
    customers: tuple[Customer, ...]
    next: str | None


class Moment(Told):
    at: datetime
    code: str
    invoice: str | None
    by: str | None
    text: str
    values: dict[str, Any]


class CustomerStory(Told):
    customer: Customer
    contacts: tuple[dict[str, Any], ...]
    hold: dict[str, Any] | None
    invoices: tuple[Invoice, ...]
    timeline: tuple[Moment, ...]


class InvoicesPage(Told):
    invoices: tuple[Invoice, ...]
    next: int | None


class PromiseTold(Told):
    date: date
    amount: Decimal | None
    made_at: datetime
    made_by: str | None


class DisputeTold(Told):
    reason: str
    amount: Decimal | None
    owner: str | None
    opened_at: datetime


class InvoiceStory(Told):
    invoice: Invoice
    customer_name: str
    promises: tuple[PromiseTold, ...]
    disputes: tuple[DisputeTold, ...]
    documents: tuple[str, ...]
    timeline: tuple[Moment, ...]


class Stop(Told):
    reason: str
    detail: str | None
    placed_by: str
    placed_at: datetime


class Planned(Told):
    customer: str
    step: str
    currency: str
    invoices: tuple[str, ...]


class LeftOut(Told):
    invoice: str
    customer: str
    reason: str
    detail: str


class Outgoing(Told):
    stops: tuple[Stop, ...]
    planned: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...]
    reasons: dict[str, int]


class Ahead(Told):
    on: date
    customer: str
    name: str
    step: str
    invoices: tuple[str, ...]
    amounts: dict[str, Decimal]


class Calendar(Told):
    steps: tuple[Ahead, ...]


class Stops(Told):
    stops: tuple[Stop, ...]


class Figures(Told):
    name: str
    start: date
    end: date
    rows: tuple[dict[str, Any], ...]


class Why(Told):
    """Why a mail was taken as it was."""

    id: int
    message_id: str | None
    kind: str | None
    state: str | None
    customer: str | None
    rule: str | None
    sentences: tuple[str, ...]


class WrongValue(Told):
    at: str
    detail: str


class ProblemTold(Told):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[WrongValue, ...] = ()
