"""A fresh database of each kind, open."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import Database

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()
