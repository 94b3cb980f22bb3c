"""What every page is given: the database, the settings, the clock, and who is looking at which item right now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from agent.inbound.confined import Reader
from agent.learning import background
from agent.reports import asking, store
from agent.reports.asking import Wish
from agent.reports.tables import Table
from agent.reports.values import Books
from agent.reports.words import Words
from agent.review import outgoing, trained
from agent.review.outgoing import Calendar, Outgoing
from agent.review.web.keeping import Keeping
from config import Settings
from models import Database
from models import Presence as Row

STILL_THERE = timedelta(seconds=25)
"""How long after its last sign an open page counts as looked at; pages give one every ten seconds."""


class Presence:
    """Who has which entry open: rows, so that every process that serves pages says the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, path: str, name: str, at: datetime) -> None:
        """`name` has the entry open at this moment."""
        try:
            self._signed(path, name, at)
        except IntegrityError:
            self._signed(path, name, at)  # another request signed for the same page: now there is a row to change

    def _signed(self, path: str, name: str, at: datetime) -> None:
        with self._database.write() as session:
            session.execute(delete(Row).where(Row.seen_at < at - STILL_THERE))
            session.merge(Row(path=path, name=name, seen_at=at))

    def leave(self, path: str, name: str) -> None:
        with self._database.write() as session:
            session.execute(delete(Row).where(Row.path == path, Row.name == name))

    def others(self, path: str, name: str, at: datetime) -> tuple[str, ...]:
        """Who else has it open, in order of the alphabet."""
        query = select(Row.name).where(Row.path == path, Row.name != name, Row.seen_at >= at - STILL_THERE)
        with self._database.read() as session:
            return tuple(session.scalars(query.order_by(Row.name)))

    def all_of_others(self, name: str, at: datetime) -> frozenset[str]:
        """Everything that somebody else has open."""
        query = select(Row.path).where(Row.name != name, Row.seen_at >= at - STILL_THERE).distinct()
        with self._database.read() as session:
            return frozenset(session.scalars(query))


@dataclass(frozen=True, slots=True)
class Desk:
    """One running set of pages."""

    database: Database
    settings: Settings
    words: Words
    clock: Callable[[], datetime]
    reader: Reader = field(default_factory=Reader)
    """The confined child that reads mails for the pages; it starts with the first one."""
    keeping: Keeping = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeping", Keeping(self.database))

    start: trained.Start = background.start
    """Begins a training or comparison in a process of its own."""

    def is_stopped(self) -> bool:
        """Whether the kill switch is thrown, or something else keeps all sending off: every page says so."""
        with self.database.read() as session:
            return bool(outgoing.stops(session))

    def books(self, now: datetime) -> Books:
        """What the figures are made of."""

        def read() -> Books:
            with self.database.read() as session:
                return store.books(session, self.settings, now)

        return self.keeping.of("books", now, read)

    def figures(self, names: Iterable[str], wish: Wish, now: datetime) -> list[Table]:
        """Tables of key figures; whose customers stands in the wish. Raises RelanceError as `asking.of_books`."""
        asked = tuple(names)
        return self.keeping.of((asked, wish), now, lambda: asking.of_books(self.books(now), asked, wish))

    def outgoing(self, only_of: str | None, now: datetime) -> Outgoing:
        """Today's plan."""
        return self.keeping.of(
            ("outgoing", only_of), now, lambda: outgoing.today(self.database, self.settings, now, only_of)
        )

    def calendar(self, only_of: str | None, now: datetime) -> Calendar:
        """The next thirty days: the days are judged one by one, so it costs more than today's plan."""
        return self.keeping.of(
            ("calendar", only_of), now, lambda: outgoing.calendar(self.database, self.settings, now, only_of)
        )

    @property
    def presence(self) -> Presence:
        return Presence(self.database)

    def now(self) -> datetime:
        return self.clock()
