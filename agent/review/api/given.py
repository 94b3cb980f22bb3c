"""The shapes that programs send. Amounts are strings with a dot, days and moments ISO 8601, unknown keys are mistakes.
The OpenAPI document is made of these, so that it can't say anything else.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.review.bulk import MOST, Do
from agent.review.days import EARLIEST, LATEST
from agent.review.deeds import OUTCOMES
from classifier.labels import DISPUTE_REASONS, INTENTS, OTHER_REASONS
from models.states import InvoiceState

Intent = Literal["paid", "promise", "dispute", "question", "other"]
DisputeReason = Literal["amount", "not_received", "quality", "duplicate", "credit_note", "admin", "contract", "other"]
OtherReason = Literal[
    "acknowledgement", "wrong_person", "left_company", "insolvency", "legal", "unsubscribe", "unrelated", "spam",
]  # fmt: skip
Verdict = Literal["upheld", "rejected", "withdrawn"]
TaskResult = Literal[
    "done", "promise", "paid", "dispute", "no_answer", "wrong_contact", "right", "wrong", "not_handed_over"
]
assert set(TaskResult.__args__) == set(OUTCOMES)  # type: ignore[attr-defined]  # a Literal has its values there
assert set(Intent.__args__) == set(INTENTS)  # type: ignore[attr-defined]  # the same
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
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
Number = Annotated[Word, Field(min_length=1, max_length=128)]
"""Of an invoice."""
Mail = Annotated[Word, Field(min_length=3, max_length=320)]
Money = Annotated[str, Field(pattern=_MONEY, description="An amount with a dot and at most two places.")]


class Given(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- asked -----------------------------------------------------------------------------------------------------------


class Selected(Given):
    """A part of the work list."""

    reason: Annotated[Word, Field(max_length=64, description="A reason's or task's code, or `approval`.")] = ""
    whose: Literal["", "mine", "nobody"] = ""
    text: Annotated[Word, Field(max_length=100, description="In customer, invoice, sender or subject.")] = ""
    segment: Annotated[Word, Field(max_length=64)] = ""
    asleep: Annotated[bool, Field(description="Those that are put away until later.")] = False


class WorkQuery(Selected):
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
    since: Annotated[Day | None, Field(alias="from", description="First day.")] = None
    to: Annotated[Day | None, Field(description="Last day; today where not given.")] = None
    by: Literal["customer", "segment", "owner", "month"] | None = None
    customer: Annotated[Word | None, Field(max_length=256)] = None
    segment: Annotated[Word | None, Field(max_length=64)] = None
    owner: Annotated[Word | None, Field(max_length=320)] = None


# --- sent ------------------------------------------------------------------------------------------------------------


class Over(Given):
    """``over``: from whom it is knowingly taken; whoever else has it by then keeps it."""

    over: Short | None = None


class Assignment(Over):
    assignee: Short


class Pick(Given):
    kind: Literal["item", "task", "approval"]
    number: Annotated[int, Field(ge=1, le=999_999_999)]


class Bulk(Given):
    """One deed with several entries. ``assignee`` goes with assign, ``until`` with snooze."""

    do: Do
    entries: Annotated[tuple[Pick, ...], Field(min_length=1, max_length=MOST)]
    assignee: Short | None = None
    until: Day | None = None


class NewView(Selected):
    name: Annotated[Short, Field(max_length=64)]


class Nap(Given):
    until: Annotated[Day, Field(description="The day on which it is shown again.")]


class Decision(Given):
    """What a mail means, or what became of a delivery. Another intent than the suggested one is a correction."""

    intent: Intent | None = None
    per_invoice: Annotated[dict[Number, Intent] | None, Field(max_length=100)] = None
    promise_date: Day | None = None
    dispute_reason: DisputeReason | None = None
    delivery: Literal["sent", "again", "drop"] | None = None
    other_reason: OtherReason | None = None
    wrong_contact: Mail | None = None
    new_contact: Mail | None = None


class Ending(Given):
    verdict: Verdict


class Reason(Given):
    reason: Long


class Seen(Given):
    """``seen``: the mail's own mark as it was shown; a mail that was changed since is not meant."""

    seen: Annotated[Word, Field(max_length=128)] | None = None


class Wording(Seen):
    """A waiting mail in other words; what is not given stays. The text has one line ``[table]`` for the invoices."""

    subject: Annotated[Word, Field(min_length=1, max_length=998)] | None = None
    text: Annotated[Word, Field(min_length=1, max_length=20_000), AfterValidator(_plain)] | None = None


class Promotion(Reason):
    anyway: Annotated[bool, Field(description="Although it falls below a floor.")] = False


class GoingBack(Reason):
    of: Annotated[Word, Field(min_length=1, max_length=128, description="The trained model to leave.")]


class AnswerText(Given):
    """An answer in the item's conversation. ``attach``: numbers of the invoices whose PDF goes along."""

    subject: Annotated[Word, Field(max_length=300)] = ""
    text: Annotated[Word, Field(min_length=1, max_length=20_000), AfterValidator(_plain)]
    attach: Annotated[tuple[Number, ...], Field(max_length=50)] = ()


class TaskOutcome(Given):
    """What came of a task. A hand-over that is ``done`` puts its invoices into collection."""

    outcome: TaskResult = "done"
    text: Annotated[Word, Field(max_length=2000)] = ""
    promise_date: Day | None = None
    dispute_reason: DisputeReason = "other"
    amount: Annotated[Money, Field(description="Of a promise or dispute about a part of one invoice.")] | None = None
    new_contact: Annotated[Mail, Field(description="Whom to write to, where the task asks for it.")] | None = None


class Instalment(Given):
    day: Day
    amount: Money


class Line(Given):
    """What is written down of a customer or of one invoice (one of the two is named). A payment plan pays all that is
    open on its ``invoices``; ``insolvent`` needs its day and its source in ``text``.
    """

    kind: Literal[
        "call", "note", "promise", "plan", "dispute", "verdict", "hold", "release", "insolvent", "solvent",
        "stop_mails", "resume_mails", "wrong_person", "left_company", "contact_right",
    ]  # fmt: skip
    invoice: Number | None = None
    customer: Annotated[Word | None, Field(min_length=1, max_length=256)] = None
    text: Annotated[Word, Field(max_length=4000)] = ""
    day: Day | None = None
    amount: Money | None = None
    dispute_reason: DisputeReason | None = None
    verdict: Verdict | None = None
    invoices: Annotated[tuple[Number, ...], Field(max_length=100)] = ()
    instalments: Annotated[tuple[Instalment, ...], Field(max_length=60)] = ()
    address: Annotated[Mail, Field(description="Of a wrong contact, or of one that is right after all.")] | None = None
    new_contact: Annotated[Mail, Field(description="Whom to write to in its place.")] | None = None
