"""Trainings and comparisons that are asked for on the pages: a row each, carried out by a process of its own.

    asked ── its process begins ──▶ under way ── ends ──▶ done | failed
      └───────── no sign of life for `SILENT` ──────────▶ failed

A training takes minutes of two cores and hundreds of megabytes: not the thing for a request, nor for the process that
serves the pages. The process writes down how far it has come and that it lives, so every page, in whatever process,
tells the same, and a page that is loaded again loses nothing. There is one run at a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.learning import gate, training
from agent.learning.gate import Verdict
from classifier import registry
from config import Settings
from config.errors import NeedsPerson, RelanceError
from models import Database, TrainingRun, events

log = structlog.get_logger()

Kind = Literal["training", "comparison"]
Clock = Callable[[], datetime]

SILENT = timedelta(seconds=90)
"""A run whose process has given no sign for so long is dead; it gives one every `BEAT_SECONDS`."""
BEAT_SECONDS = 2.0
NICE = 10
"""The daemon and the pages go first on the processor."""
_CHILD = (
    "import json, os, sys; os.nice(int(sys.argv[1])); sys.path[:] = json.loads(sys.argv[2]);"
    "from agent.cli import main; sys.exit(main(sys.argv[3:]))"
)


# --- asking ----------------------------------------------------------------------------------------------------------


def ask(session: Session, kind: Kind, folder: str | None, by: str, now: datetime) -> TrainingRun:
    """Ask for a training, or for a comparison of the trained model in ``folder`` with the one in use.

    Raises:
        NeedsPerson: another run is under way.
    """
    bury(session, now)
    run = TrainingRun(kind=kind, slot=1, folder=folder, asked_by=by, asked_at=now, alive_at=now)
    session.add(run)
    try:
        session.flush()
    except IntegrityError:
        raise NeedsPerson("a training or comparison is under way already", "Wait until it has ended.") from None
    events.record(session, f"{kind}.asked", run, actor=by, at=now)
    return run


def under_way(session: Session) -> TrainingRun | None:
    """The run that waits or works."""
    return session.scalar(select(TrainingRun).where(TrainingRun.ended_at.is_(None)))


def last(session: Session, kind: Kind | None = None) -> TrainingRun | None:
    """The run that ended last."""
    query = select(TrainingRun).where(TrainingRun.ended_at.is_not(None)).order_by(TrainingRun.id.desc()).limit(1)
    return session.scalar(query if kind is None else query.where(TrainingRun.kind == kind))


def verdict_on(session: Session, folder: str) -> Verdict | None:
    """What the last comparison said of a trained model, whether it still holds or not."""
    query = (
        select(TrainingRun)
        .where(TrainingRun.folder == folder, TrainingRun.ended_at.is_not(None), TrainingRun.error.is_(None))
        .order_by(TrainingRun.id.desc())
        .limit(1)
    )
    found = session.scalar(query)
    return Verdict.from_json(found.verdict) if found is not None and found.verdict is not None else None


def bury(session: Session, now: datetime) -> bool:
    """Write down that a run's process is dead, where it has given no sign for long; whether that was so."""
    run = under_way(session)
    if run is None or now - run.alive_at <= SILENT:
        return False
    _end(session, run, now, error="its process ended without a word (a restart, or too little memory)")
    return True


def start(database: Database, settings: Settings, run: int, clock: Clock) -> threading.Thread:
    """Begin a run in a process of its own, which outlives this one; the thread waits for its end."""
    command = [sys.executable, "-P", "-c", _CHILD, str(NICE), json.dumps([str(Path(p).resolve()) for p in sys.path])]
    child = subprocess.Popen(
        [*command, "--config", str(settings.file), "model", "work", str(run)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True, env=dict(os.environ),
    )  # fmt: skip

    def wait() -> None:
        code = child.wait()
        if code == 0:
            return
        with database.write() as session:
            row = session.get_one(TrainingRun, run, with_for_update=True)
            if row.ended_at is None:
                how = f"signal {-code}" if code < 0 else f"exit {code}"
                _end(session, row, clock(), error=f"its process ended ({how}); the log of the pages' process says why")

    thread = threading.Thread(target=wait, name=f"training {run}", daemon=True)
    thread.start()
    return thread


# --- carrying it out -------------------------------------------------------------------------------------------------


def work(database: Database, settings: Settings, run_id: int, clock: Clock) -> None:
    """Carry out a run that waits, to its end. What goes wrong is written down with it, and raised."""
    with database.write() as session:
        run = session.get(TrainingRun, run_id, with_for_update=True)
        if run is None or run.began_at is not None or run.ended_at is not None:
            raise NeedsPerson(f"there is no run {run_id} that waits to begin")
        run.began_at = run.alive_at = clock()
        folder, by = run.folder, run.asked_by
    log.info("training.begins", run=run_id, by=by)
    try:
        with _Signs(database, run_id, clock) as say:
            name = folder if folder is not None else _trained(database, settings, clock(), say)
            say("compares with the trained model in use")
            verdict = gate.judge(database, settings, registry.entry(name, settings.root))
    except Exception as error:
        said = str(error) if isinstance(error, RelanceError) else f"unexpected {type(error).__name__}: {error}"
        with database.write() as session:
            _end(session, session.get_one(TrainingRun, run_id, with_for_update=True), clock(), error=said)
        raise
    with database.write() as session:
        run = session.get_one(TrainingRun, run_id, with_for_update=True)
        run.folder, run.verdict = name, verdict.as_json()
        _end(session, run, clock())


def _trained(database: Database, settings: Settings, now: datetime, say: training.Say) -> str:
    learnt = training.learnt_here(database, settings, say)
    return training.train(learnt, [], settings.encoder, settings.root, now, say).name


def _end(session: Session, run: TrainingRun, now: datetime, error: str | None = None) -> None:
    run.ended_at, run.slot, run.error = now, None, error[:500] if error is not None else None
    passes = run.verdict is not None and not run.verdict["falls"]
    events.record(
        session, f"{run.kind}.{'failed' if error is not None else 'ended'}", run, actor="relance", at=now,
        passes=passes if error is None else None,
    )  # fmt: skip


class _Signs:
    """Writes down, every few seconds, that a run is alive and how far it has come."""

    def __init__(self, database: Database, run_id: int, clock: Clock) -> None:
        self._database, self._run_id, self._clock = database, run_id, clock
        self._said = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="signs", daemon=True)

    def __enter__(self) -> training.Say:
        self._thread.start()
        return self._say

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _say(self, text: str) -> None:
        self._said = text

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                with self._database.write() as session:
                    run = session.get_one(TrainingRun, self._run_id)
                    run.alive_at, run.progress = self._clock(), self._said[:200]
            except RelanceError as error:  # a locked database: the next sign tells it
                log.warning("training.no_sign", run=self._run_id, error=str(error))
