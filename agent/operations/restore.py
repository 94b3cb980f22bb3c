"""`restore`: what `backup` wrote, proven once more and put in place; it sends nothing until it was adopted.

Mail may have left after the backup was made, and the original may still be at work. So the restored database belongs to
no place, wherever it lies: `adopt` reads every mailbox, Sent too, before it may send.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect, select
from sqlalchemy.engine import URL

from agent.faults import point
from agent.host import alone_with
from agent.operations import archive
from agent.operations.archive import Manifest
from agent.operations.backup import prove, run_postgres
from config import FILE_NAME, Settings, load
from config.errors import NeedsPerson
from models import Database, Installation, events
from models.database import SIDE_FILES, head, key_path, located

Unbind = Callable[[Database], None]

NOWHERE = "restored"
"""The place that a restored database is bound to."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where what stood there before lies now."""

    manifest: Manifest
    settings: Settings
    set_aside: tuple[Path, ...] = ()


def check(source: Path, now: datetime) -> Manifest:
    """Prove a backup without restoring it. Of a PostgreSQL dump only the bytes can be compared. Raises NeedsPerson."""
    with tempfile.TemporaryDirectory(prefix="relance-restore-") as scratch:
        manifest = archive.unpack(source, Path(scratch))
        _not_newer(source, manifest)
        if manifest.backend == "sqlite":
            _proven(Path(scratch), manifest, now).close()
    return manifest


def restore(source: Path, folder: Path, by: str, now: datetime, *, replace: bool) -> Restored:
    """Put the backup in place: the configuration into ``folder`` unless one is there, the rest where that one says.

    Raises:
        NeedsPerson: it is no sound backup, was made by a newer version, or something is in the way.
        ConfigError: the configuration that is there, or in the backup, is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".relance-restore-", dir=folder) as scratch:
        unpacked = Path(scratch)
        manifest = archive.unpack(source, unpacked)
        _not_newer(source, manifest)
        if not (folder / FILE_NAME).exists():
            _put_configuration(unpacked / "config", folder)
        settings = load(folder / FILE_NAME)
        place = located(settings.database.url, settings.root)
        if place.get_backend_name() != manifest.backend:
            raise NeedsPerson(
                f"{source} is of a database on {manifest.backend}, but {settings.file} names {place.drivername}",
                "Name one of the same kind in [database] url.",
            )
        mark = f"replaced-{now:%Y%m%dT%H%M%SZ}"
        put = _put_sqlite if manifest.backend == "sqlite" else _put_postgres

        def unbind(database: Database) -> None:
            _unbind(database, archive.digest(source), manifest, by, now)

        with alone_with(place, "relance restore"):
            aside = put(unpacked, manifest, settings, place, mark if replace else None, unbind, now)
        point("restore.put")
    return Restored(manifest, settings, aside)


def _put_configuration(unpacked: Path, folder: Path) -> None:
    """The configuration's files, where none of them is in the way: no archive may write over a file of yours."""
    names = [file.relative_to(unpacked) for file in unpacked.rglob("*") if file.is_file()]
    in_the_way = [folder / name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if in_the_way:
        raise _in_the_way(str(in_the_way[0]))
    shutil.copytree(unpacked, folder, dirs_exist_ok=True)


def _not_newer(source: Path, manifest: Manifest) -> None:
    if manifest.schema > head():
        raise NeedsPerson(
            f"{source} was made by relance {manifest.version} (schema {manifest.schema}), which is newer than this one",
            f"Install relance {manifest.version}, and restore with that.",
        )


def _proven(unpacked: Path, manifest: Manifest, now: datetime) -> Database:
    """The unpacked SQLite database, brought to this version's tables, once everything in it was seen to hold."""
    place = unpacked / manifest.database
    (unpacked / archive.KEY).rename(place.with_suffix(".key"))
    database = Database.open(f"sqlite:///{place}", unpacked, now)
    try:
        with database.read() as session:
            prove(session, database)
    except BaseException:
        database.close()
        raise
    return database


def _put_sqlite(
    unpacked: Path, manifest: Manifest, _settings: Settings, place: URL, mark: str | None, unbind: Unbind, now: datetime
) -> tuple[Path, ...]:
    target = Path(str(place.database))
    key = key_path(place, target.parent)
    in_the_way = [p for p in (target, key, *(Path(f"{target}{end}") for end in SIDE_FILES)) if p.exists()]
    if in_the_way and mark is None:
        raise _in_the_way(str(in_the_way[0]))
    # Unbound before it lies where it may be opened: whenever this ends too early, no copy is left that would send.
    database = _proven(unpacked, manifest, now)
    try:
        unbind(database)
    finally:
        database.close()
    point("restore.unbound")
    aside = tuple(p.rename(_set_aside(p, target, mark)) for p in in_the_way)
    # Across file systems a rename is a copy; the database comes last, as only then there is something to open.
    shutil.move(unpacked / manifest.database.replace(".sqlite", ".key"), key)
    point("restore.half_put")
    shutil.move(unpacked / manifest.database, target)
    return aside


def _set_aside(path: Path, database: Path, mark: str | None) -> Path:
    """Its name from now on. SQLite finds its side files by the database's name: what is in them stays in it."""
    for end in SIDE_FILES:
        if path.name == f"{database.name}{end}":
            return path.with_name(f"{database.name}.{mark}{end}")
    return path.with_name(f"{path.name}.{mark}")


def _put_postgres(
    unpacked: Path, manifest: Manifest, settings: Settings, place: URL, mark: str | None, unbind: Unbind, now: datetime
) -> tuple[Path, ...]:
    engine = create_engine(place)
    try:
        is_used = inspect(engine).has_table("event_head")
    finally:
        engine.dispose()
    key = key_path(place, settings.root)
    if mark is None and (is_used or key.exists()):
        raise _in_the_way(place.render_as_string(hide_password=True) if is_used else str(key))
    # As a script, which unbinds the rows in the transaction that brings them: no copy is ever there that would send.
    script = unpacked / "script.sql"
    # What a dump says must never be a command to psql (CVE-2025-8714): a client too old to fence it refuses the option.
    run_postgres("pg_restore", None, "--no-owner", "--no-privileges", f"--file={script}",
                 f"--restrict-key={secrets.token_hex(16)}",
                 *(("--clean", "--if-exists") if is_used else ()), str(unpacked / manifest.database))  # fmt: skip
    with script.open("a", encoding="utf-8") as opened:
        opened.write(f"\nUPDATE public.installation SET fingerprint = '{NOWHERE}';\n")
    run_postgres("psql", place, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
                 f"--file={script}")  # fmt: skip
    point("restore.unbound")
    aside = (key.rename(key.with_name(f"{key.name}.{mark}")),) if key.exists() else ()
    shutil.move(unpacked / archive.KEY, key)
    database = Database.open(settings.database.url, settings.root, now)
    try:
        with database.read() as session:
            prove(session, database)
        unbind(database)
    finally:
        database.close()
    return aside


def _in_the_way(what: str) -> NeedsPerson:
    return NeedsPerson(
        f"{what} is there already", "Restore to another place, or take --replace: what is there is set aside."
    )


def _unbind(database: Database, backup: str, manifest: Manifest, by: str, now: datetime) -> None:
    """Bind it to no place: even where it came from, it may know less than has happened."""
    with database.write() as session:
        row = session.scalars(select(Installation).with_for_update()).one()
        was, row.fingerprint = row.fingerprint, NOWHERE
        events.record(
            session, "installation.restored", row, actor=by, at=now, was=was, backup=backup, made_at=manifest.made_at
        )
