"""Weighs what waits anew once a day, and finds the overdue customers for whom nothing is planned and nobody works.

A drain: harmless when run twice. An item that is new is weighed at the next run, each other one once a day, since
days late and days waiting go up by themselves; so many at a time that the database is never kept for long.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from agent.ledger.tasks import open_task
from agent.reminders import plan
from agent.reminders.values import Hindrance
from agent.review.priority import TASK_URGENCY, Facts, weigh
from config import Settings
from models import Database, ExceptionItem, ExceptionLink, Invoice, Promise, Task, TaskLink
from models.invoice import InvoiceKind
from models.reasons import TaskKind
from models.states import CLOSED, WAITING, PromiseState, TaskState

AT_ONCE = 2_000
ASK_AGAIN = timedelta(days=14)
"""How long after somebody has looked at a customer without a next step it is asked about again."""


def drain(database: Database, settings: Settings, now: datetime, last_run: datetime | None) -> int:
    """Weigh what has to be weighed; how many items that were. ``last_run``: when this was done last."""
    today = now.astimezone(settings.zone).date()
    if last_run is None or last_run.astimezone(settings.zone).date() < today:
        _ask_about_the_forgotten(database, settings, today, now)
    count = 0
    while done := _weigh_some(database, settings, today, now):
        count += done
    return count


def _weigh_some(database: Database, settings: Settings, today: date, now: datetime) -> int:
    with database.read() as session:
        items = session.scalars(
            select(ExceptionItem.id)
            .where(ExceptionItem.state.in_(WAITING), _is_old(ExceptionItem.weighed_on, today))
            .limit(AT_ONCE)
        ).all()
        tasks = session.scalars(
            select(Task.id).where(Task.state == TaskState.OPEN, _is_old(Task.weighed_on, today)).limit(AT_ONCE)
        ).all()
    if not items and not tasks:
        return 0
    with database.write() as session:
        _weigh_items(session, items, settings, today, now)
        _weigh_tasks(session, tasks, settings, today, now)
    return len(items) + len(tasks)


def _is_old(column: Any, today: date) -> ColumnElement[bool]:
    return or_(column.is_(None), column < today)


def _weigh_items(session: Session, ids: Sequence[int], settings: Settings, today: date, now: datetime) -> None:
    amounts = _owed(session, ExceptionLink.exception_id, ExceptionLink.invoice_id, ids)
    rows = session.scalars(select(ExceptionItem).where(ExceptionItem.id.in_(ids))).all()
    broken = _broken(session, {row.customer_id for row in rows if row.customer_id is not None})
    for row in rows:
        amount, oldest = amounts.get(row.id, (Decimal(0), None))
        facts = Facts(
            urgency=row.urgency,
            amount=amount,
            days_late=(today - oldest).days if oldest is not None else 0,
            broken_promises=broken.get(row.customer_id or "", 0),
            days_waiting=(today - row.created_at.astimezone(settings.zone).date()).days,
            alarms=row.due_at <= now,
        )
        row.priority, row.weighed_on = weigh(facts), today


def _weigh_tasks(session: Session, ids: Sequence[int], settings: Settings, today: date, now: datetime) -> None:  # noqa: ARG001 like its neighbour
    amounts = _owed(session, TaskLink.task_id, TaskLink.invoice_id, ids)
    rows = session.scalars(select(Task).where(Task.id.in_(ids))).all()
    broken = _broken(session, {row.customer_id for row in rows})
    for row in rows:
        amount, oldest = amounts.get(row.id, (Decimal(0), None))
        facts = Facts(
            urgency=TASK_URGENCY.get(row.kind, 50),
            amount=amount,
            days_late=(today - oldest).days if oldest is not None else 0,
            broken_promises=broken.get(row.customer_id, 0),
            days_waiting=max(0, (today - row.due_on).days),
            alarms=(today - row.due_on).days > 7,
        )
        row.priority, row.weighed_on = weigh(facts), today


def _owed(session: Session, owner: Any, invoice_id: Any, ids: Sequence[int]) -> dict[int, tuple[Decimal, date]]:
    """By item: what is open on its invoices, and the oldest due date among them."""
    query = (
        select(owner, func.sum(Invoice.balance, type_=Invoice.balance.type), func.min(Invoice.due_date))
        .join(Invoice, Invoice.id == invoice_id)
        .where(owner.in_(ids), Invoice.state.not_in(CLOSED), Invoice.kind == InvoiceKind.INVOICE)
        .group_by(owner)
    )
    return {number: (amount, oldest) for number, amount, oldest in session.execute(query)}


def _broken(session: Session, customer_ids: set[str]) -> dict[str, int]:
    query = (
        select(Invoice.customer_id, func.count())
        .join(Promise, Promise.invoice_id == Invoice.id)
        .where(Promise.state == PromiseState.BROKEN, Invoice.customer_id.in_(customer_ids))
        .group_by(Invoice.customer_id)
    )
    return dict(session.execute(query).all())


def _ask_about_the_forgotten(database: Database, settings: Settings, today: date, now: datetime) -> None:
    """A task for each customer whose overdue invoices are through the plan while nobody works on them.

    What the plan leaves out because it has ended is asked of the plan itself, so that the two can't tell two stories.
    """
    ended: dict[str, list[str]] = {}
    for customer in plan.preview(database, settings, now):
        for left in customer.left_out:
            if left.reason is Hindrance.PLAN_ENDED:
                ended.setdefault(left.customer_id, []).append(left.invoice_number)
    for customer_id, numbers in ended.items():
        with database.write() as session:
            if _is_worked_on(session, customer_id, now):
                continue
            count = session.scalar(
                select(func.count()).where(Task.customer_id == customer_id, Task.kind == TaskKind.NO_NEXT_STEP)
            )
            rows = session.scalars(select(Invoice).where(Invoice.number.in_(numbers)).order_by(Invoice.due_date)).all()
            open_task(
                session,
                key=f"no_next_step:{customer_id}:{(count or 0) + 1}",
                kind=TaskKind.NO_NEXT_STEP,
                invoices=rows,
                detail="overdue, and the plan is at its end",
                due_on=today,
                at=now,
            )


def _is_worked_on(session: Session, customer_id: str, now: datetime) -> bool:
    """Whether a task of this customer is open or was done of late. What an item, a hold or an answer keeps back never
    gets here: the plan has not ended for it.
    """
    worked = or_(Task.state == TaskState.OPEN, Task.done_at > now - ASK_AGAIN)
    return session.scalar(select(Task.id).where(Task.customer_id == customer_id, worked).limit(1)) is not None
