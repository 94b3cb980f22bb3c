"""Other programs under the same faults: who reads a mailbox (mbsync, getmail6), and who sends from an outbox.

mbsync (Debian's isync) and getmail6 run where they are installed (`make prove` sees to it), as programs of their own,
with the settings that they come with. The outbox is a control of a few lines that does what most do: send what is not
marked as sent, mark it afterwards, try again after an error. What counts is the same for all: after one fault and an
undisturbed run that went well by its own account, which mails are missing, and which are there twice.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builders import mail
from tests.faults import tally
from tests.faults.endstate import message_id
from tests.faults.proxy import Fault, How, Proxy
from tests.faults.world import Provider
from tests.servers.dovecot import Account, Dovecot
from tests.servers.process import as_user, ordinary_user
from tests.servers.smtp_sink import SmtpSink

MAILS = 120
KILLS = 20
PATIENCE = 20.0
TRIES = 8
_CUTS = (How.CUT_BEFORE, How.CUT_AFTER, How.RESET_AFTER, How.HALF, How.GARBLE)
_WAITS = {"STATUS": 1, "FETCH": 3}


@dataclass
class Counted:
    """What came of one peer."""

    name: str
    faults: int = 0
    bad_runs: int = 0
    extra: int = 0
    lost: int = 0
    seen: int = 0

    def add(self, wanted: Counter[str], got: Counter[str]) -> None:
        extra = sum((got - wanted).values())
        lost = sum((wanted - got).values())
        self.faults += 1
        self.bad_runs += bool(extra or lost)
        self.extra += extra
        self.lost += lost

    def cells(self) -> tuple[str, ...]:
        bound = f"{tally.upper_bound(self.bad_runs, self.faults):.1%}" if self.faults else ""
        return self.name, str(self.faults), str(self.extra), str(self.lost), str(self.bad_runs), bound


def compared() -> str:
    """The table of the peers; one that is not installed is named."""
    with tempfile.TemporaryDirectory(prefix="relance-peers-") as folder:
        Path(folder).chmod(0o755)
        counted = [*_readers(Path(folder)), _outbox(Path(folder))]
    absent = [each.name for each in counted if not each.faults]
    text = tally.table(
        ("peer", "faults", "twice", "lost", "bad runs", "≤ 95 %"), [c.cells() for c in counted if c.faults]
    )
    return f"\n{text}" + (f"\nNot installed here: {', '.join(absent)}." if absent else "")


# --- who reads --------------------------------------------------------------------------------------------------------


def _readers(folder: Path) -> Iterator[Counted]:
    dovecot = Dovecot.start()
    proxy = Proxy("imap", dovecot.imap_port)
    try:
        account = dovecot.account("peer")
        raws = [mail.letter(f"{n}\n", message_id=f"<{n}@peer.test>", to=(account.address,)) for n in range(MAILS)]
        for raw in raws:
            account.append(raw)
        wanted = Counter(message_id(raw) for raw in raws)
        for name, program, configure in (
            ("mbsync", shutil.which("mbsync"), _mbsync),
            ("getmail6", shutil.which("getmail"), _getmail6),
        ):
            counted = Counted(name)
            for number in range(-1, KILLS * 2) if program else ():
                place = folder / f"{name}-{number}"
                command = configure(program or "", place, account, proxy.port)
                if number >= 0:
                    _disturb(number, command, proxy)
                proxy.arm(None)
                proxy.hang_up()
                told = _run_until_well(command)
                if number >= 0:
                    counted.add(wanted, _maildir(place))
                elif _maildir(place) != wanted:
                    raise AssertionError(f"{name} does not work here at all: {told}")
                shutil.rmtree(place)
            yield counted
    finally:
        proxy.close()
        dovecot.stop()


def _run_until_well(command: list[str]) -> str:
    """Run it until it says itself that it went well, or gives up; what it said at last."""
    told = ""
    for _ in range(TRIES):
        done = subprocess.run(command, capture_output=True, check=False, timeout=120)
        told = done.stderr.decode(errors="replace")[-500:]
        if done.returncode == 0:
            break
    return told


def _disturb(number: int, command: list[str], proxy: Proxy) -> None:
    """Half of the runs are killed at a random moment, half meet a fault on the wire."""
    rng = random.Random(number)
    if number % 2:
        steps = ("LOGIN", "SELECT", "SEARCH", "FETCH", "FETCH", "FETCH")
        proxy.arm(Fault(rng.choice(steps), rng.choice(_CUTS), rng.randint(1, 3)))
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        started.wait(PATIENCE if number % 2 else rng.uniform(0.02, 0.8))
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def _maildir(place: Path) -> Counter[str]:
    files = [f for part in ("new", "cur") for f in (place / "box").rglob(f"{part}/*") if f.is_file()]
    return Counter(message_id(file.read_bytes()) for file in files)


def _mbsync(program: str, place: Path, account: Account, port: int) -> list[str]:
    place.mkdir()
    (place / "rc").write_text(
        f"IMAPAccount a\nHost 127.0.0.1\nPort {port}\nUser {account.address}\nPass {account.password}\nSSLType None\n"
        f"AuthMechs LOGIN\nTimeout 10\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {place}/box/\n"
        f"Inbox {place}/box/INBOX\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nSync Pull\nCreate Near\n"
        f"SyncState {place}/state/\n",
        encoding="utf-8",
    )
    (place / "box").mkdir()
    (place / "state").mkdir()
    return [program, "-q", "-c", str(place / "rc"), "c"]


def _getmail6(program: str, place: Path, account: Account, port: int) -> list[str]:
    for part in ("cur", "new", "tmp"):
        (place / "box" / part).mkdir(parents=True)
    (place / "getmailrc").write_text(
        f"[retriever]\ntype = SimpleIMAPRetriever\nserver = 127.0.0.1\nport = {port}\nusername = {account.address}\n"
        f"password = {account.password}\ntimeout = 10\n[destination]\ntype = Maildir\npath = {place}/box/\n"
        f"[options]\nread_all = false\ndelete = false\nverbose = 0\n",
        encoding="utf-8",
    )
    command = [program, f"--getmaildir={place}"]
    if os.getuid() != 0:
        return command
    # It delivers nothing as root.
    user = ordinary_user("nobody")
    for path in (place, *place.rglob("*")):
        shutil.chown(path, user.pw_uid, user.pw_gid)
    return as_user(user, command)


# --- who sends --------------------------------------------------------------------------------------------------------

OUTBOX_MAILS = 3


def _outbox(folder: Path) -> Counted:
    """The control, under the faults that relance meets when it sends."""
    counted = Counted("an outbox that retries")
    steps = ("CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT")
    faults: list[Fault | None] = [Fault(step, how, 2 if step == "DOT" else 1) for step in steps for how in _CUTS]
    faults += [Fault("BODY", How.CUT_BEFORE), Fault("DOT", How.SAY, 1, "451 4.3.0 later")]
    faults += [None] * KILLS
    for number, fault in enumerate(faults):
        with _provider() as (provider, proxy):
            place = folder / f"outbox-{number}.db"
            wanted = _fill(place)
            proxy.arm(fault)
            # Killed after the server's yes and before the mark, in one of its mails; or at a moment of no matter.
            dies_at = "" if fault else f"{('answered', 'begun')[number % 2]}:{number % OUTBOX_MAILS}"
            for death in (dies_at, "", ""):
                login = (SmtpSink.username, SmtpSink.password)
                command = [sys.executable, "-I", str(Path(__file__).with_name("naive.py")), str(place), str(proxy.port)]
                subprocess.run([*command, *login, death], capture_output=True, check=False, timeout=120)
                proxy.arm(None)
            counted.add(wanted, Counter(message_id(m.raw) for m in provider.mails))
    return counted


@contextmanager
def _provider() -> Iterator[tuple[Provider, Proxy]]:
    provider = Provider()
    provider.start()
    proxy = Proxy("smtp", provider.port)
    try:
        yield provider, proxy
    finally:
        proxy.close()
        provider.stop()


def _fill(place: Path) -> Counter[str]:
    with closing(sqlite3.connect(place)) as outbox, outbox:
        outbox.execute("CREATE TABLE mail (id INTEGER PRIMARY KEY, raw BLOB, sent INTEGER)")
        raws = [mail.letter(f"{n}\n", message_id=f"<{n}@outbox.test>") for n in range(OUTBOX_MAILS)]
        outbox.executemany("INSERT INTO mail (raw, sent) VALUES (?, 0)", [(raw,) for raw in raws])
    return Counter(message_id(raw) for raw in raws)
