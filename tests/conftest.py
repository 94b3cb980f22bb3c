"""What every test may ask for: real servers, databases, and no way out of this machine."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.loopback import LoopbackOnly
from tests.servers.postfix import Postfix
from tests.servers.postgres import OwnPostgres, Postgres
from tests.servers.process import MISSING
from tests.servers.smtp_sink import SmtpSink

_guard = LoopbackOnly()
sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """No test talks to another machine, and one that tries fails, even where the code bore the refusal."""
    _guard.attempts.clear()
    _guard.active = True
    yield
    _guard.active = False
    assert not _guard.attempts, f"tried to leave this machine: {_guard.attempts}"


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A real IMAP server; `dovecot.account()` is a mailbox of one's own."""
    server = Dovecot.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """A real SMTP server, border and submission, that delivers into `dovecot`."""
    server = Postfix.start(dovecot)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL: RELANCE_TEST_PG, or one of our own."""
    url = os.environ.get("RELANCE_TEST_PG")
    server = Postgres.at(url) if url else OwnPostgres.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'relance.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """An SMTP server that records, and misbehaves as told."""
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested for want of a server, how often, and how to get it."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if found := re.search(f"{MISSING}(.*)", reason):
            counted[found.group(1)] += 1
    if counted:
        terminalreporter.section("NOT TESTED: servers are missing", sep="!", red=True, bold=True)
        for server, number in counted.most_common():
            terminalreporter.line(f"{number:5} tests skipped for want of {server}", red=True)
        terminalreporter.line("as root and without RELANCE_NO_APT, `make test` installs them all")
