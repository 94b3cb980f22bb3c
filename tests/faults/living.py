"""The daemon itself, as a service manager runs it: `relance run` reads, answers and sends on the laboratory's Friday.

It is killed at a random moment and started again; or the clock is set while it works (by libfaketime, which makes it
three times slower): then nothing may leave until a person has looked at the clock, and mail is read all the same.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from agent.review.outgoing import resume_all, stops
from models import Delivery, Message
from models.message import Direction
from models.states import HANDLED, DeliveryState
from tests.builders import mail
from tests.builders.site import Running
from tests.faults import deeds, scene
from tests.faults.endstate import End
from tests.faults.trials import Outcome, Trial, judge, prepared
from tests.faults.world import World
from tests.servers.process import until
from tests.servers.smtp_sink import SmtpSink

PATIENCE = 180.0
LIBRARY = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "faketime" / "libfaketimeMT.so.1"
"""Where Debian's libfaketime puts what is loaded ahead of a program with threads."""
CLOCKS = {
    "clock set 14 days ahead": timedelta(days=14),
    "clock set an hour ahead": timedelta(hours=1),
    "clock set an hour back": timedelta(hours=-1),
    "clock set a day back": timedelta(days=-1),
}
"""How far the clock is set: weeks ahead everybody would be due for the next, firmer mail."""


@dataclass
class FakeClock:
    """How far the daemon's wall clock is off the machine's; its steady one is real.

    With a `file` libfaketime reads that at each look at the clock, else it stays as it was at the start.
    """

    offset: timedelta
    file: Path | None = None

    @classmethod
    def at(cls, moment: datetime, file: Path | None = None) -> "FakeClock":
        made = cls(moment.astimezone(UTC) - datetime.now(UTC), file)
        if file is not None:
            made.set(timedelta())
        return made

    def set(self, by: timedelta) -> None:
        """Set the clock on, or back, from where it is."""
        assert self.file is not None
        self.offset += by
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{self.offset.total_seconds():+.3f}", encoding="ascii")
        beside.replace(self.file)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    @property
    def environment(self) -> dict[str, str]:
        if self.file is None:
            return {"LAB_CLOCK_OFFSET": str(self.offset.total_seconds())}
        return {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "1",
        }  # fmt: skip


def killed(world: World, trial: Trial) -> Outcome:
    """Killed some seconds after each of its starts (`trial.job`); then it lives until all is done.

    `back_seconds` is from the last start until every mail was handled and every mail that was due had left: the
    start of a process, its libraries and the trained model included.
    """
    base = prepared(world, trial)
    clock = FakeClock.at(world.now)
    _configure(world)
    for seconds in trial.job["seconds"]:
        with _alive(world, clock) as daemon:
            _live(daemon, seconds)
    began = time.monotonic()
    with _alive(world, clock) as daemon:
        _until_done(world, base)
        took = time.monotonic() - began
        _end(daemon)
    world.now = clock.now()
    return replace(_judged(world, trial, base, frozenset()), back_seconds=took)


def clock_set(world: World, trial: Trial) -> Outcome:
    """The clock is set while it works, `trial.what` says how far; later a person sets it right, and lets sending go on.

    In between nothing leaves, and mail is read. `back_seconds` is how long the next mail took to be handled. Where it
    is days off, a promise may seem past and an absence over: such mails may be a person's, and their customers are not
    compared.
    """
    base = prepared(world, trial)
    clock = FakeClock.at(world.now, world.root / "clock")
    _configure(world)
    by = CLOCKS[trial.what]
    with _alive(world, clock) as daemon:
        daemon.wait_for("daemon.ready")
        _live(daemon, trial.job["seconds"][0])
        clock.set(by)
        until(lambda: _is_stopped(world), seconds=PATIENCE, what="the stop of all sending")
        sent, began = len(world.provider.mails), time.monotonic()
        world.account.append(late := mail.letter("Late.\n", sender="x@late.test", to=(scene.ADDRESS,), headers=_MARK))
        until(lambda: _is_handled(world, late), seconds=PATIENCE, what="the reading of a mail after the jump")
        took = time.monotonic() - began
        broken = [f"{len(world.provider.mails) - sent} mail(s) left while the clock was wrong"]
        broken = broken if len(world.provider.mails) > sent else []
        _end(daemon)
    clock.set(-by)
    world.now = clock.now()
    with world.opened() as database, database.write() as session:
        lifted = resume_all(session, "lab", world.now)
    excused = {*deeds.names_of(world, [late]), *(_DATED if abs(by) >= timedelta(days=1) else ())}
    outcome = _judged(world, trial, base, frozenset(excused))
    return replace(outcome, struck=lifted == 1, doubled=(*outcome.doubled, *broken), back_seconds=took)


