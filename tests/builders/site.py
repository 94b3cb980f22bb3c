"""A company's folder with a configuration and a small ledger, and `relance` run in it as its own process.

What is due is due now, on whatever day and at whatever hour the tests run: the company sits in a country and a zone
where it is a working day and office hours.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent import cli
from config.calendars import is_working_day
from tests.servers.dovecot import Account
from tests.servers.process import tail, until
from tests.servers.smtp_sink import SmtpSink

PATIENCE = 120.0
"""Seconds after which something that should have happened never will. To import everything and to load a trained model
takes two, and on a machine that is busy with other things a minute."""


def office() -> tuple[str, str]:
    """A country and a time zone where it is a working day now, and not about midnight."""
    zone = "Etc/GMT+6" if datetime.now(UTC).hour >= 12 else "Etc/GMT-6"
    today = datetime.now(ZoneInfo(zone)).date()
    # Their weekends are Saturday and Sunday, Friday and Saturday, Friday, Saturday.
    return next(country for country in ("FR", "SA", "IR", "NP", "GB", "IL") if is_working_day(country, today)), zone


@dataclass
class Running:
    """A `relance` that was started, and where it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first log line of that key; an error that shows the log where the process has ended without it."""

        def look() -> dict[str, Any] | None:
            found = next((line for line in self.events() if line["event"] == event), None)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"it ended ({self.process.returncode}) before {event}:\n{tail(self.log)}")
            return found

        with self.showing_its_log():
            found = until(look, seconds=PATIENCE, what=f"the log line {event}")
        assert found is not None
        return found

    @contextmanager
    def showing_its_log(self) -> Iterator[None]:
        """What fails in the block, fails with the end of the log."""
        try:
            yield
        except (TimeoutError, AssertionError) as error:
            raise AssertionError(f"{error}\n{tail(self.log, 40)}") from error

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()


@dataclass
class Site:
    """One company's relance: its folder, its mailbox, its database."""

    folder: Path
    account: Account
    smtp_port: int
    database_url: str
    settings: str = ""
    runs: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "relance.toml"

    def write(self, *, password: str | None = None, rate: str = "100/second", mode: str = "automatic") -> None:
        country, zone = office()
        (self.folder / "password").write_text(password or self.account.password, encoding="utf-8")
        (self.folder / "password").chmod(0o600)
        (self.folder / "sink-password").write_text(SmtpSink.password, encoding="utf-8")
        (self.folder / "sink-password").chmod(0o600)
        self.config.write_text(
            f"""
[company]
name = "Morel"
country = "{country}"
currency = "EUR"
language = "en"
timezone = "{zone}"
[database]
url = "{self.database_url}"
[ledger]
mode = "open_items"
[policy]
mode = "{mode}"
[reminders]
sending_hours = ["00:00", "23:59"]
[daemon]
poll_seconds = 5
[mailbox.ar]
address = "{self.account.address}"
authserv_id = "mx.example.test"
[mailbox.ar.imap]
host = "127.0.0.1"
port = {self.account.port}
security = "none"
password_file = "password"
[mailbox.ar.smtp]
host = "127.0.0.1"
port = {self.smtp_port}
security = "none"
rate = "{rate}"
username = "{SmtpSink.username}"
password_file = "sink-password"
{self.settings}""",
            encoding="utf-8",
        )

    def owe(self, *customers: str) -> None:
        """Each customer owes one invoice that its first reminder is due for."""
        due = (datetime.now(UTC) - timedelta(days=5)).date()
        people = "".join(f"{name},{name},billing@{name}.test\n" for name in customers)
        (self.folder / "customers.csv").write_text("id,name,email\n" + people, encoding="utf-8")
        items = "".join(f"F-{name},{name},{due},100.00\n" for name in customers)
        (self.folder / "invoices.csv").write_text("number,customer_id,due_date,amount\n" + items, encoding="utf-8")
        for kind in ("customers", "invoices"):
            self.command("import", kind, str(self.folder / f"{kind}.csv"))

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run a command in this process (a new one takes seconds to import what it needs); its standard output."""
        return self._run(arguments, code)[0]

    def refusal(self, *arguments: str, code: int = 1) -> str:
        """Run a command that fails; what it says of that."""
        return self._run(arguments, code)[1]

    def _run(self, arguments: Sequence[str], code: int) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = cli.main(["--config", str(self.config), *arguments])
        assert ended == code, f"exit {ended}: {out.getvalue()}{err.getvalue()}"
        return out.getvalue(), err.getvalue()

    def rows(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.command(*arguments, "--json", code=code).splitlines()]

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator[Running]:
        """`relance run` beside the test; killed at the end of the block if it still lives."""
        self.runs += 1
        log = self.folder / f"run-{self.runs}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_RELANCE, "--config", str(self.config), "run", *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment},
            )  # fmt: skip
        started = Running(process, log)
        try:
            with started.showing_its_log():
                yield started
        finally:
            process.kill()
            process.wait(PATIENCE)


_RELANCE = (sys.executable, "-m", "agent.cli")
