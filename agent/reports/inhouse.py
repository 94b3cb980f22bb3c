"""Mails to the company's own people (the digest, a warning), each at most once.

What has become of one stands in the log of events and nowhere else: ``KIND.sending`` is committed at SMTP's 354,
before the body, and from there on the mail is never tried again unless the server clearly refused it for now. It takes
the same wire as reminders, `redirect_all_to` included. Tried again, the same bytes leave under the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound import identity
from agent.reminders.wire import Accepted, Envelope, LookedAway, Lost, NotTried, Outcome, Refused, Wire
from config import Mailbox
from models import Blob, Database, Event, Message, blob, events
from models.events import RELANCE
from models.message import Direction

log = structlog.get_logger()

ENDS = ("sending", "sent", "rejected", "unknown")
"""Last events after which a mail is not tried again. One that stands at `sending` was cut off: sent or not."""


def is_done(session: Session, kind: str, message_id: str) -> bool:
    """Whether it needs no attempt. A mail of that id without any event of ours was found in Sent: it left before the
    backup that this database was restored from was made.
    """
    row = session.scalar(select(Message.id).where(Message.message_id == message_id))
    if row is None:
        return False
    last = session.scalar(
        select(Event.kind)
        .where(Event.subject_type == "message", Event.subject_id == str(row), Event.kind.like(f"{kind}.%"))
        .order_by(Event.seq.desc())
        .limit(1)
    )
    return last is None or last in {f"{kind}.{end}" for end in ENDS}


def keep(session: Session, kind: str, message_id: str, mailbox: str, subject: str, raw: bytes, now: datetime) -> int:
    """The message's row, made by the first attempt: later ones send the very same bytes."""
    found = session.scalar(select(Message.id).where(Message.message_id == message_id))
    if found is not None:
        return found
    row = Message(
        dkey=identity.identify(raw).dkey,
        direction=Direction.OUT,
        mailbox=mailbox,
        message_id=message_id,
        blob_sha256=blob.keep(session, raw),
        size=len(raw),
        received_at=now,
        subject=subject,
        created_at=now,
    )
    session.add(row)
    events.record(session, f"{kind}.written", row, actor=RELANCE, at=now, message_id=message_id)
    session.flush()
    return row.id


@dataclass(frozen=True, slots=True)
class Post:
    """One mail on its way. ``objection`` says why nothing may leave; ``about`` stands in the event of its sending."""

    kind: str
    database: Database
    mailbox: Mailbox
    row: int
    recipients: tuple[str, ...]
    objection: Callable[[Session], str | None]
    about: Sequence[str] = ()

    def run(self, wire: Wire, now: datetime) -> Outcome:
        """One attempt."""
        with self.database.read() as session:
            raw = session.get_one(Blob, session.get_one(Message, self.row).blob_sha256).content
        elsewhere = self.mailbox.smtp.redirect_all_to
        to = (elsewhere,) if elsewhere else self.recipients
        outcome = wire.attempt(Envelope(self.mailbox.address, to, raw), lambda: self._last_look(now))
        match outcome:
            case Accepted():
                self._note("sent", now)
            case Refused(is_temporary=True):
                self._note("failed", now)
            case Refused():
                self._note("rejected", now)
            case Lost():
                self._note("unknown", now)
            case NotTried() | LookedAway():
                pass
        log.info("inhouse.attempted", kind=self.kind, message=self.row, outcome=type(outcome).__name__)
        return outcome

    def _last_look(self, now: datetime) -> bool:
        """Commit `sending` before the body; no where another process did, or nothing may leave any more."""
        with self.database.write() as session:
            message = session.get_one(Message, self.row, with_for_update=True)
            if is_done(session, self.kind, str(message.message_id)) or self.objection(session):
                return False
            about = {"about": list(self.about)} if self.about else {}
            events.record(session, f"{self.kind}.sending", message, actor=RELANCE, at=now, **about)
        return True

    def _note(self, end: str, now: datetime) -> None:
        with self.database.write() as session:
            message = session.get_one(Message, self.row)
            events.record(session, f"{self.kind}.{end}", message, actor=RELANCE, at=now)
