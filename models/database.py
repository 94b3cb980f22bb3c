"""The database: two engines over one place, transactions that can't lose an update, and the way a database is born.

SQLite takes every write transaction with BEGIN IMMEDIATE: with the driver's default the SELECT of a read-then-write
runs outside of the transaction and updates are lost. WAL lets readers go on meanwhile; synchronous FULL keeps a
committed `sending` over a power cut, without which a mail would leave twice. PostgreSQL does the same with row locks.

What it does not do: judge, or retry. A locked or full database is told as `TemporaryFailure`; the caller comes again.
"""

import contextlib
import hashlib
import os
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from config.errors import NeedsPerson, TemporaryFailure
from models import events, keys
from models.anchors import AnchorFile, contradiction
from models.base import Base
from models.event import EventHead
from models.installation import Installation
from models.keys import SigningKey

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"
SIDE_FILES = ("-wal", "-shm")
"""Ends of the names of the files that SQLite keeps beside a database in use."""


class Database:
    """One company's database with its signing key.

    ``write()`` and ``read()`` give sessions, each one transaction: committed at the end of the block, rolled back when
    it raises. No network call belongs inside of either.
    """

    def __init__(self, url: URL, root: Path, key: SigningKey) -> None:
        self.url = url
        self.root = root
        self.key = key
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _engine(url, "BEGIN IMMEDIATE")
        self._reader = _engine(url, "BEGIN", query_only=True) if self.is_sqlite else self.engine
        info = {"key": key}
        self._write = sessionmaker(self.engine, expire_on_commit=False, info=info)
        self._read = sessionmaker(self._reader, expire_on_commit=False, info=info)

    @classmethod
    def open(cls, url: str, root: Path, now: datetime) -> "Database":
        """The database at ``url``, made where there is none, brought to this version's tables where it is older.

        Relative SQLite paths count from ``root``, the folder of the configuration; the signing key lies there too.

        Raises:
            NeedsPerson: the key is missing, or the database was made by a newer version.
            TemporaryFailure: the server can't be reached, the file is locked, the disk is full.
        """
        place = located(url, root)
        with _told(place):
            _for_the_owner_only(place)
            key = _ready(place, root, now)
        return cls(place, root, key)

    def fingerprint(self) -> str:
        """What tells this place from a restored or cloned one."""
        return fingerprint(self.url, self.root)

    @property
    def anchors(self) -> AnchorFile:
        """Where the head of the log is noted, outside of the database."""
        return AnchorFile(key_path(self.url, self.root).with_suffix(".anchors"))

    @property
    def workers(self) -> Path:
        """The folder where the processes of this installation show that they live, beside the signing key."""
        return key_path(self.url, self.root).with_suffix(".workers")

    def is_bound_here(self, session: Session) -> bool:
        """Whether this is the database that may send from this place: neither restored, copied nor set back."""
        bound = session.scalar(select(Installation.fingerprint))
        return bound == self.fingerprint() and contradiction(session, self.anchors.last()) is None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one write transaction."""
        with _told(self.url), self._write.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session in one read transaction: one consistent view, nothing can be changed."""
        with _told(self.url), self._read.begin() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"postgresql_readonly": True})
            yield session

    def close(self) -> None:
        self.engine.dispose()
        self._reader.dispose()


def located(url: str, root: Path) -> URL:
    """The URL with a relative SQLite path made absolute, counted from ``root``."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and place.database and place.database != ":memory:":
        return place.set(database=str((root / place.database).resolve()))
    return place


def key_path(place: URL, root: Path) -> Path:
    """Where the signing key lies: beside the SQLite file under its name, else in the configuration's folder."""
    if place.get_backend_name() == "sqlite" and place.database:
        return Path(place.database).with_suffix(".key")
    return root / "relance.key"


def _for_the_owner_only(place: URL) -> None:
    """Make the SQLite file before SQLite does: it holds customers' mail, and its journals take over its mode."""
    if place.get_backend_name() == "sqlite" and place.database and not Path(place.database).exists():
        with contextlib.suppress(OSError):  # SQLite tells the same failure in words when it opens the file
            os.close(os.open(place.database, os.O_WRONLY | os.O_CREAT, 0o600))


