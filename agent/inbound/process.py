"""Stage 2: stored mails are read, in a process with limits, and tied to their customers.

Finds: `stored`. Leaves: `read`, or after three attempts `quarantined` with an exception that shows it to a person.

    claim    owner, lease and attempt are committed before a byte is touched, so that a mail which kills is counted
    read     in the confined child; nothing is written meanwhile
    keep     reading, thread, links and state in one transaction, which asks that the claim still holds

If the process dies in between, the claim runs out (or its owner comes back) and the mail is tried again. A mail that
was begun three times without a result is not touched any more, whatever happened to who tried. Mails that never failed
go first, so that no poisonous one keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from agent.faults import point
from agent.inbound import store
from agent.inbound.confined import Unreadable
from agent.inbound.facts import read_numbers
from agent.inbound.headers import message_ids, parse_headers, tidy
from agent.inbound.sender import read_addresses, read_sender
from agent.inbound.threading import Tie, tie
from agent.inbound.values import Authentication, Border, Kind, Reading
from agent.review.queue import open_exception
from config import Settings
from config.calendars import add_working_days
from models import Blob, Database, Message
from models.reasons import ExceptionReason
from models.states import MessageState
from models.transitions import StaleState

log = structlog.get_logger()

ATTEMPTS = 3
LEASE = timedelta(minutes=15)
"""Longer than any mail may take by far."""


class MailReader(Protocol):
    """Reads one mail; `agent.inbound.confined.Reader` is the one that is used."""

    def read(self, raw: bytes, border: Border | None, now: datetime) -> Reading | Unreadable: ...


@dataclass(frozen=True, slots=True)
class Processed:
    """What one drain did. `failures` counts attempts, also of mails that were read at last."""

    read: int
    quarantined: int
    failures: int


@dataclass(frozen=True, slots=True)
class _Claimed:
    message_id: int
    attempts: int
    raw: bytes
    mailbox: str


def process(
    database: Database,
    settings: Settings,
    reader: MailReader,
    now: datetime,
    owner: str,
    stop: Callable[[], bool] = lambda: False,
) -> Processed:
    """Read every stored mail. Harmless when run twice, and beside other owners.

    ``owner`` names the worker: two that live at once have two names, and one that starts again may keep its own.
    ``stop`` is asked between two mails.
    """
    read = quarantined = failures = 0
    while not stop():
        claimed = _claim(database, owner, now)
        if claimed is None:
            break
        point("process.claimed")
        if claimed.attempts > ATTEMPTS:
            result: Reading | Unreadable = Unreadable(f"reading it was begun {ATTEMPTS} times and never ended")
        else:
            result = reader.read(claimed.raw, _border(settings, claimed.mailbox), now)
        point("process.read")
        try:
            if isinstance(result, Reading):
                _keep(database, settings, claimed, result, owner, now)
                read += 1
            elif claimed.attempts >= ATTEMPTS:
                _quarantine(database, settings, claimed, result, owner, now)
                quarantined += 1
            else:
                failures += 1
                log.warning("message.unreadable", message=claimed.message_id, attempt=claimed.attempts)
                with database.write() as session:
                    store.give_back(session, claimed.message_id, owner)
        except StaleState:
            log.warning("message.claim_lost", message=claimed.message_id)
        point("process.committed")
    return Processed(read, quarantined, failures)


def _claim(database: Database, owner: str, now: datetime) -> _Claimed | None:
    with database.write() as session:
        message = store.claim(session, owner, now, LEASE)
        if message is None:
            return None
        claimed = message.id, message.attempts, message.blob_sha256, message.mailbox
    message_id, attempts, sha256, mailbox = claimed
    with database.read() as session:
        return _Claimed(message_id, attempts, session.get_one(Blob, sha256).content, mailbox)


def _border(settings: Settings, mailbox: str) -> Border | None:
    """Whose word on senders counts for a mailbox; nobody's where no name is configured, or the mailbox is gone."""
    found = settings.mailbox.get(mailbox)
    if found is None or (found.border == "own" and not found.authserv_id):
        return None
    return Border(found.border, found.authserv_id)


def _keep(
    database: Database, settings: Settings, claimed: _Claimed, reading: Reading, owner: str, now: datetime
) -> None:
    with database.write() as session:
        message = _still_mine(session, claimed, owner)
        found = tied(session, message, reading, settings)
        store.keep_reading(session, message, reading, found, owner=owner, now=now)
        point("process.keeping")
    log.info("message.read", message=message.id, kind=reading.kind.value, evidence=found.evidence, proof=found.proof)


def tied(session: Session, message: Message, reading: Reading, settings: Settings) -> Tie:
    """What a message is tied to, by what is stored at this moment."""
    is_colleague = store.colleague_wrote(message)
    known = store.known_mail(session, reading, {mailbox.domain for mailbox in settings.mailbox.values()})
    customers = store.directory(session, reading, known, colleague=is_colleague)
    return tie(reading, known, customers, colleague=is_colleague)


def _quarantine(
    database: Database, settings: Settings, claimed: _Claimed, why: Unreadable, owner: str, now: datetime
) -> None:
    """Set it aside, and hold the reminders of every customer that its header points at."""
    with database.write() as session:
        message = _still_mine(session, claimed, owner)
        found = tied(session, message, header_reading(claimed.raw), settings)
        store.quarantine(session, message, found, why.reason, owner=owner, now=now)
        open_exception(
            session,
            key=f"message:{message.id}",
            reason=ExceptionReason.UNREADABLE,
            detail=f"{why.reason}; the raw mail is kept",
            at=now,
            due_at=_alarm_at(settings, now),
            customer_id=found.customer_id,
            customers=sorted({link.customer_id for link in found.links}),
            invoice_ids=found.invoice_ids,
            message_id=message.id,
            priority=60,
        )
    log.error("message.quarantined", message=message.id, attempts=claimed.attempts)


def _still_mine(session: Session, claimed: _Claimed, owner: str) -> Message:
    message = session.get_one(Message, claimed.message_id, with_for_update=True)
    if message.owner != owner or message.state is not MessageState.STORED:
        raise StaleState(f"message {message.id} is no longer claimed by {owner}")
    return message


def _alarm_at(settings: Settings, now: datetime) -> datetime:
    day = now.astimezone(settings.zone).date()
    return now + (add_working_days(settings.company.country, day, settings.policy.exception_alarm_days) - day)


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
