"""The child's side of `agent.inbound.confined`: reads mails from a pipe under limits, one after the other.

The frames on the pipes are eight bytes of length, big-endian, then the bytes. A request is two frames, a JSON object
with the border and the time, and the mail. The answer is one frame: a `Reading` as JSON, or ``!`` and a reason. A
request with ``want`` is answered with what a page shows of the mail (`agent.inbound.showing`), after a ``=``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import datetime
from typing import IO

from pydantic import TypeAdapter

from agent.inbound.limits import LENGTH, MEMORY, OPEN_FILES, SECONDS
from agent.inbound.reading import read_message
from agent.inbound.showing import show
from agent.inbound.values import Border, Reading


def serve() -> None:
    """Read requests from standard input until it closes."""
    adapter: TypeAdapter[Reading] = TypeAdapter(Reading)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    _put(sink, b"ready")
    while head := source.read(LENGTH.size):
        request = json.loads(source.read(LENGTH.unpack(head)[0]))
        raw = source.read(LENGTH.unpack(source.read(LENGTH.size))[0])
        border = Border(**request["border"]) if request["border"] else None
        used = int(time.process_time()) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, resource.RLIM_INFINITY))
        try:
            if want := request.get("want"):
                answer = b"=" + show(raw, want)
            else:
                answer = adapter.dump_json(read_message(raw, border, datetime.fromisoformat(request["now"])))
        except MemoryError:
            answer = b"!reading took too much memory"
        except Exception as error:  # noqa: BLE001 - the mail is set aside with it, whatever it is
            answer = f"!{type(error).__name__} while reading".encode()
        _put(sink, answer)


def _put(sink: IO[bytes], frame: bytes) -> None:
    sink.write(LENGTH.pack(len(frame)) + frame)
    sink.flush()
