"""The lock, the look at the clock, the word to the service manager."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.host import ClockWatch, OnlyOne, tell_service_manager
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
