"""A process that has everything loaded, and forks relance at work: a thousand deaths cost no thousand starts.

    python -m tests.faults.zygote      a job a line on standard input, an answer a line on standard output

It has one thread, so that what it forks is whole. A job says what to do (one full cycle as `relance run --once` does
it, an import, an opening of the database) at which time, and how it shall die: at a named point, before or after the
n-th commit, at the n-th statement, after so many seconds. Death is SIGKILL, from the outside or by its own hand, in a
process that nothing outlives. The answer says how it ended, what it told of failures, and what it used.

A job may ask to be told when it passes a named point: then it waits there until it is let go on, and the one who asked
changes the world meanwhile, as other people do.
"""

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

import classifier
from agent import cycle, drains, faults
from agent.inbound import confined, cursor, standing
from agent.inbound.identity import Fingerprint
from agent.ledger.importing import run_import
from agent.ledger.values import Kind, Order
from agent.operations.adopt import adopt
from agent.operations.backup import back_up
from agent.operations.restore import check, restore
from agent.reminders import deliver
from agent.replies import predict  # noqa: F401 loaded before the fork
from agent.wire import oauth
from classifier.trained import Classifier
from config import load
from models import Database, Folder
from models.states import DeliveryState

POISON = b"X-Poison: kill"
"""A mail with this line kills the process that reads it, as a fault in a parser's C code does."""

