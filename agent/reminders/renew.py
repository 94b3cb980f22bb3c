"""A mail that waits says how late its invoices are, and to which day interest counts: it is composed anew each day.

A mail may wait for somebody's word for weeks. Days late and the date of its head would then be those of the day when it
was planned, and whoever is asked would be shown other figures (`approvals show` tells today's) than those that leave.
What the ledger or the plan decides is not touched: where that has changed, `approve.lapse` has taken the mail back.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.reminders import edit
from agent.reminders.letter_values import LetterError
from agent.reminders.schedule import local_day
from config import Settings
from config.errors import NeedsPerson
from models import Database, Delivery, Message, Reminder
from models.states import DeliveryState

log = structlog.get_logger()


def drain(database: Database, settings: Settings, now: datetime) -> int:
    """Compose anew every mail that waits for a word, or for its hour, and is of an earlier day; how many there were.

    One that nothing has been told the server of yet, that is; its Message-ID stays. What can't be composed now (a hold,
    a person's own words that count the days) stays as it is, and is judged again by the last look.
    """
    today = datetime.combine(local_day(now, settings.zone), time.min, tzinfo=settings.zone).astimezone(UTC)
    query = (
        select(Delivery.id)
        .join(Reminder, Reminder.id == Delivery.reminder_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.state == DeliveryState.RESERVED,
            Reminder.voided_at.is_(None),
            Message.received_at < today,
        )
        .order_by(Delivery.id)
    )
    with database.read() as session:
        ids = session.scalars(query).all()
    count, kept = 0, []
    for delivery_id in ids:
        try:
            with database.write() as session:
                count += _renew(session, database, settings, delivery_id, now)
        except (NeedsPerson, LetterError):
            kept.append(delivery_id)
    if kept:
        log.info("reminders.not_renewed", deliveries=kept)
    return count


def _renew(session: Session, database: Database, settings: Settings, delivery_id: int, now: datetime) -> bool:
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery.state is not DeliveryState.RESERVED or delivery.owner is not None or delivery.reminder is None:
        return False
    return edit.renew(session, database, settings, delivery.reminder, now)
