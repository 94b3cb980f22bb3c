"""Stage 3: in the mode `suggest` every mail waits for a person's word; here is how that word is written down."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import store
from config.errors import NeedsPerson
from models import Delivery, Reminder, events, transitions
from models.states import DeliveryState


def waiting(session: Session) -> list[Reminder]:
    """Reminders that wait for approval, oldest first."""
    query = select(Reminder).where(Reminder.approval == "waiting", Reminder.voided_at.is_(None)).order_by(Reminder.id)
    return list(session.scalars(query))


def approve(session: Session, reminder_id: int, by: str, now: datetime) -> None:
    """Let it go out as composed. What changes until then is seen by the last look, and the approval lapses with it."""
    reminder = _waiting(session, reminder_id)
    reminder.approval, reminder.approved_by, reminder.approved_at = "approved", by, now
    events.record(session, "reminder.approved", reminder, actor=by, at=now)


def skip(session: Session, reminder_id: int, by: str, reason: str, now: datetime) -> None:
    """Don't send this one. The step counts as carried out, so that the plan doesn't offer the same mail tomorrow."""
    reminder = _waiting(session, reminder_id)
    reminder.approval, reminder.approved_by, reminder.approved_at = "skipped", by, now
    delivery = session.scalars(select(Delivery).where(Delivery.reminder_id == reminder.id).with_for_update()).one()
    transitions.move(
        session, delivery, DeliveryState.CANCELLED, actor=by, reason="skipped by a person", at=now,
        values={"reply": reason, "owner": None, "lease_until": None},
    )  # fmt: skip
    store.mark_reminded(session, reminder, now)


def _waiting(session: Session, reminder_id: int) -> Reminder:
    reminder = session.get(Reminder, reminder_id, with_for_update=True)
    if reminder is None:
        raise NeedsPerson(f"there is no reminder {reminder_id}; `relance approvals` lists those that wait")
    if reminder.approval != "waiting" or reminder.voided_at is not None:
        raise NeedsPerson(f"reminder {reminder_id} does not wait for approval (it is {reminder.approval})")
    return reminder
