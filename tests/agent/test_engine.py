"""The engine with loops of the test's own: what is kicked runs, what fails rests, what was cut off is taken up."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

import dbos._scheduler
import psycopg
import pytest
from dbos import DBOS
from sqlalchemy.engine import make_url

from agent.engine import LONGEST_REST, QUEUE, REST_FOR_PERSON, Engine, cron, rest
from agent.results import Next
from config.errors import TemporaryFailure
from tests.servers.process import until

PATIENCE = 60.0
HOUR = timedelta(hours=1)


@contextmanager
def running(
    url: str,
    work: Callable[[str], Next],
    *loops: str,
    every: timedelta = HOUR,
    executor: str = "here",
    rescue_after: timedelta = HOUR,
) -> Iterator[Engine]:
    engine = Engine(make_url(url), executor, dict.fromkeys(loops, every), work, rescue_after=rescue_after)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop(timedelta(seconds=10))


def test_every_loop_runs_at_the_start_and_wakes_what_has_work(database_url: str) -> None:
    ran: Counter[str] = Counter()

    def work(loop: str) -> Next:
        ran[loop] += 1
        return Next(wake=("deliver:ar",) if loop == "plan" and ran["deliver:ar"] else ())

    with running(database_url, work, "plan", "deliver:ar") as engine:
        until(lambda: ran["plan"] and ran["deliver:ar"], seconds=PATIENCE, what="both loops")
        before = ran["deliver:ar"]
        engine.kick("plan")
        until(lambda: ran["deliver:ar"] > before, seconds=PATIENCE, what="the loop that was woken")
        engine.kick("nobody knows this loop")
    assert engine.silent_for < timedelta(minutes=1)


def test_one_loop_runs_once_at_a_time_and_kicks_that_wait_are_one(tmp_path_url: str) -> None:
    busy, free, ran = threading.Event(), threading.Event(), []

    def work(loop: str) -> Next:
        ran.append(loop)
        busy.set()
        assert free.wait(PATIENCE)
        return Next()

    with running(tmp_path_url, work, "plan") as engine:
        assert busy.wait(PATIENCE)
        for _ in range(5):
            engine.kick("plan")
        assert ran == ["plan"]
        free.set()
        until(lambda: len(ran) == 2, seconds=PATIENCE, what="the kick that waited")
        busy.clear()
        engine.kick("plan")
        assert busy.wait(PATIENCE)
    assert len(ran) == 3


def test_a_failing_loop_rests_and_comes_back(tmp_path_url: str) -> None:
    failed, ran = threading.Event(), threading.Event()

    def work(loop: str) -> Next:
        if not failed.is_set():
            failed.set()
            raise TemporaryFailure("the server is away")
        ran.set()
        return Next()

    with running(tmp_path_url, work, "collect:ar") as engine:
        assert failed.wait(PATIENCE)
        engine.kick("collect:ar")  # it rests, so this does nothing
        engine.kick("collect:ar", is_well=True)
        assert ran.wait(PATIENCE)


def test_a_loop_comes_back_when_it_said_so(tmp_path_url: str) -> None:
    runs: list[datetime] = []

    def work(loop: str) -> Next:
        runs.append(datetime.now(UTC))
        return Next(again_at=runs[0] + timedelta(seconds=1) if len(runs) == 1 else None)

    with running(tmp_path_url, work, "deliver:ar"):
        until(lambda: len(runs) == 2, seconds=PATIENCE, what="the second run")
    assert runs[1] - runs[0] >= timedelta(seconds=1)


def test_schedules_kick_without_anybody_asking(tmp_path_url: str) -> None:
    ran: Counter[str] = Counter()

    def work(loop: str) -> Next:
        ran[loop] += 1
        return Next()

    with running(tmp_path_url, work, "collect:ar", every=timedelta(seconds=1)):
        until(lambda: ran["collect:ar"] >= 3, seconds=PATIENCE, what="three runs")


@pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
def test_after_the_clock_was_set_schedules_go_on_from_now(
    tmp_path_url: str, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    offset = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp((datetime.now(UTC) + offset).timestamp(), tz)

    monkeypatch.setattr(dbos._scheduler, "datetime", Clock)
    fired = Counter[str]()

    def work(loop: str) -> Next:
        fired[loop] += 1
        return Next()

    def last_fired() -> datetime | None:
        (one,) = [each for each in DBOS.list_schedules() if each["schedule"].startswith("*/1 ")]
        return datetime.fromisoformat(one["last_fired_at"]) if one["last_fired_at"] else None

    with running(tmp_path_url, work, "plan", every=timedelta(seconds=1)) as engine:
        until(last_fired, seconds=PATIENCE, what="the first run of the schedule")
        offset = by
        engine.begin_schedules_anew()
        before = fired["plan"]
        until(
            lambda: (at := last_fired()) is not None and abs(at - Clock.now(UTC)) < timedelta(minutes=1),
            seconds=PATIENCE, what="a run by the clock as it is",
        )  # fmt: skip
        until(lambda: fired["plan"] > before, seconds=PATIENCE, what="the loop")


def test_a_run_that_is_asked_to_stop_is_waited_for(tmp_path_url: str) -> None:
    began, ended = threading.Event(), threading.Event()

    def work(loop: str) -> Next:
        began.set()
        ended.wait(PATIENCE)
        return Next()

    engine = Engine(make_url(tmp_path_url), "here", {"deliver:ar": HOUR}, work)
    engine.start()
    assert began.wait(PATIENCE)
    threading.Timer(0.2, ended.set).start()
    assert engine.stop(timedelta(seconds=PATIENCE))
    assert ended.is_set()


def test_after_the_stop_connections_are_closed_and_none_is_opened(postgres_url: str) -> None:
    with running(postgres_url, lambda _loop: Next()) as engine:
        pool = engine._sql
        assert pool is not None
        held = pool.raw_connection()
    driver = held.driver_connection
    held.close()
    assert isinstance(driver, psycopg.Connection)
    assert driver.closed
    with pytest.raises(RuntimeError, match="has stopped"):
        pool.connect()


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["here", "elsewhere"])
def test_the_run_of_a_killed_process_is_taken_up(database_url: str, executor: str) -> None:
    code = f"""
