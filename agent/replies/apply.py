"""Stages 2 and 3: decide on each message that was read, and apply it, in one transaction with its events.

Finds: `read`. Leaves: `applied` or `queued`, with the decision's rows, the states moved, the queue item made. A death
of the process leaves `read`, and the same decision is made again. That a message acts twice is made impossible by
the unique (message, position) of its decision rows. A mail on which the program itself fails is set aside.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.faults import point
from agent.inbound.store import reading_of
from agent.learning import sampling
from agent.ledger import states
from agent.ledger.states import Answer
from agent.reminders import reconcile
from agent.reminders import store as reminder_store
from agent.replies import store
from agent.replies.aside import PASSES, set_aside
from agent.replies.decide import decide
from agent.replies.values import (
    Action,
    Case,
    MarkAway,
    MarkDead,
    OpenDispute,
    Queue,
    RecordPromise,
    ReportPaid,
    TakeNote,
    Verdict,
)
from agent.review.queue import alarm_at, open_exception
from config import Settings
from models import Contact, Database, Decision, Invoice, Message, Prediction, events, transitions
from models.events import RELANCE
from models.message import Direction
from models.states import DeliveryState, MessageState

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Applied:
    """What one drain did."""

    applied: int
    queued: int


def drain(database: Database, settings: Settings, now: datetime, stop: Callable[[], bool] = lambda: False) -> Applied:
    """Decide on every message that is ready for it, oldest first, a transaction each. ``stop`` is asked before each."""
    with database.read() as session:
        ready = or_(
            Message.kind != "human",
            Message.direction == Direction.OUT,
            Message.id.in_(select(Prediction.message_id)),
        )
        query = select(Message.id).where(Message.state == MessageState.READ, ready).order_by(Message.id)
        ids = list(session.scalars(query))
    applied = queued = 0
    for message_id in ids:
        if stop():
            break
        try:
            with database.write() as session:
                message = session.get_one(Message, message_id, with_for_update=True)
                if message.state is not MessageState.READ:
                    continue
                verdict = apply(session, message, settings, now)
                point("message.applying")
        except PASSES:
            raise
        except Exception as error:  # noqa: BLE001 whatever one mail does, the others must be decided
            set_aside(database, settings, message_id, error, now)
            continue
        point("message.applied")
        queued += verdict.is_queued
        applied += not verdict.is_queued
        log.info("message.decided", message=message_id, rule=verdict.rule, queued=verdict.is_queued)
    return Applied(applied, queued)


def apply(session: Session, message: Message, settings: Settings, now: datetime) -> Verdict:
    """Decide on one message and carry it out, in the caller's transaction."""
    case = store.case_of(session, message, settings, now)
    verdict = decide(case, store.policy_view(settings, now))
    _settle_deliveries(session, message, case, verdict, now)
    transitions.move(session, message, MessageState.DECIDED, actor=RELANCE, reason=verdict.rule, at=now)
    done = [
        (action, carry_out(session, action, message.id, by=RELANCE, reason=verdict.rule, now=now))
        for action in verdict.actions
    ]
    write_decisions(session, message, verdict.rule, done, verdict.queue, by=RELANCE, now=now)
    acted = [action.invoice_id for action, _ in done if isinstance(action, ReportPaid | RecordPromise | OpenDispute)]
    if acted:
        sampling.draw(session, message, [session.get_one(Invoice, each) for each in acted], settings, now)
    if verdict.queue is not None:
        _ask(session, message, case, verdict.queue, settings, now)
    to = MessageState.QUEUED if verdict.is_queued else MessageState.APPLIED
    transitions.move(
        session, message, to, actor=RELANCE, reason=verdict.rule, at=now,
        model=case.prediction.model_version if case.prediction else None,
    )  # fmt: skip
    return verdict


UNDELIVERED = frozenset({"dead_address", "undelivered"})
"""Rules by which a reminder did not arrive."""


