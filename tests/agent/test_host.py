"""The lock, the look at the clock, the word to the service manager."""

import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.host import ClockWatch, OnlyOne, Workers, tell_service_manager
from config.errors import NeedsPerson

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_lock_names_its_holder_and_is_free_again_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "relance.db.lock"
    with OnlyOne(file, "relance run"):
        with pytest.raises(NeedsPerson, match=f"relance run, process {os.getpid()}"), OnlyOne(file, "relance run"):
            pass
        assert file.stat().st_mode & 0o077 == 0
    with OnlyOne(file, "relance run --once"):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "relance.db.lock"
    code = f"""
import os, signal
from pathlib import Path
from agent.host import OnlyOne
with OnlyOne(Path({str(file)!r}), "relance run"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with OnlyOne(file, "relance run"):
        pass


_WORKER = """
import os, signal, sys
from pathlib import Path
from agent.host import Workers
with Workers(Path(sys.argv[1]), "the killed one"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_worker_is_known_to_be_dead_and_a_living_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "relance.workers"
    assert subprocess.run([sys.executable, "-c", _WORKER, str(folder)], check=False).returncode == -9
    with Workers(folder, "one") as one, Workers(folder, "other") as other:
        assert list(one.dead()) == list(other.dead()) == ["the killed one"]
        one.forget(one.dead())
        assert not other.dead()
    assert not list(folder.iterdir())  # who ends by itself leaves nothing


def test_of_a_worker_of_another_machine_nothing_is_known(tmp_path: Path) -> None:
    with Workers(tmp_path, "here") as here:
        (tmp_path / "a.lock").write_text("there\nanother-machine\nanother-start\n")
        (tmp_path / "b.lock").write_text("")  # the power was cut while it was written
        assert not here.dead()
        (tmp_path / "c.lock").write_text(f"before the start\n{platform.node()}\nanother-start\n")
        assert list(here.dead()) == ["before the start"]


def test_a_folder_for_workers_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NeedsPerson, match="tells which daemons live"), Workers(tmp_path / "file", "here"):
        pass


@pytest.mark.parametrize(
    ("wall", "steady", "jump"),
    [
        (timedelta(hours=8), 8 * 3600, None),
        (timedelta(minutes=5), 0, None),
        (timedelta(minutes=6), 0, timedelta(minutes=6)),
        (timedelta(minutes=-6), 0, timedelta(minutes=-6)),
        (timedelta(0), 3600, timedelta(hours=-1)),
        (timedelta(days=365), 60, timedelta(days=365) - timedelta(minutes=1)),
    ],
)
def test_a_clock_that_is_set_is_noticed(wall: timedelta, steady: float, jump: timedelta | None) -> None:
    now = {"wall": NOON, "steady": 1000.0}
    watch = ClockWatch(lambda: now["wall"], lambda: now["steady"])  # type: ignore[arg-type,return-value] # by key
    assert watch.jump() is None
    now = {"wall": NOON + wall, "steady": 1000.0 + steady}
    assert watch.jump() == jump
    assert watch.jump() is None


def test_small_steps_add_up_to_a_jump() -> None:
    wall = NOON
    watch = ClockWatch(lambda: wall, lambda: 0.0)
    jumps = []
    for _ in range(4):
        wall += timedelta(minutes=2)
        jumps.append(watch.jump())
    assert jumps == [None, None, timedelta(minutes=6), None]


@pytest.mark.parametrize("is_abstract", [True, False])
def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_abstract: bool) -> None:
    address = f"@relance-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if is_abstract else address)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_service_manager("READY=1", "STATUS=1 mailbox(es)")
        assert manager.recv(100) == b"READY=1\nSTATUS=1 mailbox(es)"


def test_without_a_service_manager_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_service_manager("READY=1")
