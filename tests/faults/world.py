"""A world in which relance works and things go wrong: real servers, real deaths, and an end that can be compared.

    with World.start() as world:
        base = world.undisturbed()                          # Friday's cycle, and its end
        world.reset()
        world.smtp.arm(Fault("DOT", How.CUT_AFTER))
        world.cycle()                                       # the fault strikes
        end = world.settle()                                # relance goes on until nothing changes any more
        assert differences(base, end) == []

What a trial starts from (`scene`) is made once by relance itself; each trial gets a copy of the folder and of the
mailbox. IMAP and SMTP go through proxies; the SMTP server behind is `SmtpSink`, which records what customers get and,
where the provider is one that files copies, puts each into Sent before it says 250.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Self, cast

from imapclient import IMAPClient

from config import load
from models import Database
from tests.faults import endstate, scene
from tests.faults.endstate import End
from tests.faults.proxy import Proxy
from tests.faults.zygote import Ended, Job
from tests.servers.dovecot import Account, Dovecot
from tests.servers.postgres import OwnPostgres
from tests.servers.smtp_sink import Mail, SmtpSink

STEP = timedelta(minutes=31)
"""Between two cycles of a trial: the leases of a dead worker have run out, greylisting is over."""
CYCLES = 8
"""After so many it should have come to rest."""

QUICK: Mapping[str, float] = {
    "agent.wire.imap.READ_SECONDS": 0.6,
    "agent.wire.imap.LOGIN_SECONDS": 1.5,
    "agent.inbound.collect.COMMAND_SECONDS": 1.5,
    "agent.inbound.collect.FETCH_SECONDS": 1.5,
    "agent.reminders.sentbox.COMMAND_SECONDS": 1.5,
    "agent.wire.smtp.CONNECT_SECONDS": 0.6,
    "agent.reminders.wire.COMMAND_SECONDS": 0.6,
    "agent.reminders.wire.DATA_SECONDS": 0.6,
    "agent.reminders.wire.FINAL_REPLY_SECONDS": 0.6,
}
"""The waits of the real thing (RFC 5321 wants up to ten minutes), scaled to what a trial can wait for."""

_CONFIG = """
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[database]
url = "{database}"
[mailbox.ar]
address = "{address}"
authserv_id = "{border}"
[mailbox.ar.imap]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "{user}"
password_env = "LAB_IMAP_PASSWORD"
[mailbox.ar.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
rate = "1000/second"
username = "{smtp_user}"
password_env = "LAB_SMTP_PASSWORD"
files_sent = {files}
[policy]
mode = "automatic"
"""


class Zygote:
    """The process that forks relance at work (`tests.faults.zygote`), from the side of who asks."""

    def __init__(self, log: Path) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "RELANCE_INSTALLATION": "lab"}
        environment.pop("RELANCE_FAULT", None)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", sys.executable, "-m", "tests.faults.zygote"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
        self._log = log
        self._hear()

    def run(self, job: Job, meet: Callable[[str], None] | None = None) -> Ended:
        """Do a job; `meet` is called when it passes a point that the job names, and it waits meanwhile."""
        self._tell(asdict(job))
        while "meet" in (said := self._hear()):
            if meet is not None:
                meet(str(said["meet"]))
            self._tell({})
        return Ended(**cast("dict[str, object]", {**said, "failures": tuple(cast("list[str]", said["failures"]))}))  # type: ignore[arg-type] # JSON of an Ended

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _tell(self, what: Mapping[str, object]) -> None:
        pipe = cast("IO[str]", self._process.stdin)
        pipe.write(json.dumps(what) + "\n")
        pipe.flush()

    def _hear(self) -> dict[str, object]:
        line = cast("IO[str]", self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"the zygote ended:\n{self._log.read_text(errors='replace')[-2000:]}")
        return cast("dict[str, object]", json.loads(line))


class Provider(SmtpSink):
    """A submission server that files a copy in Sent before it says 250, where `files` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.files: Account | None = None

    def record(self, mail: Mail) -> None:
        if self.files is not None:
            self.files.append(mail.raw, "Sent", [r"\Seen"])
        super().record(mail)

    def forget(self) -> None:
        with self._changed:
            self._mails.clear()
            self._reactions.clear()


@dataclass
class World:
    """One laboratory: its servers, its folder, and the trial that is set up in it."""

    root: Path
    dovecot: Dovecot
    provider: Provider
    zygote: Zygote
    imap: Proxy
    smtp: Proxy
    postgres: OwnPostgres | None = None
    account: Account = field(init=False)
    template: Account = field(init=False)
    """The mailbox that each trial gets a copy of."""
    database_url: str = field(init=False, default="")
    now: datetime = scene.FRIDAY
    files: bool = False
    kind: str = "sqlite"
    cycles: int = 0
    people_read: bool = False
    """Whether people of this trial have marked mails as read, so that marks tell nothing."""
    _trials: int = 0
    _bases: dict[tuple[str, bool], End] = field(default_factory=dict)
    _snapshots: dict[str, str] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)
    """Other ends of undisturbed runs, by what their trials call them."""

    def __post_init__(self) -> None:
        self.template = self.account = self.dovecot.account("template")

    @classmethod
    @contextmanager
    def start(cls, dovecot: Dovecot | None = None) -> Iterator[Self]:
        """A world with servers of its own, or over a Dovecot that is there."""
        with ExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relance-lab-", dir=_room())))
            if dovecot is None:
                dovecot = Dovecot.start()
                stack.callback(dovecot.stop)
            provider = Provider()
            provider.start()
            stack.callback(provider.stop)
            zygote = Zygote(root / "zygote.log")
            stack.callback(zygote.close)
            imap, smtp = Proxy("imap", dovecot.imap_port), Proxy("smtp", provider.port)
            stack.callback(imap.close)
            stack.callback(smtp.close)
            world = cls(root, dovecot, provider, zygote, imap, smtp)
            stack.callback(world._end_postgres)
            yield world

    @property
    def folder(self) -> Path:
        return self.root / "site"

    @property
    def config(self) -> Path:
        return self.folder / "relance.toml"

    # --- setting up ---------------------------------------------------------------------------------------------------

    def reset(self, *, kind: str = "sqlite", files: bool = False) -> None:
        """Friday morning again, on a database of this kind, at a provider that files copies in Sent or does not."""
        self._disarm()
        if kind not in self._snapshots:
            self._make_snapshot(kind)
        self.kind, self.files, self.now, self.cycles = kind, files, scene.FRIDAY, 0
        self._trials += 1
        self._clean(kind)
        shutil.copytree(self.root / f"base-{kind}", self.folder)
        if kind == "postgresql":
            self.database_url = self._postgres().create(template=self._snapshots[kind])
        self.account = self._copy_of_mailbox(f"trial-{self._trials}")
        self.provider.files = self.account if files else None
        self.configure()

    def configure(self, **changes: object) -> None:
        """Write the configuration; `changes` replace what is filled in."""
        values = {
            "database": self.database_url if self.kind == "postgresql" else "sqlite:///relance.db",
            "address": scene.ADDRESS,
            "border": scene.BORDER,
            "imap": self.imap.port,
            "smtp": self.smtp.port,
            "user": self.account.address,
            "smtp_user": SmtpSink.username,
            "files": str(self.files).lower(),
            **changes,
        }
        self.config.write_text(_CONFIG.format(**values), encoding="utf-8")

    def undisturbed(self, *, kind: str = "sqlite", files: bool = False) -> End:
        """The end to which everything should come; looked at once for each kind of world."""
        key = (kind, files)
        if key not in self._bases:
            self.reset(kind=kind, files=files)
            first = self.cycle(is_warming=not self._bases)
            if first.code != 0 or first.failures:
                raise AssertionError(f"undisturbed it failed: {first}")
            self._bases[key] = self.settle()
        return self._bases[key]

    # --- what happens -------------------------------------------------------------------------------------------------

    def cycle(
        self,
        *,
        quick: bool = False,
        meet: Callable[[str], None] | None = None,
        meet_at: tuple[str, ...] = (),
        **job: Any,
    ) -> Ended:
        """One full cycle at the present time, in a process of its own, which may die as `Job` tells.

        `meet` is called when it passes the points `meet_at`; it waits meanwhile.
        """
        self.cycles += 1
        return self.act("cycle", quick=quick, meeting=meet, **({"meet": meet_at} if meet_at else {}), **job)

    def act(self, what: str, *, quick: bool = False, meeting: Callable[[str], None] | None = None, **job: Any) -> Ended:
        """Let relance do something, in a process of its own; `job` are fields of a `Job`."""
        password = {"LAB_IMAP_PASSWORD": self.account.password, "LAB_SMTP_PASSWORD": SmtpSink.password}
        environment = {**password, **cast("dict[str, str]", job.pop("environment", {}))}
        made = Job(
            config=str(self.config), now=str(job.pop("now", self.now.isoformat())), act=what, environment=environment,
            constants={**(QUICK if quick else {}), **cast("dict[str, float]", job.pop("constants", {}))}, **job,
        )  # fmt: skip
        return self.zygote.run(made, meeting)

    def settle(self) -> End:
        """Go on without faults until a further cycle changes nothing; that end.

        Raises:
            AssertionError: a cycle fails or dies although nothing disturbs it, or it never comes to rest.
        """
        self._disarm()
        before = last = self.end()
        for _ in range(CYCLES):
            self.now += STEP
            ended = self.cycle()
            if ended.code != 0 or ended.failures:
                raise AssertionError(f"it fails after the fault: {ended.code} {ended.failures}")
            end = self.end()
            if end == last:
                self.cycles -= 1  # it has found everything at rest
                return end
            before, last = last, end
        told = "; ".join(endstate.differences(before, last)[:6])
        raise AssertionError(f"it does not come to rest: {told}")

    def end(self) -> End:
        """How everything stands now."""
        settings = load(self.config)
        database = Database.open(settings.database.url, settings.root, self.now.astimezone(UTC))
        try:
            held, seen_set, filed = self._mailbox()
            got = [mail.raw for mail in self.provider.mails]
            return endstate.read(database, got=got, filed=filed, seen_set=seen_set, held=held)
        finally:
            database.close()

    @contextmanager
    def opened(self) -> Iterator[Database]:
        """The trial's database, for who looks behind the scene."""
        settings = load(self.config)
        database = Database.open(settings.database.url, settings.root, self.now.astimezone(UTC))
        try:
            yield database
        finally:
            database.close()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _disarm(self) -> None:
        self.imap.arm(None)
        self.smtp.arm(None)
        self.imap.hang_up()
        self.smtp.hang_up()

    def _mailbox(self) -> tuple[dict[str, set[int]], int, list[bytes]]:
        """The UIDs of each folder, how many mails outside of Sent are marked as read, and the mails in Sent."""
        held: dict[str, set[int]] = {}
        seen = 0
        filed: list[bytes] = []
        with self.account.client() as client:
            for flags, _, name in client.list_folders():
                if {rb"\Drafts", rb"\Noselect"} & set(flags):
                    continue
                client.select_folder(name, readonly=True)
                uids = client.search()
                held[name] = set(uids)
                if not uids:
                    continue
                if name == "Sent":
                    found = client.fetch(uids, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
                    filed = [data[b"BODY[HEADER.FIELDS (MESSAGE-ID)]"] for data in found.values()]
                else:
                    seen += 0 if self.people_read else len(client.search(["SEEN"]))
        return held, seen, filed

    def _copy_of_mailbox(self, name: str) -> Account:
        source = self.dovecot.folder / "mail" / self.template.address
        local, _, domain = self.template.address.partition("@")
        account = self.dovecot.mailbox(f"{name}-{local}@{domain}")
        subprocess.run(["cp", "-a", str(source), str(source.with_name(account.address))], check=True)
        self.people_read = False
        return account

    def _clean(self, kind: str) -> None:
        """Remove the last trial's folder, mailbox and database."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        if self.account.address != self.template.address:
            shutil.rmtree(self.dovecot.folder / "mail" / self.account.address, ignore_errors=True)
        if self.database_url and self.postgres is not None:
            self.postgres.drop(self.database_url)
            self.database_url = ""
        self.provider.forget()

    def _make_snapshot(self, kind: str) -> None:
        """Thursday, as relance itself plays it: the ledger comes in, seven reminders leave. Then answers arrive."""
        self._clean(kind)
        is_first = not self._snapshots
        self.account = self.template if is_first else self._copy_of_mailbox(f"thursday-{kind}")
        if not is_first:
            self._empty(self.account)
        self.folder.mkdir()
        if not is_first:
            # The answers in the mailbox name the first kind's reminders: under the same key they are this kind's, too.
            shutil.copy(self.root / f"base-{next(iter(self._snapshots))}" / "relance.key", self.folder)
        self.now, self.files = scene.THURSDAY, False
        self.kind = kind
        if kind == "postgresql":
            self.database_url = self._postgres().create()
        self.configure()
        for name, text in (("customers", scene.CUSTOMERS), ("invoices", scene.INVOICES), ("payments", scene.PAYMENTS)):
            self.load(name, text, scene.THURSDAY)
        ended = self.cycle(is_warming=is_first)
        if ended.failures or len(self.provider.mails) != len(scene.REMINDED):
            raise AssertionError(f"Thursday went wrong: {ended}")
        self.load("payments", scene.PAYMENTS, scene.FRIDAY - timedelta(hours=3))
        if is_first:
            reminders = {mail.recipients[0].partition("@")[2].removesuffix(".test"): endstate.message_id(mail.raw)
                         for mail in self.provider.mails}  # fmt: skip
            self.reminders = reminders
            for arrived in scene.answers(reminders):
                self.account.append(arrived.raw, arrived.folder)
        shutil.copytree(self.folder, self.root / f"base-{kind}", dirs_exist_ok=True)
        self._snapshots[kind] = self.database_url
        self.database_url = ""
        self.provider.forget()

    reminders: dict[str, str] = field(default_factory=dict)
    """Thursday's Message-IDs by customer."""

    def load(self, kind: str, text: str, at: datetime) -> None:
        """Import a file that speaks for this moment."""
        file = self.folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        ended = self.act("import", arguments=(kind, str(file), at.isoformat()))
        if ended.code != 0 or ended.failures:
            raise AssertionError(f"{kind} could not be imported: {ended}")

    def empty_inbox(self) -> None:
        """Take the trial's answers away, for trials that bring their own."""
        self._empty(self.account, keep=("Sent",))

    def _empty(self, account: Account, keep: tuple[str, ...] = ()) -> None:
        with account.client() as client:
            for name in {name for _, _, name in client.list_folders()} - set(keep):
                client.select_folder(name)
                if uids := client.search():
                    client.delete_messages(uids)
                    client.expunge()

    def _postgres(self) -> OwnPostgres:
        if self.postgres is None:
            self.postgres = OwnPostgres.start()
        return self.postgres

    def _end_postgres(self) -> None:
        if self.postgres is not None:
            self.postgres.stop()


def people(account: Account) -> IMAPClient:
    """Another client of the trial's mailbox: a colleague. It speaks to the server itself, not through the proxy."""
    return account.client()


def _room() -> str | None:
    """Memory for the trials' files, where there is some: a killed process loses nothing in it, and it is quick."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2 << 30 else None
