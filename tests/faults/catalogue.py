"""All trials: which faults, at which places, how often. A share of them is a quick look, all of them are the proof.

Named points come from the source itself, so that a new one is killed at without anybody remembering to. Places that are
no named point are covered by the numbers of commits and statements, and by deaths at random moments.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.faults import deeds, later, ledger, living, outages, strangers, system, trials
from tests.faults.proxy import Fault, How
from tests.faults.trials import Trial

ROOT = Path(__file__).parents[2]

SEND_KILL = "send, killed"
SEND_WIRE = "send, wire"
READ_KILL = "read, killed"
READ_WIRE = "read, wire"
MAILBOX = "mailbox, people"
POISON = "poison mail"
SYSTEM = "machine"
OUTAGE = "servers away"
CLOCKWORK = "clock, killed"
DAEMON = "daemon"
STRANGERS = "strangers"
LEDGER = "import, upgrade"
BACKUP = "backup, restore"
GROUPS = (
    SEND_KILL, SEND_WIRE, READ_KILL, READ_WIRE, CLOCKWORK, DAEMON, OUTAGE, MAILBOX, POISON, SYSTEM, STRANGERS, LEDGER,
    BACKUP,
)  # fmt: skip

_OF_ROOM = {
    "plan": SEND_KILL, "delivery": SEND_KILL, "sent": SEND_KILL,
    "collect": READ_KILL, "process": READ_KILL, "predict": READ_KILL, "message": READ_KILL,
    "clockwork": CLOCKWORK, "import": LEDGER, "backup": BACKUP, "restore": BACKUP,
}  # fmt: skip

AFTER_UNKNOWN = ("delivery.settling", "delivery.settled")
RENUMBERED = ("collect.renumbered", "collect.located")
ONLY_WE_FILE = ("sent.before_append", "sent.appended", "sent.noted")


@cache
def points() -> dict[str, str]:
    """Every named point of the source, and the group that it counts to.

    Raises:
        KeyError: a room has points that no group is known for.
    """
    found: set[str] = set()
    for file in (ROOT / "agent").rglob("*.py"):
        found.update(re.findall(r'\bpoint\("([a-z_.]+)"\)', file.read_text(encoding="utf-8")))
    return {name: _OF_ROOM[name.partition(".")[0]] for name in sorted(found)}


def everything(share: float = 1.0, seed: int = 1) -> list[Trial]:
    """The trials of a proof, mixed; with a smaller share fewer of each group, and at least one of every kind."""
    rng = random.Random(seed)
    chosen: list[Trial] = []
    every = list(_all())
    for group in GROUPS:
        of_group = [trial for trial in every if trial.group == group]
        rng.shuffle(of_group)
        chosen += of_group[: max(1, round(len(of_group) * share))]
    rng.shuffle(chosen)
    return chosen


def sample(group: str, count: int, seed: int = 7) -> list[Trial]:
    """A few trials of one group, on SQLite, where a test has no minute to spare."""
    of_group = [trial for trial in _all() if trial.group == group and trial.kind == "sqlite"]
    return random.Random(seed).sample(of_group, min(count, len(of_group)))


def _all() -> Iterator[Trial]:
    for place, trial in enumerate(_unplaced()):
        # A part of all deaths happens over PostgreSQL.
        is_killed = trial.run in {trials.kill, later.clockwork, living.killed, ledger.backed_up}
        yield replace(trial, kind="postgresql") if is_killed and place % 12 == 0 else trial


def _unplaced() -> Iterator[Trial]:
    yield from _deaths()
    yield from _smtp()
    yield from _imap()
    for seed in range(200):
        yield Trial(MAILBOX, f"schedule {seed}", trials.mailbox, files=bool(seed % 2), seed=seed)
    for deed in deeds.DEEDS:
        for point in deeds.POINTS:
            yield Trial(MAILBOX, f"{deed} at {point}", trials.meet, seed=len(deed))
    for seed in range(40):
        job = {"point": "process.claimed"} if seed % 4 == 1 else {}
        yield Trial(POISON, f"batch {seed}", trials.poison, seed=seed, job=job)
    yield from _clockwork()
    yield from _daemons()
    yield from _outages()
    yield from _machine()
    for says in strangers.SAYS:
        yield Trial(STRANGERS, says, strangers.strangers)
    yield from _ledger()


def _outages() -> Iterator[Trial]:
    for what in outages.OUTAGES:
        for files in (False, True):
            yield Trial(OUTAGE, what, outages.down, files=files)
    for what in outages.TOKENS:
        yield Trial(OUTAGE, what, outages.token)
    for step in ("IDLE", "DONE"):
        for how in (*_CUTS, How.SAY):
            text = "BYE going down" if how is How.SAY else ""
            yield Trial(OUTAGE, f"{step} {how}", outages.waiting, fault=Fault(step, how, 1, text))


def _clockwork() -> Iterator[Trial]:
    for name, group in points().items():
        for seed in range(4) if group == CLOCKWORK else ():
            job = {"point": name}
            yield Trial(group, f"killed at {name}", later.clockwork, files=seed > 1, job=job, seed=seed)


def _daemons() -> Iterator[Trial]:
    rng = random.Random(5)
    for number in range(12):
        lives = [round(rng.uniform(0.5, 9), 1) for _ in range(number % 3 + 1)]
        what = f"killed after {' and '.join(map(str, lives))} s"
        yield Trial(DAEMON, what, living.killed, files=bool(number % 2), job={"seconds": lives})
    for what in living.CLOCKS:
        yield Trial(DAEMON, what, living.clock_set, job={"seconds": [rng.uniform(0.2, 8)]})


def _deaths() -> Iterator[Trial]:
    for name, group in points().items():
        if group not in {SEND_KILL, READ_KILL}:
            continue
        fault = Fault("DOT", How.CUT_AFTER) if name in AFTER_UNKNOWN else None
        deed = "renumber up" if name in RENUMBERED else ""
        for files in (False,) if name in ONLY_WE_FILE else (False, True):
            for seed in range(8 if group == SEND_KILL else 5):
                # One folder or one mail after the other passes a point: the first, the second, the third. What is
                # read or predicted is so for all mails at once.
                nth = (
                    1
                    if name in RENUMBERED or name in AFTER_UNKNOWN or name.startswith(("process", "predict"))
                    else seed // 2 % 3 + 1
                )
                job = {"point": f"{name}:{nth}"}
                yield Trial(group, f"killed at {name}, time {nth}", trials.kill, files=files, job=job,
                            fault=fault, deed=deed, seed=seed)  # fmt: skip
    for name in ("delivery.sending", "delivery.answered", "delivery.booking"):
        for nth in (1, 2, 3):
            yield Trial(SEND_KILL, f"killed at {name}, then answered", trials.kill_then_answer,
                        job={"point": f"{name}:{nth}"})  # fmt: skip
    for commit in range(1, 45):
        for sign in (1, -1):
            group = READ_KILL if commit < 25 else SEND_KILL
            where = "before" if sign > 0 else "after"
            yield Trial(group, f"killed {where} commit {commit}", trials.kill, files=commit % 2 == 0,
                        job={"commit": sign * commit}, seed=2 * commit)  # fmt: skip
    rng = random.Random(11)
    for number in range(60):
        statement = rng.randint(1, 700)
        group = READ_KILL if statement < 400 else SEND_KILL
        yield Trial(group, f"killed at statement {statement}", trials.kill, files=bool(number % 2),
                    job={"statement": statement}, seed=number)  # fmt: skip
    for number in range(60):
        seconds = round(rng.uniform(0.02, 1.5), 3)
        yield Trial(READ_KILL if number % 2 else SEND_KILL, f"killed after {seconds} s", trials.kill,
                    files=bool(number % 2), job={"seconds": seconds}, seed=number)  # fmt: skip


_CUTS = (How.CUT_BEFORE, How.CUT_AFTER, How.RESET_BEFORE, How.RESET_AFTER, How.HALF, How.STALL, How.GARBLE,
         How.TRICKLE, How.SPLIT)  # fmt: skip
_CODES = ("421 4.3.2 closing", "451 4.3.0 later", "552 5.2.2 too much", "251 2.1.5 forwarded")
_MANY_LINES = "250-2.0.0 one\n250-two\n250 2.0.0 three"


def _smtp() -> Iterator[Trial]:
    for step in ("CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT"):
        for how in _CUTS:
            for files in (False, True):
                for nth in (1, 2) if step in {"MAIL", "RCPT", "DATA", "DOT"} else (1,):
                    yield _on_wire(SEND_WIRE, Fault(step, how, nth), files=files)
    for how in (How.CUT_BEFORE, How.RESET_BEFORE, How.STALL):
        for nth in (1, 2, 3):
            yield _on_wire(SEND_WIRE, Fault("BODY", how, nth), files=bool(nth % 2))
    for step in ("MAIL", "RCPT", "DATA", "DOT"):
        for code in _CODES if step != "DATA" else _CODES[:3]:
            for nth in (1, 2):
                yield _on_wire(SEND_WIRE, Fault(step, How.SAY, nth, code), files=nth == 2)
    for step in ("MAIL", "RCPT", "DOT"):
        yield _on_wire(SEND_WIRE, Fault(step, How.SAY, 1, _MANY_LINES), files=False)


_IMAP_SAYS = ("NO [SERVERBUG] not now", "BAD what", "BYE going down")


def _imap() -> Iterator[Trial]:
    for step in ("CONNECT", "LOGIN", "LIST", "STATUS", "EXAMINE", "SEARCH", "FETCH", "APPEND"):
        for how in (*_CUTS, How.GOSSIP):
            for nth in (1, 2, 3) if step in {"STATUS", "EXAMINE", "SEARCH", "FETCH"} else (1, 2):
                if not (step == "CONNECT" and how is How.GOSSIP):
                    yield _on_wire(READ_WIRE, Fault(step, how, nth), files=False)
        for text in _IMAP_SAYS if step != "CONNECT" else ():
            yield _on_wire(READ_WIRE, Fault(step, How.SAY, 1, text), files=False)
    for nth in (1, 2, 3):
        yield _on_wire(READ_WIRE, Fault("FETCH", How.GIANT, nth), files=False)


def _on_wire(group: str, fault: Fault, *, files: bool) -> Trial:
    return Trial(group, str(fault), trials.wire, files=files, fault=fault)


def _machine() -> Iterator[Trial]:
    places = ("collect.fetched", "message.applied", "plan.reserved", "delivery.before_last_look", "delivery.answered")
    for number, place in enumerate(places * 2):
        for name in ("database locked", "disk full"):
            yield Trial(SYSTEM, f"{name} at {place}", system.system, files=bool(number % 2), seed=number)
    for name in system.FAULTS:
        if name not in {"database locked", "disk full", "secret refused"}:
            for seed in range(2):
                yield Trial(SYSTEM, name, system.system, seed=seed)
    for secret in ("LAB_IMAP_PASSWORD", "LAB_SMTP_PASSWORD"):
        yield Trial(SYSTEM, f"secret refused at {secret}", system.system)
    yield Trial(SYSTEM, "both changes of the hour", system.changed_hours)


def _ledger() -> Iterator[Trial]:
    for kind in ("invoices", "payments"):
        for job in _jobs(LEDGER, (5, 20, 60, 120), "import."):
            yield Trial(LEDGER, f"{kind} {job}", ledger.imported, job=job)
    for job in _jobs(LEDGER, (3, 20, 60, 100), "none."):
        yield Trial(LEDGER, f"a new database {job}", ledger.born, job=job)
    for job in _jobs(LEDGER, (2, 8, 12, 20, 30), "none."):
        yield Trial(LEDGER, f"an old database {job}", ledger.migrated, job=job)
    for job in [*_jobs(BACKUP, (3, 9), "backup."), {"seconds": 0.15}, {"seconds": 0.3}]:
        yield Trial(BACKUP, f"backup {job}", ledger.backed_up, job=job)
    for job in [{}, *_jobs(BACKUP, (10, 40), "restore."), {"seconds": 0.15}, {"seconds": 0.3}, {"seconds": 0.5}]:
        yield Trial(BACKUP, f"restore {job}", ledger.restored, job=job)


def _jobs(group: str, statements: tuple[int, ...], room: str) -> Iterator[dict[str, Any]]:
    for name, of in points().items():
        if of == group and name.startswith(room):
            yield {"point": name}
    for statement in statements:
        yield {"statement": statement}
    for commit in (1, -1):
        yield {"commit": commit}
