"""`relance run`: the daemon, and the one cycle that `--once` does.

The daemon is an engine that runs the drains, a thread for each mailbox that waits for mail (IDLE) and kicks its
collection, and this main thread, which watches all of them:

    signal (TERM, INT)      nothing new is begun, the mail in hand is finished, exit 0; a second signal kills at once
    a thread has died       said in the log, exit 1: the service manager starts it again
    the engine is silent    while the database answers: the same; while it doesn't: said, and waited for
    the pages have died     the same ([web] in_daemon serves them from here)
    the clock was set       sending stops until a person says that the time is right; reading goes on

It is up as soon as its database is: servers that can't be reached, or refuse a password, are told by their loops'
heartbeats (`relance doctor`) and tried again. On SQLite one process at a time works with a database; on PostgreSQL
several may. What a killed one had in hand is taken over at the next start on the same machine; elsewhere once its
leases have run out.
"""

from __future__ import annotations

import os
import platform
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from sqlalchemy import select, text

from agent.console import Context
from agent.host import ClockWatch, Workers, alone_with, steady, tell_service_manager, wall
from config import Settings
from config.errors import RelanceError, TemporaryFailure
from models import Database, SendingStop, events
from models.database import located

if TYPE_CHECKING:
    from agent.cycle import Cycle
    from agent.drains import Drains
    from agent.engine import Engine
    from agent.results import Next
    from agent.review.web.server import Server

log = structlog.get_logger()

GRACE = timedelta(seconds=75)
"""How long a stop waits for the mail in hand. The service manager kills later than that."""
SILENCE = timedelta(minutes=5)
"""An engine that has run nothing for this long, though its schedules are by the minute, is dead."""
LOOK_SECONDS = 1.0
ASLEEP_AFTER = 120.0
"""Seconds from one look to the next (by the steady clock) after which the machine has slept."""
EVERY_MINUTE = timedelta(minutes=1)


class Died(RelanceError):
    """A part of the daemon ended by itself. A new start mends it, or shows what is wrong."""


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("run")(run)


def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Do one full cycle, mail in and then mail out, and stop.")
    ] = False,
    at: Annotated[
        str | None, typer.Option("--at", metavar="ISO-TIME", help="Only with --once: take this time as now.")
    ] = None,
) -> None:
    """Work: send what is due, read what is answered, until stopped."""
    ctx: Context = context.obj
    if at is not None and not once:
        raise typer.BadParameter("it goes with --once only: a daemon goes by the clock.", param_hint="--at")
    settings = ctx.settings()
    now = _moment(at, settings) if at is not None else ctx.now()
    with ExitStack() as stack:
        place = located(settings.database.url, settings.root)
        stack.enter_context(alone_with(place, "relance run --once" if once else "relance run"))
        stop = stack.enter_context(_stopped_by_signals())
        database = ctx.database()
        drains = stack.enter_context(drains_of(database, settings, stop))
        # One process has a SQLite database for itself, so what is left there is of the dead.
        workers = None if database.is_sqlite else stack.enter_context(Workers(database.workers, drains.worker))
        dead = workers.dead() if workers is not None else {}
        ended = drains.take_over(None if workers is None else list(dead))
        if ended:
            log.warning("daemon.took_over", leases=ended)
        if once:
            from agent import cycle  # noqa: PLC0415 as the drains

            _report(ctx, cycle.run(drains, now))
        else:
            Daemon(database, settings, drains, stop).run(dead)


