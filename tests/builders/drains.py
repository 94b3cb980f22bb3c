"""Drains in the test's own process over a site: made as a daemon makes them, and what they left of themselves."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import config
from agent.drains import Drains
from models import Database, Heartbeat
from tests.builders.site import Site


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def making(site: Site) -> Iterator[Callable[[], Drains]]:
    """Gives a maker of drains; at the end all that it made are closed."""
    made: list[Drains] = []

    def make() -> Drains:
        """Drains as a process would make them that starts now."""
        settings = config.load(site.config)
        database = Database.open(settings.database.url, settings.root, now())
        stop = threading.Event()
        made.append(Drains(database, settings, clock=now, worker=f"worker-{len(made)}", stop=stop))
        return made[-1]

    yield make
    for drains in made:
        drains.close()
        drains.database.close()


def beats(drains: Drains) -> dict[str, tuple[bool, int, str | None]]:
    """Of each loop: whether it ever worked, its failures in a row, and the last error."""
    with drains.database.read() as session:
        rows = session.query(Heartbeat).all()
        return {row.name: (row.last_ok_at is not None, row.failures, row.last_error) for row in rows}
