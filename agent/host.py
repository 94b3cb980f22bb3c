"""What the daemon needs of the machine: locks, a look at the clock, and a word to the service manager.

Nothing here knows of mail or of rows.
"""

from __future__ import annotations

import fcntl
import os
import platform
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.engine import URL

from config.errors import NeedsPerson

JUMP = timedelta(minutes=5)


class OnlyOne:
    """A lock that one process holds at a time; the kernel takes it back when the process ends, however it does.

    The file stays, and says who held it last: to remove it would let two processes lock two files of one name.
    """

    def __init__(self, file: Path, doing: str) -> None:
        self._file = file
        self._doing = doing
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Raises NeedsPerson, which names the holder, where another process has it."""
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NeedsPerson(f"{self._file}: can't be made ({error.strerror}); it keeps two daemons apart") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise NeedsPerson(
                f"{self._file}: another relance works with this database ({holder or 'it does not say which'})",
                "Stop that one first; a SQLite database has one daemon.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self._doing}, process {os.getpid()} on {platform.node()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def alone_with(place: URL, doing: str) -> AbstractContextManager[object]:
    """The lock on the database at ``place``, where it is one that a single process works with."""
    if place.get_backend_name() != "sqlite" or not place.database:
        return nullcontext()
    return OnlyOne(Path(f"{place.database}.lock"), doing)


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The end of a dead worker's lease: it is over by every clock, also by one that was set back since it was taken."""


class Workers:
    """The processes that work with one installation: each keeps a file locked in its folder as long as it lives.

    A file that can be locked was left behind by a process that is dead, for the kernel takes a lock back however the
    process ends. Locks on a folder that machines share may not reach from one to the other, so only what was of this
    machine (by its name, or by the same start of its kernel) counts; of the others nothing is known, and their leases
    run out.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._mine: Path | None = None
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Raises NeedsPerson where the folder can't be written to."""
        mine = self._folder / f"{secrets.token_hex(8)}{_LOCK}"
        fresh = mine.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(self._descriptor, f"{self._name}\n{platform.node()}\n{_kernel_start()}\n".encode())
            # Nobody sees it before it is locked.
            fresh.rename(mine)
        except OSError as error:
            raise NeedsPerson(
                f"{self._folder}: can't be written to ({error.strerror}); it tells which daemons live"
            ) from error
        self._mine = mine
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._mine is not None:
            self._mine.unlink(missing_ok=True)
        if self._descriptor is not None:
            os.close(self._descriptor)

    def dead(self) -> dict[str, Path]:
        """The names of workers of this machine that are dead for certain, and what each has left: see `forget`."""
        found = {}
        for file in sorted(self._folder.glob(f"*{_LOCK}")):
            if file != self._mine and (name := _of_the_dead(file)) is not None:
                found[name] = file
        return found

    @staticmethod
    def forget(dead: Mapping[str, Path]) -> None:
        """All that they had was taken over."""
        for file in dead.values():
            file.unlink(missing_ok=True)


_LOCK = ".lock"


def _of_the_dead(file: Path) -> str | None:
    """The name of the worker that a file was of; None: it lives, or lived on another machine."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None  # it has just ended, or another one has taken over from it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    else:
        name, node, start = (*os.pread(descriptor, 500, 0).decode("utf-8", "replace").split("\n"), "", "", "")[:3]
        is_ours = node == platform.node() or start == _kernel_start()
        return name if name and is_ours else None
    finally:
        os.close(descriptor)


def _kernel_start() -> str:
    """The number that the kernel gave itself at this start of the machine; containers on it share it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def steady() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall() -> datetime:
    return datetime.now(UTC)


class ClockWatch:
    """Notices when the wall clock is set: it and the steady one should have moved on by the same.

    Sleep of the machine is no jump (the steady clock counts it), nor is the slow correction that NTP makes.
    """

    def __init__(self, wall: Callable[[], datetime] = wall, steady: Callable[[], float] = steady) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = self._now()

    def jump(self) -> timedelta | None:
        """By how much the clock was set since the last jump (or the start), if that is more than `JUMP`."""
        jump = self._now() - self._offset
        if abs(jump) <= JUMP:
            return None
        self._offset += jump
        return jump

    def _now(self) -> timedelta:
        return self._wall() - datetime.fromtimestamp(0, UTC) - timedelta(seconds=self._steady())


def tell_service_manager(*states: str) -> None:
    """``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``, as sd_notify(3) has them; nothing where nobody asked for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.sendto("\n".join(states).encode(), address)