_POISONED_CHILD = (
    "import sys, os, signal; sys.path[:] = sys.argv[1:]; from agent.inbound import serving\n"
    "read = serving.read_message\n"
    f"def poisoned(raw, *rest):\n    if {POISON!r} in raw: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return read(raw, *rest)\n"
    "serving.read_message = poisoned; serving.serve()"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What to do, when it is (ISO), and how it shall end before its time."""

    config: str
    now: str
    act: str = "cycle"
    """What of `_ACTS`; `arguments` are kind, file and as-of of an import, the file of a backup."""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    """Values by dotted name, for this job: waits of minutes are scaled down to what a test can wait for."""
    point: str = ""
    commit: int = 0
    """Die before the n-th commit; after it where it is negative."""
    statement: int = 0
    """Die before the n-th statement that is sent to the database."""
    seconds: float = 0.0
    """Die after so long."""
    meet: tuple[str, ...] = ()
    """Points at which to wait until let go on; each the first time that it is passed."""
    without: str = ""
    """A guard of `GUARDS` that is switched off, to see that the laboratory sees it."""
    is_warming: bool = False
    """Done by the zygote itself, so that what is loaded and compiled on the way is there for all that it forks."""
    limit: float = 240.0
    """Seconds after which it hangs, and is killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended. ``code``: 0, or the negative number of the signal; None: it hung."""

    code: int | None
    failures: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    rss_bytes: int = 0
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


def serve() -> None:
    """Answer jobs until standard input closes."""
    structlog.configure(processors=[_drop])
    trained = classifier.load()

    def loaded(*_: object) -> Classifier:
        return trained

    classifier.load = loaded  # type: ignore[assignment] # for who asks in whatever way
    confined._CHILD = _POISONED_CHILD
    reader = confined.Reader()
    reader._ready_child()
    _say({"ready": True})
    for line in sys.stdin:
        raw = json.loads(line)
        job = Job(**{**raw, "arguments": tuple(raw["arguments"]), "meet": tuple(raw["meet"])})
        if job.is_warming:
            _say(asdict(_warm(job, reader)))
            continue
        ended = _run(job, reader)
        if ended.code != 0 or (reader._child is not None and reader._child.poll() is not None):
            reader.close()  # it may be in the middle of a mail
            reader._ready_child()
        reader._left = confined.MAILS_PER_CHILD
        _say(asdict(ended))


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _warm(job: Job, reader: confined.Reader) -> Ended:
    began = time.monotonic()
    before = dict(os.environ)
    os.environ.update(job.environment)
    said = _ACTS[job.act](job, reader)
    os.environ.clear()
    os.environ.update(before)
    gc.collect()
    gc.freeze()
    return Ended(code=0, failures=tuple(said.pop("failures", ())), seconds=time.monotonic() - began, said=said)


def _run(job: Job, reader: confined.Reader) -> Ended:
    told, tell = os.pipe()
    heard, hear = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        os.close(hear)
        _child(job, reader, tell, heard)
    os.close(tell)
    os.close(heard)
    try:
        code, said, usage = _watch(job, pid, told, hear, began)
    finally:
        os.close(told)
        os.close(hear)
    return Ended(
        code=code,
        failures=tuple(said.pop("failures", ())),
        seconds=time.monotonic() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        rss_bytes=usage.ru_maxrss * 1024,
        said=said,
    )


def _watch(
    job: Job, pid: int, told: int, hear: int, began: float
) -> tuple[int | None, dict[str, Any], resource.struct_rusage]:
    """Listen to the child until it has ended; kill it when its time has come."""
    handle = os.pidfd_open(pid)
    said: dict[str, Any] = {}
    buffer = b""
    is_hung = False
    deaths = [began + job.limit, *([began + job.seconds] if job.seconds else [])]
    try:
        while True:
            wait = max(0.0, min(deaths) - time.monotonic())
            ready, _, _ = select.select([handle, told], [], [], wait)
            if told in ready and (piece := os.read(told, 65_536)):
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    _heard(json.loads(line), said, hear)
            elif handle in ready:
                break
            elif not ready:
                is_hung = not job.seconds or time.monotonic() >= began + job.limit
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                deaths = [time.monotonic() + 60]
    finally:
        os.close(handle)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return None if is_hung else code, said, usage


def _heard(line: dict[str, Any], said: dict[str, Any], hear: int) -> None:
    if "meet" not in line:
        said.update(line)
        return
    _say(line)
    sys.stdin.readline()
    os.write(hear, b"\n")


def _child(job: Job, reader: confined.Reader, tell: int, heard: int) -> None:
    """Do the job, and end without any of the parent's cleaning up."""
    code = 1
    try:
        if reader._child is not None:
            # It is the zygote's child and not ours: to ask after its end would tell that it has ended.
            reader._child.poll = lambda: None  # type: ignore[method-assign]
        os.environ.update(job.environment)
        for name, value in job.constants.items():
            module, _, attribute = name.rpartition(".")
            setattr(importlib.import_module(module), attribute, value)
        _arm(job, tell, heard)
        told = _ACTS[job.act](job, reader)
        os.write(tell, json.dumps(told).encode() + b"\n")
        code = 0
    except BaseException as error:  # noqa: BLE001 told to who asked, who fails by it
        words = [f"{type(error).__module__}.{type(error).__name__}: {error}"]
        os.write(tell, json.dumps({"failures": words, "broke": True}).encode() + b"\n")
    finally:
        os._exit(code)


def _arm(job: Job, tell: int, heard: int) -> None:
    faults.arm(job.point)
    if job.without:
        GUARDS[job.without]()
    waits = set(job.meet)

    def meet(name: str) -> None:
        if name in waits:
            waits.discard(name)
            os.write(tell, json.dumps({"meet": name}).encode() + b"\n")
            os.read(heard, 1)

    faults.hook = meet if waits else None
    if job.commit:
        _die_at_commit(job.commit)
    if job.statement:
        left = iter(range(job.statement - 1, -1, -1))

        @event.listens_for(Engine, "before_cursor_execute")
        def count(*_: object) -> None:
            if next(left, None) == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _no_commit_before_the_body() -> None:
    """The last look says yes, and nothing is written down before the body leaves."""
    deliver._Attempt.last_look = lambda self: True  # type: ignore[method-assign] # the guard is off

    def book_anything(self: Any, session: Any) -> Any:
        found = mine(self, session)
        found.state, found.entered_sending_at = DeliveryState.SENDING, self._now
        return found

    mine = deliver._Attempt._mine
    deliver._Attempt._mine = book_anything  # type: ignore[method-assign] # what was not written is pretended


def _no_identity() -> None:
    """Each copy of a mail is taken for a new one."""
    identity = Fingerprint.identity

    def other_each_time(self: Fingerprint) -> Any:
        return replace(identity(self), dkey=os.urandom(32).hex())

    Fingerprint.identity = other_each_time  # type: ignore[method-assign] # the guard is off


def _no_border() -> None:
    """Whoever says to be somebody is believed."""
    judged = standing.standing

    def believed(*arguments: Any) -> Any:
        return replace(judged(*arguments), authenticated=True)

    standing.standing = believed  # type: ignore[assignment] # the guard is off


def _cursor_first() -> None:
    """The cursor moves on, and what was fetched is forgotten when the process dies before it is written."""
    write = cursor._Batch.write

    def moved_first(self: Any) -> Any:
        faults.point("collect.stored")
        return write(self)

    def store_elsewhere(database: Database, batch: Any, now: datetime) -> Any:
        with database.write() as session:
            row = session.get_one(Folder, batch.cursor.folder_id)
            row.last_uid, row.swept_at = max(row.last_uid, batch.last_uid), now
        return store(database, batch, now)

    store = cursor.store
    cursor.store = store_elsewhere
    cursor._Batch.write = moved_first  # type: ignore[method-assign] # the guard is off


def _no_new_token() -> None:
    """A token is used for its stated life, whatever the mail server says of it."""
    kept = oauth.access_token

    def never_anew(settings: Any, server: Any, *, anew: bool = False) -> Any:
        return kept(settings, server)

    oauth.access_token = never_anew  # type: ignore[assignment] # the guard is off


GUARDS: dict[str, Callable[[], None]] = {
    "sending is committed before the body": _no_commit_before_the_body,
    "a mail is known by its content": _no_identity,
    "only our border's word counts": _no_border,
    "the cursor moves with the mails": _cursor_first,
    "a refused token is fetched anew": _no_new_token,
}


def _die_at_commit(nth: int) -> None:
    commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit
    left = iter(range(abs(nth) - 1, -1, -1))

    def dying(self: DefaultDialect, connection: Any) -> None:
        is_last = next(left, None) == 0
        if is_last and nth > 0:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, connection)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    DefaultDialect.do_commit = dying  # type: ignore[method-assign] # for this process, which ends by it


