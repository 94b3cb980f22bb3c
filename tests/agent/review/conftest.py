"""A desk over a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import Database, events
from tests.builders.desk import Office, office
from tests.builders.ledger import NOW


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A fresh database, on each kind of server; at the end its log must hold."""
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    with found.read() as session:
        assert events.verify(session, found.key) is None
    found.close()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Office]:
    with office(database, tmp_path) as made:
        yield made


@pytest.fixture
def small_desk(tmp_path: Path) -> Iterator[Office]:
    """A desk on SQLite, for what no database could make different."""
    found = Database.open(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path, NOW)
    with office(found, tmp_path) as made:
        yield made
    with found.read() as session:
        assert events.verify(session, found.key) is None
    found.close()
