"""`make soak`: the demo's company at a hundred times speed, with random kills of the real daemon, for minutes or hours.

    python -m tests.faults.soak --minutes 30

The company, its customers and their answers are the demo's (`agent.demo`), the mailbox lies on a real Dovecot, and
`relance run` is a process of its own that is killed (SIGKILL) every minute or two of the first half and lives
undisturbed through the second. Besides, strangers write all the time, and a reviewer empties the queue.

What is looked at every few seconds: memory, open files and threads of the daemon with its children, how many mails wait
to be handled and for how long, how large the database is. At the end the demo's own verdict is asked (nothing twice,
nobody chased who had paid, every mail handled), and whether the figures of the undisturbed half grow. Exit 1 where a
promise is broken or something grows.
"""

import argparse
import json
import random
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Self

from scipy.stats import linregress
from sqlalchemy import func, select

from agent.demo import company
from agent.demo.border import Border
from agent.demo.mailserver import HOST, Account, DemoMail, Outside
from agent.demo.verdict import verdict
from agent.demo.world import STATEMENT_AT, ZONE, Wish, World
from agent.ledger.values import Kind
from agent.review import queue
from config import load
from config.calendars import is_working_day
from models import Database, Event, ExceptionItem, Message, SendingStop
from models.message import Direction
from models.states import HANDLED, ExceptionState
from tests.builders import mail
from tests.faults import tally
from tests.faults.soak_daemon import Clock
from tests.servers import dovecot

FIRST_DAY = date(2026, 9, 7)
"""A Monday."""
WARM_SECONDS = 240.0
"""After the last start, until memory counts: the trained model is loaded, caches are full."""
GROWTH = 0.05
"""A figure is flat where its line rises by no more than this share of its median over the undisturbed half."""