def _settle_deliveries(session: Session, message: Message, case: Case, verdict: Verdict, now: datetime) -> None:
    """A mail that names one of ours proves that it left; a bounce for good proves that it didn't arrive."""
    if message.direction is Direction.OUT:
        return
    reading = reading_of(session, message.id)
    named = [reading.in_reply_to, *reading.references, reading.bounce.original_message_id if reading.bounce else None]
    for message_id in {one for one in named if one is not None}:
        reconcile.settle_by_mail(session, message_id, "bounce" if case.bounce else "reply", now)
    delivery = store.bounced_delivery(session, reading)
    if case.bounce is None or verdict.rule not in UNDELIVERED or delivery is None:
        return
    if delivery.state is DeliveryState.SENT and case.contact == delivery.recipient:
        transitions.move(
            session, delivery, DeliveryState.REJECTED, actor=RELANCE, reason="bounced", at=now,
            status=case.bounce.status, values={"reply": f"bounced: {case.bounce.reason.value}"},
        )  # fmt: skip
        if delivery.reminder is not None:
            # The step did not reach anybody: once there is another address the plan carries it out again.
            reminder_store.void(session, delivery.reminder, now)


def write_decisions(
    session: Session,
    message: Message,
    rule: str,
    done: Iterable[tuple[Action, Answer | None]],
    queue: Queue | None,
    *,
    by: str,
    now: datetime,
    position: int = 0,
) -> None:
    """One row for each action and for the question to a person, in order from ``position``.

    An action on an invoice keeps with it what it changed, so that a person can take it back.
    """
    rows: list[tuple[str, int | None, str, dict[str, Any]]] = [
        (_CODES[type(action)], getattr(action, "invoice_id", None), "", _document(action, answer))
        for action, answer in done
    ]
    if queue is not None:
        rows.append(("queue", None, queue.detail, {"reason": queue.reason.value, "holds": queue.holds}))
    for place, (action_code, invoice_id, detail, document) in enumerate(rows, start=position):
        session.add(
            Decision(
                message_id=message.id,
                position=place,
                action=action_code,
                invoice_id=invoice_id,
                rule=rule,
                reason=detail,
                document=document,
                decided_at=now,
                decided_by=by,
                applied_at=now,
            )
        )
    session.flush()


_CODES: dict[type[Any], str] = {
    ReportPaid: "report_paid",
    RecordPromise: "record_promise",
    OpenDispute: "open_dispute",
    MarkDead: "mark_dead",
    MarkAway: "mark_away",
    TakeNote: "take_note",
}


def _document(action: Action, answer: Answer | None) -> dict[str, Any]:
    document = {key: _plain(value) for key, value in asdict(action).items() if key != "address"}
    return {**document, "answer": answer.as_json() if answer is not None else None}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def carry_out(
    session: Session, action: Action, message_id: int | None, *, by: str, reason: str, now: datetime
) -> Answer | None:
    """Do what was decided, with its event; what it changed on an invoice, if it is about one."""
    match action:
        case ReportPaid(invoice_id):
            invoice = _locked(session, invoice_id)
            return states.report_paid(session, invoice, message_id=message_id, actor=by, reason=reason, at=now)
        case RecordPromise(invoice_id, on, amount):
            invoice = _locked(session, invoice_id)
            return states.promise(session, invoice, on, amount, message_id=message_id, actor=by, reason=reason, at=now)
        case OpenDispute(invoice_id, why):
            invoice = _locked(session, invoice_id)
            return states.dispute(session, invoice, why, None, message_id=message_id, actor=by, reason=reason, at=now)
        case MarkDead(address):
            for contact in _contacts(session, address):
                if contact.dead_since is None:
                    contact.dead_since = now
                    events.record(session, "contact.dead", contact, actor=by, at=now, message=message_id)
        case MarkAway(address, until):
            for contact in _contacts(session, address):
                contact.away_until = until
                events.record(
                    session, "contact.away", contact, actor=by, at=now, until=until.isoformat(), message=message_id
                )
        case TakeNote():
            pass
    return None


def _locked(session: Session, invoice_id: int) -> Invoice:
    return session.get_one(Invoice, invoice_id, with_for_update=True)


def _contacts(session: Session, address: str) -> list[Contact]:
    return list(session.scalars(select(Contact).where(Contact.email == address.lower())))


def _ask(
    session: Session,
    message: Message,
    case: Case,
    queue: Queue,
    settings: Settings,
    now: datetime,
) -> None:
    others = {link.customer_id for link in message.links}
    prediction = case.prediction
    open_exception(
        session,
        key=f"message:{message.id}",
        reason=queue.reason,
        detail=queue.detail,
        at=now,
        due_at=alarm_at(settings, now),
        customer_id=case.customer_id,
        customers=sorted(others),
        invoice_ids=[invoice.id for invoice in case.invoices] if not case.in_conflict else [],
        message_id=message.id,
        priority=queue.priority,
        holds=queue.holds,
        suggested=(prediction.primary, prediction.confidence) if prediction is not None else None,
    )
