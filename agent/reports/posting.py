"""Sends the digest: a drain, harmless when run twice.

A week's mail to a reader is one message whose Message-ID is an HMAC of that week and reader (`agent.reports.inhouse`).
It obeys the same stops as reminders.
"""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound import keys
from agent.reminders.loading import ledger_view
from agent.reminders.templates import mail_environment
from agent.reminders.wire import Accepted, NotTried, SmtpWire, Wire
from agent.reports import digest, store
from agent.reports.digest import Envelope, Reader
from agent.reports.inhouse import Post, is_done, keep
from agent.reports.words import words_of
from config import Mailbox, Settings
from config.mailboxes import Smtp
from models import Database, Event

KIND = "digest"


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
            r for r in digest.readers(settings, books) if not is_done(session, KIND, _id(database, mailbox, r, monday))
        ]
    words = words_of(settings.root, settings.company.language, settings.zone)
    environment = mail_environment(settings.root)
    sent = 0
    for reader in waiting:
        message_id = _id(database, mailbox, reader, monday)
        envelope = Envelope(settings.company.name, mailbox.address, message_id, now.astimezone(settings.zone))
        subject, raw = digest.compose(books, reader, monday, envelope, words, environment)
        with database.write() as session:
            row = keep(session, KIND, message_id, name, subject, raw, now)
        post = Post(KIND, database, mailbox, row, (reader.address,), lambda s: _objection(s, settings, database))
        outcome = post.run(wire_to(mailbox.smtp), now)
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
