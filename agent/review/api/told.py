"""The shapes that programs get. Amounts are strings with a dot, days and moments ISO 8601; the OpenAPI document is made
of these.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Told(BaseModel):
    """What it gets."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


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
    """``mails`` and ``prediction``: of an automatic action that is audited, what it was done on."""

    entry: Entry
    kind: str
    due_on: date
    outcome: str | None
    done_by: str | None
    done_at: datetime | None
    invoices: tuple[Invoice, ...]
    mails: tuple[Mail, ...]
    prediction: dict[str, Any] | None


class Document(Told):
    """A file that is kept with an invoice."""

    id: int
    kind: str
    filename: str
    added_at: datetime


class Letter(Told):
    """A letter that was composed and kept with each of its invoices. ``notes``: what is to be checked before it leaves;
    ``without_copy``: invoices whose PDF is asked for and missing.
    """

    filename: str
    sha256: str
    invoices: tuple[str, ...]
    document: int
    enclosures: tuple[str, ...]
    without_copy: tuple[str, ...]
    notes: tuple[str, ...]


class Approval(Told):
    entry: Entry
    step: str
    approval: str
    approved_by: str | None
    edited_by: str | None
    seen: str | None
    recipient: str | None
    mail: Mail | None
    invoices: tuple[Invoice, ...]


class Words(Told):
    """Subject and text of a waiting mail as they may be edited, and the mark of the mail that they are of."""

    subject: str
    text: str
    seen: str


class Pick(Told):
    kind: Literal["item", "task", "approval"]
    number: int


class Refused(Pick):
    """An entry that stayed as it was: what a request for it alone would have been answered with."""

    status: int
    detail: str
    by: str | None


class BulkDone(Told):
    done: tuple[Pick, ...]
    refused: tuple[Refused, ...]


class View(Told):
    """A saved selection of the work list."""

    id: int
    name: str
    reason: str
    whose: Literal["", "mine", "nobody"]
    text: str
    segment: str
    asleep: bool


class Views(Told):
    views: tuple[View, ...]


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
    decide_by: datetime | None
    item: int | None


class KeptBack(Told):
    """What keeps the next step back: a code, a sentence, and the items of the queue that hold the customer."""

    reason: str
    detail: str
    items: tuple[int, ...]


class InvoiceStory(Told):
    invoice: Invoice
    customer_name: str
    plan: str | None
    plan_day: int | None
    """The day of the next step in that plan, counted from the due date."""
    kept_back: KeptBack | None
    promises: tuple[PromiseTold, ...]
    disputes: tuple[DisputeTold, ...]
    documents: tuple[Document, ...]
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
    by: str | None = None
    """Of a 409: who was there before."""
