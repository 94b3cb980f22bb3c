"""The exception queue: how an item gets in, and what a person does with it.

An open item holds the reminders of every customer it is tied to, until a person releases it by settling the item; that
is what makes it safe to queue a mail instead of guessing. Items are made by every room through `open_exception`, once
for each cause. Applying a person's answer to invoices is the replies room's; here an item only changes its own state.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound.standing import standing_of
from agent.inbound.store import reading_of
from config import Settings
from config.calendars import add_working_days
from config.errors import NeedsPerson
from models import Customer, Event, ExceptionItem, ExceptionLink, events, transitions
from models.reasons import ExceptionReason
from models.states import WAITING, ExceptionState

UNDO_WITHIN = timedelta(hours=24)
"""How long a resolution can be taken back with everything that it did."""


class Taken(NeedsPerson):
    """A colleague (or program) was there before. ``by``: who has it in hand, or has settled it."""

    def __init__(self, what: str, mend: str, by: str | None) -> None:
        super().__init__(what, mend)
        self.by = by


class InHand(Taken):
    """A colleague has it in hand and has not settled it: it can be taken over knowingly."""


def open_exception(
    session: Session,
    *,
    key: str,
    reason: ExceptionReason,
    detail: str,
    at: datetime,
    due_at: datetime,
    customer_id: str | None = None,
    customers: Iterable[str] = (),
    invoice_ids: Iterable[int] = (),
    message_id: int | None = None,
    payment_id: str | None = None,
    delivery_id: int | None = None,
    priority: int = 50,
    holds: bool = True,
    suggested: tuple[str, float] | None = None,
) -> ExceptionItem:
    """Put an item into the queue; the same ``key`` (the same cause) makes one item only.

    ``key`` is like ``message:12``, ``payment:P7``, ``delivery:3:1``; ``detail`` one sentence for the person without a
    customer's words; ``due_at`` when it alarms. ``customer_id`` is whom it is about, ``invoice_ids`` are its invoices,
    ``customers`` are further ones that it may concern: all of them are held. ``priority`` goes from 0 (whenever) to 100
    (now); ``suggested`` is the intent that the trained model would choose, with its confidence.
    """
    found = session.scalar(select(ExceptionItem).where(ExceptionItem.key == key))
    if found is not None:
        return found
    item = ExceptionItem(
        key=key,
        reason=reason,
        detail=detail,
        urgency=priority,
        priority=priority,
        customer_id=customer_id,
        message_id=message_id,
        payment_id=payment_id,
        delivery_id=delivery_id,
        holds=holds,
        suggested_primary=suggested[0] if suggested else None,
        suggested_confidence=suggested[1] if suggested else None,
        due_at=due_at,
        created_at=at,
        links=_links(customer_id, customers, invoice_ids),
    )
    session.add(item)
    events.record(session, "exception.open", item, actor="relance", at=at, reason=reason.value, key=key, holds=holds)
    return item


def alarm_at(settings: Settings, now: datetime) -> datetime:
    """When an exception that is opened now alarms: so many working days on, at the same hour."""
    local = now.astimezone(settings.zone)
    day = add_working_days(settings.company.country, local.date(), settings.policy.exception_alarm_days)
    return datetime.combine(day, local.timetz())


def _links(customer_id: str | None, others: Iterable[str], invoice_ids: Iterable[int]) -> list[ExceptionLink]:
    links = []
    if customer_id is not None:
        ids = list(dict.fromkeys(invoice_ids))
        links = [ExceptionLink(customer_id=customer_id, invoice_id=invoice_id) for invoice_id in ids]
        links = links or [ExceptionLink(customer_id=customer_id)]
    links += [ExceptionLink(customer_id=other) for other in dict.fromkeys(others) if other != customer_id]
    return links


def waiting(session: Session, now: datetime, *, everything: bool = False) -> list[ExceptionItem]:
    """Items that wait for a person, most urgent first; ``everything``: the settled ones too.

    A snoozed item whose time has come is shown as open again.
    """
    query = select(ExceptionItem)
    if not everything:
        query = query.where(ExceptionItem.state.in_(WAITING))
    items = session.scalars(query.order_by(ExceptionItem.priority.desc(), ExceptionItem.id)).all()
    return [i for i in items if everything or not _sleeps(i, now)]


def _sleeps(item: ExceptionItem, now: datetime) -> bool:
    return item.state is ExceptionState.SNOOZED and item.snoozed_until is not None and item.snoozed_until > now


def get(session: Session, item_id: int) -> ExceptionItem:
    """The item under its number, locked, or an error that says where to look."""
    item = session.get(ExceptionItem, item_id, with_for_update=True)
    if item is None:
        raise NeedsPerson(f"there is no item {item_id} in the queue; `relance queue list` shows those that wait")
    return item


def must_wait(item: ExceptionItem) -> None:
    """Raises Taken where somebody has settled it already."""
    if item.state not in WAITING:
        raise Taken(
            f"item {item.id} was settled by {item.resolved_by} already", f"`relance queue undo {item.id}` reopens it.",
            item.resolved_by,
        )  # fmt: skip


def take(session: Session, item: ExceptionItem, by: str, now: datetime, *, assignee: str | None = None) -> None:
    """Say that ``by`` works on it, so that nobody else does; or that ``assignee`` is to."""
    must_wait(item)
    to = assignee or by
    transitions.move(
        session, item, ExceptionState.TAKEN, actor=by, reason="taken" if to == by else "assigned", at=now,
        values={"assignee": to, "snoozed_until": None}, assignee=to, **_whose(item),
    )  # fmt: skip


def give_back(session: Session, item: ExceptionItem, by: str, now: datetime) -> None:
    """Nobody works on it any more: it stands open for all, awake."""
    must_wait(item)
    if item.state is ExceptionState.OPEN:
        return
    transitions.move(
        session, item, ExceptionState.OPEN, actor=by, reason="given_back", at=now,
        values={"assignee": None, "snoozed_until": None}, **_whose(item),
    )  # fmt: skip


def must_be_free_for(item: ExceptionItem, by: str, over: str | None = None) -> None:
    """Raises InHand where a colleague has it: two who settle one item would answer a customer twice. ``over``: from
    whom it is knowingly taken; if it is somebody else's by now, that is told instead.
    """
    if item.state is ExceptionState.TAKEN and item.assignee not in (None, by, over):
        raise InHand(
            f"{item.assignee} has taken item {item.id}", "Take it over first, or go on with the next.", item.assignee
        )


def snooze(session: Session, item: ExceptionItem, until: datetime, by: str, now: datetime) -> None:
    """Put it away until then. It goes on holding the customer's reminders."""
    must_wait(item)
    if until <= now:
        raise NeedsPerson(f"{until:%Y-%m-%d} has already passed; choose a later day")
    transitions.move(
        session, item, ExceptionState.SNOOZED, actor=by, reason="snoozed", at=now,
        values={"snoozed_until": until}, until=until.isoformat(), **_whose(item),
    )  # fmt: skip


