"""A real PostgreSQL for one test session, from Debian's binaries, and a fresh database for each test.

`RELANCE_TEST_PG` (postgresql+psycopg://…, a role that may create databases) names a server to use instead.
Ours forgets everything at the end, so it doesn't sync to disk: what a crash of the machine leaves behind is
not what these tests ask.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.servers import process

_MEND = "Debian: apt-get install postgresql; or RELANCE_TEST_PG=postgresql+psycopg://…"


class Postgres:
    """A server on which databases can be made. `start` makes one of our own, `at` uses another's."""

    def __init__(self, url: URL):
        self._url = url
        self._numbers = itertools.count(1)

    @classmethod
    def at(cls, url: str) -> "Postgres":
        return cls(make_url(url))

    def create(self, template: str = "") -> str:
        """An empty database, or a copy of the one with the URL `template`; its SQLAlchemy URL, password included."""
        name = f"relance_test_{os.getpid()}_{next(self._numbers)}"
        source = make_url(template).database if template else "template0"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(source or "template0")))
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        name = make_url(url).database
        if name is None:
            raise AssertionError(f"no database in {url}")
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Leave it: the server of another is not ours to end."""

    def _execute(self, statement: sql.Composed) -> None:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


class OwnPostgres(Postgres):
    """A server of our own in a temporary folder."""

    def __init__(self, folder: Path, user: pwd.struct_passwd, port: int):
        super().__init__(URL.create("postgresql+psycopg", "relance", host="127.0.0.1", port=port, database="postgres"))
        self._folder = folder
        self._process: subprocess.Popen[bytes]
        data, log = str(folder / "data"), folder / "postgres.log"
        prepare = [_binary("initdb"), "-D", data, "-U", "relance", "-A", "trust"]
        process.run(user, [*prepare, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        settings = {
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "100",
            "shared_buffers": "64MB",
            "timezone": "UTC",
        }
        command = [_binary("postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # INT is PostgreSQL's "fast" shutdown: it does not wait for clients, as TERM would.
        self._process = process.start(user, command, log=log, ends_with="INT")
        process.until(lambda: process.listens(port, self._process, log) and self._answers(), what="PostgreSQL's answer")

    @classmethod
    def start(cls) -> "OwnPostgres":
        _binary("initdb")
        user = process.ordinary_user("postgres", "nobody")
        return process.with_other_ports(lambda: cls(process.scratch("postgres", user), user, process.free_port()))

    def stop(self) -> None:
        process.stop(self._process, signal.SIGINT)
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        try:
            self._execute(sql.SQL("SELECT {}").format(1))
        except psycopg.OperationalError:  # it listens before it is done with starting up
            return False
        return True


def _binary(name: str) -> str:
    """Debian keeps the programs of each release in a folder of its own, off PATH; the newest is taken."""
    releases = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(releases, key=lambda path: int(path.parts[-3]), default=None)
    return str(newest) if newest else process.program(name, server="PostgreSQL", mend=_MEND)