def _moment(text: str, settings: Settings) -> datetime:
    """A time as the command line writes it; without a zone it is the company's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}” is no time. Write it as 2026-01-31T18:00.", param_hint="--at") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=settings.zone)).astimezone(UTC)


@contextmanager
def drains_of(database: Database, settings: Settings, stop: threading.Event) -> Iterator[Drains]:
    from agent.drains import Drains  # noqa: PLC0415 `relance --help` need not wait for all that they need

    worker = f"{platform.node()[:32]}/{os.getpid()}/{secrets.token_hex(4)}"
    drains = Drains(database, settings, clock=wall, worker=worker, stop=stop)
    try:
        yield drains
    finally:
        drains.close()


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set. The second signal finds the system's own handler, which ends us.

    The event is set by a thread of its own: a handler runs in the midst of whatever the main thread does, and if that
    is to wait for this very event, both would wait for each other.
    """
    stop = threading.Event()
    told, tell = socket.socketpair()
    tell.setblocking(False)

    def set_when_told() -> None:
        if told.recv(1):
            stop.set()

    def let_the_next_one_kill(_number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)

    thread = threading.Thread(target=set_when_told, name="signals", daemon=True)
    thread.start()
    wakes_before = signal.set_wakeup_fd(tell.fileno())
    before = {each: signal.signal(each, let_the_next_one_kill) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(wakes_before)
        tell.close()
        thread.join()
        told.close()


def _report(ctx: Context, done: Cycle) -> None:
    """Say what one cycle did; exit 1 if some of it failed or was left undone."""
    sent = done.delivered
    ctx.say(
        f"mail in: {done.stored} stored, {done.read} read, {done.applied} applied, {done.queued} queued; "
        f"mail out: {done.planned} planned, {sent.sent} sent, {sent.cancelled} cancelled, {sent.failed} failed, "
        f"{sent.rejected} rejected, {sent.unknown} of unknown outcome; {done.tasks} task(s)"
    )
    for failure in done.failures:
        ctx.say(f"relance: {failure.loop}: {' '.join(str(failure.error).split())}")
    if done.is_cut_short:
        ctx.say("relance: stopped by a signal before the cycle was done. Run it again to go on.")
    if done.failures or done.is_cut_short:
        raise typer.Exit(1)


class Daemon:
    """The main thread of `relance run`: starts the others, and watches them until it is told to stop."""

    def __init__(self, database: Database, settings: Settings, drains: Drains, stop: threading.Event) -> None:
        self.database = database
        self.settings = settings
        self.drains = drains
        self.stop = stop
        self._clock = ClockWatch()
        self._clock_lock = threading.Lock()
        self._schedules_are_off = False
        self._looked_at = steady()
        self._jump: timedelta | None = None
        self._waiters: dict[str, threading.Thread] = {}
        self._pages: Server | None = None
        self._is_database_away = False

    def run(self, dead: Mapping[str, Path] = MappingProxyType({})) -> None:
        """Work until `stop` is set, beginning with what the ``dead`` have left. Raises Died when a part of it has."""
        from agent.engine import Engine  # noqa: PLC0415 it costs half a second

        poll = timedelta(seconds=self.settings.daemon.poll_seconds)
        loops = dict.fromkeys(self.drains.collections, poll)
        loops |= dict.fromkeys(("understand", "clockwork", "plan", *self.drains.deliveries, "worklist"), EVERY_MINUTE)
        loops |= dict.fromkeys(("retention", "digest", "anchor"), timedelta(hours=1))
        loops["count"] = timedelta(minutes=10)
        if self.settings.webhook:
            loops["webhooks"] = timedelta(seconds=10)
        if self.settings.reports.warn_to:
            loops["warning"] = EVERY_MINUTE
        # One process has a SQLite database for itself, so what it left over last time is its own.
        executor = "relance" if self.database.is_sqlite else self.drains.worker
        engine = Engine(self.database.url, executor, loops, self._run)
        with self._serving():
            engine.start(dead)
            Workers.forget(dead)
            self._work(engine)

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """The review pages in a thread of their own, where the configuration asks for them."""
        if not self.settings.web.in_daemon:
            yield
            return
        from agent.review.web.server import Server  # noqa: PLC0415 as above

        with Server(self.database, self.settings, wall) as self._pages:
            self._pages.start()
            log.info("daemon.pages", url=self._pages.url)
            yield

    def _work(self, engine: Engine) -> None:
        try:
            self._wait_for_mail(engine)
            tell_service_manager("READY=1", f"STATUS={len(self.settings.mailbox)} mailbox(es)")
            log.info("daemon.ready", mailboxes=list(self.settings.mailbox), mode=self.settings.policy.mode)
            while not self.stop.wait(LOOK_SECONDS):
                self._look(engine)
                tell_service_manager("WATCHDOG=1")
            log.info("daemon.stopping")
        finally:
            self.stop.set()
            tell_service_manager("STOPPING=1")
            self._end(engine)

    def _wait_for_mail(self, engine: Engine) -> None:
        """A thread for each mailbox that kicks its collection when the server tells of mail."""
        from agent.inbound import idle  # noqa: PLC0415 as above

        def wait(name: str) -> None:
            try:
                # The server has just answered, so whatever kept the collection from it is over.
                idle.watch(self.settings.mailbox[name], lambda: engine.kick(f"collect:{name}", is_well=True), self.stop)
            except Exception as error:  # noqa: BLE001 the main thread sees that we have ended, and ends with words
                log.error("idle.died", mailbox=name, error=type(error).__name__)

        for name in self.settings.mailbox:
            self._waiters[name] = threading.Thread(target=wait, args=(name,), name=f"idle:{name}", daemon=True)
            self._waiters[name].start()

    def _run(self, loop: str) -> Next:
        """One run of a loop, which goes by the clock: so that is looked at first, and not only by the next look.

        Raises TemporaryFailure where the clock was set, and that could not be written down: then nothing runs by it.
        """
        if not self._clock_is_looked_at():
            raise TemporaryFailure("the clock was set, and the stop of all sending could not be written down")
        return self.drains.run(loop)

    def _clock_is_looked_at(self) -> bool:
        """Whether all that the clock has done is written down. Threads wait for each other: one that finds the clock
        as it should be must not run before another one's stop stands.
        """
        with self._clock_lock:
            found = self._clock.jump()
            self._schedules_are_off = self._schedules_are_off or found is not None
            self._jump = found or self._jump
            if self._jump is not None:
                self._stop_for_the_clock(self._jump)
            return self._jump is None

    def _set_schedules(self, engine: Engine) -> None:
        # Cleared before: a jump that another thread finds meanwhile must not be forgotten.
        self._schedules_are_off = False
        try:
            engine.begin_schedules_anew()
        except RelanceError as error:
            self._schedules_are_off = True
            log.error("daemon.schedules_off", error=str(error))

    def _look(self, engine: Engine) -> None:
        """One look at everything that may go wrong by itself."""
        before, self._looked_at = self._looked_at, steady()
        # After a sleep of the machine as after a clock that was set: the engine would make up for all of that time.
        self._schedules_are_off = self._schedules_are_off or self._looked_at - before > ASLEEP_AFTER
        self._clock_is_looked_at()
        if self._schedules_are_off:
            self._set_schedules(engine)
        for name, thread in self._waiters.items():
            if not thread.is_alive() and not self.stop.is_set():
                raise Died(f"the thread that waits for mail of {name} has ended")
        if self._pages is not None and not self._pages.is_alive() and not self.stop.is_set():
            raise Died("the thread that serves the review pages has ended")
        if engine.silent_for > SILENCE and self._database_answers():
            raise Died(f"the engine has run nothing for {engine.silent_for.total_seconds():.0f} seconds")

    def _stop_for_the_clock(self, jump: timedelta) -> None:
        try:
            place_clock_stop(self.database, jump, wall())
        except RelanceError as error:
            log.error("daemon.clock_jumped", error=str(error))
        else:
            self._jump = None

    def _database_answers(self) -> bool:
        try:
            with self.database.read() as session:
                session.execute(text("SELECT 1"))
        except RelanceError as error:
            if not self._is_database_away:
                log.error("daemon.database_away", error=str(error))
            self._is_database_away = True
            return False
        self._is_database_away = False
        return True

    def _end(self, engine: Engine) -> None:
        is_done = engine.stop(GRACE)
        for thread in self._waiters.values():
            thread.join(5)
        if is_done:
            log.info("daemon.stopped")
            return
        # A thread that hangs would keep the process; what it had in hand is settled at the next start.
        log.warning("daemon.stopped_midway", waited=GRACE.total_seconds())
        os._exit(1)


def place_clock_stop(database: Database, jump: timedelta, now: datetime) -> bool:
    """Stop all sending because the clock was set; whether that was not so already.

    Every "due", "late" and "since" is reckoned from the clock: a wrong year would chase everybody at once.
    """
    minutes = round(jump.total_seconds() / 60)
    with database.write() as session:
        standing = select(SendingStop.id).where(SendingStop.reason == "clock_jumped", SendingStop.lifted_at.is_(None))
        if session.scalar(standing.limit(1)) is not None:
            return False
        stop = SendingStop(
            reason="clock_jumped",
            detail=f"the machine's clock was set {'forward' if minutes > 0 else 'back'} by {abs(minutes)} minutes; "
            "check the time, then resume",
            placed_by="relance",
            placed_at=now,
        )
        session.add(stop)
        events.record(session, "sending_stop.placed", stop, actor="relance", at=now, reason="clock_jumped")
    log.error("daemon.clock_jumped", minutes=minutes, mend="check the time, then `relance resume-sending`")
    return True
