"""Reading in a child process with limits, since no parser of foreign bytes is beyond surprise.

A `Reader` keeps one child alive over many mails: start-up is paid once. The child has a limit on memory, on
processor time a mail and on open files, an empty environment, and no way to write files; the parent waits a fixed
time for its answer. A child that dies, hangs or says nonsense is killed and replaced, and the mail at hand is told
as `Unreadable`, so that its owner can set it aside. Answers come back as JSON and are checked against the types of
a `Reading`: nothing is unpickled.

`agent.inbound.serving` is the other side, and tells the frames.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pydantic import TypeAdapter, ValidationError

from agent.inbound.limits import LENGTH, SECONDS
from agent.inbound.values import Border, Reading
from config.errors import RelanceError

#: seconds that a new child may take to load its libraries
START_SECONDS = 60
#: mails after which a child is replaced, so that leaks of libraries stay bounded
MAILS_PER_CHILD = 2_000
_READING: TypeAdapter[Reading] = TypeAdapter(Reading)
_MAX_ANSWER = 64 * 1024 * 1024
_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from agent.inbound.serving import serve; serve()"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The child could not read the mail; `reason` is in words for people."""

    reason: str


class Reader:
    """Reads mails one after the other in a child process. Safe to share between threads; close it at the end."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._left = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, raw: bytes, border: Border | None, now: datetime) -> Reading | Unreadable:
        """Read one mail. Never raises for what the mail holds.

        Raises:
            RelanceError: the child cannot be started at all.
        """
        with self._lock:
            answer = self._exchange({"border": asdict(border) if border else None, "now": now.isoformat()}, raw)
            reading = answer if isinstance(answer, Unreadable) else _checked(answer)
            if isinstance(reading, Unreadable):
                self._replace()
            return reading

    def show(self, raw: bytes, want: str) -> bytes | Unreadable:
        """What a page shows of a mail: ``html`` or ``attachment:SHA256``, see `agent.inbound.showing`."""
        with self._lock:
            answer = self._exchange({"border": None, "now": None, "want": want}, raw)
            if isinstance(answer, bytes) and answer.startswith(b"="):
                return answer[1:]
            self._replace()
            return answer if isinstance(answer, Unreadable) else Unreadable(answer[1:500].decode("utf-8", "replace"))

    def _exchange(self, request: dict[str, object], raw: bytes) -> bytes | Unreadable:
        """One request and its answer; a child that fails is gone by then."""
        try:
            child = self._ready_child()
            self._ask(child, [json.dumps(request).encode("utf-8"), raw])
            return self._answer(child, self._seconds)
        except TimeoutError:
            self._replace()
            return Unreadable(f"reading took longer than {self._seconds:g} seconds")
        except (EOFError, BrokenPipeError, ConnectionError):
            code = self._replace()
            return Unreadable(f"the reading process ended ({_ended(code)})")

    def close(self) -> None:
        """End the child. A later `read` starts a new one."""
        with self._lock:
            self._replace()

    def _ready_child(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._left <= 0 or self._child.poll() is not None):
            self._replace()
        if self._child is None:
            paths = [str(Path(path).resolve()) for path in sys.path]
            try:
                self._child = subprocess.Popen(
                    [sys.executable, "-I", "-c", _CHILD, *paths],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env={"LC_ALL": "C.UTF-8"}, bufsize=0, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise _not_started(error.strerror or type(error).__name__) from error
            self._left = MAILS_PER_CHILD
            self._await_start(self._child)
        self._left -= 1
        return self._child

    def _await_start(self, child: subprocess.Popen[bytes]) -> None:
        """A child that never comes up is the installation's fault and no mail's: nothing must be set aside for it."""
        try:
            if self._answer(child, START_SECONDS) == b"ready":
                return
        except (EOFError, TimeoutError):
            pass  # told below, with how the child ended
        raise _not_started(_ended(self._replace()))

    def _ask(self, child: subprocess.Popen[bytes], frames: list[bytes]) -> None:
        """Write without ever waiting longer than the limit: a hung child does not drain its pipe."""
        assert child.stdin is not None
        data = memoryview(b"".join(LENGTH.pack(len(frame)) + frame for frame in frames))
        descriptor = child.stdin.fileno()
        deadline = time.monotonic() + self._seconds
        while data:
            _, writable, _ = select.select([], [descriptor], [], max(0.0, deadline - time.monotonic()))
            if not writable:
                raise TimeoutError
            data = data[os.write(descriptor, data[: select.PIPE_BUF]) :]

    def _answer(self, child: subprocess.Popen[bytes], seconds: float) -> bytes:
        assert child.stdout is not None
        deadline = time.monotonic() + seconds
        (length,) = LENGTH.unpack(_take(child.stdout, LENGTH.size, deadline))
        if length > _MAX_ANSWER:
            raise EOFError
        return _take(child.stdout, length, deadline)

    def _replace(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        if child.poll() is None:
            child.kill()
        code = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        return code


def _not_started(why: str) -> RelanceError:
    return RelanceError(
        f"the process that reads mails does not start ({why})",
        "Check the installation: `relance doctor`; the machine must have 1 GB of memory to spare.",
    )


def _take(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    while size:
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise TimeoutError
        chunk = os.read(pipe.fileno(), min(size, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"


def _checked(answer: bytes) -> Reading | Unreadable:
    if answer.startswith(b"!"):
        return Unreadable(answer[1:500].decode("utf-8", "replace"))
    try:
        return _READING.validate_json(answer)
    except ValidationError:
        return Unreadable("the reading process gave an answer that is no reading")
