"""One list of all that waits for a person: exceptions, tasks and reminders that wait for a yes, the most urgent first.

Each kind lies in a table of its own with an index in the list's order, so a page is made by taking the first rows of
each (by key, never by counting off) and merging them: the hundred-thousandth costs as much as the first. Reads only.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from heapq import merge
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select
from sqlalchemy.orm import Session

from agent.review.priority import APPROVAL_URGENCY
from models import (
    Customer,
    Delivery,
    ExceptionItem,
    ExceptionLink,
    Invoice,
    Message,
    Reminder,
    ReminderLine,
    Task,
    TaskLink,
)
from models.reasons import ExceptionReason, TaskKind
from models.states import CLOSED, ExceptionState, TaskState

Kind = Literal["item", "task", "approval"]
KINDS: tuple[Kind, ...] = ("item", "task", "approval")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Key:
    """Where an entry stands in the list: the higher priority first, then the kind, then the older number."""

    priority: int
    kind: Kind
    id: int

    @property
    def order(self) -> tuple[int, int, int]:
        return -self.priority, KINDS.index(self.kind), self.id

    def __str__(self) -> str:
        return f"{self.priority}-{self.kind}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Key | None":
        """What `str` made of one; None for anything else."""
        priority, _, rest = text.partition("-")
        kind, _, number = rest.partition("-")
        if not (priority.isdecimal() and number.isdecimal() and len(priority) < 4 and len(number) < 18):
            return None
        for known in KINDS:
            if kind == known:
                return cls(int(priority), known, int(number))
        return None


def managed_by(manager: str) -> ColumnElement[bool]:
    """The customers of one account manager, as `deeds.sees` has it; of no name there are none."""
    return and_(Customer.account_manager != "", func.lower(Customer.account_manager) == manager.lower())


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the list. ``reason``: a reason's or task's code, or approval; ``only_of``: an account manager."""

    reason: str = ""
    whose: Literal["", "mine", "nobody"] = ""
    text: str = ""
    segment: str = ""
    asleep: bool = False
    """Those that are put away until later, instead of those that wait."""
    only_of: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What a saved view keeps: never whose customers, which follows from who looks."""
        return {
            "reason": self.reason,
            "whose": self.whose,
            "text": self.text,
            "segment": self.segment,
            "asleep": self.asleep,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list."""

    key: Key
    reason: str
    customer_id: str | None
    state: str
    assignee: str | None
    due_at: datetime | date | None
    created_at: datetime
    snoozed_until: datetime | None
    detail: str
    subject: str | None = None
    sender: str | None = None
    suggested: tuple[str, float] | None = None
    holds: bool = False
    customer_name: str | None = None
    invoices: tuple[str, ...] = ()
    owed: dict[str, Decimal] = field(default_factory=dict)
    """What is open on its invoices, by currency."""
    days_late: int = 0

    @property
    def kind(self) -> Kind:
        return self.key.kind

    @property
    def id(self) -> int:
        return self.key.id

    @property
    def path(self) -> str:
        return f"/work/{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    next: Key | None
    """Where the next page begins; None: this was the last."""


def page(
    session: Session, chosen: Selection, by: str, now: datetime, today: date, after: Key | None = None, size: int = PAGE
) -> Page:
    """A page of the list, from behind ``after``. ``by`` is who looks: "mine" is that person's."""
    streams = [_rows(session, stream, chosen, by, now, after, size + 1) for stream in _streams(chosen)]
    found = list(merge(*streams, key=lambda entry: entry.key.order))[: size + 1]
    entries = _filled(session, found[:size], today)
    return Page(tuple(entries), entries[-1].key if len(found) > size else None)


def one(session: Session, kind: Kind, number: int, by: str, now: datetime, today: date) -> Entry | None:
    """One entry as the list shows it, waiting or not."""
    for stream in _streams(Selection(), kinds=(kind,), everything=True):
        query = stream.query(by, now).where(stream.id == number)
        row = session.execute(query).first()
        if row is not None:
            return _filled(session, [stream.entry(row)], today)[0]
    return None


def following(
    session: Session,
    chosen: Selection,
    by: str,
    now: datetime,
    today: date,
    after: Key | None,
    avoiding: frozenset[str] = frozenset(),
) -> Entry | None:
    """The entry to open next: the first behind ``after`` that nobody else has taken or open, else the first at all."""
    for start in (after, None) if after is not None else (None,):
        for entry in page(session, chosen, by, now, today, start).entries:
            taken = entry.state == ExceptionState.TAKEN.value and entry.assignee not in (None, by)
            if not taken and entry.path not in avoiding and (after is None or entry.key != after):
                return entry
    return None


def counts(session: Session, chosen: Selection, by: str, now: datetime) -> dict[str, int]:
    """How many wait, by reason, under the selection but for its own reason."""
    wide = replace(chosen, reason="")
    found: dict[str, int] = {}
    for stream in _streams(wide):
        query = stream.restricted(select(stream.reason, func.count()).select_from(stream.table), wide, by, now)
        for reason, count in session.execute(query.group_by(stream.reason)):
            code = getattr(reason, "value", reason)
            found[code] = found.get(code, 0) + count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