class Mail(DemoMail):
    """The demo's mail system, with the company's mailbox on a Dovecot."""

    def __init__(self, box: dovecot.Account, outside: Outside, clock: Clock) -> None:
        super().__init__(
            Account(box.address, box.password), Border(company.DOMAIN, company.BORDER_HOST), outside, clock
        )
        self._box = box

    async def _open_imap(self) -> None:
        self.imap_port = self._box.port

    async def put_into_inbox(self, raw: bytes) -> None:
        at = self.clock()
        await self._loop.run_in_executor(None, self._append, raw, at)

    def _append(self, raw: bytes, at: datetime) -> None:
        with self._box.client() as client:
            client.append("INBOX", raw, (), at)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. ``seconds`` since the beginning; bytes; ``age`` in seconds of real time."""

    seconds: float
    life: int
    lived: float
    """Seconds since this daemon was started."""
    rss: int
    files: int
    threads: int
    waiting: int
    age: float
    queue: int
    messages: int
    events: int
    database: int


class Soak(World):
    """The demo's world, in which time passes by itself and relance is somebody else."""

    def __init__(self, folder: Path, speed: float, seed: int) -> None:
        super().__init__(Wish(folder, FIRST_DAY + timedelta(days=29), seed=seed))
        began = datetime.combine(FIRST_DAY, STATEMENT_AT, tzinfo=ZONE)
        self.time = Clock(began, time.time(), speed)
        self.chance = random.Random(seed)
        self.lives = self.kills = self.chatter = self.settled = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._first_seen: dict[int, float] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            server = dovecot.Dovecot.start()
            stack.callback(server.stop)
            box = server.mailbox(company.ADDRESS)
            outside = Outside(self.people.published(), self.people.mailboxes())
            self.mail = stack.enter_context(Mail(box, outside, self.time))
            servers = company.Servers(box.port, self.mail.submission_port, box.password)
            self.settings = load(company.write_folder(self.wish.folder, self.firm, servers))
            self.database = Database.open(self.settings.database.url, self.settings.root, self.time())
            stack.callback(self.database.close)
            stack.callback(self.end)
            self._stack = stack.pop_all()
        return self

    def _clock(self) -> datetime:
        return self.time()

    # --- what goes on -------------------------------------------------------------------------------------------------

    def live(self, seconds: float) -> Iterator[Sample]:
        """Let so much real time pass, with a sample every few seconds."""
        began = time.monotonic()
        self._now = self.time()
        self._import(Kind.CUSTOMERS, "customers.csv")
        self._import(Kind.INVOICES, "invoices.csv")
        self._import_statement()
        self._start()
        day, dies_at, looked, reviewed = FIRST_DAY, began + self._life(), 0.0, began
        while (passed := time.monotonic() - began) < seconds:
            now = self.time()
            if now >= datetime.combine(day + timedelta(days=1), STATEMENT_AT, tzinfo=ZONE):
                day += timedelta(days=1)
                if is_working_day(company.COUNTRY, day):
                    self._bank(day)
            self._write_until(now)
            self._let_them_read()
            self._a_stranger_writes(now)
            if passed < seconds / 2 and time.monotonic() >= dies_at:
                self._kill()
                dies_at = time.monotonic() + self._life()
            self._watch()
            if time.monotonic() - reviewed > 20:
                reviewed = time.monotonic()
                self._review(now)
            if passed - looked >= 5:
                looked = passed
                yield self._look(passed)
            time.sleep(0.5)

    def rest(self, seconds: float = 180) -> None:
        """Nobody writes any more; wait until everything is handled, then stop the daemon as a service manager does."""
        until = time.monotonic() + seconds
        while (self._unhandled() or self._not_handled()) and time.monotonic() < until:
            self._watch()
            time.sleep(1)
        self.end()
        self._let_them_read()

    def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(90)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _life(self) -> float:
        """Seconds until the next kill: some die before they have begun to work, some in the midst of it."""
        return self.chance.uniform(10, 170)

    def _start(self) -> None:
        with (self.wish.folder / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.soak_daemon", str(self.wish.folder / "relance.toml"),
                 self.time.began.isoformat(), repr(self.time.epoch), repr(self.time.speed)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=Path(__file__).parents[2],
            )  # fmt: skip
        self.lives += 1
        self._started = time.monotonic()

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kills += 1
        self._start()

    def _watch(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            tail = (self.wish.folder / "daemon.log").read_text(errors="replace")[-1500:]
            raise AssertionError(f"the daemon ended by itself ({self._process.returncode}):\n{tail}")

    def _bank(self, day: date) -> None:
        """The statement. relance knows of a payment once it is imported; a mail in its hand by then may still leave."""
        before = set(self.record.paid_at)
        super()._bank(day)
        self._now = self.time()
        for number in set(self.record.paid_at) - before:
            self.record.paid_at[number] = self._now + timedelta(seconds=3 * self.time.speed)

    def _a_stranger_writes(self, now: datetime) -> None:
        if self.chance.random() < 0.5:
            return
        self.chatter += 1
        raw = mail.letter(
            f"Bonjour,\n\nVoici notre offre no {self.chatter}.\n", sender=f"shop@news{self.chatter % 50}.example",
            to=(company.ADDRESS,), subject=f"Offre {self.chatter}", date=now,
            message_id=f"<chatter-{self.chatter}@news.example>",
        )  # fmt: skip
        with smtplib.SMTP(HOST, self.mail.border_port, local_hostname="news.example", timeout=30) as smtp:
            smtp.sendmail("shop@news.example", [company.ADDRESS], raw)

    def _review(self, now: datetime) -> None:
        """A person looks at what waits, and has done with it."""
        with self.database.write() as session:
            for item in queue.waiting(session, now):
                queue.settle(
                    session, item, ExceptionState.DISMISSED, by="reviewer", now=now, reason="seen", resolution={}
                )
                self.settled += 1

    # --- what is seen -------------------------------------------------------------------------------------------------

    def _unhandled(self) -> list[int]:
        with self.database.read() as session:
            waiting = Message.direction == Direction.IN, Message.state.not_in(HANDLED)
            return list(session.scalars(select(Message.id).where(*waiting)))

    def _not_handled(self) -> list[int]:
        """The strangers' mails of which nothing came, those that were not fetched yet included."""
        with self.database.read() as session:
            known = set(session.scalars(select(Message.message_id).where(Message.state.in_(HANDLED))))
        return [n for n in range(1, self.chatter + 1) if f"<chatter-{n}@news.example>" not in known]

    def _look(self, passed: float) -> Sample:
        waiting = self._unhandled()
        self._first_seen = {row: self._first_seen.get(row, passed) for row in waiting}
        with self.database.read() as session:
            messages = session.scalar(select(func.count()).select_from(Message)) or 0
            items = select(func.count()).select_from(ExceptionItem).where(ExceptionItem.state == ExceptionState.OPEN)
            in_queue = session.scalar(items) or 0
            logged = session.scalar(select(func.max(Event.seq))) or 0
        size = sum(file.stat().st_size for file in self.wish.folder.glob("relance.db*"))
        assert self._process is not None
        rss, files, threads = used(self._process.pid)
        age = max((passed - at for at in self._first_seen.values()), default=0.0)
        return Sample(
            seconds=passed, life=self.lives, lived=time.monotonic() - self._started, rss=rss, files=files,
            threads=threads, waiting=len(waiting), age=age,
            queue=in_queue, messages=messages, events=logged, database=size,
        )  # fmt: skip

    def broken(self) -> list[str]:
        """What should never happen, and did."""
        found = list(verdict(self).broken)
        with self.database.read() as session:
            stops = [stop.reason for stop in session.scalars(select(SendingStop))]
        lost = self._not_handled()
        found += [f"{len(lost)} of {self.chatter} strangers' mails are not handled"] if lost else []
        return found + [f"sending was stopped: {reason}" for reason in stops]


def used(pid: int) -> tuple[int, int, int]:
    """Resident bytes, open files and threads of a process and its children; noughts where it is just ending."""
    rss = files = threads = 0
    for each in (pid, *children(pid)):
        try:
            status = Path(f"/proc/{each}/status").read_text()
            files += sum(1 for _ in Path(f"/proc/{each}/fd").iterdir())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        said = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        rss += int(said.get("VmRSS", "0 kB").split()[0]) * 1024
        threads += int(said.get("Threads", "0"))
    return rss, files, threads


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(number) for number in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """How a figure went through the undisturbed half: a straight line through it, and whether that rises."""

    name: str
    median: float
    lowest: float
    highest: float
    per_hour: float
    rises: float
    """By which share of its median over the time looked at; 0 where it falls or the slope is no surer than chance."""

    @property
    def is_flat(self) -> bool:
        return self.rises <= GROWTH


def line(name: str, samples: Sequence[Sample]) -> Line:
    """Fit one of a sample's figures."""
    xs, ys = [s.seconds for s in samples], [float(getattr(s, name)) for s in samples]
    middle = median(ys)
    if max(ys) == min(ys):
        return Line(name, middle, min(ys), max(ys), 0.0, 0.0)
    fit = linregress(xs, ys)
    is_sure = fit.slope - 2 * fit.stderr > 0
    growth = fit.slope * (xs[-1] - xs[0]) / max(middle, 1.0)
    return Line(name, middle, min(ys), max(ys), fit.slope * 3600, max(0.0, growth) if is_sure else 0.0)


FLAT = ("rss", "files", "threads", "waiting", "age")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="The daemon at work for long, killed at random.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--speed", type=float, default=100.0, help="how many seconds pass in one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="write every sample, a line each")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="relance-soak-"))
    samples: list[Sample] = []
    with Soak(folder, options.speed, options.seed) as soak:
        for sample in soak.live(options.minutes * 60):
            samples.append(sample)
            _tell(f"{sample.seconds:6.0f} s  life {sample.life}  {sample.rss >> 20} MB  {sample.files} files  "
                  f"{sample.threads} threads  {sample.waiting} waiting, {sample.age:.0f} s  {sample.messages} mails  "
                  f"{sample.database >> 10} KB")  # fmt: skip
        soak.rest()
        broken = soak.broken()
        told = (
            f"{options.minutes:g} minutes at {options.speed:g} times speed ({soak.time() - soak.time.began} of the "
            f"company's time): {soak.kills} kills, {samples[-1].messages} mails, of which {len(soak.record.posts)} "
            f"reminders and {soak.record.written} answers, {soak.settled} items settled, {samples[-1].events} events"
        )
    if options.json:
        Path(options.json).write_text("".join(json.dumps(asdict(s)) + "\n" for s in samples), encoding="utf-8")
    return _report(told, samples, broken, folder)


def _report(told: str, samples: Sequence[Sample], broken: Sequence[str], folder: Path) -> int:
    calm = [s for s in samples if s.life == samples[-1].life and s.lived > WARM_SECONDS]
    if len(calm) < 10:
        _say(f"{told}\ntoo short to tell what grows: give it more --minutes")
        return 1
    lines = [line(name, calm) for name in FLAT]
    rows = [
        (
            each.name,
            _shown(each.name, each.median),
            f"{_shown(each.name, each.lowest)} to {_shown(each.name, each.highest)}",
            _shown(each.name, each.per_hour),
            "flat" if each.is_flat else "GROWS",
        )
        for each in lines
    ]
    _say(told)
    _say(tally.table(("undisturbed half", "median", "from, to", "an hour", "verdict"), rows))
    disturbed = [s for s in samples if s.life < samples[-1].life]
    longest = max((s.age for s in disturbed), default=0.0)
    grown, mails = samples[-1].database - samples[0].database, samples[-1].messages - samples[0].messages
    _say(f"under kills a mail waited {longest:.0f} s at most; the database grew by {grown / max(mails, 1) / 1024:.1f} "
         f"KB a mail, to {samples[-1].database >> 20} MB")  # fmt: skip
    for sentence in broken:
        _say(f"BROKEN: {sentence}")
    is_well = not broken and all(each.is_flat for each in lines)
    if is_well:
        shutil.rmtree(folder)
    else:
        _say(f"what it left lies in {folder}")
    return 0 if is_well else 1


def _shown(name: str, value: float) -> str:
    return f"{value / (1 << 20):.1f} MB" if name == "rss" else f"{value:.1f}" + (" s" if name == "age" else "")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
