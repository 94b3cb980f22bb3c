"""Deaths while a ledger is imported, a database is born or brought to this version, a backup is made or restored.

All of these promise all or nothing: after the death the rows are those of before or those of after, and doing it once
more ends as if nothing had been.
"""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.builders import schemas
from tests.faults import endstate, scene
from tests.faults.endstate import End
from tests.faults.trials import Outcome, Trial
from tests.faults.world import World

INVOICES = scene.INVOICES + "".join(
    f"N-{n},{scene.REMINDED[n % 7]},2025-04-{n % 28 + 1:02},{n}.50\n" for n in range(30)
)
PAYMENTS = scene.PAYMENTS + "P1,2025-03-06,101.00,one\nP2,2025-03-06,9.00,two\nP3,2025-03-06,999.00,three\n"


def imported(world: World, trial: Trial) -> Outcome:
    """The process dies in an import; `trial.what` is the kind of the file."""
    kind = trial.what.split()[0]
    before = _fresh(world, trial)
    ended = _import(world, kind, trial)
    halfway = world.end()
    _import(world, kind, None)
    after = world.end()
    _fresh(world, trial)
    _import(world, kind, None)
    wanted = world.end()
    torn = halfway.facts not in (before.facts, wanted.facts)
    # Nothing was read here: the answers of Friday still lie in the mailbox.
    told = [line for line in endstate.differences(wanted, after) if not line.endswith("are not known")]
    told += ["half of the file was imported"] if torn else []
    return Outcome(str(trial), trial.group, struck=ended, doubled=tuple(told))


def _fresh(world: World, trial: Trial) -> End:
    world.undisturbed(kind=trial.kind, files=trial.files)
    world.reset(kind=trial.kind, files=trial.files)
    return world.end()


def _import(world: World, kind: str, trial: Trial | None) -> bool:
    """Whether it died."""
    file = world.folder / f"new-{kind}.csv"
    file.write_text(INVOICES if kind == "invoices" else PAYMENTS, encoding="utf-8")
    job = dict(trial.job) if trial else {}
    as_of = (scene.FRIDAY - timedelta(hours=1)).isoformat()
    ended = world.act("import", arguments=(kind, str(file), as_of), **job)
    if ended.failures or (not job and ended.code != 0):
        raise AssertionError(f"the import failed: {ended}")
    return ended.was_killed


def born(world: World, trial: Trial) -> Outcome:
    """The process dies while it makes a database where there is none."""
    world.undisturbed()
    world.reset()
    for file in world.folder.glob("relance*"):
        if file.suffix != ".toml":
            file.unlink() if file.is_file() else shutil.rmtree(file)
    ended = world.act("open", **trial.job)
    again = world.act("open")
    if again.code != 0:
        raise AssertionError(f"it can't be opened any more: {again.failures}")
    world.load("customers", scene.CUSTOMERS, scene.FRIDAY)
    world.load("invoices", scene.INVOICES, scene.FRIDAY)
    end = world.end()
    count = sum(fact.startswith("invoice ") for fact in end.facts)
    told = ([] if count == 11 else [f"{count} of 11 invoices"]) + ([end.broken_log] if end.broken_log else [])
    return Outcome(str(trial), trial.group, struck=ended.was_killed, doubled=tuple(told))


def migrated(world: World, trial: Trial) -> Outcome:
    """The process dies while it brings a filled database of the first schema to this version's."""
    world.undisturbed()
    world.reset()
    place = world.folder / "relance.db"
    for file in world.folder.glob("relance.db*"):
        file.unlink()
    _old(place)
    shutil.copy(place, world.folder / "old.copy")
    ended = world.act("open", **trial.job)
    revision = _revision(place)
    again = world.act("open")
    if again.code != 0:
        raise AssertionError(f"it can't be opened any more: {again.failures}")
    rows = _dump(place)
    for file in world.folder.glob("relance.db*"):
        file.unlink()
    shutil.copy(world.folder / "old.copy", place)
    world.act("open")
    told = [] if revision in {schemas.REVISIONS[0], schemas.REVISIONS[-1]} else [f"left at {revision}"]
    told += [] if rows == _dump(place) else ["rows differ from those of an undisturbed upgrade"]
    return Outcome(str(trial), trial.group, struck=ended.was_killed, doubled=tuple(told))


def _old(place: Path) -> None:
    """A database of the first schema with rows in every table."""
    engine = sa.create_engine(f"sqlite:///{place}")
    try:
        with engine.begin() as connection:
            schemas.upgrade(connection, schemas.REVISIONS[0])
            schemas.fill(connection)
    finally:
        engine.dispose()


def _revision(place: Path) -> str:
    with closing(sqlite3.connect(place)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _dump(place: Path) -> list[str]:
    with closing(sqlite3.connect(place)) as connection:
        return list(connection.iterdump())


# --- backup and restore -----------------------------------------------------------------------------------------------


def backed_up(world: World, trial: Trial) -> Outcome:
    """The process dies while it makes a backup: there is a whole one or none, and the database is as it was."""
    base = world.undisturbed(kind=trial.kind)
    world.reset(kind=trial.kind)
    target = world.folder / "night.backup"
    ended = world.act("backup", arguments=(str(target),), **trial.job)
    told = []
    if target.exists() and world.act("check", arguments=(str(target),)).code != 0:
        told.append("what looks like a backup is none")
    target.unlink(missing_ok=True)
    again = world.act("backup", arguments=(str(target),))
    if again.code != 0 or world.act("check", arguments=(str(target),)).code != 0:
        told.append(f"no backup can be made any more: {again.failures}")
    world.cycle()
    told += endstate.differences(base, world.settle())
    return Outcome(str(trial), trial.group, struck=ended.was_killed, doubled=tuple(told))


def restored(world: World, trial: Trial) -> Outcome:
    """A backup of before the cycle comes back after it, and the process dies on the way. Nothing leaves twice, and
    once it is restored and adopted all is as it was."""
    base = world.undisturbed()
    world.reset()
    target = world.folder / "morning.backup"
    made = world.act("backup", arguments=(str(target),))
    if made.code != 0:
        raise AssertionError(f"no backup: {made.failures}")
    world.cycle()
    ended = world.act("restore", arguments=(str(target),), **trial.job)
    sent = len(world.provider.mails)
    told = []
    if ended.was_killed and (world.folder / "relance.db").exists():
        tried = world.cycle()
        if tried.code is None:
            raise AssertionError("it hangs over what a broken restore has left")
    if ended.was_killed:
        again = world.act("restore", arguments=(str(target),), now=(world.now + timedelta(seconds=5)).isoformat())
        if again.code != 0:
            raise AssertionError(f"it can't be restored any more: {again.failures}")
    world.cycle()
    if len(world.provider.mails) != sent:
        told.append("mails left before anybody has adopted the copy")
    adopted = world.act("adopt")
    if adopted.code != 0:
        raise AssertionError(f"it could not be adopted: {adopted.failures}")
    end = world.settle()
    # What left after the backup is known from Sent again, and keeps its gap: it is booked once the plan comes to it.
    told += endstate.differences(base, end, ignoring=scene.DUE)
    return Outcome(
        str(trial),
        trial.group,
        struck=ended.was_killed or not trial.job,
        duplicates=end.duplicates,
        doubled=tuple(told),
    )
