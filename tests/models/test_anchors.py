"""What is noted outside of the database shows what the database alone can't: a cut end, and a copy set back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from config.errors import NeedsPerson
from models import Database, anchors, events
from models.anchors import Anchor, AnchorFile

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def anchored(database: Database) -> Database:
    with database.write() as session:
        for number in range(3):
            events.record(session, "test.happened", ("thing", str(number)), actor="Anna", at=NOW)
    with database.read() as session:
        database.anchors.append(anchors.head(session, NOW))
    return database


def broken(database: Database) -> events.BrokenLink | None:
    with database.read() as session:
        return events.verify(session, database.key, database.anchors.since_adoption())


def is_bound(database: Database) -> bool:
    with database.read() as session:
        return database.is_bound_here(session)


def cut(database: Database, above: int) -> None:
    """Take the end off, and the head with it, as somebody would who knows the tables; the chain itself then holds."""
    with database.write() as session:
        session.execute(text("DELETE FROM event WHERE seq > :above"), {"above": above})
        session.execute(
            text("UPDATE event_head SET seq = :above, hash = (SELECT hash FROM event WHERE seq = :above)"),
            {"above": above},
        )


def test_an_untouched_log_agrees_with_its_anchors(anchored: Database) -> None:
    assert broken(anchored) is None
    assert is_bound(anchored)


def test_a_cut_end_is_seen_only_by_the_anchor(anchored: Database) -> None:
    cut(anchored, 2)
    with anchored.read() as session:
        assert events.verify(session, anchored.key) is None
    found = broken(anchored)
    assert found is not None
    assert (found.seq, "ended at event 4" in found.why) == (3, True)
    assert not is_bound(anchored)


def test_another_history_of_the_same_length_is_seen(anchored: Database) -> None:
    cut(anchored, 3)
    with anchored.write() as session:
        events.record(session, "test.happened", ("thing", "other"), actor="Anna", at=NOW)
    found = broken(anchored)
    assert found is not None
    assert "not the one that was anchored" in found.why
    assert not is_bound(anchored)


def test_what_was_adopted_counts_from_there(anchored: Database) -> None:
    cut(anchored, 2)
    with anchored.read() as session:
        head = anchors.head(session, NOW)
    anchored.anchors.append(Anchor(head.seq, head.hash, NOW, adopted=True))
    assert broken(anchored) is None
    assert is_bound(anchored)


def test_a_line_that_a_power_cut_left_unfinished_is_no_anchor(anchored: Database) -> None:
    with anchored.anchors.path.open("a") as file:
        file.write('{"seq": 99')
    assert [anchor.seq for anchor in anchored.anchors.since_adoption()] == [4]
    assert is_bound(anchored)
    with anchored.read() as session:
        anchored.anchors.append(anchors.head(session, NOW))
    assert [anchor.seq for anchor in anchored.anchors.since_adoption()] == [4, 4]


def test_a_line_that_is_none_is_told(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "relance.anchors")
    file.path.write_text("seq 4\n")
    with pytest.raises(NeedsPerson, match="not a line of anchors"):
        file.last()


def test_the_newest_of_many_is_found_from_the_end(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "relance.anchors")
    assert file.last() is None
    for seq in range(200):
        file.append(Anchor(seq, "f" * 64, NOW))
    last = file.last()
    assert last is not None
    assert last.seq == 199
    assert len(file.since_adoption()) == 200