import os, signal
from datetime import timedelta
from sqlalchemy.engine import make_url
from agent.engine import Engine
def work(loop):
    os.kill(os.getpid(), signal.SIGKILL)
engine = Engine(make_url({database_url!r}), {executor!r}, {{"deliver:ar": timedelta(hours=1)}}, work)
engine.start()
signal.pause()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE).returncode == -9
    ran = threading.Event()

    def work(loop: str) -> Next:
        if loop == "deliver:ar":
            ran.set()
        return Next()

    # One of another name is found by its age; the schedule of the other loop is what looks.
    second = timedelta(seconds=1)
    with running(database_url, work, "deliver:ar", "tick", every=second, rescue_after=timedelta(0)):
        assert ran.wait(PATIENCE)


def test_a_run_of_this_process_that_takes_long_is_not_begun_a_second_time(database_url: str) -> None:
    began, free = threading.Event(), threading.Event()

    def work(_loop: str) -> Next:
        began.set()
        free.wait(PATIENCE)
        return Next()

    with running(database_url, work, "collect:ar", rescue_after=timedelta(0)) as engine:
        assert began.wait(PATIENCE)
        engine._rescue()
        runs = DBOS.list_workflows(queue_name=QUEUE)
        free.set()
    assert [run.status for run in runs] == ["PENDING"]


def test_rests_grow_and_are_bounded() -> None:
    rests = [rest(n, needs_person=False) for n in range(1, 40)]
    assert all(a <= b for a, b in pairwise(rests))
    assert rests[-1] == LONGEST_REST
    assert rest(1, needs_person=True) == REST_FOR_PERSON


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (5, "*/5 * * * * *"),
        (45, "*/45 * * * * *"),
        (60, "0 */1 * * * *"),
        (90, "0 */1 * * * *"),
        (3599, "0 */59 * * * *"),
        (3600, "0 0 * * * *"),
    ],
)
def test_a_schedule_is_never_slower_than_asked(seconds: int, expected: str) -> None:
    assert cron(timedelta(seconds=seconds)) == expected


@pytest.fixture
def tmp_path_url(tmp_path: object) -> str:
    return f"sqlite:///{tmp_path}/engine.db"
