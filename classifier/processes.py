"""Work on many replies, parted over processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from joblib import Parallel

#: Processes at once. Each task of training has one of its own: the solver's random numbers are one stream a process,
#: and training must give the same each time.
JOBS = 2

#: Fewer replies are not worth the start of a process.
MANY_ROWS = 1_000


def in_processes(rows: int, tasks: Sequence[Any]) -> Iterator[Any]:
    """What the delayed tasks give, in their order, each as soon as it is done; `rows`: replies that they work on."""
    done: Iterator[Any] = Parallel(n_jobs=JOBS if rows >= MANY_ROWS else 1, return_as="generator")(tasks)
    return done
