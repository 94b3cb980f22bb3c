"""What doctor looks at in the rows: is the ledger fresh, does the daemon work, does something wait for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from agent.inbound.sender import NO_LINE
from agent.inbound.values import Kind as MailKind
from agent.ledger import freshness
from agent.operations.checks import Check, error, ok, warning
from agent.operations.local import names, plural
from config import Settings
from models import (
    Database,
    Delivery,
    Event,
    ExceptionItem,
    Folder,
    Heartbeat,
    ImportRun,
    Message,
    Reading,
    SendingStop,
)
from models.message import Direction
from models.states import HANDLED, DeliveryState, ExceptionState, MessageState

#: A loop that failed this often in a row does not come right by itself.
_MANY_FAILURES = 3
_SILENT_POLLS = 10
SWEPT_AT_LEAST = timedelta(hours=3)
"""Each folder is compared hourly; one that was not for so long could not be."""
HANDLED_WITHIN = timedelta(hours=1)
MANY_MAILS = 20
"""Of so many mails by people at least one passes a border that is known rightly."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A heartbeat row: what a loop of the daemon last did."""

    name: str
    last_ok_at: datetime | None
    last_error: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class Held:
    """What lies in one mailbox by its last look: each sweep compares all UIDs with those that are known."""

    name: str
    folders: int
    mails: int
    swept_at: datetime | None
    """When the folder that was compared longest ago was; None: one of them never was to its end."""
    unhandled: int
    """Mails in that are stored for more than an hour, and neither applied, nor queued, nor quarantined."""
    is_uncompared: bool = False
    """The mailbox is looked at, and yet a folder of it was not compared for long."""

    @property
    def differs(self) -> bool:
        return bool(self.unhandled) or self.is_uncompared


@dataclass(frozen=True, slots=True)
class Vouched:
    """Of the latest mails by people in one mailbox: how many were looked at, and how many bear a line of the border."""

    mailbox: str
    mails: int
    with_line: int


@dataclass(frozen=True, slots=True)
class Work:
    """What the rows say, at one moment."""

    ledger_as_of: datetime | None
    loops: tuple[Loop, ...]
    unknown_deliveries: int
    quarantined: int
    open_exceptions: int
    overdue_exceptions: int
    stops: tuple[str, ...]
    last_event_at: datetime | None
    held: tuple[Held, ...] = ()
    vouched: tuple[Vouched, ...] = ()


def gather(database: Database, settings: Settings, now: datetime) -> Work:
    """Read it, in one view of the database."""
    speaks = "payments" if settings.ledger.mode == "payments" else "invoices"
    # One that was put away keeps its state when its time has come: it waits again, as the queue shows it.
    has_woken = and_(ExceptionItem.state == ExceptionState.SNOOZED, ExceptionItem.snoozed_until <= now)
    waiting = or_(ExceptionItem.state.in_([ExceptionState.OPEN, ExceptionState.TAKEN]), has_woken)
    with database.read() as session:
        beats = session.scalars(select(Heartbeat).order_by(Heartbeat.name)).all()
        return Work(
            ledger_as_of=session.scalar(select(func.max(ImportRun.as_of)).where(ImportRun.kind == speaks)),
            loops=tuple(Loop(beat.name, beat.last_ok_at, beat.last_error, beat.failures) for beat in beats),
            unknown_deliveries=session.scalar(select(func.count()).where(Delivery.state == DeliveryState.UNKNOWN)) or 0,
            quarantined=session.scalar(select(func.count()).where(Message.state == MessageState.QUARANTINED)) or 0,
            open_exceptions=session.scalar(select(func.count()).where(waiting)) or 0,
            overdue_exceptions=session.scalar(select(func.count()).where(waiting, ExceptionItem.due_at < now)) or 0,
            stops=tuple(session.scalars(select(SendingStop.detail).where(SendingStop.lifted_at.is_(None)))),
            last_event_at=session.scalar(select(func.max(Event.at))),
            held=tuple(held(session, name, now) for name in settings.mailbox),
            vouched=tuple(vouched(session, name) for name in settings.mailbox if _asks_border(settings, name)),
        )


def held(session: Session, mailbox: str, now: datetime) -> Held:
    """What lies in a mailbox, and what of it is not handled."""
    folders = session.scalars(select(Folder).where(Folder.mailbox == mailbox, Folder.looked_at.is_not(None))).all()
    # A folder that is gone from the server is not looked at any more, and speaks of nothing.
    latest = max((folder.looked_at for folder in folders if folder.looked_at), default=now)
    there = [folder for folder in folders if folder.looked_at and latest - folder.looked_at < SWEPT_AT_LEAST]
    swept = [folder.swept_at for folder in there]
    compared_at = min((moment for moment in swept if moment), default=None)
    unhandled = select(func.count()).where(
        Message.mailbox == mailbox,
        Message.direction == Direction.IN,
        Message.state.not_in(HANDLED),
        Message.created_at < now - HANDLED_WITHIN,
    )
    return Held(
        name=mailbox,
        folders=len(there),
        mails=sum(folder.seen for folder in there),
        swept_at=compared_at if all(swept) else None,
        unhandled=session.scalar(unhandled) or 0,
        is_uncompared=compared_at is not None and latest - compared_at > SWEPT_AT_LEAST,
    )


def _asks_border(settings: Settings, mailbox: str) -> bool:
    """Whether a line of the border is asked for, and could be known: without its name `local` says so."""
    box = settings.mailbox[mailbox]
    return settings.policy.require_authentication and (box.border != "own" or bool(box.authserv_id))