def _whose(item: ExceptionItem) -> dict[str, str | None]:
    """Who had it, and until when it slept, for the event of a change: that is what undo puts back."""
    return {
        "assignee_was": item.assignee,
        "until_was": item.snoozed_until.isoformat() if item.snoozed_until is not None else None,
    }


def put_back(session: Session, item: ExceptionItem, event: Event, by: str, now: datetime) -> None:
    """Undo the taking, giving or putting away that the event tells of: it is whose it was, and sleeps as it did."""
    until = event.data.get("until_was")
    transitions.move(
        session, item, ExceptionState(event.data["was"]), actor=by, reason="undo", at=now,
        values={
            "assignee": event.data.get("assignee_was"),
            "snoozed_until": datetime.fromisoformat(until) if until else None,
        },
    )  # fmt: skip


def settle(
    session: Session,
    item: ExceptionItem,
    to: ExceptionState,
    *,
    by: str,
    now: datetime,
    reason: str,
    resolution: dict[str, Any],
) -> None:
    """Resolve or dismiss it; ``resolution`` says what was done, so that undo can put it back.

    Settling the hold of a mail from somebody who isn't proven to be the customer means: later ones of that kind are
    queued for this customer, but hold no more. Otherwise a stranger could keep a debtor's reminders off for ever.
    """
    released = _release_strangers(session, item, by, now)
    transitions.move(
        session, item, to, actor=by, reason=reason, at=now,
        values={
            "resolved_at": now, "resolved_by": by, "resolution": resolution | released,
            "assignee": item.assignee or by,
        },
    )  # fmt: skip


