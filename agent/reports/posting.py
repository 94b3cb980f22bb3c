"""Sends the digest: a drain, harmless when run twice.

A week's mail to a reader is one message whose Message-ID is an HMAC of that week and reader. What has become of it
stands in the log of events and nowhere else: `digest.sending` is committed at SMTP's 354, before the body, and from
there on the mail is never tried again unless the server clearly refused it. It takes the same wire as reminders,
`redirect_all_to` included, and obeys the same stops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound import identity, keys
from agent.ledger.values import RELANCE
from agent.reminders.store import ledger_view
from agent.reminders.templates import mail_environment
from agent.reminders.wire import Accepted, LookedAway, Lost, NotTried, Outcome, Refused, SmtpWire, Wire
from agent.reminders.wire import Envelope as SmtpEnvelope
from agent.reports import digest, store
from agent.reports.digest import Envelope, Reader
from agent.reports.words import words_of
from config import Mailbox, Settings
from config.settings import Smtp
from models import Blob, Database, Event, Message, blob, events
from models.message import Direction

log = structlog.get_logger()

DONE = frozenset({"digest.sending", "digest.sent", "digest.rejected", "digest.unknown"})
"""Last events after which a mail is not tried again. One that stands at `sending` was cut off: sent or not."""


def drain(database: Database, settings: Settings, now: datetime, wire_to: Callable[[Smtp], Wire] = SmtpWire) -> int:
    """Send what this week's moment asks for; how many mails left. In the mode observe none."""
    wanted = settings.reports.digest_to or settings.reports.digest_to_account_managers
    monday = digest.week_due(settings, now)
    if not wanted or monday is None or settings.policy.mode == "observe":
        return 0
    name, mailbox = next(iter(settings.mailbox.items()))
    with database.read() as session:
        if _objection(session, settings, database) is not None or not _has_begun(session, settings, monday):
            return 0
        books = store.books(session, settings, now)
        waiting = [
            r for r in digest.readers(settings, books) if not _is_done(session, _id(database, mailbox, r, monday))
        ]
    words = words_of(settings.root, settings.company.language, settings.zone)
    environment = mail_environment(settings.root)
    sent = 0
    for reader in waiting:
        message_id = _id(database, mailbox, reader, monday)
        envelope = Envelope(settings.company.name, mailbox.address, message_id, now.astimezone(settings.zone))
        subject, raw = digest.compose(books, reader, monday, envelope, words, environment)
        with database.write() as session:
            row = _kept(session, message_id, name, subject, raw, now)
        outcome = _Attempt(database, settings, mailbox, row, now).run(wire_to(mailbox.smtp), reader)
        sent += isinstance(outcome, Accepted)
        if isinstance(outcome, NotTried):
            break
    return sent


def _id(database: Database, mailbox: Mailbox, reader: Reader, monday: date) -> str:
    return keys.make_message_id(database.key.secret, reader.key(monday), mailbox.domain)


def _objection(session: Session, settings: Settings, database: Database) -> str | None:
    """Why nothing at all may leave."""
    ledger = ledger_view(session, settings, database)
    if not ledger.is_bound_here:
        return "this database was made elsewhere"
    return "; ".join(ledger.stops) or None


def _has_begun(session: Session, settings: Settings, monday: date) -> bool:
    """Whether there was anything on record in that week: an installation of today has no last week."""
    first = session.scalar(select(Event.at).order_by(Event.seq).limit(1))
    return first is not None and (first.astimezone(settings.zone).date() - monday).days < 7


def _is_done(session: Session, message_id: str) -> bool:
    """Whether it needs no attempt. A mail of that id without any event of ours was found in Sent: it left before the
    backup that this database was restored from was made.
    """
    row = session.scalar(select(Message.id).where(Message.message_id == message_id))
    if row is None:
        return False
    last = session.scalar(
        select(Event.kind)
        .where(Event.subject_type == "message", Event.subject_id == str(row), Event.kind.like("digest.%"))
        .order_by(Event.seq.desc())
        .limit(1)
    )
    return last is None or last in DONE


def _kept(session: Session, message_id: str, mailbox: str, subject: str, raw: bytes, now: datetime) -> int:
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
    events.record(session, "digest.written", row, actor=RELANCE, at=now, message_id=message_id)
    session.flush()
    return row.id


@dataclass
class _Attempt:
    """One attempt at one mail."""

    database: Database
    settings: Settings
    mailbox: Mailbox
    row: int
    now: datetime

    def run(self, wire: Wire, reader: Reader) -> Outcome:
        with self.database.read() as session:
            raw = session.get_one(Blob, session.get_one(Message, self.row).blob_sha256).content
        to = self.mailbox.smtp.redirect_all_to or reader.address
        outcome = wire.attempt(SmtpEnvelope(self.mailbox.address, (to,), raw), self.last_look)
        match outcome:
            case Accepted():
                self._note("digest.sent")
            case Refused(is_temporary=True):
                self._note("digest.failed")
            case Refused():
                self._note("digest.rejected")
            case Lost():
                self._note("digest.unknown")
            case NotTried() | LookedAway():
                pass
        log.info("digest.attempted", message=self.row, outcome=type(outcome).__name__)
        return outcome

    def last_look(self) -> bool:
        """Commit `sending` before the body; no where another process did, or all sending was stopped meanwhile."""
        with self.database.write() as session:
            message = session.get_one(Message, self.row, with_for_update=True)
            if _is_done(session, str(message.message_id)) or _objection(session, self.settings, self.database):
                return False
            events.record(session, "digest.sending", message, actor=RELANCE, at=self.now)
        return True

    def _note(self, kind: str) -> None:
        with self.database.write() as session:
            events.record(session, kind, session.get_one(Message, self.row), actor=RELANCE, at=self.now)
