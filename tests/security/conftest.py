from collections.abc import Iterator

import pytest

from tests.security.siege import Siege, besieged
from tests.servers.dovecot import Dovecot

# A siege is laid once for each kind of database, by one worker.
KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"siege-{kind}")) for kind in ("sqlite", "postgresql")]


@pytest.fixture(scope="session", params=KINDS)
def siege(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot
) -> Iterator[Siege]:
    """The company under siege, on each kind of database."""
    url, drop = "sqlite:///relance.db", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url, drop = server.create(), server.drop
    with besieged(tmp_path_factory.mktemp("siege"), dovecot.account(), url) as made:
        yield made
    if drop is not None:
        drop(url)
