"""The alarm on mails that are not handled is raised once, told, and is over once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from agent.operations import counting
from agent.reports import warning
from config import Settings
from models import Database, Event, Folder, Message, blob
from models.message import Direction
from models.states import MessageState
from tests.agent.reports.test_warning import OPERATOR, Post
from tests.builders import ledger

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path, reports={"warn_to": [OPERATOR]})


def told(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as session:
        query = select(Event).where(Event.subject_type == "mailbox").order_by(Event.seq)
        return [(event.kind, event.data) for event in session.scalars(query)]


def test_mails_that_nobody_handled_are_told_once_however_often_they_are_counted(
    database: Database, given: Settings
) -> None:
    (name, *_) = given.mailbox
    with database.write() as session:
        session.add(Folder(mailbox=name, name="INBOX", seen=1, looked_at=NOW, swept_at=NOW))
        row = Message(
            dkey="1", direction=Direction.IN, mailbox=name, blob_sha256=blob.keep(session, b"Subject: x\r\n\r\nx\r\n"),
            size=17, received_at=NOW, state=MessageState.READ, created_at=NOW,
        )  # fmt: skip
        session.add(row)
        session.flush()
        message = row.id
    post: Any = Post()

    def count(at: datetime) -> tuple[int, int]:
        changed = counting.drain(database, given, at)
        return changed, warning.drain(database, given, at, at_once=False, wire_to=lambda _: post)

    with capture_logs() as lines:
        assert [count(NOW + n * HOUR / 2) for n in range(6)] == [(0, 0)] * 3 + [(1, 1)] + [(0, 0)] * 2
    assert [(line["event"], line["log_level"]) for line in lines if "mailbox" in line["event"]] == [
        ("mailbox.unhandled", "error")
    ]
    (text,) = post.texts()
    assert f"Boîte {name} : 1 message(s)" in text
    with database.write() as session:
        session.get_one(Message, message).state = MessageState.QUEUED
    assert [count(NOW + n * HOUR) for n in (4, 5)] == [(1, 0), (0, 0)]
    assert told(database) == [
        ("mailbox.unhandled", {"mails": 1, "uncompared": False}),
        ("mailbox.handled", {"mails": 0, "uncompared": False}),
    ]
    with database.write() as session:
        session.get_one(Message, message).state = MessageState.READ
    assert count(NOW + 6 * HOUR) == (1, 1)  # a new trouble has a mail of its own
    assert len(post.mails) == 2


def test_a_folder_that_is_looked_at_and_never_compared_raises_it_and_one_that_nobody_looks_at_does_not(
    database: Database, given: Settings
) -> None:
    (name, *_) = given.mailbox
    with database.write() as session:
        folder = Folder(mailbox=name, name="INBOX", seen=1, looked_at=NOW, swept_at=NOW)
        session.add(folder)
    later = NOW + 30 * HOUR
    assert counting.drain(database, given, later) == 0  # relance was down: nothing is known yet
    with database.write() as session:
        session.merge(folder).looked_at = later
    assert counting.drain(database, given, later) == 1
    assert told(database) == [("mailbox.unhandled", {"mails": 0, "uncompared": True})]
