"""The tables that the work list is merged of: each table's share of it, restricted and told as entries. Reads only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select

from agent.review.priority import APPROVAL_URGENCY
from agent.review.values import KINDS, Entry, Key, Kind, Selection
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
from models.states import ExceptionState, TaskState


def managed_by(manager: str) -> ColumnElement[bool]:
    """The customers of one account manager, as `deeds.sees` has it; of no name there are none."""
    return and_(Customer.account_manager != "", func.lower(Customer.account_manager) == manager.lower())


@dataclass(frozen=True, slots=True)
class Stream:
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


def streams(chosen: Selection, kinds: Sequence[Kind] = KINDS, *, everything: bool = False) -> Iterable[Stream]:
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


def _items(condition: Callable[[datetime], ColumnElement[bool]]) -> Stream:
    return Stream(
        kind="item", table=ExceptionItem, id=ExceptionItem.id, priority=ExceptionItem.priority,
        reason=ExceptionItem.reason, assignee=ExceptionItem.assignee, customer_id=ExceptionItem.customer_id,
        condition=condition, columns=(ExceptionItem, Message.subject, Message.sender, Customer.name),
        outer=((Message, Message.id == ExceptionItem.message_id), (Customer, Customer.id == ExceptionItem.customer_id)),
        links=ExceptionLink, link_owner=ExceptionLink.exception_id, entry=_item_entry,
    )  # fmt: skip


def _tasks(condition: Callable[[datetime], ColumnElement[bool]]) -> Stream:
    return Stream(
        kind="task", table=Task, id=Task.id, priority=Task.priority, reason=Task.kind, assignee=Task.assignee,
        customer_id=Task.customer_id, condition=condition, columns=(Task, Customer.name),
        outer=((Customer, Customer.id == Task.customer_id),), links=TaskLink, link_owner=TaskLink.task_id,
        entry=_task_entry,
    )  # fmt: skip


def _approvals(*, everything: bool) -> Stream:
    waits = and_(Reminder.approval == "waiting", Reminder.voided_at.is_(None))
    return Stream(
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
