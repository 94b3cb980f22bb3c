"""`relance` by another clock: `python -m tests.faults.faked --config FILE run`.

`LAB_CLOCK_OFFSET` is how many seconds its wall clock is ahead of the machine's, or behind (negative), where nothing
else fakes it. Under libfaketime it is the library that does: 0.9.10 spoils clock_nanosleep(2) by the steady clock, by
which `time.sleep` goes since Python 3.11, so that each call fails at once (EINVAL). Hence it sleeps by select(2) here.
"""

import os
import select
import sys
import time
from datetime import datetime, timedelta
from typing import SupportsIndex

from agent import cli, daemon
from agent.console import Context
from agent.host import wall


def _sleep(seconds: float | SupportsIndex, /) -> None:
    select.select([], [], [], float(seconds))


def _set_clock(offset: timedelta) -> None:
    def ahead() -> datetime:
        return wall() + offset

    setattr(daemon, "wall", ahead)  # noqa: B010 it is imported there, and no name of its own
    setattr(Context, "now", lambda _: ahead())  # noqa: B010 one clock for the whole process


if __name__ == "__main__":
    time.sleep = _sleep
    _set_clock(timedelta(seconds=float(os.environ.get("LAB_CLOCK_OFFSET", "0"))))
    sys.exit(cli.main(sys.argv[1:]))
