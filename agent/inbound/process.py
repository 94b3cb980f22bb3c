"""Stage 2: stored mails are read, in a process with limits, and tied to their customers.

Finds: `stored`. Leaves: `read`, or after three attempts `quarantined` with an exception that shows it to a person.

    claim    owner, lease and attempt are committed before a byte is touched, so that a mail which kills is counted
    read     in the confined child; nothing is written meanwhile
    leave    reading, thread, links and state in one transaction, which asks that the claim still holds

Mails are claimed twenty at a time, as each commit waits for the disk; one that was begun before is claimed alone.

If the process dies in between, the claim runs out (or its owner comes back) and the mail is tried again. A mail that
was begun three times without a result is not touched any more, whatever happened to who tried. Mails that never failed
go first, so that no poisonous one keeps the others waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from agent.faults import point
from agent.inbound import store
from agent.inbound.confined import Unreadable
from agent.inbound.facts import read_numbers
from agent.inbound.headers import message_ids, parse_headers, tidy
from agent.inbound.sender import read_addresses, read_sender
from agent.inbound.threading import Tie, tie
from agent.inbound.values import Authentication, Border, Kind, Reading
from agent.review.queue import alarm_at, open_exception
from config import Settings
from config.errors import RelanceError
from models import Blob, Database, Message
from models.reasons import ExceptionReason
from models.states import MessageState

log = structlog.get_logger()

ATTEMPTS = 3
AT_ONCE = 20
"""Mails of one claim, and of one transaction afterwards."""
LEASE = timedelta(minutes=15)
"""Longer than so many mails may take by far."""


class MailReader(Protocol):
    """Reads one mail; `agent.inbound.confined.Reader` is the one that is used."""

    def read(self, raw: bytes, border: Border | None, now: datetime) -> Reading | Unreadable: ...


@dataclass(frozen=True, slots=True)
class Processed:
    """What one drain did. `failures` counts attempts, also of mails that were read at last."""

    read: int
    quarantined: int
    failures: int

    @property
    def tried(self) -> int:
        return self.read + self.quarantined + self.failures


@dataclass(frozen=True, slots=True)
class _Claimed:
    message_id: int
    attempts: int
    blob: Blob
    """Still compressed: nothing of a mail is touched before its attempt is committed."""
    mailbox: str


Outcome = Literal["read", "quarantined", "failed", "lost"]


def process(
    database: Database,
    settings: Settings,
    reader: MailReader,
    now: datetime,
    owner: str,
    stop: Callable[[], bool] = lambda: False,
    at_most: int | None = None,
) -> Processed:
    """Read every stored mail. Harmless when run twice, and beside other owners.

    ``owner`` names the worker: two that live at once have two names, and one that starts again may keep its own.
    ``stop`` is asked between two claims; none is begun once ``at_most`` mails were tried.
    """
    total = Processed(0, 0, 0)
    while not stop() and (at_most is None or total.tried < at_most):
        claimed = _claim(database, owner, now)
        if not claimed:
            break
        point("process.claimed")
        try:
            results = [(one, _read(one, settings, reader, now)) for one in claimed]
        except RelanceError:
            _give_back(database, claimed, owner)
            raise
        point("process.read")
        with database.write() as session:
            query = select(Message).where(Message.id.in_([one.message_id for one in claimed])).with_for_update()
            messages = {message.id: message for message in session.scalars(query)}
            done: Counter[str] = Counter()
            for one, result in results:
                done[_leave(session, settings, messages[one.message_id], one, result, owner, now)] += 1
            point("process.keeping")
        point("process.committed")
        total = Processed(
            total.read + done["read"], total.quarantined + done["quarantined"], total.failures + done["failed"]
        )
        log.info("messages.processed", **done)
    return total


def _claim(database: Database, owner: str, now: datetime) -> list[_Claimed]:
    with database.write() as session:
        claimed = store.claim(session, owner, now, LEASE, AT_ONCE)
        query = select(Blob).where(Blob.sha256.in_([message.blob_sha256 for message in claimed]))
        blobs = {row.sha256: row for row in session.scalars(query)}
    return [_Claimed(m.id, m.attempts, blobs[m.blob_sha256], m.mailbox) for m in claimed]


def _give_back(database: Database, claimed: Sequence[_Claimed], owner: str) -> None:
    """Nothing can be read at the moment, which is no mail's fault: this try counts for none of them."""
    mine = Message.id.in_([one.message_id for one in claimed]), Message.owner == owner
    with database.write() as session:
        session.execute(
            update(Message)
            .where(*mine, Message.state == MessageState.STORED)
            .values(attempts=Message.attempts - 1, owner=None, lease_until=None)
        )


