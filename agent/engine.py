"""Who drains what and when: the one module that knows the workflow engine, DBOS Transact.

The rows are the truth; the engine only says when to look at them. A *loop* is the name of a drain (``collect:ar``);
a *kick* asks for one run of it. Kicks lie in a queue in the database, which hands out one run of a loop at a time, over
all processes on it: one IMAP and one SMTP session for each mailbox. A schedule, fired once whatever the number of
processes, kicks every loop, so a kick that gets lost delays work and loses none; the engine's tables could be dropped.

    schedule, IDLE, a drain that found work ──kick──▶ queue ──▶ work(loop) ──▶ kicks of what should follow
                                                                    └─ fails ──▶ rests, longer each time, and is kicked

A failure that is expected never gets out of a run: the drain has written it down, and the loop rests before its next
try. A run whose process died is given to another one: at once where that starts again under its name or knows for
certain that it is dead, else after `RESCUE_AFTER`. Two runs of one loop at the same time are harmless, so no clock
needs to be exact for that.

The engine and our own tables share one place. On SQLite the engine has connections of its own, for it needs the
driver's way to begin a transaction; there only one process may run at a time (the daemon sees to that). Telemetry,
console and the vendor's cloud are not configured; nothing of it is asked over the network.

What it doesn't do: know mail, judge, or promise that a run happens only once.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, ScheduleInput
from dbos import error as dbos_error
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from config.errors import NeedsPerson, RelanceError, TemporaryFailure

log = structlog.get_logger()

APPLICATION = "relance"
PROTOCOL = "1"
"""Our version, to the engine. Work of another one is never taken up, so it stays while loops' names mean the same."""
QUEUE = "drains"
POLL_SECONDS = 0.5
"""How long a kick may lie before it is seen."""
BUSY_TIMEOUT_MS = 10_000
POOL = 10
SCHEDULES_SEEN_EVERY = 5.0
"""Seconds until the engine sees that schedules were begun anew."""

RESCUE_AFTER = timedelta(minutes=15)
"""Age at which a run that has not ended counts as its process's last."""
KEEP = timedelta(hours=6)
"""How long runs that have ended are kept to be looked at."""
PURGE_BATCH = 500

FIRST_REST, LONGEST_REST = 5.0, 600.0
"""Seconds before the next try after one failure, and after many."""
REST_FOR_PERSON = 60.0
"""The least, where a person must act: a server that has refused a password answers the next one more slowly."""


class Follow(Protocol):
    """What a run says should follow."""

    @property
    def wake(self) -> tuple[str, ...]:
        """Loops that have work by it."""
        ...

    @property
    def again_at(self) -> datetime | None:
        """The moment to come back to the same loop; None: when it is kicked."""
        ...


def rest(failures: int, *, needs_person: bool) -> float:
    """Seconds until the next try after so many failures in a row.

    >>> [rest(n, needs_person=False) for n in (1, 2, 3, 20)]
    [5.0, 10.0, 20.0, 600.0]
    """
    seconds = FIRST_REST * 2.0 ** min(failures - 1, 20)
    return min(LONGEST_REST, max(seconds, REST_FOR_PERSON if needs_person else 0.0))


def cron(every: timedelta) -> str:
    """A schedule with gaps of at most ``every``, in the engine's notation (seconds first).

    Whole minutes from a minute on, and at most an hour; gaps are shorter where ``every`` doesn't divide the next unit.

    >>> cron(timedelta(seconds=5)), cron(timedelta(seconds=150)), cron(timedelta(hours=1))
    ('*/5 * * * * *', '0 */2 * * * *', '0 0 * * * *')
    """
    seconds = int(every.total_seconds())
    if seconds < 60:
        return f"*/{max(1, seconds)} * * * * *"
    minutes = seconds // 60
    return f"0 */{minutes} * * * *" if minutes < 60 else "0 0 * * * *"


