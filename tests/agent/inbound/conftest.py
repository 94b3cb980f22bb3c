"""One mailbox on a real server, a database, and the settings that tie them."""

import threading
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from sqlalchemy import select
from structlog.testing import capture_logs

from agent.inbound.collect import Collected, collect
from agent.wire.imap import imap_session
from config import Settings, load
from models import Database, Folder, Location, Message
from tests.servers.dovecot import Account, Dovecot

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)

_TOML = """
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"

[mailbox.ar]
address = "{address}"
authserv_id = "mx.example.test"
[mailbox.ar.imap]
host = "{host}"
port = {port}
security = "none"
password_env = "RELANCE_TEST_PASSWORD"
{imap}
[mailbox.ar.smtp]
host = "127.0.0.1"
port = 25
security = "none"
"""


def settings_for(
    folder: Path, *, address: str = "ar@example.test", host: str = "127.0.0.1", port: int = 1, imap: str = ""
) -> Settings:
    file = folder / "relance.toml"
    file.write_text(_TOML.format(address=address, host=host, port=port, imap=imap), encoding="utf-8")
    return load(file)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged; not written anywhere, as a command line that ran before has left its own stream behind."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a mailbox that nobody connects to."""
    return settings_for(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database.open(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path, NOW)
    yield found
    found.close()


@dataclass
class Box:
    """A mailbox with all that reads it."""

    account: Account
    server: Dovecot
    settings: Settings
    database: Database
    now: datetime = NOW

    def collect(
        self, client: Callable[[IMAPClient], IMAPClient] = lambda imap: imap, stop: threading.Event | None = None
    ) -> Collected:
        """One drain, over a connection of its own, a minute after the one before."""
        self.now += timedelta(minutes=1)
        with imap_session(self.settings.mailbox["ar"]) as imap:
            return collect(self.database, "ar", self.settings, client(imap), self.now, stop)

    def messages(self) -> list[Message]:
        with self.database.read() as session:
            return list(session.scalars(select(Message).order_by(Message.id)))

    def locations(self) -> list[Location]:
        with self.database.read() as session:
            return list(session.scalars(select(Location).order_by(Location.id)))

    def cursor(self, folder: str = "INBOX") -> Folder:
        with self.database.read() as session:
            return session.scalars(select(Folder).where(Folder.name == folder)).one()

    def flags(self, folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        with self.account.client() as client:
            client.select_folder(folder, readonly=True)
            uids = client.search()
            return {uid: data[b"FLAGS"] for uid, data in client.fetch(uids, ["FLAGS"]).items()} if uids else {}


@pytest.fixture
def box(dovecot: Dovecot, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    account = dovecot.account()
    monkeypatch.setenv("RELANCE_TEST_PASSWORD", account.password)
    settings = settings_for(tmp_path, address=account.address, host=account.host, port=account.port)
    return Box(account, dovecot, settings, database)
