"""What doctor looks at on this machine: the installation, the database, the disk, the clock, the trained model."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module, metadata
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.learning import promotion
from agent.ledger import lawful
from agent.operations.checks import Check, error, ok, warning
from agent.reminders import interest
from config import Settings
from config.law import UnknownLaw, half_year, law_for
from config.plans import Plan, load_plans
from models.anchors import contradiction
from models.database import Database, key_path, located
from models.installation import Installation

PACKAGES = ("agent", "classifier", "templates", "models", "config")

_LOW_DISK_BYTES = 200 * 1024**2
_SCARCE_DISK_BYTES = 1024**3
#: Message ids and due dates bear a little; log-ins by token and certificates do not bear much.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_DRIFT_SECONDS = 2.0
_SYNCHRONOUS_FULL = 2


def check_packages() -> Iterator[Check]:
    """Whether our five packages are ours: another distribution may have overwritten one (they have common names)."""
    homes = {name: _home(name) for name in PACKAGES}
    strange = sorted(name for name, home in homes.items() if home != homes["agent"])
    mend = "Install relance alone in an environment of its own (pipx, uv tool or a container)."
    if strange:
        yield error("packages", f"{', '.join(strange)} comes from {homes[strange[0]]}, not from relance", mend)
        return
    changed = sorted(_changed_files())
    if changed:
        yield error("packages", f"{changed[0]} is not the file that relance was installed with", mend)
        return
    version = metadata.version("relance")
    yield ok("packages", f"relance {version} in {homes['agent']}, Python {sys.version.split()[0]}")


def _home(package: str) -> Path:
    file = import_module(package).__file__
    return Path(file or "").resolve().parent.parent


def _changed_files() -> Iterator[str]:
    """Files of an installed wheel whose content is not the one recorded; an editable install records none of them."""
    for recorded in metadata.files("relance") or ():
        if recorded.hash is None or recorded.parts[0] not in PACKAGES or recorded.suffix != ".py":
            continue
        try:
            content = Path(str(recorded.locate())).read_bytes()
        except OSError:
            content = b""
        digest = hashlib.new(recorded.hash.mode, content).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != recorded.hash.value:
            yield str(recorded)


def check_configuration(settings: Settings, now: datetime) -> Iterator[Check]:
    """What the settings say that a person should know before the first mail."""
    boxes = ", ".join(f"{name} ({box.address})" for name, box in settings.mailbox.items())
    yield ok("configuration", f"{settings.file}: mode {settings.policy.mode}, mailboxes {boxes}")
    plans = load_plans(settings)
    steps = ", ".join(f"{step.day:+d} {step.name}" for step in plans[settings.reminders.plan].steps)
    yield ok("plan", f"{settings.reminders.plan}: {steps}")
    yield from check_law(settings, plans, now)
    for name, box in settings.mailbox.items():
        if settings.policy.require_authentication and box.border == "own" and not box.authserv_id:
            yield warning(
                f"senders.{name}",
                "no sender can count as authenticated, so every answer waits for a person",
                f"Set mailbox.{name}.authserv_id to the name that your mail server writes into Authentication-Results"
                " (doctor --probe, or the source of any mail from outside, shows it).",
            )
        if box.smtp.redirect_all_to:
            yield warning(
                f"redirect.{name}",
                f"every mail goes to {box.smtp.redirect_all_to} instead of the customers",
                f"Empty mailbox.{name}.smtp.redirect_all_to where this is no staging copy.",
            )


def check_law(settings: Settings, plans: Mapping[str, Plan], now: datetime) -> Iterator[Check]:
    """Whether the charges that plans show can be computed, now and after the next change of rates."""
    if all(step.charges == "none" for plan in plans.values() for step in plan.steps):
        return
    try:
        law = law_for(settings)
    except UnknownLaw as found:
        yield warning("law", f"{found}; charges are left out", found.mend or "Write the table.")
        return
    today = now.astimezone(settings.zone).date()
    if (missing := lawful.missing_rate(law, today)) is not None:
        yield warning(
            "law",
            f"no late-payment rate of {law.country} is known for the half-year from {half_year(missing)}",
            f"Copy the table to {settings.root / 'law' / (law.country + '.toml')} and add the row with its source.",
        )
    elif not (rate := law.rate_on(today)).is_certain and settings.charges.contract_rate is None:
        yield warning(
            "law", interest.uncertain(law, rate), f"Check it, and write it to {settings.root / 'law'} as certain."
        )
    else:
        yield ok("law", f"{law.law}: rates known up to {law.rate[-1].start}")
    rate_set = settings.charges.contract_rate
    floor = law.floor_on(today)
    if rate_set is not None and floor is not None and (low := interest.below_floors(law, [floor], rate_set)):
        yield warning("contract_rate", low, "Have the contract's clause checked; the law's floor counts.")
    if rate_set is not None and (unsure := interest.floor_in_doubt(law, today, rate_set)) is not None:
        place = settings.root / "law" / f"{law.country}.toml"
        yield warning("contract_rate", unsure, f"Look the floor up, and add it with its source to {place}.")


def check_database(database: Database) -> Iterator[Check]:
    """Whether the tables are this version's and the connection is as safe as it must be."""
    place = database.url.render_as_string(hide_password=True)
    with database.write() as session:
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        if database.is_sqlite:
            weak = judge_pragmas(_pragmas(session))
            if weak:
                yield error("database", f"{place}: {', '.join(weak)}", "Update relance; its connection is not safe.")
                return
            if (found := session.execute(text("PRAGMA quick_check(1)")).scalar_one()) != "ok":
                yield error(
                    "database", f"{place}: the file is damaged ({found})", "Stop relance and restore the last backup."
                )
                return
        bound = session.scalar(select(Installation.fingerprint))
        set_back = contradiction(session, database.anchors.last())
    yield ok("database", f"{place}: reachable, tables at {revision}")
    mend = "Make sure that no other copy is at work, then run `relance adopt`."
    if bound != database.fingerprint():
        elsewhere = "it was restored, or made on another machine or in another place"
        yield error("installation", f"{elsewhere}, so nothing is sent", mend)
    elif set_back is not None:
        yield error("installation", f"{set_back}; nothing is sent", mend)


