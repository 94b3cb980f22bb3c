"""The rows of the mailbox and of people's work as figures see them. Reads only; no text of a mail is looked at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.sampling import WRONG
from agent.reports.values import Mail, Work
from models import (
    Correction,
    Decision,
    Dispute,
    ExceptionItem,
    ExceptionLink,
    Invoice,
    Message,
    MessageLink,
    Note,
    Prediction,
    Promise,
    Task,
    TaskLink,
)
from models.events import RELANCE
from models.message import Direction
from models.reasons import TaskKind
from models.states import HANDLED, WAITING, TaskState

ASKED = "queue"
"""The action of a decision that asks a person instead of doing something."""


def mails_and_work(session: Session, zone: ZoneInfo) -> tuple[tuple[Mail, ...], tuple[Work, ...]]:
    return tuple(_mails(session, zone)), tuple(_work(session, zone))


def _mails(session: Session, zone: ZoneInfo) -> Iterator[Mail]:
    links = _grouped(
        session.execute(
            select(MessageLink.message_id, MessageLink.invoice_id, MessageLink.proof).where(
                MessageLink.invoice_id.is_not(None)
            )
        )
    )
    decided = _grouped(
        session.execute(
            select(Decision.message_id, Decision.action, Decision.decided_by, Decision.decided_at).order_by(Decision.id)
        )
    )
    items = _grouped(
        session.execute(
            select(ExceptionItem.message_id, ExceptionItem.state, ExceptionItem.resolved_at).where(
                ExceptionItem.message_id.is_not(None), ExceptionItem.delivery_id.is_(None)
            )
        )
    )
    predicted = {row.message_id: row for row in session.execute(_PREDICTED)}
    corrected = {row.message_id: row.labels for row in session.execute(_CORRECTED)}
    audited = {row.message_id: row.outcome for row in session.execute(_AUDITED)}
    query = select(
        Message.id, Message.received_at, Message.kind, Message.customer_id, Message.thread_id, Message.state
    ).where(Message.direction == Direction.IN)
    for row in session.execute(query.order_by(Message.id)):
        rows = links[row.id]
        proven = [each.invoice_id for each in rows if each.proof]
        labels: dict[str, Any] = corrected.get(row.id, {})
        prediction = predicted.get(row.id)
        alone = [d.decided_at for d in decided[row.id] if d.decided_by == RELANCE and d.action != ASKED]
        resolved = [item.resolved_at for item in items[row.id] if item.resolved_at is not None]
        yield Mail(
            id=row.id,
            at=row.received_at,
            day=row.received_at.astimezone(zone).date(),
            kind=row.kind,
            customer_id=row.customer_id,
            thread_id=row.thread_id,
            is_handled=row.state in HANDLED,
            is_waiting=any(item.state in WAITING for item in items[row.id]),
            was_automatic=bool(alone),
            settled=min([*alone, *resolved], default=None),
            predicted=prediction.primary if prediction is not None else None,
            corrected=labels.get("primary"),
            was_wrong=_is_wrong(audited.get(row.id)),
            late_reason=labels.get("late_reason")
            or (prediction.document.get("late_reason") if prediction is not None else None),
            invoices=tuple(proven or [each.invoice_id for each in rows]),
        )


_PREDICTED = select(Prediction.message_id, Prediction.primary, Prediction.document)
_CORRECTED = (
    select(Correction.message_id, Correction.labels)
    .where(Correction.withdrawn_at.is_(None))
    .order_by(Correction.id)  # the last word on a mail counts
)
_AUDITED = select(Task.message_id, Task.outcome).where(
    Task.kind == TaskKind.AUDIT_SAMPLE, Task.state == TaskState.DONE, Task.message_id.is_not(None)
)


def _is_wrong(outcome: str | None) -> bool | None:
    """What a person said of an audited action."""
    return outcome.strip().lower().startswith(WRONG) if outcome is not None else None


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    """Rows by their first column."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _work(session: Session, zone: ZoneInfo) -> Iterator[Work]:
    for what, by, at, customer, invoices in (*_settled(session), *_written_down(session)):
        if at is not None and by is not None and by != RELANCE:
            yield Work(what, by, at.astimezone(zone).date(), customer, invoices)


Deed = tuple[str, str | None, datetime | None, str | None, tuple[int, ...]]
"""What was done, by whom, when, on which customer, and its invoices."""


def _settled(session: Session) -> Iterator[Deed]:
    of_item = _grouped(session.execute(select(ExceptionLink.exception_id, ExceptionLink.invoice_id)))
    items = select(ExceptionItem.id, ExceptionItem.customer_id, ExceptionItem.resolved_by, ExceptionItem.resolved_at)
    for each, customer, by, at in session.execute(items.where(ExceptionItem.resolved_at.is_not(None))):
        yield "exception", by, at, customer, _ids(of_item[each])
    of_task = _grouped(session.execute(select(TaskLink.task_id, TaskLink.invoice_id)))
    tasks = select(Task.id, Task.customer_id, Task.done_by, Task.done_at).where(Task.state == TaskState.DONE)
    for each, customer, by, at in session.execute(tasks):
        yield "task", by, at, customer, _ids(of_task[each])


def _written_down(session: Session) -> Iterator[Deed]:
    notes = select(Note.customer_id, Note.invoice_id, Note.by, Note.at).where(Note.kind.in_(("call", "note")))
    for customer, invoice, by, at in session.execute(notes):
        yield "note", by, at, customer, (invoice,) if invoice is not None else ()
    promises = (
        select(Promise.invoice_id, Invoice.customer_id, Promise.made_by, Promise.made_at)
        .join(Invoice, Invoice.id == Promise.invoice_id)
        .where(Promise.message_id.is_(None))
    )
    disputes = (
        select(Dispute.invoice_id, Invoice.customer_id, Dispute.opened_by, Dispute.opened_at)
        .join(Invoice, Invoice.id == Dispute.invoice_id)
        .where(Dispute.message_id.is_(None))
    )
    for invoice, customer, by, at in (*session.execute(promises), *session.execute(disputes)):
        yield "entry", by, at, customer, (invoice,)


def _ids(links: Iterable[Any]) -> tuple[int, ...]:
    return tuple(link.invoice_id for link in links if link.invoice_id is not None)
