"""Named points before and after every durable step, where a test may kill the process or break a promise.

In production a point costs one look at a name. ``RELANCE_FAULT=name`` kills the process with SIGKILL at that point,
``RELANCE_FAULT=name:3`` at the third time: what a power cut does, no cleanup, no handlers. A name ends in a word for
where it stands: ``…ing`` inside of a transaction that is not committed yet, the rest outside of any.
"""

import itertools
import os
import signal
from collections.abc import Callable

_wanted = ""
_nth = 1
_passes = itertools.count(1)

hook: Callable[[str], None] | None = None
"""Tests in the same process set this to raise at a point instead."""


def arm(where: str) -> None:
    """Die at a point, ``name`` or ``name:nth``; an empty word takes it back."""
    global _wanted, _nth, _passes
    _wanted, _, nth = where.partition(":")
    _nth, _passes = int(nth or 1), itertools.count(1)


def point(name: str) -> None:
    """Mark a place where the process may die; what is durable there is durable, the rest never happened."""
    if hook is not None:
        hook(name)
    if name == _wanted and next(_passes) == _nth:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("RELANCE_FAULT", ""))