def _judged(world: World, trial: Trial, base: End, excused: frozenset[str]) -> Outcome:
    """The daemon plans while it still reads: what the last look then calls off is planned anew, as another reminder.

    So of those who are due only what they got counts, one mail each, or a person is asked.
    """
    end = world.settle()
    outcome = judge(trial, base, end, world, struck=True, ignoring=excused | set(scene.DUE))
    got = Counter(mail.recipients[0] for mail in world.provider.mails)
    count = {name: got[f"ap@{name}.test"] for name in scene.DUE}
    lost = tuple(f"{name} got no mail, and nobody is asked" for name in count if not count[name] | (name in end.asked))
    doubled = tuple(f"{name} got {number} mails" for name, number in count.items() if number > 1)
    return replace(outcome, lost=outcome.lost + lost, doubled=outcome.doubled + doubled)


_DATED = ("two", "seven")
"""Who promises a day, and who is away until one."""
_MARK = {"X-Lab": "late"}
_BEGUN = (DeliveryState.SENT, DeliveryState.REJECTED, DeliveryState.UNKNOWN)


def _configure(world: World) -> None:
    """As the trial has it, and the mailbox looked at every five seconds."""
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(f"{text}[daemon]\npoll_seconds = 5\n", encoding="utf-8")


@contextmanager
def _alive(world: World, clock: FakeClock) -> Iterator[Running]:
    """`relance run`, until it is killed at the end of the block."""
    environment = {
        **os.environ, **clock.environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
        "RELANCE_INSTALLATION": "lab", "LAB_IMAP_PASSWORD": world.account.password,
        "LAB_SMTP_PASSWORD": SmtpSink.password,
    }  # fmt: skip
    log = world.root / "daemon.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", sys.executable, "-m", "tests.faults.faked", "--config", str(world.config),
             "run"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=Path(__file__).parents[2],
        )  # fmt: skip
    daemon = Running(process, log)
    try:
        with daemon.showing_its_log():
            yield daemon
    finally:
        process.kill()
        process.wait(PATIENCE)


def _live(daemon: Running, seconds: float) -> None:
    """Let so much time pass, in which it may not end by itself."""
    try:
        code = daemon.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError(f"it ended by itself: {code}")


def _end(daemon: Running) -> None:
    if daemon.terminate() != 0:
        raise AssertionError(f"it was told to end, and did so by {daemon.process.returncode}")


def _until_done(world: World, base: End) -> None:
    mails = sum(count for fact, count in base.facts.items() if fact.startswith("message") and "| in " in fact)
    posts = sum(count for fact, count in base.facts.items() if fact.endswith((" sent", " rejected")))

    def is_done() -> bool:
        with world.opened() as database, database.read() as session:
            handled = select(func.count()).where(Message.direction == Direction.IN, Message.state.in_(HANDLED))
            left = select(func.count()).where(Delivery.state.in_(_BEGUN))
            return session.scalar(handled) == mails and session.scalar(left) == posts

    until(is_done, seconds=PATIENCE, what=f"{mails} mails to be handled and {posts} to leave")


def _is_stopped(world: World) -> bool:
    with world.opened() as database, database.read() as session:
        return [stop.reason for stop in stops(session)] == ["clock_jumped"]


def _is_handled(world: World, raw: bytes) -> bool:
    names = deeds.names_of(world, [raw])
    with world.opened() as database, database.read() as session:
        handled = session.scalars(select(Message.dkey).where(Message.state.in_(HANDLED))).all()
    return bool(names & {dkey[:12] for dkey in handled})
