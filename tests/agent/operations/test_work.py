"""What doctor reads off the rows of the queue: all that waits for a person now."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.operations import work
from agent.operations.checks import Status
from agent.review import queue
from models import Database
from models.reasons import ExceptionReason
from tests.builders import ledger

NOW = ledger.NOW


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()


def item(database: Database, *, asleep_until: datetime | None) -> None:
    """One that should have been settled yesterday."""
    with database.write() as session:
        owner = ledger.customer(session, "C1")
        found = queue.open_exception(
            session, key="k", reason=ExceptionReason.QUESTION, detail="d", at=NOW - timedelta(days=40),
            due_at=NOW - timedelta(days=1), customer_id=owner.id,
        )  # fmt: skip
        if asleep_until is not None:
            queue.snooze(session, found, asleep_until, "lea", NOW - timedelta(days=35))


@pytest.mark.parametrize(
    ("asleep_until", "waiting"),
    [
        (None, 1),
        (NOW + timedelta(days=1), 0),  # a person wants to see it tomorrow
        (NOW, 1),
        (NOW - timedelta(days=30), 1),  # snoozed for a day, then forgotten: it holds the customer all the same
    ],
)
def test_what_was_put_away_and_has_woken_waits_like_any_other(
    database: Database, tmp_path: Path, asleep_until: datetime | None, waiting: int
) -> None:
    item(database, asleep_until=asleep_until)
    settings = ledger.settings(tmp_path)
    found = work.gather(database, settings, NOW)
    assert (found.open_exceptions, found.overdue_exceptions) == (waiting, waiting)
    (told,) = (check for check in work.judge(found, settings, NOW) if check.name == "queue")
    assert told.status is (Status.WARNING if waiting else Status.OK)
