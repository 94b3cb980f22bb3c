"""What the main thread of the daemon makes of parts that fail."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

import config
from agent.daemon import Daemon, Died, drains_of
from agent.engine import Engine
from agent.host import ClockWatch, steady
from agent.results import Next
from config.errors import TemporaryFailure
from models import Database, SendingStop
from tests.builders.site import Site
from tests.servers.dovecot import Account


@dataclass
class StandIn:
    """An engine of which only its silence is asked, and that counts how often its schedules begin anew."""

    silent_for: timedelta
    begun: int = 0

    def begin_schedules_anew(self) -> None:
        self.begun += 1


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    nowhere = Account("ar@example.test", "secret", "127.0.0.1", 1, 1, tmp_path)
    site = Site(tmp_path, nowhere, 1, "sqlite:///relance.db")
    site.write()
    settings = config.load(site.config)
    database = Database.open(settings.database.url, settings.root, datetime.now(UTC))
    stop = threading.Event()
    with drains_of(database, settings, stop) as drains:
        yield Daemon(database, settings, drains, stop)
    database.close()


def look(daemon: Daemon, silent_for: timedelta = timedelta(0)) -> None:
    daemon._look(cast("Engine", StandIn(silent_for)))


def test_all_is_well(daemon: Daemon) -> None:
    look(daemon)


def test_a_thread_that_has_ended_ends_the_daemon(daemon: Daemon) -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    daemon._waiters["ar"] = thread
    with pytest.raises(Died, match="waits for mail of ar"):
        look(daemon)


def test_a_silent_engine_ends_the_daemon(daemon: Daemon) -> None:
    with pytest.raises(Died, match="engine has run nothing"):
        look(daemon, timedelta(minutes=6))


def test_a_database_that_is_away_is_waited_for(daemon: Daemon) -> None:
    class Away:
        def read(self) -> Any:
            raise TemporaryFailure("the database is not reachable")

    daemon.database = cast("Database", Away())
    look(daemon, timedelta(minutes=6))


def test_a_clock_that_was_set_stops_sending_before_a_loop_goes_by_it(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = datetime.now(UTC)
    daemon._clock = ClockWatch(lambda: wall, lambda: 0.0)
    stopped: list[str] = []

    def sent(loop: str) -> Next:
        with daemon.database.read() as session:
            stopped.extend(session.scalars(select(SendingStop.reason)))
        return Next()

    monkeypatch.setattr(daemon.drains, "run", sent)
    daemon._run("deliver:ar")
    assert stopped == []
    wall += timedelta(days=14)
    daemon._run("deliver:ar")
    assert stopped == ["clock_jumped"]


def test_no_loop_runs_by_a_clock_that_was_set_before_the_stop_stands(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread has found the jump, which is told once, and has not come to write the stop down."""
    found, may_go_on, stopped = threading.Event(), threading.Event(), list[str]()

    class Watch(ClockWatch):
        def jump(self) -> timedelta | None:
            if found.is_set():
                return None
            found.set()
            assert may_go_on.wait(30)
            return timedelta(days=14)

    def sent(loop: str) -> Next:
        with daemon.database.read() as session:
            stopped.extend([loop, *session.scalars(select(SendingStop.reason))])
        return Next()

    daemon._clock = Watch()
    monkeypatch.setattr(daemon.drains, "run", sent)
    finds, runs = threading.Thread(target=look, args=(daemon,)), threading.Thread(target=daemon._run, args=("plan",))
    finds.start()
    assert found.wait(30)
    runs.start()
    runs.join(0.3)  # without the guard it is through by then
    may_go_on.set()
    for thread in (finds, runs):
        thread.join(30)
    assert stopped == ["plan", "clock_jumped"]


def test_no_loop_runs_while_the_stop_for_the_clock_cannot_be_written(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = datetime.now(UTC)
    daemon._clock = ClockWatch(lambda: wall, lambda: 0.0)

    def away(*_: object) -> bool:
        raise TemporaryFailure("the database is away")

    monkeypatch.setattr("agent.daemon.place_clock_stop", away)
    monkeypatch.setattr(daemon.drains, "run", lambda _: pytest.fail("it ran"))
    wall += timedelta(days=14)
    for _ in range(2):
        with pytest.raises(TemporaryFailure, match="the clock was set"):
            daemon._run("deliver:ar")


def test_after_the_clock_was_set_the_schedules_begin_anew_once(daemon: Daemon) -> None:
    wall, engine = datetime.now(UTC), StandIn(timedelta(0))
    daemon._clock = ClockWatch(lambda: wall, lambda: 0.0)
    daemon._look(cast("Engine", engine))
    assert engine.begun == 0
    wall -= timedelta(days=1)
    for _ in range(2):
        daemon._look(cast("Engine", engine))
    assert engine.begun == 1


def test_after_the_machine_slept_the_schedules_begin_anew_and_nothing_stops(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, now = StandIn(timedelta(0)), steady()
    for seconds, begun in ((1, 0), (8 * 3600, 1), (8 * 3600 + 1, 1)):
        monkeypatch.setattr("agent.daemon.steady", lambda at=now + seconds: at)
        daemon._look(cast("Engine", engine))
        assert engine.begun == begun
    with daemon.database.read() as session:
        assert session.scalars(select(SendingStop)).all() == []
