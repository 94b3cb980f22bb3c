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
from tests.builders import ledger, mail, office

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


LINE, RECEIVED = office.BORDER.items()
FILTER = ("Received", "from localhost by mx.example.test; Wed, 11 Mar 2026 09:13:01 +0000")


@pytest.mark.parametrize(
    ("headers", "mails", "is_told"),
    [
        ([LINE, RECEIVED], work.MANY_MAILS, False),
        # A content filter hands each mail back to the server, by a connection of its own.
        ([FILTER, LINE], work.MANY_MAILS, True),
        ([RECEIVED], work.MANY_MAILS - 1, False),  # too few to tell
    ],
)
def test_a_border_whose_word_is_never_found_is_told(
    database_url: str, tmp_path: Path, headers: list[tuple[str, str]], mails: int, is_told: bool
) -> None:
    server = {"host": "127.0.0.1", "port": 1, "security": "none"}
    imap = {**server, "password_env": "NONE_SET"}
    box = {"address": "compta@morel.example", "authserv_id": "mx.example.test", "imap": imap, "smtp": server}
    settings = ledger.settings(tmp_path, mailbox={"ar": box})
    with office.opened(database_url, tmp_path) as ours:
        for _ in range(mails):
            ours.arrives(mail.reply(ours.reminder_id, headers=dict(headers)))
        found = work.gather(ours.database, settings, NOW)
    told = [check.name for check in work.judge(found, settings, NOW) if check.name == "senders.ar"]
    assert told == ["senders.ar"] * is_told