def _read(claimed: _Claimed, settings: Settings, reader: MailReader, now: datetime) -> Reading | Unreadable:
    if claimed.attempts > ATTEMPTS:
        return Unreadable(f"reading it was begun {ATTEMPTS} times and never ended")
    return reader.read(claimed.blob.content, _border(settings, claimed.mailbox), now)


def _leave(
    session: Session,
    settings: Settings,
    message: Message,
    claimed: _Claimed,
    result: Reading | Unreadable,
    owner: str,
    now: datetime,
) -> Outcome:
    """Write what became of one mail, unless the claim was lost meanwhile to somebody who does it, too."""
    if message.owner != owner or message.state is not MessageState.STORED:
        log.warning("message.claim_lost", message=message.id)
        return "lost"
    if isinstance(result, Reading):
        found = tied(session, message, result, settings)
        store.keep_reading(session, message, result, found, owner=owner, now=now)
        return "read"
    if claimed.attempts >= ATTEMPTS:
        _quarantine(session, settings, message, claimed, result, owner, now)
        return "quarantined"
    log.warning("message.unreadable", message=message.id, attempt=claimed.attempts)
    message.owner, message.lease_until = None, None
    return "failed"


def _border(settings: Settings, mailbox: str) -> Border | None:
    """Whose word on senders counts for a mailbox; nobody's where no name is configured, or the mailbox is gone."""
    found = settings.mailbox.get(mailbox)
    if found is None or (found.border == "own" and not found.authserv_id):
        return None
    return Border(found.border, found.authserv_id, found.local_filter)


def tied(session: Session, message: Message, reading: Reading, settings: Settings) -> Tie:
    """What a message is tied to, by what is stored at this moment."""
    is_colleague = store.colleague_wrote(message)
    known = store.known_mail(session, message, reading, {mailbox.domain for mailbox in settings.mailbox.values()})
    customers = store.directory(session, reading, known, colleague=is_colleague)
    return tie(reading, known, customers, colleague=is_colleague)


def _quarantine(
    session: Session,
    settings: Settings,
    message: Message,
    claimed: _Claimed,
    why: Unreadable,
    owner: str,
    now: datetime,
) -> None:
    """Set it aside, and hold the reminders of every customer that its header points at."""
    found = tied(session, message, header_reading(claimed.blob.content), settings)
    store.quarantine(session, message, found, why.reason, owner=owner, now=now)
    open_exception(
        session,
        key=f"message:{message.id}",
        reason=ExceptionReason.UNREADABLE,
        detail=f"{why.reason}; the raw mail is kept",
        at=now,
        due_at=alarm_at(settings, now),
        customer_id=found.customer_id,
        customers=sorted({link.customer_id for link in found.links}),
        invoice_ids=found.invoice_ids,
        message_id=message.id,
        priority=60,
    )
    log.error("message.quarantined", message=message.id, attempts=claimed.attempts)


def header_reading(raw: bytes) -> Reading:
    """What the header alone tells of a mail that can't be read: enough to guess whom it may concern, not more."""
    headers = parse_headers(tidy(raw[: 1 << 20]))
    subject = headers.text("subject")
    ids = {
        name: [i for value in headers.raw(name) for i in message_ids(value)] for name in ("in-reply-to", "references")
    }
    return Reading(
        kind=Kind.HUMAN,
        bounce=None,
        auto_reply=None,
        new_text="",
        signature="",
        quoted="",
        language="und",
        message_id=None,
        in_reply_to=next(iter(ids["in-reply-to"]), None),
        references=tuple(ids["references"]),
        sender=read_sender(headers),
        from_header="",
        recipients=read_addresses(headers, "to", "cc"),
        reply_to=(),
        return_path=None,
        subject=subject,
        date=None,
        attachments=(),
        authentication=Authentication("none", None, "the mail could not be read"),
        numbers=read_numbers((subject,)),
        mentions_iban=False,
        error=None,
    )
