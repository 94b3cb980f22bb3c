"""The rows of webhooks: how far each has read the log, what is due, what came of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from agent.review import queue
from agent.webhooks import decide
from agent.webhooks.decide import Told
from config import Settings, Webhook
from models import (
    Delivery,
    Dispute,
    Event,
    EventHead,
    ExceptionItem,
    Hold,
    Invoice,
    Promise,
    Reminder,
    Task,
    WebhookCursor,
    WebhookDelivery,
)
from models.reasons import ExceptionReason
from models.states import WAITING

PAGE = 1_000
KEPT = timedelta(days=7)
"""How long what was delivered stays on record; what was given up stays until it is replayed."""
_SUBJECTS = {table.__tablename__: table for table in (ExceptionItem, Task, Promise, Dispute, Delivery, Hold, Reminder)}


def fan_out(session: Session, name: str, webhook: Webhook, now: datetime) -> int:
    """Make a row of every wanted event since the last time, and move the cursor with them; how many events were seen.

    A webhook that is new begins with what happens from now on.
    """
    cursor = session.get(WebhookCursor, name, with_for_update=True)
    if cursor is None:
        head = session.execute(select(EventHead.seq)).scalar_one()
        session.add(WebhookCursor(name=name, seq=head, created_at=now))
        return 0
    rows = session.execute(
        select(Event.seq, Event.kind).where(Event.seq > cursor.seq).order_by(Event.seq).limit(PAGE)
    ).all()
    for seq, kind in rows:
        if decide.is_wanted(kind, webhook.events):
            session.add(WebhookDelivery(name=name, seq=seq, not_before=now))
    if rows:
        cursor.seq = rows[-1][0]
    session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.name == name, WebhookDelivery.delivered_at < now - KEPT)
    )
    return len(rows)


def due(session: Session, name: str, now: datetime, after: int) -> WebhookDelivery | None:
    """The next one to try, in the order of the log, behind the event ``after``."""
    query = select(WebhookDelivery).where(
        WebhookDelivery.name == name, WebhookDelivery.delivered_at.is_(None), WebhookDelivery.given_up_at.is_(None),
        WebhookDelivery.not_before <= now, WebhookDelivery.seq > after,
    )  # fmt: skip
    return session.scalars(query.order_by(WebhookDelivery.seq).limit(1)).first()


def told(session: Session, seq: int) -> Told:
    """The event as it is told, with the numbers by which other systems know what it is about."""
    event = session.get_one(Event, seq)
    return Told(
        event.seq, event.kind, event.at, event.actor, (event.subject_type, event.subject_id), event.data,
        _names(session, event),
    )  # fmt: skip


def _names(session: Session, event: Event) -> dict[str, str]:
    if event.subject_type == Invoice.__tablename__ and event.subject_id.isdecimal():
        return _of_invoice(session, int(event.subject_id))
    table = _SUBJECTS.get(event.subject_type)
    row = session.get(table, int(event.subject_id)) if table is not None and event.subject_id.isdecimal() else None
    names: dict[str, str] = {}
    if (customer := getattr(row, "customer_id", None)) is not None:
        names["customer"] = customer
    if (invoice := getattr(row, "invoice_id", None)) is not None:
        names |= _of_invoice(session, invoice)
    return names


def _of_invoice(session: Session, number: int) -> dict[str, str]:
    row = session.get(Invoice, number)
    return {"customer": row.customer_id, "invoice": row.number} if row is not None else {}


def book(
    session: Session, delivery_id: int, status: int | None, error: str | None, settings: Settings, now: datetime
) -> str:
    """Write down what came of an attempt; what is given up is shown to a person. Gives the verdict."""
    row = session.get_one(WebhookDelivery, delivery_id, with_for_update=True)
    row.attempts += 1
    row.last_status, row.last_error = status, error[:500] if error is not None else None
    verdict = decide.verdict(status, row.attempts)
    if verdict == "delivered":
        row.delivered_at = now
    elif verdict == "again":
        row.not_before = decide.next_try(row.attempts, now)
    else:
        row.given_up_at = now
        _ask_a_person(session, row, settings, now)
    return verdict


def _ask_a_person(session: Session, row: WebhookDelivery, settings: Settings, now: datetime) -> None:
    """One item for a webhook, however many of its messages are given up while it waits."""
    waits = select(ExceptionItem.id).where(
        ExceptionItem.reason == ExceptionReason.WEBHOOK_FAILED, ExceptionItem.state.in_(WAITING),
        ExceptionItem.key.startswith(f"webhook:{row.name}:", autoescape=True),
    )  # fmt: skip
    if session.scalar(waits.limit(1)) is None:
        queue.open_exception(
            session, key=f"webhook:{row.name}:{row.id}", reason=ExceptionReason.WEBHOOK_FAILED,
            detail=f"{row.name}: given up after {row.attempts} attempts "
            f"({row.last_error or f'HTTP {row.last_status}'}); mend it, then `relance webhooks replay {row.name}`",
            at=now, due_at=queue.alarm_at(settings, now), holds=False, priority=40,
        )  # fmt: skip


def replay(session: Session, name: str, since: int | None, webhook: Webhook, now: datetime) -> int:
    """Let what was given up be tried again, or every wanted event from ``since`` on; how many there are."""
    if since is None:
        given_up = (WebhookDelivery.name == name, WebhookDelivery.given_up_at.is_not(None))
        rows: Sequence[int] = session.scalars(select(WebhookDelivery.id).where(*given_up)).all()
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.id.in_(rows))
            .values(given_up_at=None, attempts=0, not_before=now)
        )
        return len(rows)
    cursor = session.get(WebhookCursor, name, with_for_update=True)
    head = session.execute(select(EventHead.seq)).scalar_one()
    if cursor is None:
        cursor = WebhookCursor(name=name, seq=head, created_at=now)
        session.add(cursor)
    wanted = [
        seq
        for seq, kind in session.execute(
            select(Event.seq, Event.kind).where(Event.seq >= since, Event.seq <= cursor.seq)
        )
        if decide.is_wanted(kind, webhook.events)
    ]
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.name == name, WebhookDelivery.seq >= since))
    session.add_all(WebhookDelivery(name=name, seq=seq, not_before=now) for seq in wanted)
    return len(wanted)


def counts(session: Session, name: str) -> dict[str, int]:
    """How many wait, were delivered lately, were given up."""
    row = session.execute(
        select(
            func.count().filter(WebhookDelivery.delivered_at.is_(None), WebhookDelivery.given_up_at.is_(None)),
            func.count().filter(WebhookDelivery.delivered_at.is_not(None)),
            func.count().filter(WebhookDelivery.given_up_at.is_not(None)),
        ).where(WebhookDelivery.name == name)
    ).one()
    return {"waiting": row[0], "delivered": row[1], "given_up": row[2]}
