"""Pictures of the whole ledger, which cost seconds where it is large: made once while nothing changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import func, select

from models import Database, Message
from models.event import Event

T = TypeVar("T")

LONGEST = timedelta(minutes=5)
"""What depends on the hour alone (a sending window that opens) is looked at again after so long."""

MOST = 6
"""Pictures kept; one of a hundred thousand invoices takes some hundred megabytes."""

Stamp = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: Stamp
    at: datetime
    made: Any


class Keeping:
    """What was made last under a name, as long as the log of events and the mail stand where they stood then: every
    change of state leaves an event, and every mail is a row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = Lock()
        self._making: dict[Hashable, Lock] = {}

    def of(self, name: Hashable, at: datetime, make: Callable[[], T]) -> T:
        """What `make` gives, or gave when nothing had changed since; two who ask at once wait for one making."""
        with self._lock:
            making = self._making.setdefault(name, Lock())
        with making:
            stamp = self._stamp()
            with self._lock:
                kept = self._kept.get(name)
                if kept is not None:
                    self._kept.move_to_end(name)  # what is looked at again and again is the last to go
            if kept is not None and kept.stamp == stamp and kept.at <= at < kept.at + LONGEST:
                found: T = kept.made
                return found
            made = make()
            with self._lock:
                self._kept[name] = _Kept(stamp, at, made)
                self._kept.move_to_end(name)
                while len(self._kept) > MOST:
                    gone, _ = self._kept.popitem(last=False)
                    self._making.pop(gone, None)
            return made

    def _stamp(self) -> Stamp:
        with self._database.read() as session:
            return session.scalar(select(func.max(Event.seq))), session.scalar(select(func.max(Message.id)))