class Engine:
    """Runs ``work(loop)`` for each of ``loops`` (name → how often at least), until it is stopped.

    ``executor`` names this process to the engine: what it leaves unfinished is taken up at once by the next one of that
    name, so two that live at the same time have two. A run that has not ended by ``rescue_after`` is anybody's,
    unless it is one of this process, which knows that it still works.
    """

    def __init__(
        self,
        place: URL,
        executor: str,
        loops: Mapping[str, timedelta],
        work: Callable[[str], Follow],
        rescue_after: timedelta = RESCUE_AFTER,
    ) -> None:
        self._place = place
        self._executor = executor
        self._loops = loops
        self._work = work
        self._rescue_after = rescue_after
        self._sql: SqlEngine | None = None
        self._client: DBOSClient | None = None
        self._scheduled: tuple[Callable[..., None], Callable[..., None]] | None = None
        self._started = threading.Event()
        self._stopping = False
        self._running = 0
        self._at_work: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._failures: Counter[str] = Counter()
        self._rests_until: dict[str, float] = {}
        self._last_sign = time.monotonic()

    @property
    def silent_for(self) -> timedelta:
        """How long ago the engine last ran anything: the schedules make that a minute or so while it lives."""
        return timedelta(seconds=time.monotonic() - self._last_sign)

    def start(self, dead: Collection[str] = ()) -> None:
        """Begin, take up what processes named ``dead`` have left, and kick every loop once.

        Raises:
            TemporaryFailure: the database can't be reached, or refuses the engine's tables.
        """
        _send_logs_to_ours()
        serializer = DBOSPortableJSONSerializer()
        self._sql = _sql_engine(self._place)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_engine": self._sql,
            "application_version": PROTOCOL,
            "executor_id": self._executor,
            "serializer": serializer,
            "scheduler_polling_interval_sec": SCHEDULES_SEEN_EVERY,
            "use_listen_notify": False,  # nothing waits for messages, and a pooler in between can't listen
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        try:
            DBOS(config=config)
            self._scheduled = self._register()
            DBOS.launch()
            self._client = DBOSClient(
                system_database_engine=self._sql,
                serializer=serializer,
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
            DBOS.register_queue(
                QUEUE, partition_concurrency=1, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
            )
            self._schedule(*self._scheduled)
            if dead:
                self._resume(executor_id=list(dead))
        except (SQLAlchemyError, dbos_error.DBOSException, OSError) as error:
            raise TemporaryFailure(f"the engine can't start: {_first_line(error)}") from error
        self._last_sign = time.monotonic()
        self._started.set()
        for loop in self._loops:
            self.kick(loop)

    def kick(self, loop: str, *, delay: float = 0.0, is_well: bool = False) -> None:
        """Ask for a run of the loop, after ``delay`` seconds; one that waits already will do.

        ``is_well``: what the loop depends on was just seen to work, so it need not rest any longer. A kick that can't
        be written is told in the log, and the schedule's next one takes its place.
        """
        if is_well:
            self._rests_until.pop(loop, None)
        client = self._client
        if client is None or self._stopping:
            return
        try:
            # One that has not begun yet will see everything that is there by now.
            waiting = client.list_workflows(
                status="DELAYED" if delay else "ENQUEUED",
                queue_name=QUEUE,
                workflow_id_prefix=f"{loop} ",
                limit=1,
                load_input=False,
                load_output=False,
            )
            if waiting:
                return
            client.enqueue(
                {
                    "workflow_name": "drain",
                    "queue_name": QUEUE,
                    "queue_partition_key": loop,
                    "workflow_id": f"{loop} {uuid.uuid4()}",
                    "app_version": PROTOCOL,
                    **({"delay_seconds": delay} if delay else {}),  # type: ignore[typeddict-item] # a part of it
                },
                loop,
            )
        except (SQLAlchemyError, dbos_error.DBOSException) as error:
            log.warning("engine.kick_lost", loop=loop, error=_first_line(error))

    def begin_schedules_anew(self) -> None:
        """Let the schedules go by the wall clock as it is now. The engine would make up for all the time it was set on,
        one run after the other, and do nothing for as long as it was set back.

        Raises TemporaryFailure where the database can't be reached.
        """
        if self._scheduled is None or self._stopping:
            return
        try:
            for known in DBOS.list_schedules():
                DBOS.delete_schedule(known["schedule_name"])
            self._schedule(*self._scheduled)
        except (SQLAlchemyError, dbos_error.DBOSException) as error:
            raise TemporaryFailure(f"the schedules can't begin anew: {_first_line(error)}") from error

    def stop(self, grace: timedelta) -> bool:
        """Begin nothing more, and wait for what runs; whether all of it ended within ``grace``."""
        self._stopping = True
        with self._changed:
            is_idle = self._changed.wait_for(lambda: self._running == 0, grace.total_seconds())
        # The second is the engine's own: it writes down that the runs have ended.
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=1 if is_idle else 0)
        if self._client is not None:
            self._client.destroy()
        if self._sql is not None:
            # The engine's own threads are not waited for: one may hold a connection still, and where the database is
            # away it would try for one for ever, which keeps the process from ending.
            event.listen(self._sql, "checkin", _close)
            event.listen(self._sql, "do_connect", _refuse)
            self._sql.dispose()
        return is_idle

    # --- what the engine calls ----------------------------------------------------------------------------------------

    def _drain(self, loop: str) -> None:
        """One run of a loop."""
        with self._counted(loop) as may_go:
            if not may_go or loop not in self._loops or time.monotonic() < self._rests_until.get(loop, 0.0):
                return
            try:
                follow = self._work(loop)
            except RelanceError as error:
                self._failures[loop] += 1
                seconds = rest(self._failures[loop], needs_person=isinstance(error, NeedsPerson))
                self._rests_until[loop] = time.monotonic() + seconds
                log.info("loop.rests", loop=loop, failures=self._failures[loop], seconds=seconds)
                self.kick(loop, delay=seconds)
                return
            self._failures.pop(loop, None)
            self._rests_until.pop(loop, None)
            for other in follow.wake:
                self.kick(other)
            if follow.again_at is not None:
                self.kick(loop, delay=max(0.0, (follow.again_at - datetime.now(UTC)).total_seconds()))

    def _tick(self, loops: Sequence[str]) -> None:
        """A schedule has come round for some loops."""
        with self._counted() as may_go:
            if may_go:
                for loop in loops:
                    self.kick(loop)
                self._rescue()

    def _clean(self) -> None:
        """Forget runs that ended long ago: the engine keeps them for ever."""
        with self._counted() as may_go:
            while may_go and not self._stopping and self._client is not None:
                ended = self._client.list_workflows(
                    status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                    end_time=_ago(KEEP),
                    limit=PURGE_BATCH,
                    load_input=False,
                    load_output=False,
                )
                if not ended:
                    break
                self._client.delete_workflows([run.workflow_id for run in ended])

    def _rescue(self) -> None:
        """Give runs that have not ended for too long to the living."""
        self._resume(dequeued_before=_ago(self._rescue_after))

    def _resume(self, **which: Any) -> None:
        if self._client is None:
            return
        pending = self._client.list_workflows(status="PENDING", load_input=False, load_output=False, **which)
        with self._changed:
            at_work = set(self._at_work)
        stuck = [
            run for run in pending
            if run.executor_id != self._executor or run.workflow_id.partition(" ")[0] not in at_work
        ]  # fmt: skip
        for name in {run.queue_name for run in stuck if run.queue_name is not None}:
            ids = [run.workflow_id for run in stuck if run.queue_name == name]
            self._client.resume_workflows(ids, queue_name=name)
            log.warning("engine.rescued", runs=len(ids))

    # --- parts --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _counted(self, loop: str = "") -> Iterator[bool]:
        """Count a run (of that loop) as long as it lasts; False: it should do nothing, as we are stopping."""
        # What was left over from the last time may come before `start` is through.
        self._started.wait(60)
        with self._changed:
            self._last_sign = time.monotonic()
            may_go = not self._stopping and self._started.is_set()
            self._running += 1
            self._at_work[loop] += 1
        try:
            yield may_go
        finally:
            with self._changed:
                self._running -= 1
                self._at_work -= Counter([loop])  # which leaves out what is at nought
                self._last_sign = time.monotonic()
                self._changed.notify_all()

    def _register(self) -> tuple[Callable[..., None], Callable[..., None]]:
        """Tell the engine what to call; the two that schedules begin. It marks functions, and can't mark methods."""

        def drain(loop: str) -> None:
            self._drain(loop)

        def tick(_at: str, loops: Sequence[str]) -> None:
            self._tick(loops)

        def clean(_at: str, _context: None) -> None:
            self._clean()

        DBOS.workflow(name="drain")(drain)
        return DBOS.workflow(name="tick")(tick), DBOS.workflow(name="clean")(clean)

    def _schedule(self, tick: Callable[..., None], clean: Callable[..., None]) -> None:
        by_cron: dict[str, list[str]] = {}
        for loop, every in self._loops.items():
            by_cron.setdefault(cron(every), []).append(loop)
        wanted = {f"every {when}": (when, loops) for when, loops in by_cron.items()}
        for known in DBOS.list_schedules():
            if known["schedule_name"] not in wanted:
                DBOS.delete_schedule(known["schedule_name"])  # the configuration was another one
        schedules: list[ScheduleInput] = [
            {"schedule_name": name, "workflow_fn": tick, "schedule": when, "context": loops}
            for name, (when, loops) in wanted.items()
        ]
        hourly: ScheduleInput = {"schedule_name": "clean", "workflow_fn": clean, "schedule": "0 17 * * * *"}
        DBOS.apply_schedules([*schedules, hourly])