def vouched(session: Session, mailbox: str) -> Vouched:
    """Whether the border's lines stand where they count in what people wrote lately."""
    latest = session.scalars(
        select(Reading.document)
        .join(Message)
        .where(Message.mailbox == mailbox, Message.direction == Direction.IN, Message.kind == MailKind.HUMAN.value)
        .order_by(Message.id.desc())
        .limit(MANY_MAILS)
    ).all()
    return Vouched(mailbox, len(latest), sum(each["authentication"]["detail"] != NO_LINE for each in latest))


def judge(work: Work, settings: Settings, now: datetime) -> Iterator[Check]:
    """What of it a person should know. Pure."""
    yield judge_ledger(work.ledger_as_of, settings, now)
    yield from judge_loops(work.loops, timedelta(seconds=settings.daemon.poll_seconds), now)
    for detail in work.stops:
        yield warning("sending", f"sending is stopped: {detail}", "When the reason is gone: `relance resume-sending`.")
    if work.unknown_deliveries:
        yield warning(
            "deliveries",
            f"of {plural(work.unknown_deliveries, 'mail')} nobody knows whether it was sent; it is not sent again",
            "Settle it in the queue (`relance queue list`).",
        )
    else:
        yield ok("deliveries", "none of unknown outcome")
    yield from judge_held(work.held, now)
    yield from judge_vouched(work.vouched)
    if work.overdue_exceptions:
        yield warning(
            "queue",
            f"{work.overdue_exceptions} of {plural(work.open_exceptions, 'open exception')} wait too long, "
            "and hold their customers' reminders",
            "Work them off: `relance queue list`.",
        )
    else:
        yield ok("queue", f"{plural(work.open_exceptions, 'open exception')}, none overdue")
    if work.quarantined:
        yield warning(
            "quarantine",
            f"{plural(work.quarantined, 'mail')} could not be read and waits for a person",
            "`relance queue list` shows it; its raw bytes are kept.",
        )


def judge_held(mailboxes: Sequence[Held], now: datetime) -> Iterator[Check]:
    """Whether every mail that lies in a mailbox is known, and every one that is known was handled."""
    for held in mailboxes:
        name = f"mails.{held.name}"
        if not held.folders:
            continue  # it was never read: the daemon's own line says so
        told = f"{plural(held.mails, 'mail')} in {plural(held.folders, 'folder')}"
        if held.unhandled:
            yield error(
                name,
                f"{told}; {plural(held.unhandled, 'mail')} in, for more than an hour, were not handled",
                "The loop `understand` says why: see above, or the log.",
            )
        elif held.swept_at is None or now - held.swept_at > SWEPT_AT_LEAST:
            since = f"since {held.swept_at:%Y-%m-%d %H:%M} UTC" if held.swept_at else "yet"
            yield warning(
                name,
                f"{told}; not all of them were compared with what is known {since}",
                "The loop that collects says why; it goes on by itself.",
            )
        else:
            yield ok(name, f"{told}, all known and handled; compared at {held.swept_at:%Y-%m-%d %H:%M} UTC")


def judge_vouched(mailboxes: Sequence[Vouched]) -> Iterator[Check]:
    """Whether our border's word on senders is found at all: where it never is, every answer waits for a person."""
    for each in mailboxes:
        if each.mails == MANY_MAILS and not each.with_line:
            yield warning(
                f"senders.{each.mailbox}",
                f"none of the last {each.mails} mails by people bears a line of the border where only it can have "
                "written one, so no sender counts as authenticated and every answer waits for a person",
                "Compare the header of one of them with `border` and `authserv_id`. A filter that hands mails back to "
                "the server (an after-queue content filter such as amavis) puts Received lines above it: let the check "
                "of DMARC come after the filter, or, where it hands them back over the loopback, set "
                f"mailbox.{each.mailbox}.local_filter = true.",
            )


def judge_ledger(as_of: datetime | None, settings: Settings, now: datetime) -> Check:
    """Whether the ledger is fresh enough to chase anybody."""
    kind = "payments" if settings.ledger.mode == "payments" else "invoices"
    mend = f"Import the latest {kind}: `relance import {kind} FILE`."
    if as_of is None:
        return warning("ledger", f"no {kind} were imported yet, so nothing is sent", mend)
    age = freshness.age(as_of, settings.company.country, settings.zone, now)
    detail = f"speaks for {as_of.astimezone(settings.zone):%Y-%m-%d %H:%M}, {plural(age, 'working day')} ago"
    if not freshness.is_fresh(as_of, settings, now):
        return warning("ledger", f"{detail}, more than {settings.ledger.max_age}: nothing is sent", mend)
    return ok("ledger", detail)


def judge_loops(loops: Sequence[Loop], poll: timedelta, now: datetime) -> Iterator[Check]:
    """Whether the daemon runs, and which of its loops fail."""
    if not loops:
        yield warning("daemon", "it has never run with this database", "Start it: `relance run`.")
        return
    failing = [loop for loop in loops if loop.failures]
    for loop in failing:
        since = f"since {loop.last_ok_at:%Y-%m-%d %H:%M} UTC" if loop.last_ok_at else "ever since it started"
        detail = f"failed {plural(loop.failures, 'time')} in a row, {since}: {loop.last_error or 'no words'}"
        report = error if loop.failures >= _MANY_FAILURES else warning
        yield report(f"loop.{loop.name}", detail, "Mend what it says; the loop goes on by itself then.")
    latest = max((loop.last_ok_at for loop in loops if loop.last_ok_at), default=None)
    if latest is None or (now - latest > poll * _SILENT_POLLS and not failing):
        yield warning(
            "daemon",
            f"last heard of at {latest:%Y-%m-%d %H:%M} UTC" if latest else "no loop has worked yet",
            "Start it again: `relance run`.",
        )
    elif not failing:
        yield ok("daemon", f"{plural(len(loops), 'loop')} at work: {names([loop.name for loop in loops])}")