# --- the streams -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stream:
    """One table's share of the list, in one state, so that one index gives it in order."""

    kind: Kind
    table: Any
    id: Any
    priority: Any
    reason: Any
    assignee: Any
    customer_id: Any
    condition: Callable[[datetime], ColumnElement[bool]]
    columns: tuple[Any, ...]
    outer: tuple[tuple[Any, Any], ...]
    links: Any
    link_owner: Any
    entry: Callable[[Any], Entry]

    def query(self, by: str, now: datetime) -> Select[Any]:  # noqa: ARG002 the same shape for all
        query = select(*self.columns).select_from(self.table)
        for table, on in self.outer:
            query = query.outerjoin(table, on)
        return query

    def restricted(self, query: Select[Any], chosen: Selection, by: str, now: datetime) -> Select[Any]:
        """`query` for what the selection asks for."""
        query = query.where(self.condition(now))
        if chosen.reason:
            query = query.where(self.reason == chosen.reason)
        if chosen.whose == "mine":
            query = query.where(self.assignee == by)
        elif chosen.whose == "nobody":
            query = query.where(self.assignee.is_(None))
        if chosen.only_of is not None:
            mine = select(Customer.id).where(managed_by(chosen.only_of))
            query = query.where(self.customer_id.in_(mine))
        if chosen.segment:
            query = query.where(self.customer_id.in_(select(Customer.id).where(Customer.segment == chosen.segment)))
        if chosen.text:
            query = query.where(self._mentions(chosen.text))
        return query

    def _mentions(self, text: str) -> ColumnElement[bool]:
        """Whether customer, invoice, sender or subject holds the text."""
        customers = select(Customer.id).where(
            or_(Customer.name.icontains(text, autoescape=True), Customer.id.icontains(text, autoescape=True))
        )
        owners = (
            select(self.link_owner)
            .join(Invoice, Invoice.id == self.links.invoice_id)
            .where(Invoice.number.icontains(text, autoescape=True))
        )
        found = [self.customer_id.in_(customers), self.id.in_(owners)]
        if self.kind != "approval":
            mails = select(Message.id).where(
                or_(Message.sender.icontains(text, autoescape=True), Message.subject.icontains(text, autoescape=True))
            )
            found.append(self.table.message_id.in_(mails))
        return or_(*found)


def _streams(chosen: Selection, kinds: Sequence[Kind] = KINDS, *, everything: bool = False) -> Iterable[_Stream]:
    """The streams that can hold what is asked for."""
    if "item" in kinds and (not chosen.reason or chosen.reason in set(ExceptionReason)):
        if everything:
            yield _items(lambda _now: ExceptionItem.id.is_not(None))
        elif chosen.asleep:
            yield _items(lambda now: and_(_SNOOZED, ExceptionItem.snoozed_until > now))
        else:
            yield _items(lambda _now: ExceptionItem.state == ExceptionState.OPEN)
            yield _items(lambda _now: ExceptionItem.state == ExceptionState.TAKEN)
            yield _items(lambda now: and_(_SNOOZED, ExceptionItem.snoozed_until <= now))
    if "task" in kinds and (not chosen.reason or chosen.reason in set(TaskKind)):
        if everything:
            yield _tasks(lambda _now: Task.id.is_not(None))
        elif chosen.asleep:
            yield _tasks(lambda now: and_(Task.state == TaskState.OPEN, Task.snoozed_until > now))
        else:
            yield _tasks(
                lambda now: and_(
                    Task.state == TaskState.OPEN, or_(Task.snoozed_until.is_(None), Task.snoozed_until <= now)
                )
            )
    if "approval" in kinds and chosen.reason in ("", "approval") and not chosen.asleep and chosen.whose != "mine":
        yield _approvals(everything=everything)


_SNOOZED = ExceptionItem.state == ExceptionState.SNOOZED


def _items(condition: Callable[[datetime], ColumnElement[bool]]) -> _Stream:
    return _Stream(
        kind="item", table=ExceptionItem, id=ExceptionItem.id, priority=ExceptionItem.priority,
        reason=ExceptionItem.reason, assignee=ExceptionItem.assignee, customer_id=ExceptionItem.customer_id,
        condition=condition, columns=(ExceptionItem, Message.subject, Message.sender, Customer.name),
        outer=((Message, Message.id == ExceptionItem.message_id), (Customer, Customer.id == ExceptionItem.customer_id)),
        links=ExceptionLink, link_owner=ExceptionLink.exception_id, entry=_item_entry,
    )  # fmt: skip


def _tasks(condition: Callable[[datetime], ColumnElement[bool]]) -> _Stream:
    return _Stream(
        kind="task", table=Task, id=Task.id, priority=Task.priority, reason=Task.kind, assignee=Task.assignee,
        customer_id=Task.customer_id, condition=condition, columns=(Task, Customer.name),
        outer=((Customer, Customer.id == Task.customer_id),), links=TaskLink, link_owner=TaskLink.task_id,
        entry=_task_entry,
    )  # fmt: skip


