"""A company with one customer, for those who ask what is kept of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.office import Office, opened


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(database_url, tmp_path) as found:
        yield found
