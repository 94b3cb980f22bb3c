"""The chain of events: whatever is done to it behind relance's back is seen."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from models import Database, events

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def chain(database: Database) -> Database:
    with database.write() as session:
        for number in range(3):
            events.record(session, "test.happened", ("thing", str(number)), actor="Anna", at=NOW, code="x")
    return database


def broken_at(database: Database) -> int | None:
    with database.read() as session:
        broken = events.verify(session, database.key)
    return broken.seq if broken else None


def test_an_untouched_chain_holds(chain: Database) -> None:
    assert broken_at(chain) is None


@pytest.mark.parametrize(
    ("attack", "seq"),
    [
        ("UPDATE event SET actor = 'Bob' WHERE seq = 2", 2),
        ("UPDATE event SET kind = 'test.never' WHERE seq = 3", 3),
        ('UPDATE event SET data = \'{"code": "y"}\' WHERE seq = 2', 2),
        ("DELETE FROM event WHERE seq = 3", 3),
        ("DELETE FROM event WHERE seq = 4", 4),
        ("UPDATE event SET hash = previous WHERE seq = 4", 4),
    ],
)
def test_what_was_changed_or_taken_out_is_named(chain: Database, attack: str, seq: int) -> None:
    with chain.write() as session:
        session.execute(text(attack))
    assert broken_at(chain) == seq


def test_a_cut_tail_is_seen_against_the_head(chain: Database) -> None:
    with chain.write() as session:
        session.execute(text("DELETE FROM event WHERE seq > 2"))
    assert broken_at(chain) == 3


def test_an_event_is_only_there_with_its_change(chain: Database) -> None:
    with pytest.raises(RuntimeError), chain.write() as session:
        events.record(session, "test.happened", ("thing", "9"), actor="Anna", at=NOW)
        raise RuntimeError
    assert broken_at(chain) is None
