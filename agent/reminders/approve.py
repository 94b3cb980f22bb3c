"""Stage 3: mails that wait for a person's word, because of the mode or the plan; here is how it is written down.

A word is given for exactly what the mail says. What changes in the meantime is seen twice: `lapse` takes a waiting mail
back before the next planning, so that nobody is asked about what is no longer true, and the last look stops it in the
transaction that sends. Planned again, it waits for a new word.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import decide, loading, store
from agent.reminders.values import PlanSettings
from config import Settings
from config.errors import NeedsPerson
from models import Database, Delivery, Reminder, events, transitions
from models.events import RELANCE
from models.states import DeliveryState


def waiting(session: Session, owner: str | None = None) -> list[Reminder]:
    """Reminders that wait for approval, oldest first; ``owner``: only those that wait for this sales owner's word."""
    query = select(Reminder).where(Reminder.approval == "waiting", Reminder.voided_at.is_(None)).order_by(Reminder.id)
    return list(session.scalars(query if owner is None else query.where(Reminder.approver == owner)))


def lapse(database: Database, settings: Settings, now: datetime) -> int:
    """Take back every mail that waits, approved or not, and is no longer true; how many there were."""
    query = (
        select(Delivery.id)
        .join(Reminder, Reminder.id == Delivery.reminder_id)
        .where(Delivery.state == DeliveryState.RESERVED, Reminder.approval.in_(("waiting", "approved")))
        .order_by(Delivery.id)
    )
    with database.read() as session:
        ids = session.scalars(query).all()
    if not ids:
        return 0
    planning = loading.plan_settings(settings)
    count = 0
    for delivery_id in ids:
        with database.write() as session:
            delivery = session.get_one(Delivery, delivery_id, with_for_update=True, populate_existing=True)
            if delivery.state is DeliveryState.RESERVED and delivery.owner is None:
                count += _lapse(session, delivery, database, settings, planning, now)
    return count


def _lapse(
    session: Session, delivery: Delivery, database: Database, settings: Settings, planning: PlanSettings, now: datetime
) -> bool:
    ledger = loading.ledger_view(session, settings, database)
    views = loading.customer_views(session, settings, now, [delivery.customer_id], ignoring_delivery=delivery.id)
    mail = store.frozen_mail(session, delivery)
    why = decide.lapsed(mail, views[0], ledger, planning, now) if views else "nothing is open any more"
    if why is None or delivery.reminder is None:
        return False
    transitions.move(
        session, delivery, DeliveryState.CANCELLED, actor=RELANCE, reason="lapsed", at=now,
        values={"reply": why, "owner": None, "lease_until": None},
    )  # fmt: skip
    store.void(session, delivery.reminder, now)
    return True


def approve(session: Session, reminder_id: int, by: str, now: datetime, *, only_owner: bool = False) -> None:
    """Let it go out as composed. What changes until then is seen by the last look, and the approval lapses with it.

    Where the plan asks for the sales owner's word, another person's is written down as given in the owner's place.

    Raises:
        NeedsPerson: it does not wait; or ``only_owner``, and it waits for somebody else's word.
    """
    reminder = waiting_one(session, reminder_id)
    owner = reminder.approver
    is_deputy = owner is not None and owner.lower() != by.lower()
    if only_owner and is_deputy:
        raise NeedsPerson(
            f"reminder {reminder_id} waits for the word of {owner}: give it with `--by {owner}`, or in the owner's "
            "place with `--instead-of-owner`"
        )
    reminder.approval, reminder.approved_by, reminder.approved_at = "approved", by, now
    events.record(session, "reminder.approved", reminder, actor=by, at=now, instead_of=owner if is_deputy else None)


def skip(session: Session, reminder_id: int, by: str, reason: str, now: datetime) -> None:
    """Don't send this one. The step counts as carried out, so that the plan doesn't offer the same mail tomorrow."""
    reminder = waiting_one(session, reminder_id)
    reminder.approval, reminder.approved_by, reminder.approved_at = "skipped", by, now
    delivery = session.scalars(select(Delivery).where(Delivery.reminder_id == reminder.id).with_for_update()).one()
    transitions.move(
        session, delivery, DeliveryState.CANCELLED, actor=by, reason="skipped by a person", at=now,
        values={"reply": reason, "owner": None, "lease_until": None},
    )  # fmt: skip
    store.mark_reminded(session, reminder, now)


def take_back(session: Session, reminder_id: int, by: str, now: datetime) -> None:
    """An approval is taken back: the mail waits again, unless it has begun to leave by now. A skipped one stays so."""
    reminder = session.get_one(Reminder, reminder_id, with_for_update=True)
    delivery = session.scalars(select(Delivery).where(Delivery.reminder_id == reminder.id).with_for_update()).one()
    if reminder.approval != "approved" or reminder.voided_at is not None:
        raise NeedsPerson(f"reminder {reminder_id} is {reminder.approval}; only an approval can be taken back")
    if delivery.state is not DeliveryState.RESERVED or delivery.owner is not None:
        raise NeedsPerson(f"reminder {reminder_id} is on its way already; it can't be taken back")
    reminder.approval, reminder.approved_by, reminder.approved_at = "waiting", None, None
    events.record(session, "reminder.approval_taken_back", reminder, actor=by, at=now)


def last_approved(session: Session, by: str) -> Reminder | None:
    """The reminder that this person approved last."""
    query = (
        select(Reminder)
        .where(Reminder.approval == "approved", Reminder.approved_by == by)
        .order_by(Reminder.approved_at.desc(), Reminder.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def waiting_one(session: Session, reminder_id: int) -> Reminder:
    """The reminder of that number, locked. Raises NeedsPerson where it does not wait for a word."""
    reminder = session.get(Reminder, reminder_id, with_for_update=True)
    if reminder is None:
        raise NeedsPerson(f"there is no reminder {reminder_id}; `relance approvals` lists those that wait")
    if reminder.approval != "waiting" or reminder.voided_at is not None:
        raise NeedsPerson(f"reminder {reminder_id} does not wait for approval (it is {reminder.approval})")
    return reminder
