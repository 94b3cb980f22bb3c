"""The alarm on mails that are not handled: what `doctor` counts, looked at by itself, and told once when it changes.

Whether an alarm stands is the last event of its mailbox, so each change is told once, over restarts too: an event
(which webhooks carry on), a line in the log, and by mail where the settings name somebody (`agent.reports.warning`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.operations import work
from config import Settings
from models import Database, Event, events
from models.events import RELANCE

log = structlog.get_logger()

UNHANDLED, HANDLED = "mailbox.unhandled", "mailbox.handled"
SUBJECT = "mailbox"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that stands: the number of its event, and how many mails it was raised for."""

    seq: int
    mailbox: str
    mails: int
    is_uncompared: bool


def drain(database: Database, settings: Settings, now: datetime) -> int:
    """Compare the mails of each mailbox with those that are handled; how many alarms were raised or are over."""
    changed = 0
    for name in settings.mailbox:
        with database.write() as session:
            held, standing = work.held(session, name, now), _standing(session, name)
            if held.differs == (standing is not None):
                continue
            kind = UNHANDLED if held.differs else HANDLED
            events.record(
                session, kind, (SUBJECT, name), actor=RELANCE, at=now,
                mails=held.unhandled, uncompared=held.is_uncompared,
            )  # fmt: skip
        changed += 1
        if held.differs:
            log.error(kind, mailbox=name, mails=held.unhandled, uncompared=held.is_uncompared, mend="`relance doctor`")
        else:
            log.info(kind, mailbox=name)
    return changed


def alarms(session: Session, settings: Settings) -> Iterator[Alarm]:
    """Those that stand."""
    for name in settings.mailbox:
        event = _standing(session, name)
        if event is not None:
            yield Alarm(event.seq, name, int(event.data["mails"]), bool(event.data["uncompared"]))


def _standing(session: Session, mailbox: str) -> Event | None:
    query = select(Event).where(
        Event.subject_type == SUBJECT, Event.subject_id == mailbox, Event.kind.in_((UNHANDLED, HANDLED))
    )
    last = session.scalars(query.order_by(Event.seq.desc()).limit(1)).first()
    return last if last is not None and last.kind == UNHANDLED else None
