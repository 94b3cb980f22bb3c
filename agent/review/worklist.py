"""One list of all that waits for a person: exceptions, tasks and reminders that wait for a yes, the most urgent first.

Each kind lies in a table of its own with an index in the list's order, so a page is made by taking the first rows of
each (by key, never by counting off) and merging them: the hundred-thousandth costs as much as the first. Reads only.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from heapq import merge
from typing import Any

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.orm import Session

from agent.review.priority import APPROVAL_URGENCY
from agent.review.streams import Stream, streams
from agent.review.values import KINDS, Entry, Key, Kind, Page, Selection
from models import ExceptionLink, Invoice, ReminderLine, TaskLink
from models.states import CLOSED, ExceptionState

PAGE = 50


def page(
    session: Session, chosen: Selection, by: str, now: datetime, today: date, after: Key | None = None, size: int = PAGE
) -> Page:
    """A page of the list, from behind ``after``. ``by`` is who looks: "mine" is that person's."""
    parts = [_rows(session, stream, chosen, by, now, after, size + 1) for stream in streams(chosen)]
    found = list(merge(*parts, key=lambda entry: entry.key.order))[: size + 1]
    entries = _filled(session, found[:size], today)
    return Page(tuple(entries), entries[-1].key if len(found) > size else None)


def one(session: Session, kind: Kind, number: int, by: str, now: datetime, today: date) -> Entry | None:
    """One entry as the list shows it, waiting or not."""
    for stream in streams(Selection(), kinds=(kind,), everything=True):
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
    for stream in streams(wide):
        query = stream.restricted(select(stream.reason, func.count()).select_from(stream.table), wide, by, now)
        for reason, count in session.execute(query.group_by(stream.reason)):
            code = getattr(reason, "value", reason)
            found[code] = found.get(code, 0) + count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _rows(
    session: Session, stream: Stream, chosen: Selection, by: str, now: datetime, after: Key | None, limit: int
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
