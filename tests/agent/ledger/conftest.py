"""A company's database, on each kind of server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import Database, events
from tests.builders.ledger import NOW


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A fresh database; at the end its log must hold."""
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    with found.read() as session:
        assert events.verify(session, found.key) is None
    found.close()
