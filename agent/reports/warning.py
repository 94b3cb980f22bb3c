"""The warning to the operator after a bad run: what has failed since the last one, in one mail, each trouble once.

A trouble has a key: a loop that fails with the moment that it last worked, a letter or delivery that a person must see
to, a stop of all sending that no person placed. Once a mail that names a key was begun, no other one names it, however
often the run fails again; a loop that has worked in between is a new trouble. Where the mail server itself is away, the
warning waits with the rest and leaves when it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound import keys
from agent.operations import counting
from agent.reminders import mime
from agent.reminders.templates import mail_environment
from agent.reminders.wire import Accepted, SmtpWire, Wire
from agent.reports.inhouse import ENDS, Post, keep
from agent.reports.words import Tongue, words_of
from config import Mailbox, Settings
from config.mailboxes import Smtp
from models import Database, Event, ExceptionItem, Heartbeat, SendingStop
from models.reasons import ExceptionReason
from models.states import WAITING

KIND = "warning"
LOOK_BACK = timedelta(days=7)
"""Older faults are told of by `doctor` and the work list alone: whoever sets the address is not flooded."""
IN_A_ROW = 3
"""So often a loop of the daemon must have failed in a row; a server that is away for a minute is no bad run."""
FAULTS = (
    ExceptionReason.LETTER_FAILED,
    ExceptionReason.DELIVERY_UNKNOWN,
    ExceptionReason.DELIVERY_REJECTED,
    ExceptionReason.DELIVERY_FAILING,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong. ``key`` is its own for ever; ``code`` chooses its sentence."""

    key: str
    code: str
    what: str
    detail: str


def drain(
    database: Database, settings: Settings, now: datetime, *, at_once: bool, wire_to: Callable[[Smtp], Wire] = SmtpWire
) -> int:
    """Send one warning of all that is new, where the settings name somebody; how many troubles it tells of.

    ``at_once``: a single failure counts, as after `run --once`.
    """
    to = settings.reports.warn_to
    if not to:
        return 0
    with database.read() as session:
        if not database.is_bound_here(session):
            return 0
        known = _told(session, now)
        found = [t for t in _troubles(session, settings, now, 1 if at_once else IN_A_ROW) if t.key not in known]
    if not found:
        return 0
    name, mailbox = next(iter(settings.mailbox.items()))
    about = [trouble.key for trouble in found]
    message_id = keys.make_message_id(database.key.secret, "\n".join((KIND, *about)), mailbox.domain)
    subject, raw = _compose(found, settings, mailbox, message_id, now)
    with database.write() as session:
        row = keep(session, KIND, message_id, name, subject, raw, now)
    post = Post(KIND, database, mailbox, row, to, lambda s: _objection(s, database), about)
    return len(found) if isinstance(post.run(wire_to(mailbox.smtp), now), Accepted) else 0


def _objection(session: Session, database: Database) -> str | None:
    # A stop of all sending is no objection: it may be the very thing to warn of.
    return None if database.is_bound_here(session) else "this database was made elsewhere"


def _told(session: Session, now: datetime) -> set[str]:
    """The keys of troubles that a mail tells of which was begun, and not clearly refused for now."""
    rows = session.execute(
        select(Event.subject_id, Event.kind, Event.data)
        .where(Event.kind.like(f"{KIND}.%"), Event.at >= now - 2 * LOOK_BACK)
        .order_by(Event.seq)
    ).all()
    last = {message: kind for message, kind, _ in rows}
    ended = {f"{KIND}.{end}" for end in ENDS}
    return {key for message, _, data in rows if last[message] in ended for key in data.get("about", ())}


def _troubles(session: Session, settings: Settings, now: datetime, in_a_row: int) -> list[Trouble]:
    found = [
        Trouble(
            f"loop:{row.name}:{row.last_ok_at.isoformat() if row.last_ok_at else ''}",
            "loop",
            row.name,
            row.last_error or "",
        )
        for row in session.scalars(select(Heartbeat).where(Heartbeat.failures >= in_a_row).order_by(Heartbeat.name))
        if row.name != KIND
    ]
    items = select(ExceptionItem).where(
        ExceptionItem.reason.in_(FAULTS), ExceptionItem.state.in_(WAITING), ExceptionItem.created_at >= now - LOOK_BACK
    )
    found += [
        Trouble(f"exception:{item.id}", item.reason.value, str(item.id), item.detail)
        for item in session.scalars(items.order_by(ExceptionItem.id))
    ]
    stops = select(SendingStop).where(SendingStop.lifted_at.is_(None), SendingStop.reason != "person")
    found += [
        Trouble(f"stop:{stop.id}", "stop", stop.reason, stop.detail)
        for stop in session.scalars(stops.order_by(SendingStop.id))
    ]
    found += [
        Trouble(
            f"mails:{alarm.seq}", "uncompared" if alarm.is_uncompared else "unhandled", alarm.mailbox, str(alarm.mails)
        )
        for alarm in counting.alarms(session, settings)
    ]
    return found


def _compose(
    found: Iterable[Trouble], settings: Settings, mailbox: Mailbox, message_id: str, now: datetime
) -> tuple[str, bytes]:
    """Subject and frozen bytes."""
    words = words_of(settings.root, settings.company.language, settings.zone)
    lines = [_line(trouble, words) for trouble in found]
    subject = words.say("warning.subject", company=settings.company.name, count=len(lines))
    at = now.astimezone(settings.zone)
    said = {"opening": words.say("warning.opening", at=f"{at:%Y-%m-%d %H:%M}"), "lines": lines}
    text = (
        mail_environment(settings.root)
        .get_template("reports/warning.txt.j2")
        .render(said | {"closing": words.say("warning.closing")})
    )
    head = (
        mime.addresses("From", [(settings.company.name, mailbox.address)])
        + mime.addresses("To", [("", address) for address in settings.reports.warn_to])
        + mime.header("Subject", subject)
        + mime.structured("Date", [format_datetime(at)])
        + mime.structured("Message-ID", [message_id])
        + mime.structured("Auto-Submitted", ["auto-generated"])
    )
    return subject, (head + mime.plain_body(text)).encode("ascii")


def _line(trouble: Trouble, words: Tongue) -> str:
    line = words.say(f"warning.{trouble.code}", what=trouble.what, detail=trouble.detail)
    return " ".join(line.split())[:600]
