"""`backup`: one file with all that a new machine needs, made while the daemon works, and proven before it counts.

What is proven, on the very copy: the file is whole, every event of the log holds under the key that goes with it, and
every raw mail has the hash that it is known by.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from agent.faults import point
from agent.operations import archive
from agent.operations.archive import Manifest
from config import FILE_NAME, Settings
from config.errors import NeedsPerson, TemporaryFailure
from models import Blob, Database, EventHead, Installation, Message, events
from models.database import key_path

#: What belongs to the configuration and lies beside it, where it exists: own texts, law, segments, trained models.
COMPANIONS = ("templates", "law", "segments.toml", "statuses.toml", "trained")
BLOBS = 100
"""How many raw mails are held in memory at once."""
ENGINE_SCHEMA = "dbos"
"""On PostgreSQL the engine's queue; it holds no work that the rows don't tell anew."""


def back_up(database: Database, settings: Settings, target: Path, now: datetime) -> Manifest:
    """Write the backup to ``target``; its manifest.

    Raises:
        NeedsPerson: it can't be written, or what was copied does not hold.
        TemporaryFailure: the database can't be read.
    """
    with tempfile.TemporaryDirectory(prefix=".relance-backup-", dir=_room(target)) as scratch:
        with _copied(database, Path(scratch)) as (copy, session):
            manifest = _described(session, database, now)
            prove(session, database)
        point("backup.proven")
        members = {manifest.database: copy, archive.KEY: key_path(database.url, database.root)}
        archive.write(target, manifest, {**members, **_configuration(settings)})
    return manifest


def _room(target: Path) -> Path:
    """The folder of the target: the copy is made there, where there has to be room anyway."""
    folder = target.absolute().parent
    if not folder.is_dir():
        raise NeedsPerson(f"{folder}: there is no such folder for the backup", "Make it first.")
    return folder


@contextmanager
def _copied(database: Database, scratch: Path) -> Iterator[tuple[Path, Session]]:
    """The database's content as a file, and a session that sees just that content."""
    copy = scratch / archive.DATABASE[database.url.get_backend_name()]
    if database.is_sqlite:
        copy_sqlite(Path(str(database.url.database)), copy)
        twin = Database(database.url.set(database=str(copy)), database.root, database.key)
        try:
            with twin.read() as session:
                yield copy, session
        finally:
            twin.close()
    else:
        with database.read() as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            snapshot = session.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            _dump(database.url, copy, snapshot)
            yield copy, session


def copy_sqlite(source: Path, target: Path) -> None:
    """By SQLite's own means, a consistent copy of a database at work. Raises TemporaryFailure where that fails."""
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy, pages=1000)
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise TemporaryFailure(f"{source}: can't be copied ({error})") from None
    if found != "ok":
        raise NeedsPerson(f"{source}: the database is damaged ({found})", "Stop relance and restore the last backup.")


def _dump(place: URL, target: Path, snapshot: str) -> None:
    run_postgres("pg_dump", place, "--format=custom", f"--snapshot={snapshot}", f"--exclude-schema={ENGINE_SCHEMA}",
                 f"--file={target}")  # fmt: skip


def run_postgres(program: str, place: URL | None, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs, on the database if one is named; the password goes by the environment,
    seen by nobody.

    Raises:
        NeedsPerson: the program is missing, or fails.
    """
    found = shutil.which(program)
    if found is None:
        raise NeedsPerson(f"{program} is not installed", "Install PostgreSQL's client programs (postgresql-client).")
    environment: dict[str, str] = {}
    if place is not None:
        host = place.query.get("host", place.host)  # a socket's folder stands behind the question mark
        said = {"PGHOST": host, "PGPORT": place.port, "PGUSER": place.username, "PGPASSWORD": place.password}
        environment = {name: str(value) for name, value in said.items() if value is not None}
        arguments = (*arguments, f"--dbname={place.database}")
    done = subprocess.run(
        [found, *arguments],
        capture_output=True, encoding="utf-8", errors="replace", check=False, env={**os.environ, **environment},
    )  # fmt: skip
    if done.returncode:
        words = " ".join((done.stderr.strip().splitlines() or ["it gave no reason"])[0].split())
        raise NeedsPerson(f"{program} failed: {words}")


def _described(session: Session, database: Database, now: datetime) -> Manifest:
    head = session.execute(select(EventHead)).scalar_one()
    return Manifest(
        made_at=now.isoformat(),
        version=metadata.version("relance"),
        schema=session.execute(text("SELECT version_num FROM alembic_version")).scalar_one(),
        backend=database.url.get_backend_name(),
        installation=session.execute(select(Installation.uuid)).scalar_one(),
        events=head.seq,
        head=head.hash,
        messages=session.scalar(select(func.count()).select_from(Message)) or 0,
        blobs=session.scalar(select(func.count()).select_from(Blob)) or 0,
    )


def prove(session: Session, database: Database) -> None:
    """Walk the log and every raw mail. Raises NeedsPerson at the first that does not hold."""
    broken = events.verify(session, database.key)
    if broken is not None:
        raise NeedsPerson(f"the log is broken at event {broken.seq}: {broken.why}", "Keep this database as evidence.")
    last = ""
    wanted = select(Blob.sha256, Blob.compressed).order_by(Blob.sha256).limit(BLOBS)
    while page := session.execute(wanted.where(Blob.sha256 > last)).all():
        for sha256, compressed in page:
            if (found := _hash(compressed)) != sha256:
                raise NeedsPerson(f"raw mail {sha256} holds {found}", "The disk may be failing; keep older backups.")
        last = page[-1].sha256


def _hash(compressed: bytes) -> str:
    try:
        return hashlib.sha256(zlib.decompress(compressed)).hexdigest()
    except zlib.error:
        return "nothing that can be read"


def _configuration(settings: Settings) -> Mapping[str, Path]:
    """The configuration's files by their names in the archive; secrets stand elsewhere and are not taken along."""
    found = {f"config/{FILE_NAME}": settings.file}
    for name in (settings.reminders.plans, *COMPANIONS):
        top = settings.root / name
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        found |= {f"config/{file.relative_to(settings.root).as_posix()}": file for file in files if file.is_file()}
    return found