def _ago(age: timedelta) -> str:
    return (datetime.now(UTC) - age).isoformat()


def _sql_engine(place: URL) -> SqlEngine:
    if place.get_backend_name() != "sqlite":
        return create_engine(place, pool_pre_ping=True, pool_size=POOL, max_overflow=POOL)
    # Not our own BEGIN IMMEDIATE at each begin: the engine opens a second connection within a transaction.
    timeout = BUSY_TIMEOUT_MS / 1000
    engine = create_engine(place, connect_args={"timeout": timeout, "isolation_level": "IMMEDIATE"})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _close(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _refuse(*_arguments: object) -> None:
    raise RuntimeError("the engine has stopped")


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split("\n", 1)[0].split())[:300]


class _Forward(logging.Handler):
    """What the engine says goes into our log: one line of it, without tracebacks, and each thing once a minute.

    While a database is away all of the engine's threads say so twice a second.
    """

    EVERY = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, int], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        place = record.filename, record.lineno
        if record.created - self._said_at.get(place, 0.0) < self.EVERY:
            return
        self._said_at[place] = record.created
        text = record.getMessage().split("\n", 1)[0].removesuffix("Traceback (most recent call last):")
        cause = record.exc_info[1] if record.exc_info else None
        log.warning("engine.said", text=" ".join(text.split())[:300], error=_first_line(cause) if cause else None)


def _send_logs_to_ours() -> None:
    # The engine adds a handler of its own only where it finds none.
    logger = logging.getLogger("dbos")
    logger.handlers = [_Forward()]
    logger.propagate = False
