"""Promises falling due: kept or broken, judged by what came in and never by what was said.

A promise is judged once its date and the grace days have passed. That money came in is believed at once; that none came
only of a ledger that is fresh and speaks for a later time than that. Broken, it makes a task, and the plan goes on with
its next step. `judge_promises` is the drain, harmless when run twice; each promise is a transaction of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.faults import point
from agent.ledger import freshness, store, tasks
from config import Settings
from models import Database, Invoice, Promise
from models.events import RELANCE
from models.reasons import TaskKind
from models.states import CLOSED, InvoiceState, PromiseState
from models.transitions import move


@dataclass(frozen=True, slots=True)
class Promised:
    """What judging needs to know of one promise; ``required``: what must have come in by it since it was made."""

    deadline: date
    required: Decimal
    came_in: Decimal


@dataclass(frozen=True, slots=True)
class Ledger:
    """Today, and what the ledger can say: the day that it speaks for (None: never imported), and if it is fresh."""

    today: date
    day: date | None
    is_fresh: bool


def verdict(promised: Promised, ledger: Ledger) -> PromiseState | None:
    """Kept, broken, or None: not yet to be told.

    >>> due = Promised(date(2026, 3, 4), Decimal(100), Decimal(0))
    >>> verdict(due, Ledger(date(2026, 3, 5), date(2026, 3, 4), is_fresh=True)) is None
    True
    """
    if ledger.today <= promised.deadline:
        return None
    if promised.came_in >= promised.required:
        return PromiseState.KEPT
    if ledger.day is None or not ledger.is_fresh or ledger.day <= promised.deadline:
        return None
    return PromiseState.BROKEN


def required(promise: Promise, plan: Iterable[Promise]) -> Decimal:
    """What must have come in by this promise: its amount and those of the instalments before it, at most the balance.

    ``plan``: the promises made together with it, itself among them.
    """
    until_then = (p for p in plan if p.date <= promise.date and p.state is not PromiseState.SUPERSEDED)
    total = sum((promise.balance_then if p.amount is None else p.amount for p in until_then), Decimal(0))
    return min(total, promise.balance_then)


def judge_promises(database: Database, settings: Settings, now: datetime) -> int:
    """Judge every open promise that has fallen due; how many were judged."""
    with database.read() as session:
        due = session.scalars(
            select(Promise.id)
            .where(Promise.state == PromiseState.OPEN, Promise.date < freshness.local_day(now, settings))
            .order_by(Promise.date, Promise.id)
        ).all()
    judged = 0
    for promise_id in due:
        with database.write() as session:
            judged += _judge(session, promise_id, settings, now)
            point("clockwork.judging")
        point("clockwork.judged")
    return judged


def _judge(session: Session, promise_id: int, settings: Settings, now: datetime) -> bool:
    invoice_id = session.get_one(Promise, promise_id).invoice_id
    invoice = session.get_one(Invoice, invoice_id, with_for_update=True, populate_existing=True)
    promise = session.get_one(Promise, promise_id, with_for_update=True, populate_existing=True)
    if promise.state is not PromiseState.OPEN:
        return False
    as_of = store.ledger_as_of(session, settings)
    ledger = Ledger(
        today=freshness.local_day(now, settings),
        day=freshness.local_day(as_of, settings) if as_of is not None else None,
        is_fresh=freshness.is_fresh(as_of, settings, now),
    )
    plan = _plan(session, promise)
    promised = Promised(
        deadline=freshness.promise_deadline(promise.date, settings),
        required=required(promise, plan),
        came_in=promise.balance_then - invoice.balance,
    )
    match verdict(promised, ledger):
        case PromiseState.KEPT:
            _keep(session, promise, invoice, at=now)
        case PromiseState.BROKEN:
            _break(session, promise, plan, invoice, settings, at=now)
        case _:
            return False
    return True


def _plan(session: Session, promise: Promise) -> list[Promise]:
    query = select(Promise).where(Promise.invoice_id == promise.invoice_id, Promise.made_at == promise.made_at)
    return list(session.scalars(query.order_by(Promise.id)))


def _keep(session: Session, promise: Promise, invoice: Invoice, *, at: datetime) -> None:
    move(session, promise, PromiseState.KEPT, actor=RELANCE, reason="came_in", at=at, values={"judged_at": at})
    if invoice.state is InvoiceState.PROMISED and not _open(session, invoice):
        # The promised part came in; of the rest the plan may speak again.
        move(
            session, invoice, InvoiceState.REMINDED, actor=RELANCE, reason="promise_kept", at=at,
            values={"state_at": at},
        )  # fmt: skip


def _break(
    session: Session, promise: Promise, plan: list[Promise], invoice: Invoice, settings: Settings, *, at: datetime
) -> None:
    move(session, promise, PromiseState.BROKEN, actor=RELANCE, reason="nothing_came", at=at, values={"judged_at": at})
    for later in (*plan, *_elsewhere(session, promise, invoice)):
        if later.state is PromiseState.OPEN:  # one missed instalment breaks the plan
            move(session, later, PromiseState.SUPERSEDED, actor=RELANCE, reason="plan_broken", at=at)
            _end_with_plan(session, later, invoice, at=at)
    if invoice.state is InvoiceState.PROMISED:
        move(
            session, invoice, InvoiceState.BROKEN, actor=RELANCE, reason="promise_broken", at=at,
            values={"state_at": at}, promise=promise.id,
        )  # fmt: skip
    if invoice.state not in CLOSED:
        amount = promise.amount if promise.amount is not None else promise.balance_then
        tasks.open_task(
            session,
            key=f"promise:{promise.id}",
            kind=TaskKind.BROKEN_PROMISE,
            invoices=[invoice],
            detail=f"{amount} {invoice.currency} of {invoice.number} was promised for {promise.date}; it did not come",
            due_on=freshness.local_day(at, settings),
            at=at,
            message_id=promise.message_id,
        )


def _elsewhere(session: Session, promise: Promise, invoice: Invoice) -> list[Promise]:
    """The instalments on the customer's other invoices that a person agreed to at the same moment: one payment plan."""
    if promise.message_id is not None:
        return []
    query = (
        select(Promise)
        .join(Invoice, Invoice.id == Promise.invoice_id)
        .where(
            Invoice.customer_id == invoice.customer_id,
            Invoice.id != invoice.id,
            Promise.made_at == promise.made_at,
            Promise.message_id.is_(None),
        )
    )
    return list(session.scalars(query.order_by(Promise.id)))


