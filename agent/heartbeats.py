"""When each loop last worked, and how it fails if it does: the rows that doctor, and the look before sending, go by.

A loop is a drain with the mailbox that it serves, by one name: ``collect:ar``, ``understand``, ``deliver:ar``. What is
written here is fit for anybody who runs the machine: one line, no secrets, nothing that a customer wrote.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.errors import RelanceError
from models import Database, Heartbeat

log = structlog.get_logger()

LONGEST = 500
"""Letters of an error that are kept."""


class Unexpected(RelanceError):
    """A mistake in relance, met by a loop; told by its kind and place, for its text may quote a mail."""


def told(error: Exception) -> RelanceError:
    """Any failure as one that may be shown."""
    if isinstance(error, RelanceError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or list(frames)
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return Unexpected(f"unexpected {type(error).__name__}{where} (a mistake in relance)")


def one_line(error: RelanceError) -> str:
    return " ".join(str(error).split())[:LONGEST]


def worked(database: Database, loop: str, now: datetime) -> None:
    """The loop did what it had to, as of ``now``."""

    def book(row: Heartbeat) -> None:
        row.last_ok_at, row.failures = now, 0

    _book(database, loop, book)


def failed(database: Database, loop: str, error: RelanceError, now: datetime) -> None:
    """The loop failed once more."""

    def book(row: Heartbeat) -> None:
        row.last_error, row.last_error_at, row.failures = one_line(error), now, row.failures + 1

    log.warning("loop.failed", loop=loop, error=one_line(error))
    try:
        _book(database, loop, book)
    except RelanceError as trouble:
        # Most likely the very failure that was to be written down; the log has both.
        log.warning("loop.unbooked", loop=loop, error=one_line(trouble))


def last_worked(session: Session, loop: str) -> datetime | None:
    row = session.get(Heartbeat, loop)
    return row.last_ok_at if row is not None else None


def _book(database: Database, loop: str, change: Callable[[Heartbeat], None]) -> None:
    try:
        _write(database, loop, change)
    except IntegrityError:
        # Another worker wrote the loop's first row at the same moment: now there is one to change.
        _write(database, loop, change)


def _write(database: Database, loop: str, change: Callable[[Heartbeat], None]) -> None:
    with database.write() as session:
        row = session.get(Heartbeat, loop, with_for_update=True)
        if row is None:
            row = Heartbeat(name=loop, failures=0)
            session.add(row)
        change(row)
