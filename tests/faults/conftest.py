"""One world for all trials of a test session: to make it takes longer than a trial."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World
from tests.servers.dovecot import Dovecot


@pytest.fixture(scope="session")
def world(dovecot: Dovecot) -> Iterator[World]:
    with World.start(dovecot) as made:
        yield made
