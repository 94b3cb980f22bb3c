"""What changed in the database since the last look, in the order in which it happened, for the screen.

The log of events tells what and when; the rows tell the rest. Reads only.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.inbound.store import reading_of
from agent.replies import store
from agent.replies.explain import meaning
from classifier.text import fold
from classifier.values import Prediction
from models import (
    Customer,
    Database,
    Decision,
    Delivery,
    Event,
    ExceptionItem,
    Invoice,
    Message,
    Payment,
    ReminderLine,
    Task,
)
from models.message import Direction
from models.states import WAITING, DeliveryState, InvoiceState, MessageState, TaskState


@dataclass(frozen=True, slots=True)
class MoneyCame:
    """The bank statement's new lines."""

    payments: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class MailLeft:
    customer: str
    step: str
    numbers: tuple[str, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Read:
    """An answer, how it was understood, and what was done about it."""

    message: int
    customer: str
    kind: str
    text: str
    primary: str | None
    confidence: float
    words: tuple[str, ...]
    rule: str
    why: str
    is_queued: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """An invoice's new state; but for those that a reminder just made `reminded`, which its mail tells."""

    number: str
    was: str
    to: str
    reason: str
    by_message: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Work for a person that comes from no mail: a task, or a payment that fits nothing."""

    what: str
    customer: str
    detail: str


Happening = MoneyCame | MailLeft | Read | Moved | Asked


@dataclass(frozen=True, slots=True)
class Board:
    """Where everything stands."""

    invoices: Mapping[str, tuple[int, Decimal]]
    """By state: how many, and their open balance."""
    queue: Mapping[str, int]
    """By reason: what waits for a person."""
    tasks: Mapping[str, int]
    mails_sent: int
    answers: int
    applied: int
    queued: int
    collected: Decimal


class Story:
    """Reads on from where it stopped; what was there at the beginning is no story."""

    def __init__(self, database: Database, since: datetime) -> None:
        self._database = database
        self._since = since
        with database.read() as session:
            self._seq = session.scalar(select(func.max(Event.seq))) or 0

    def go_on(self) -> list[Happening]:
        """What happened since the last call."""
        with self._database.read() as session:
            new = session.scalars(select(Event).where(Event.seq > self._seq).order_by(Event.seq)).all()
            happenings = _money(session, new)
            by_mail: dict[int, list[Happening]] = defaultdict(list)
            for event in new:
                self._seq = event.seq
                tell = _TOLD.get(event.kind.partition(".")[0])
                told = tell(session, event) if tell is not None else None
                match told:
                    case None:
                        continue
                    case Moved(by_message=int(message)):
                        by_mail[message].append(told)  # its mail's own event is the last of the transaction
                    case Read(message=message):
                        happenings += [told, *by_mail.pop(message, [])]
                    case _:
                        happenings.append(told)
        return happenings

    def board(self) -> Board:
        with self._database.read() as session:
            return board(session, self._since)


def board(session: Session, since: datetime) -> Board:
    """Where everything stands; money counts from `since`."""
    states = select(Invoice.state, func.count(), func.sum(Invoice.balance)).group_by(Invoice.state)
    by_state = {state.value: (count, balance or Decimal(0)) for state, count, balance in session.execute(states)}
    reasons = (
        select(ExceptionItem.reason, func.count())
        .where(ExceptionItem.state.in_(WAITING))
        .group_by(ExceptionItem.reason)
        .order_by(func.count().desc(), ExceptionItem.reason)
    )
    kinds = select(Task.kind, func.count()).where(Task.state == TaskState.OPEN).group_by(Task.kind)
    decided = select(Message.state, func.count()).where(Message.direction == Direction.IN).group_by(Message.state)
    by_message: dict[MessageState | None, int] = dict(session.execute(decided).all())
    sent = select(func.count()).select_from(Delivery).where(Delivery.sent_at.is_not(None))
    came = session.scalars(select(Payment.amount).where(Payment.imported_at > since))
    return Board(
        invoices={state.value: by_state[state.value] for state in InvoiceState if state.value in by_state},
        queue={reason.value: count for reason, count in session.execute(reasons)},
        tasks={kind.value: count for kind, count in session.execute(kinds)},
        mails_sent=session.scalar(sent) or 0,
        answers=sum(by_message.values()),
        applied=by_message.get(MessageState.APPLIED, 0),
        queued=by_message.get(MessageState.QUEUED, 0),
        collected=sum(came, Decimal(0)),
    )


def _money(session: Session, new: Sequence[Event]) -> list[Happening]:
    ids = [event.subject_id for event in new if event.kind == "payment.created"]
    if not ids:
        return []
    amounts = session.scalars(select(Payment.amount).where(Payment.id.in_(ids))).all()
    return [MoneyCame(len(amounts), sum(amounts, Decimal(0)))]


def _delivery(session: Session, event: Event) -> Happening | None:
    if event.kind != f"delivery.{DeliveryState.SENT.value}":
        return None
    delivery = session.get_one(Delivery, int(event.subject_id))
    reminder = delivery.reminder
    if reminder is None:
        return None
    lines = session.execute(
        select(Invoice.number, ReminderLine.balance)
        .join(Invoice, Invoice.id == ReminderLine.invoice_id)
        .where(ReminderLine.reminder_id == reminder.id)
        .order_by(ReminderLine.id)
    ).all()
    total = sum((balance for _, balance in lines), Decimal(0))
    return MailLeft(_name(session, delivery.customer_id), reminder.step, tuple(number for number, _ in lines), total)


def _message(session: Session, event: Event) -> Happening | None:
    if event.kind not in {"message.applied", "message.queued"}:
        return None
    message = session.get_one(Message, int(event.subject_id))
    reading = reading_of(session, message.id)
    prediction = store.prediction_of(session, message.id)
    decision = session.scalars(
        select(Decision).where(Decision.message_id == message.id).order_by(Decision.position.desc())
    ).first()
    rule = decision.rule if decision is not None else str(event.data["reason"])
    return Read(
        message=message.id,
        customer=_name(session, message.customer_id) if message.customer_id else (message.sender or "?"),
        kind=reading.kind.value,
        text=" ".join(reading.new_text.split()),
        primary=prediction.primary if prediction is not None else None,
        confidence=prediction.confidence if prediction is not None else 0.0,
        words=_words(prediction, reading.new_text),
        rule=rule,
        why=(decision.reason if decision is not None else "") or meaning(rule),
        is_queued=event.kind == "message.queued",
    )


def _words(prediction: Prediction | None, text: str) -> tuple[str, ...]:
    """The words that carried the intent, of those that stand in the text as they are: some features are no words."""
    if prediction is None:
        return ()
    said = fold(text)
    found = [
        word
        for evidence in prediction.evidence
        if evidence.intent == prediction.primary
        for word in evidence.words
        if len(word) > 2 and fold(word) in said
    ]
    return tuple(dict.fromkeys(found))[:4]


def _invoice(session: Session, event: Event) -> Happening | None:
    to = event.kind.partition(".")[2]
    if to not in set(InvoiceState) or "reminder" in event.data:
        return None
    invoice = session.get_one(Invoice, int(event.subject_id))
    message = event.data.get("message")
    return Moved(invoice.number, str(event.data["was"]), to, str(event.data["reason"]), message)


def _task(session: Session, event: Event) -> Happening | None:
    if event.kind != "task.open" or "was" in event.data:
        return None
    task = session.get_one(Task, int(event.subject_id))
    return Asked(task.kind.value, _name(session, task.customer_id), task.detail)


def _exception(session: Session, event: Event) -> Happening | None:
    if event.kind != "exception.open" or "was" in event.data:
        return None
    item = session.get_one(ExceptionItem, int(event.subject_id))
    if item.message_id is not None:
        return None  # told with its message
    customer = _name(session, item.customer_id) if item.customer_id else "?"
    return Asked(item.reason.value, customer, item.detail)


_TOLD: Mapping[str, Callable[[Session, Event], Happening | None]] = {
    "delivery": _delivery,
    "message": _message,
    "invoice": _invoice,
    "task": _task,
    "exception": _exception,
}


def _name(session: Session, customer_id: str) -> str:
    return session.get_one(Customer, customer_id).name
