"""What a mailbox has to send, settle or file: whether its servers are needed at all. Reads only."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from agent.reminders import store
from config import Mailbox
from models import Delivery, ExceptionItem, Reminder
from models.states import DeliveryState

LOOK_AGAIN = (timedelta(minutes=1), timedelta(hours=1))
"""How often an unknown delivery is looked for in Sent: until a person is asked, and as long as it waits for that."""


def needs_servers(session: Session, mailbox: str, settings: Mailbox, now: datetime) -> bool:
    """Whether anything of the mailbox asks for its servers: else no connection is made."""
    soon, later = LOOK_AGAIN
    nobody_asked = ~select(ExceptionItem.id).where(ExceptionItem.delivery_id == Delivery.id).exists()
    unknown = and_(
        Delivery.state == DeliveryState.UNKNOWN,
        or_(
            Delivery.looked_for_at.is_(None),
            Delivery.looked_for_at <= now - later,
            and_(nobody_asked, Delivery.looked_for_at <= now - soon),
        ),
    )
    lapsed = and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_until < now)
    unfiled = and_(Delivery.state == DeliveryState.SENT, Delivery.filed_at.is_(None))
    wanted = [store.is_due(mailbox, now), unknown, lapsed, *([] if settings.smtp.files_sent else [unfiled])]
    return bool(session.scalar(_count(and_(Delivery.mailbox == mailbox, or_(*wanted)))))


def count_due(session: Session, mailbox: str, now: datetime) -> int:
    """How many mails could leave now."""
    return session.scalar(_count(store.is_due(mailbox, now))) or 0


def waits_for_server(session: Session, mailbox: str) -> bool:
    """Whether a mail waits because the server refuses us."""
    return bool(session.scalar(_count(store.waits_for_server(mailbox))))


def _count(condition: ColumnElement[bool]) -> Select[int]:
    reminders = Delivery.reminder_id == Reminder.id
    return select(func.count()).select_from(Delivery).join(Reminder, reminders, isouter=True).where(condition)
