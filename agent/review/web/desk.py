"""What every page is given: the database, the settings, the clock, and who is looking at which item right now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.inbound.confined import Reader
from agent.review.web.words import Words
from config import Settings
from models import Database

STILL_THERE = timedelta(seconds=25)
"""How long after its last sign an open page counts as looked at; pages give one every ten seconds."""


class Presence:
    """Who has which item open. Kept in memory only: it is worth nothing a minute later, and no row should tell it."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, datetime]] = {}
        self._lock = threading.Lock()

    def sign(self, key: str, name: str, at: datetime) -> None:
        """`name` has `key` open at this moment."""
        with self._lock:
            self._forget(at)
            self._seen.setdefault(key, {})[name] = at

    def leave(self, key: str, name: str) -> None:
        with self._lock:
            self._seen.get(key, {}).pop(name, None)

    def others(self, key: str, name: str, at: datetime) -> tuple[str, ...]:
        """Who else has it open, in order of the alphabet."""
        with self._lock:
            self._forget(at)
            return tuple(sorted(who for who in self._seen.get(key, ()) if who != name))

    def all_of_others(self, name: str, at: datetime) -> frozenset[str]:
        """Everything that somebody else has open."""
        with self._lock:
            self._forget(at)
            return frozenset(key for key, seen in self._seen.items() if any(who != name for who in seen))

    def _forget(self, at: datetime) -> None:
        for key, seen in list(self._seen.items()):
            for name, last in list(seen.items()):
                if at - last > STILL_THERE:
                    del seen[name]
            if not seen:
                del self._seen[key]


@dataclass(frozen=True, slots=True)
class Desk:
    """One running set of pages."""

    database: Database
    settings: Settings
    words: Words
    clock: Callable[[], datetime]
    presence: Presence = field(default_factory=Presence)
    reader: Reader = field(default_factory=Reader)
    """The confined child that reads mails for the pages; it starts with the first one."""

    def now(self) -> datetime:
        return self.clock()