def fingerprint(place: URL, root: Path) -> str:
    """A hash of the machine and of where the database lies on it.

    ``RELANCE_INSTALLATION`` replaces the machine's own identity where that changes with every start (containers).
    """
    machine = os.environ.get("RELANCE_INSTALLATION") or _machine_id()
    where = place.database if place.get_backend_name() == "sqlite" else str(root.resolve())
    return hashlib.sha256(f"{machine}\n{where}".encode()).hexdigest()


def head() -> str:
    """The newest schema that this version knows; the migrations' files begin with their revision."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _ready(place: URL, root: Path, now: datetime) -> SigningKey:
    """Make or upgrade the tables where they need it; the signing key.

    First a look by reading: who only opens an up-to-date database waits for no writer. Of processes that find it
    missing or old at once, one makes or upgrades it, and the others wait and look again.
    """
    key_file = key_path(place, root)
    with _connected(place, "BEGIN") as connection:
        current = _schema(connection)
    if current == head():
        return keys.load(key_file)
    with _connected(place, "BEGIN IMMEDIATE") as connection:
        _one_at_a_time(connection)
        current = _schema(connection)
        if current is None:
            key = keys.load(key_file) if key_file.exists() else keys.create(key_file)
            _make(connection, key, fingerprint(place, root), now)
            return key
        key = keys.load(key_file)
        if current > head():
            raise NeedsPerson(
                f"{place.render_as_string(hide_password=True)}: the database was made by a newer version of relance "
                f"(schema {current}). Install that version again, or restore the backup made before the upgrade."
            )
        migrate(connection)
    return key


@contextmanager
def _connected(place: URL, begin: str) -> Iterator[Connection]:
    """One transaction on a connection of its own."""
    engine = _engine(place, begin)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _schema(connection: Connection) -> str | None:
    """The schema that the database has; None: it is empty."""
    if not inspect(connection).has_table("event_head"):
        return None
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())


def _one_at_a_time(connection: Connection) -> None:
    """Let no two processes make or migrate the tables at once; SQLite's BEGIN has seen to it already."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(726374)")


def _make(connection: Connection, key: SigningKey, place: str, now: datetime) -> None:
    """Today's tables at once (a test holds them equal to what the migrations make), and the binding to this place."""
    Base.metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head()})
    with Session(connection, info={"key": key}) as session:
        session.add(EventHead(id=1, seq=0, hash=events.GENESIS))
        row = Installation(id=1, uuid=str(uuid.uuid4()), fingerprint=place, bound_at=now, bound_by="relance")
        session.add(row)
        session.flush()
        events.record(session, "installation.bound", row, actor="relance", at=now, key=key.active)
        session.flush()


def migrate(connection: Connection) -> None:
    """Bring the tables to this version's, in the caller's transaction."""
    from alembic import command  # noqa: PLC0415 - a third of a second that most starts don't need
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(place: URL, begin: str, *, query_only: bool = False) -> Engine:
    if place.get_backend_name() != "sqlite":
        return create_engine(place, pool_pre_ping=True)
    engine = create_engine(place, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see the module's docstring
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


# What the drivers say, and what it means to whoever runs the machine.
_MEANINGS: tuple[tuple[str, str], ...] = (
    ("database is locked", "is locked by another program. Close it, or wait until it is done."),
    ("disk is full", "can't grow: the disk is full. Free some space; nothing was changed."),
    ("unable to open", "can't be opened. Check that its folder exists and may be written to."),
    ("readonly database", "may not be written to. Check the owner and the rights of the file and its folder."),
    ("disk I/O error", "can't be read or written: the disk reports an error."),
    ("connection refused", "is not reachable: nothing answers there. Start the server, or mend `database.url`."),
    ("password authentication failed", "refused the password. Mend `database.url`."),
)


@contextmanager
def _told(place: URL) -> Iterator[None]:
    """Turn the driver's failures of the world (not of the program) into words."""
    try:
        yield
    except DBAPIError as error:
        text = str(error.orig)
        meaning = next((words for sign, words in _MEANINGS if sign in text.lower()), None)
        if meaning is None and not (isinstance(error, OperationalError) or error.connection_invalidated):
            raise
        where = place.render_as_string(hide_password=True)
        raise TemporaryFailure(f"the database {where} {meaning or 'failed: ' + text.splitlines()[0]}") from error


def _machine_id() -> str:
    sources: tuple[Callable[[], str], ...] = (
        lambda: Path("/etc/machine-id").read_text(encoding="ascii").strip(),
        platform.node,
    )
    for source in sources:
        try:
            if found := source():
                return found
        except OSError:
            continue
    return "unknown"
