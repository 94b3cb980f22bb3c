"""Programs that a test session starts, and that must not outlive it.

Real servers find what a fake hides, but one that is left behind holds ports and memory until somebody looks.
So each is started in the foreground, as a child that the kernel ends when the test process dies
(`PR_SET_PDEATHSIG`, set by util-linux' `setpriv` after the change of user, which would clear it), and in a
process group of its own, which is what gets killed if the server does not go by itself.

A server that is not installed is no failure of the code under test: its tests are skipped and counted in the
closing summary. In CI it is a failure, unless RELANCE_NO_APT=1 says that this is wanted.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

Made = TypeVar("Made")

MISSING = "missing server: "
"""How the reason of a skip begins, for the closing summary to find it."""

_SYSTEM_FOLDERS = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))


def missing(server: str, mend: str) -> NoReturn:
    """Skip the test that asks for `server`, or fail it where a server may not be missing."""
    reason = f"{MISSING}{server} ({mend})"
    if os.environ.get("CI") == "true" and os.environ.get("RELANCE_NO_APT") != "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str, *, server: str, mend: str) -> str:
    """The path of a program, also from the sbin folders that an ordinary user's PATH leaves out."""
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + os.pathsep + _SYSTEM_FOLDERS)
    return path or missing(server, mend)


def ordinary_user(*preferred: str) -> pwd.struct_passwd:
    """Who a server runs as: whoever runs the tests, but never root, whom Dovecot and PostgreSQL refuse."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in (*preferred, "nobody") if name in known)


def scratch(name: str, owner: pwd.struct_passwd) -> Path:
    """A new folder that `owner` may write to; short, for a Unix socket's path has 107 bytes at most.

    pytest's own temporary folders are closed to other users, and deep.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"relance-{name}-"))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def as_user(user: pwd.struct_passwd, command: Sequence[str], *, dies_with_us: str | None = None) -> list[str]:
    """`command` run as `user`; with a signal's name, that is what the kernel sends it when this process ends."""
    wrapped = ["setpriv"]
    if os.geteuid() == 0 and user.pw_uid != 0:
        wrapped += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if dies_with_us:
        wrapped.append(f"--pdeathsig={dies_with_us}")
    return [*wrapped, *command] if len(wrapped) > 1 else list(command)


def start(
    user: pwd.struct_passwd, command: Sequence[str], *, log: Path, ends_with: str = "TERM"
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            as_user(user, command, dies_with_us=ends_with),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, *, group: bool = False) -> None:
    """Ask the server, or its whole group, to end; wait for it, and kill the group if it does not."""
    if group:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def run(user: pwd.struct_passwd, command: Sequence[str]) -> str:
    """Run a program to its end; its output, or an error that shows it."""
    done = subprocess.run(as_user(user, command), capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_for_port(port: int, started: subprocess.Popen[bytes], log: Path, what: str) -> None:
    """Wait until the server answers on its port; one that has ended instead is an error that shows its log."""
    until(lambda: listens(port, started, log), what=f"{what} on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(question: Callable[[], Made], *, seconds: float = 20, what: str) -> Made:
    """Ask until the answer is a true one, and give it; `what` tells the reader what was waited for in vain."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)
    return answer


def listens(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    """Whether the port is open yet; raises ServerDied where it never will be."""
    if process.poll() is not None:
        raise ServerDied(f"exit {process.returncode}: {tail(log)}")
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


class ServerDied(RuntimeError):
    """A server ended while it was waited for; the message is the end of its log."""


def with_other_ports(attempt: Callable[[], Made], tries: int = 3) -> Made:
    """Start a server anew when somebody else took a port between its choice and its use."""
    for _ in range(tries - 1):
        with contextlib.suppress(ServerDied):
            return attempt()
    return attempt()


@contextlib.contextmanager
def down(take_down: Callable[[], None], bring_up: Callable[[], None]) -> Iterator[None]:
    """An outage: the server is gone for the block, and back on the same port after it."""
    take_down()
    try:
        yield
    finally:
        bring_up()