def _end_with_plan(session: Session, ended: Promise, broken: Invoice, *, at: datetime) -> None:
    """An invoice whose instalments ended with the plan on another one is no longer promised."""
    if ended.invoice_id == broken.id:
        return
    other = session.get_one(Invoice, ended.invoice_id, with_for_update=True)
    if other.state is InvoiceState.PROMISED and not _open(session, other):
        move(
            session, other, InvoiceState.BROKEN, actor=RELANCE, reason="plan_broken", at=at,
            values={"state_at": at}, promise=ended.id,
        )  # fmt: skip


def judge_settled(
    session: Session, invoice: Invoice, paid_on: date, *, settings: Settings, at: datetime, actor: str
) -> None:
    """The invoice is paid: its open promises are kept, or broken where the money came too late for them.

    ``paid_on``: the earliest day on which the money can have come in. A late one makes no task: the money is there.
    """
    for promise in _open(session, invoice):
        in_time = paid_on <= freshness.promise_deadline(promise.date, settings)
        to, reason = (PromiseState.KEPT, "paid") if in_time else (PromiseState.BROKEN, "paid_late")
        move(session, promise, to, actor=actor, reason=reason, at=at, values={"judged_at": at})


def reopen_unkept(session: Session, invoice: Invoice, *, at: datetime, actor: str) -> None:
    """Money was taken back: promises that it had kept are open again, to be judged once more."""
    query = select(Promise).where(Promise.invoice_id == invoice.id, Promise.state == PromiseState.KEPT)
    for promise in session.scalars(query.order_by(Promise.id)).all():
        if promise.balance_then - invoice.balance < required(promise, _plan(session, promise)):
            move(
                session, promise, PromiseState.OPEN, actor=actor, reason="money_taken_back", at=at,
                values={"judged_at": None},
            )  # fmt: skip


def _open(session: Session, invoice: Invoice) -> list[Promise]:
    query = select(Promise).where(Promise.invoice_id == invoice.id, Promise.state == PromiseState.OPEN)
    return list(session.scalars(query.order_by(Promise.id)))
