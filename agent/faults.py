"""Named points before and after every durable step, where a test may kill the process or break a promise.

In production a point costs one look at an environment variable read at import. ``RELANCE_FAULT=name`` kills the process
with SIGKILL at that point, ``RELANCE_FAULT=name:3`` at the third time: what a power cut does, no cleanup, no handlers.
"""

import itertools
import os
import signal
from collections.abc import Callable

_wanted, _, _nth = os.environ.get("RELANCE_FAULT", "").partition(":")
_passes = itertools.count(1)

hook: Callable[[str], None] | None = None
"""Tests in the same process set this to raise at a point instead."""


def point(name: str) -> None:
    """Mark a place where the process may die; what is durable there is durable, the rest never happened."""
    if hook is not None:
        hook(name)
    if name == _wanted and next(_passes) == int(_nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