def _cycle(job: Job, reader: confined.Reader) -> dict[str, Any]:
    with_drains = _drains(job, reader)
    now = _moment(job)
    if with_drains.database.is_sqlite:
        with_drains.take_over()
    done = cycle.run(with_drains, now)
    with_drains.database.close()
    return {
        "failures": [f"{failure.loop}: {failure.error}" for failure in done.failures],
        "stored": done.stored,
        "sent": done.delivered.sent,
        "unknown": done.delivered.unknown,
    }


def _open(job: Job, _reader: confined.Reader) -> dict[str, Any]:
    settings = load(Path(job.config))
    Database.open(settings.database.url, settings.root, _moment(job)).close()
    return {}


def _import(job: Job, _reader: confined.Reader) -> dict[str, Any]:
    settings = load(Path(job.config))
    database = Database.open(settings.database.url, settings.root, _moment(job))
    kind, file, as_of = job.arguments
    path = Path(file)
    order = Order(
        kind=Kind(kind), raw=path.read_bytes(), folder=path.parent, as_of=datetime.fromisoformat(as_of), actor="lab"
    )
    result = run_import(database, settings, order, _moment(job))
    database.close()
    return {"failures": [error.message for error in result.skipped], "created": result.created}


def _drains(job: Job, reader: confined.Reader) -> drains.Drains:
    settings = load(Path(job.config))
    database = Database.open(settings.database.url, settings.root, _moment(job))
    worker = f"lab/{os.getpid()}"
    made = drains.Drains(database, settings, clock=lambda: datetime.now(UTC), worker=worker, stop=threading.Event())
    made._reader = reader
    return made


def _moment(job: Job) -> datetime:
    return datetime.fromisoformat(job.now).astimezone(UTC)


def _backup(job: Job, _reader: confined.Reader) -> dict[str, Any]:
    settings = load(Path(job.config))
    database = Database.open(settings.database.url, settings.root, _moment(job))
    back_up(database, settings, Path(job.arguments[0]), _moment(job))
    database.close()
    return {}


def _check(job: Job, _reader: confined.Reader) -> dict[str, Any]:
    check(Path(job.arguments[0]), _moment(job))
    return {}


def _restore(job: Job, _reader: confined.Reader) -> dict[str, Any]:
    restore(Path(job.arguments[0]), Path(job.config).parent, "lab", _moment(job), replace=True)
    return {}


def _adopt(job: Job, reader: confined.Reader) -> dict[str, Any]:
    with_drains = _drains(job, reader)
    is_new = adopt(with_drains.database, with_drains, "lab", _moment(job))
    with_drains.database.close()
    return {"adopted": is_new}


_ACTS: dict[str, Callable[[Job, confined.Reader], dict[str, Any]]] = {
    "cycle": _cycle,
    "open": _open,
    "import": _import,
    "backup": _backup,
    "check": _check,
    "restore": _restore,
    "adopt": _adopt,
}

if __name__ == "__main__":
    serve()