def _pragmas(session: Session) -> Mapping[str, str]:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    return {name: str(session.execute(text(f"PRAGMA {name}")).scalar_one()) for name in names}


def judge_pragmas(found: Mapping[str, str]) -> list[str]:
    """What about a SQLite connection could lose an update, a commit or a reference."""
    weak = []
    if found["journal_mode"] != "wal":
        weak.append(f"journal_mode is {found['journal_mode']}, not wal")
    if int(found["synchronous"]) < _SYNCHRONOUS_FULL:
        weak.append("synchronous is not full: a power cut could undo what was committed")
    if found["foreign_keys"] != "1":
        weak.append("foreign_keys is off")
    if int(found["busy_timeout"]) == 0:
        weak.append("busy_timeout is 0")
    return weak


def check_disk(settings: Settings) -> Iterator[Check]:
    place = located(settings.database.url, settings.root)
    folder = Path(place.database).parent if place.get_backend_name() == "sqlite" and place.database else settings.root
    yield judge_disk(folder, shutil.disk_usage(folder).free)


def judge_disk(folder: Path, free_bytes: int) -> Check:
    detail = f"{free_bytes / 1024**3:.1f} GB free at {folder}"
    if free_bytes < _LOW_DISK_BYTES:
        return error("disk", detail, "Free some space: raw mails and the event log must always find room.")
    if free_bytes < _SCARCE_DISK_BYTES:
        return warning("disk", detail, "Free some space before it gets short.")
    return ok("disk", detail)


def check_key(settings: Settings) -> Iterator[Check]:
    """Whether the signing key is closed to everybody else. Its content was read when the database was opened."""
    path = key_path(located(settings.database.url, settings.root), settings.root)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield error("key", f"{path} is open to others (mode {mode:04o}), who could forge threads", f"chmod 600 {path}")
    else:
        yield ok("key", f"{path}, mode {mode:04o}")


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known about the time: this machine's clocks over the run of doctor, and others' word."""

    now: datetime
    wall_seconds: float
    monotonic_seconds: float
    last_event_at: datetime | None
    servers: Mapping[str, timedelta]
    """How far each server's clock is ahead of ours, where it told its time."""


def judge_clock(clocks: Clocks) -> Check:
    """Whether reminders can trust the date."""
    mend = "Set the clock right (systemd-timesyncd, chrony), then restart relance."
    if clocks.last_event_at is not None and clocks.now < clocks.last_event_at - _CLOCK_TOLERANCE:
        last = f"{clocks.last_event_at:%Y-%m-%d %H:%M}"
        return error("clock", f"it is {clocks.now:%Y-%m-%d %H:%M} UTC here, but the last event is of {last}", mend)
    if abs(clocks.wall_seconds - clocks.monotonic_seconds) > _DRIFT_SECONDS:
        jumped = clocks.wall_seconds - clocks.monotonic_seconds
        return error("clock", f"the clock jumped by {jumped:.0f} s while doctor ran", mend)
    for server, ahead in clocks.servers.items():
        if abs(ahead) > _CLOCK_TOLERANCE:
            side = "ahead of" if ahead > timedelta(0) else "behind"
            return error("clock", f"{server} is {abs(ahead).total_seconds() / 60:.0f} min {side} this machine", mend)
    agreed = f", {', '.join(clocks.servers)} agree" if clocks.servers else ""
    return ok("clock", f"{clocks.now:%Y-%m-%d %H:%M:%S} UTC{agreed}")


_GREETED_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +(\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d) +([+-]\d{4})"
)


def date_in_greeting(greeting: str) -> datetime | None:
    """The server's time, where its greeting tells it (Exchange and sendmail do, Postfix and Dovecot don't)."""
    found = _GREETED_DATE.search(greeting)
    if found is None:
        return None
    try:
        return datetime.strptime(f"{found[1]} {found[2]}", "%d %b %Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None


def check_model(settings: Settings, database: Database) -> Iterator[Check]:
    """Whether the trained model that the daemon would use can be read, the signature of its promotion included."""
    import classifier  # noqa: PLC0415 scikit-learn takes most of a second

    loaded = classifier.load(settings.model_path or promotion.in_use(settings.root, database.key), settings.encoder)
    surest = ", ".join(f"{intent} {bound:.2f}" for intent, bound in sorted(loaded.thresholds.items()))
    said = f"{loaded.version}, acts by itself from {surest}"
    if loaded.encoder is not None or settings.encoder == "none":
        yield ok("model", said)
        return
    yield warning(
        "model",
        f"{said}; its sentence encoder is not installed here, so it does without, and leaves more to people",
        'Run relance on Linux on x86-64, where the encoder is; or set encoder = "none" under [classifier].',
    )


def plural(count: int, word: str, words: str = "") -> str:
    return f"{count} {word if count == 1 else words or word + 's'}"


def names(items: Sequence[str], most: int = 5) -> str:
    """The first few, and how many more."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