def _release_strangers(session: Session, item: ExceptionItem, by: str, now: datetime) -> dict[str, list[str]]:
    """What to put back on undo: the customers for whom strangers' mails hold no more from now on.

    The customer's own mail, proven by our border, says nothing of strangers, though it answers no reminder.
    """
    if item.reason not in UNPROVEN or item.message_id is None:
        return {}
    if standing_of(session, reading_of(session, item.message_id), item.customer_id).is_trusted:
        return {}
    released = []
    for customer_id in sorted({link.customer_id for link in item.links}):
        customer = session.get_one(Customer, customer_id, with_for_update=True)
        if not customer.strangers_hold_no_more:
            customer.strangers_hold_no_more = True
            events.record(session, "customer.strangers_released", customer, actor=by, at=now, exception=item.id)
            released.append(customer_id)
    return {"released": released}


UNPROVEN = frozenset({ExceptionReason.UNAUTHENTICATED, ExceptionReason.UNKNOWN_SENDER, ExceptionReason.NOT_THREADED})


def reopen(session: Session, item: ExceptionItem, by: str, now: datetime) -> dict[str, Any]:
    """Undo a settlement: the item waits again. Gives back what `settle` was told, for whoever puts it back."""
    if item.state in WAITING or item.resolved_at is None:
        raise NeedsPerson(f"item {item.id} was not settled; there is nothing to undo")
    if now - item.resolved_at > UNDO_WITHIN:
        raise NeedsPerson(
            f"item {item.id} was settled more than {UNDO_WITHIN.total_seconds() / 3600:.0f} hours ago. "
            "Use `relance log` or `relance hold` to set right what followed from it."
        )
    resolution = dict(item.resolution or {})
    transitions.move(
        session, item, ExceptionState.OPEN, actor=by, reason="undo", at=now,
        values={"resolved_at": None, "resolved_by": None, "resolution": None},
    )  # fmt: skip
    for customer_id in resolution.get("released", ()):
        customer = session.get_one(Customer, customer_id, with_for_update=True)
        customer.strangers_hold_no_more = False
        events.record(session, "customer.strangers_hold_again", customer, actor=by, at=now, exception=item.id)
    return resolution


def last_settled(session: Session, by: str) -> ExceptionItem | None:
    """What this person settled last; `undo` without a number takes that back."""
    query = (
        select(ExceptionItem)
        .where(ExceptionItem.resolved_by == by, ExceptionItem.state.not_in(WAITING))
        .order_by(ExceptionItem.resolved_at.desc(), ExceptionItem.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def resolve_by_evidence(session: Session, *, delivery_id: int, reason: ExceptionReason, by: str, at: datetime) -> None:
    """Evidence answered what a person was asked of a delivery: the item settles itself and says by what."""
    query = select(ExceptionItem).where(
        ExceptionItem.delivery_id == delivery_id, ExceptionItem.reason == reason, ExceptionItem.state.in_(WAITING)
    )
    for item in session.scalars(query.with_for_update()):
        settle(session, item, ExceptionState.RESOLVED, by="relance", now=at, reason=by, resolution={"evidence": by})