def _approvals(*, everything: bool) -> _Stream:
    waits = and_(Reminder.approval == "waiting", Reminder.voided_at.is_(None))
    return _Stream(
        kind="approval", table=Reminder, id=Reminder.id, priority=literal(APPROVAL_URGENCY), reason=literal("approval"),
        assignee=null(), customer_id=Reminder.customer_id,
        condition=lambda _now: Reminder.id.is_not(None) if everything else waits,
        columns=(Reminder, Message.subject, Customer.name),
        outer=(
            (Delivery, Delivery.reminder_id == Reminder.id),
            (Message, Message.id == Delivery.message_id),
            (Customer, Customer.id == Reminder.customer_id),
        ),
        links=ReminderLine, link_owner=ReminderLine.reminder_id, entry=_approval_entry,
    )  # fmt: skip


def _rows(
    session: Session, stream: _Stream, chosen: Selection, by: str, now: datetime, after: Key | None, limit: int
) -> list[Entry]:
    query = stream.restricted(stream.query(by, now), chosen, by, now)
    if after is not None:
        place, mine = KINDS.index(after.kind), KINDS.index(stream.kind)
        beside = stream.id > after.id if mine == place else literal(mine > place)
        if stream.kind == "approval":
            query = query.where(
                or_(
                    literal(after.priority > APPROVAL_URGENCY),
                    and_(literal(after.priority == APPROVAL_URGENCY), beside),
                )
            )
        else:
            query = query.where(
                stream.priority <= after.priority,  # for the index; the finer part below only skips within one figure
                or_(stream.priority < after.priority, beside),
            )
    order = (stream.id,) if stream.kind == "approval" else (stream.priority.desc(), stream.id)
    return [stream.entry(row) for row in session.execute(query.order_by(*order).limit(limit))]


def _item_entry(row: Any) -> Entry:
    item, subject, sender, name = row
    suggested = None
    if item.suggested_primary is not None:
        suggested = item.suggested_primary, item.suggested_confidence or 0.0
    return Entry(
        key=Key(item.priority, "item", item.id),
        reason=item.reason.value,
        customer_id=item.customer_id,
        state=item.state.value,
        assignee=item.assignee,
        due_at=item.due_at,
        created_at=item.created_at,
        snoozed_until=item.snoozed_until,
        detail=item.detail,
        subject=subject,
        sender=sender,
        suggested=suggested,
        holds=item.holds,
        customer_name=name,
    )


def _task_entry(row: Any) -> Entry:
    task, name = row
    return Entry(
        key=Key(task.priority, "task", task.id),
        reason=task.kind.value,
        customer_id=task.customer_id,
        state="taken" if task.assignee is not None and task.state is TaskState.OPEN else task.state.value,
        assignee=task.assignee,
        due_at=task.due_on,
        created_at=task.created_at,
        snoozed_until=task.snoozed_until,
        detail=task.detail,
        customer_name=name,
    )


def _approval_entry(row: Any) -> Entry:
    reminder, subject, name = row
    return Entry(
        key=Key(APPROVAL_URGENCY, "approval", reminder.id),
        reason="approval",
        customer_id=reminder.customer_id,
        state="open" if reminder.approval == "waiting" and reminder.voided_at is None else reminder.approval,
        assignee=None,
        due_at=reminder.due_on,
        created_at=reminder.created_at,
        snoozed_until=None,
        detail=reminder.step,
        subject=subject,
        customer_name=name,
    )


_LINKS: dict[Kind, tuple[Any, Any]] = {
    "item": (ExceptionLink, ExceptionLink.exception_id),
    "task": (TaskLink, TaskLink.task_id),
    "approval": (ReminderLine, ReminderLine.reminder_id),
}


def _filled(session: Session, entries: Sequence[Entry], today: date) -> list[Entry]:
    """The entries with their invoices: one query a kind."""
    invoices: dict[tuple[Kind, int], list[Invoice]] = {}
    for kind, (links, owner) in _LINKS.items():
        ids = [entry.id for entry in entries if entry.kind == kind]
        if ids:
            query = select(owner, Invoice).join(links, links.invoice_id == Invoice.id).where(owner.in_(ids))
            for number, invoice in session.execute(query.order_by(Invoice.due_date, Invoice.id)):
                invoices.setdefault((kind, number), []).append(invoice)
    return [_with(entry, invoices.get((entry.kind, entry.id), []), today) for entry in entries]


def _with(entry: Entry, invoices: Sequence[Invoice], today: date) -> Entry:
    owed: dict[str, Decimal] = {}
    late = 0
    for invoice in invoices:
        if invoice.state not in CLOSED:
            owed[invoice.currency] = owed.get(invoice.currency, Decimal(0)) + invoice.balance
            late = max(late, (today - invoice.due_date).days)
    return replace(entry, invoices=tuple(invoice.number for invoice in invoices), owed=owed, days_late=late)
