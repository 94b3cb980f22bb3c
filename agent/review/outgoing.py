"""What goes out: what waits for a yes, what the plan does today, what it will do in the next weeks, and what it leaves
out with the reason. The same judgement as the real run (`agent.reminders.plan`); reads only, but for the kill switch.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger.overview import steps_ahead
from agent.reminders import plan
from agent.reminders.loading import customer_views, plan_settings
from agent.reminders.values import CustomerPlan, Hindrance, LeftOut, PlannedReminder
from config import Settings
from config.plans import Channel
from models import Customer, Database, Invoice, SendingStop, events

DAYS = 30


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the plan would do on that day for one customer, if nothing happens before: one mail, whose step is that of
    its oldest invoice, or one call, letter or hand-over.
    """

    customer_id: str
    name: str
    step: str
    channel: Channel
    invoices: tuple[str, ...]
    amounts: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Today as it stands."""

    plans: tuple[CustomerPlan, ...]
    names: dict[str, str]
    """Customers' names by their id."""
    left_out: tuple[LeftOut, ...]
    reasons: tuple[tuple[str, int], ...]
    """How many invoices are left out, by reason, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What comes next for one invoice, and why then: ``day`` of the plan of that name, counted from the due date; what
    keeps it back, and which items of the queue do. All None: nothing is asked for any more.
    """

    plan: str | None
    day: int | None
    left_out: LeftOut | None
    items: tuple[int, ...]


Calendar = dict[date, list[Ahead]]
"""By day, in order, what would go out."""


def today(database: Database, settings: Settings, now: datetime, only_of: str | None = None) -> Outgoing:
    """What would go out now, and what not and why. ``only_of``: of that account manager's customers alone."""
    with database.read() as session:
        plans = plan.preview_of(session, customer_views(session, settings, now), database, settings, now)
        return _today(plans, _seen(session, only_of))


def prospect(session: Session, database: Database, settings: Settings, invoice: Invoice, now: datetime) -> Prospect:
    """Why the plan's next step for this invoice comes when it does: asked of the planner, like everything else here."""
    views = list(customer_views(session, settings, now, [invoice.customer_id]))
    if not views:
        return Prospect(None, None, None, ())
    found = plan.preview_of(session, views, database, settings, now)
    left = next((left for one in found for left in one.left_out if left.invoice_number == invoice.number), None)
    planning = plan_settings(settings)
    ahead_of = steps_ahead(views, planning, now).get(invoice.id)
    chosen = planning.plan_for(views[0], invoice.currency).plan if ahead_of is not None else None
    holding = left is not None and left.reason is Hindrance.EXCEPTION_OPEN
    return Prospect(
        plan=chosen.name if chosen is not None else None,
        day=ahead_of[0].day if ahead_of is not None else None,
        left_out=left if left is not None and left.reason is not Hindrance.STEP_LATER else None,
        items=tuple(views[0].open_exceptions) if holding else (),
    )


def _today(plans: Iterable[CustomerPlan], seen: dict[str, str]) -> Outgoing:
    mine = tuple(one for one in plans if _owner(one) in seen)
    left_out = tuple(left for one in mine for left in one.left_out)
    counted = Counter(left.reason.value for left in left_out)
    return Outgoing(
        plans=tuple(one for one in mine if one.reminders),
        names=seen,
        left_out=left_out,
        reasons=tuple(counted.most_common()),
    )


def _owner(one: CustomerPlan) -> str:
    """Whose plan it is; one without anything in it is nobody's."""
    if one.reminders:
        return one.reminders[0].customer.id
    return one.left_out[0].customer_id if one.left_out else ""


def _seen(session: Session, only_of: str | None) -> dict[str, str]:
    rows = session.execute(select(Customer.id, Customer.name, Customer.account_manager))
    wanted = only_of.lower() if only_of is not None else None
    return {number: name for number, name, manager in rows if wanted is None or (manager or "").lower() == wanted != ""}


def calendar(
    database: Database, settings: Settings, now: datetime, only_of: str | None = None, days: int = DAYS
) -> Calendar:
    """By day, from today: what the plan would do, if nobody answered or paid; the same as `relance simulate`. Whoever
    waits for a person is in no day.
    """
    begin = now.astimezone(settings.zone).date()
    found = plan.foresee(database, settings, begin, begin + timedelta(days=days - 1), now)
    with database.read() as session:
        names = _seen(session, only_of)
    calendar_days: Calendar = {}
    for one in found:
        if one.planned.customer.id in names:
            day = one.at.astimezone(settings.zone).date()
            calendar_days.setdefault(day, []).append(_ahead(one.planned))
    for steps in calendar_days.values():
        steps.sort(key=lambda step: (step.name, step.channel))
    return calendar_days


def _ahead(planned: PlannedReminder) -> Ahead:
    numbers = tuple(line.invoice.number for line in planned.lines)
    amounts = {planned.currency: planned.total}
    customer, step = planned.customer, planned.step
    return Ahead(customer.id, customer.name, step.name, step.channel, numbers, amounts)


def stops(session: Session) -> list[SendingStop]:
    """What keeps all sending off, the oldest first."""
    return list(session.scalars(select(SendingStop).where(SendingStop.lifted_at.is_(None)).order_by(SendingStop.id)))


def stop_all(session: Session, reason: str, by: str, at: datetime) -> None:
    """The kill switch: nothing leaves any more until `resume_all`."""
    stop = SendingStop(reason="person", detail=reason, placed_by=by, placed_at=at)
    session.add(stop)
    events.record(session, "sending_stop.placed", stop, actor=by, at=at, reason="person")


def resume_all(session: Session, by: str, at: datetime) -> int:
    """Lift every stop; how many there were."""
    found = stops(session)
    for stop in found:
        stop.lifted_by, stop.lifted_at = by, at
        events.record(session, "sending_stop.lifted", stop, actor=by, at=at, reason=stop.reason)
    return len(found)
