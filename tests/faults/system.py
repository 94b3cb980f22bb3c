"""Faults of the machine: a full disk, a locked database, servers that are down, refused secrets, wrong clocks."""

import contextlib
import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.faults import scene
from tests.faults.trials import Outcome, Trial, judge
from tests.faults.world import World
from tests.servers.process import free_port

BUSY = {"models.database.BUSY_TIMEOUT_MS": 300}
"""A locked database is waited for ten seconds; here a third of one."""


def system(world: World, trial: Trial) -> Outcome:
    """The fault by its name in `FAULTS`; what it leaves behind is the undisturbed end, once it is over."""
    base = world.undisturbed(kind=trial.kind, files=trial.files)
    world.reset(kind=trial.kind, files=trial.files)
    name, _, where = trial.what.partition(" at ")
    struck = FAULTS[name](world, where, trial.seed)
    return judge(trial, base, world.settle(), world, struck=struck)


def _locked(world: World, where: str, _seed: int) -> bool:
    """Another program holds the database's write lock from a point on, longer than anybody waits for it."""
    other = sqlite3.connect(world.folder / "relance.db", isolation_level=None, check_same_thread=False)
    with closing(other):
        met: list[str] = []

        def lock(point: str) -> None:
            met.append(point)
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(1.5, lambda: other.execute("ROLLBACK")).start()

        ended = world.cycle(meet=lock, meet_at=(where,), constants=BUSY)
        _whole(ended.code)
        with contextlib.suppress(sqlite3.OperationalError):  # it was given back by the timer
            other.execute("ROLLBACK")
    return bool(met)


def _full(world: World, where: str, seed: int) -> bool:
    """The disk has room for a few pages more, from a point on."""
    with _small_disk(world) as fill:
        met: list[str] = []

        def do(point: str) -> None:
            met.append(point)
            fill(4096 * (seed % 7 + 1))

        ended = world.cycle(meet=do, meet_at=(where,), constants={"agent.reminders.deliver.BOOKING_SECONDS": 1.0})
        _whole(ended.code)
        fill(1 << 30)
        return bool(met and ended.failures)


@contextmanager
def _small_disk(world: World) -> Iterator[Callable[[int], None]]:
    """The trial's folder on a disk of its own of 24 MB; calling it leaves so many bytes free."""
    aside = world.root / "aside"
    world.folder.rename(aside)
    world.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(world.folder)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(world.folder)], check=True)
        yield lambda left: _fill(world.folder / "filler", left)
        subprocess.run(["cp", "-a", f"{world.folder}/.", str(aside)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(world.folder)], check=True)
        world.folder.rmdir()
        aside.rename(world.folder)


def _fill(file: Path, left: int) -> None:
    file.unlink(missing_ok=True)
    disk = os.statvfs(file.parent)
    size = disk.f_bavail * disk.f_frsize - left
    if size > 0:
        file.write_bytes(b"\0" * size)


def _imap_down(world: World, _where: str, _seed: int) -> bool:
    with world.dovecot.down():
        ended = world.cycle()
        _whole(ended.code)
    return bool(ended.failures) and not ended.said.get("sent")


def _smtp_down(world: World, _where: str, seed: int) -> bool:
    """Nobody listens where mail is handed over, for some cycles."""
    world.configure(smtp=free_port())
    failed = [world.cycle() for _ in range(seed % 3 + 1)]
    world.configure()
    _whole(*(ended.code for ended in failed))
    return all(ended.failures for ended in failed)


def _refused(world: World, where: str, _seed: int) -> bool:
    """A secret is refused: changed, expired, revoked."""
    ended = world.cycle(environment={where: "wrong"})
    _whole(ended.code)
    return bool(ended.failures)


def _clock(by: timedelta) -> Callable[[World, str, int], bool]:
    def jump(world: World, _where: str, _seed: int) -> bool:
        """A cycle at a wrong time, once before the work and once after it; then the clock is right again."""
        world.now = scene.FRIDAY + by
        first = world.cycle()
        world.now = scene.FRIDAY
        second = world.cycle()
        world.now = scene.FRIDAY + by
        third = world.cycle()
        world.now = scene.FRIDAY + max(by, timedelta(0))
        _whole(first.code, second.code, third.code)
        return True

    return jump


def changed_hours(world: World, trial: Trial) -> Outcome:
    """Both changes of the hour, in the night and on the working morning after, twice each: nobody gets a mail twice."""
    world.undisturbed(kind=trial.kind, files=trial.files)
    world.reset(kind=trial.kind, files=trial.files)
    sent = 0
    for text in CHANGES:
        world.now = datetime.fromisoformat(text)
        world.load("payments", scene.PAYMENTS, world.now)
        for _ in range(2):
            ended = world.cycle()
            _whole(ended.code)
            sent += int(ended.said.get("sent", 0))
    end = world.end()
    broken = (end.broken_log,) if end.broken_log else ()
    return Outcome(str(trial), trial.group, struck=sent > 0, duplicates=end.duplicates, doubled=broken)


CHANGES = (
    "2025-03-28T10:00:00+01:00", "2025-03-30T01:59:59+01:00", "2025-03-30T03:00:00+02:00", "2025-03-31T09:00:00+02:00",
    "2025-10-24T10:00:00+02:00", "2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-27T09:00:00+01:00",
)  # fmt: skip
"""Moments around the last Sundays of March and October, when Paris changes between CET and CEST."""


def _whole(*codes: int | None) -> None:
    if any(code != 0 for code in codes):
        raise AssertionError(f"a cycle did not survive it: {codes}")


FAULTS: Mapping[str, Callable[[World, str, int], bool]] = {
    "database locked": _locked,
    "disk full": _full,
    "IMAP server down": _imap_down,
    "SMTP server down": _smtp_down,
    "secret refused": _refused,
    "clock an hour ahead": _clock(timedelta(hours=1)),
    "clock an hour behind": _clock(timedelta(hours=-1)),
    "clock a day ahead": _clock(timedelta(days=1)),
    "clock a day behind": _clock(timedelta(days=-1)),
}
