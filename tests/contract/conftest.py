"""relance as strangers use it: its command in a process of its own, its mailbox from the other end, nothing else.

These tests import none of the project's rooms. What they rely on is what scripts and other systems rely on: commands,
exit codes, JSON keys, mails. A command costs about a second, so each test is a long journey through one promise.
Journeys play in March 2025 (`--at`); what people do by hand happens by the machine's clock, which is later.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.dovecot import Account, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import SmtpSink

RELANCE = Path(sys.executable).with_name("relance")
PATIENCE = 300.0
"""Seconds for one command: only one that hangs takes so long."""

BYTECODE = Path(tempfile.gettempdir()) / f"relance-bytecode-{os.getuid()}"

BORDER = "mx.example.test"
_numbers = itertools.count(1)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command answered."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    def rows(self) -> list[Row]:
        """Standard output as JSON, an object a line; anything else there is a broken promise."""
        return [json.loads(line) for line in self.out.splitlines()]

    def document(self) -> Row:
        (row,) = self.rows()
        return row


@dataclass
class Desk:
    """One company's folder: its configuration, its mailbox, and the command line over both."""

    folder: Path
    account: Account
    database_url: str
    smtp: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "relance.toml"

    def configure(
        self, *, mode: str = "automatic", imap_port: int | None = None, smtp: str | None = None, extra: str = ""
    ) -> None:
        self.config.write_text(
            f"""
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[database]
url = "{self.database_url}"
[mailbox.ar]
address = "{self.account.address}"
border = "own"
authserv_id = "{BORDER}"
[mailbox.ar.imap]
host = "127.0.0.1"
port = {imap_port or self.account.port}
security = "none"
username = "{self.account.address}"
password_env = "RELANCE_IMAP_PASSWORD"
[mailbox.ar.smtp]
{smtp or self.smtp}
rate = "100/second"
[policy]
mode = "{mode}"
{extra}
""",
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, code: int = 0, given: str | None = None) -> Ran:
        """Run a command; whatever it does, it ends as it should and shows nobody a traceback."""
        done = subprocess.run(
            [RELANCE, "--config", self.config, *arguments],
            capture_output=True, encoding="utf-8", check=False, timeout=PATIENCE, input=given, cwd=self.folder,
            env=self._surroundings(),
        )  # fmt: skip
        ran = Ran(arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ran.out + ran.err, ran
        assert ran.code == code, ran
        return ran

    def _surroundings(self) -> dict[str, str]:
        found = {**os.environ, **self.environment}
        # Where bytecode isn't kept, each command would compile all that it imports again: seconds of work, each time.
        if found.pop("PYTHONDONTWRITEBYTECODE", None):
            found["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
        return found

    def rows(self, *arguments: str) -> list[Row]:
        return self(*arguments, "--json").rows()

    def run(self, at: str, code: int = 0) -> Ran:
        """One full cycle at a time (the company's own where it names no zone)."""
        ran = self("run", "--once", "--at", at, code=code)
        assert ran.out == "", "what `run` tells is talk"
        return ran

    def write(self, name: str, text: str, encoding: str = "utf-8") -> str:
        file = self.folder / name
        file.write_bytes(text.encode(encoding))
        return str(file)

    def load(self, kind: str, text: str, *, as_of: str, code: int = 0, encoding: str = "utf-8") -> Row:
        file = self.write(f"{kind}.csv", text, encoding)
        return self("import", kind, file, "--as-of", as_of, "--json", code=code).document()

    def fresh(self, as_of: str) -> None:
        """The bank was asked, and nothing came in."""
        self.load("payments", "id,date,amount,customer_id\n", as_of=as_of)

    def invoices(self, *numbers: str) -> dict[str, Row]:
        return {row["number"]: row for row in self.rows("invoices", *numbers)}

    def states(self, *numbers: str) -> dict[str, str]:
        return {number: row["state"] for number, row in self.invoices(*numbers).items()}

    def queue(self) -> list[Row]:
        return self.rows("queue", "list")

    def waiting(self) -> dict[str | None, str]:
        """Customer → reason of what waits in the queue."""
        items = self.queue()
        found = {item["customer"]: item["reason"] for item in items}
        assert len(found) == len(items), items
        return found


def lacks(row: Row, keys: Collection[str]) -> set[str]:
    """Which of the promised keys are not there."""
    return set(keys) - set(row)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def answer(
    to: str | None,
    sender: str,
    text: str,
    *,
    at: str,
    mailbox: str,
    subject: str = "Re: Rappel",
    headers: str = "",
) -> bytes:
    """A customer's answer to a reminder (`to` is its Message-ID), as mail programs write it."""
    message_id = f"<{next(_numbers)}.{sender.replace('@', '.')}@mailer.test>"
    thread = f"In-Reply-To: {to}\nReferences: {to}\n" if to else ""
    date = format_datetime(datetime.fromisoformat(at))
    head = (
        f"{headers}From: {sender}\nTo: {mailbox}\nSubject: {subject}\nDate: {date}\nMessage-ID: {message_id}\n{thread}"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    )
    quoted = (
        "\nLe 06/03/2025 à 10:00, Ateliers Morel SAS a écrit :\n> Bonjour,\n> Sauf erreur ou omission\n" if to else ""
    )
    return f"{head}{text}\n{quoted}".replace("\n", "\r\n").encode()


def vouched(domain: str) -> str:
    """What our own border writes above a mail that it has authenticated, with its Received line."""
    return (
        f"Authentication-Results: {BORDER}; dmarc=pass header.from={domain}\n"
        f"Received: from mail.{domain} by {BORDER}; Thu, 6 Mar 2025 12:00:00 +0100\n"
    )


@dataclass
class SinkDesk(Desk):
    """A desk whose mails go into a sink: customers are played by appending their answers with another IMAP client."""

    sink: SmtpSink = field(default_factory=SmtpSink)

    def sent_to(self, address: str) -> list[EmailMessage]:
        return [parsed(mail.raw) for mail in self.sink.mails if address in mail.recipients]

    def reply(self, sender: str, text: str, *, at: str, vouch: bool = True, subject: str = "Re: Rappel") -> None:
        """Answer the last reminder that went to `sender`."""
        to = str(self.sent_to(sender)[-1]["Message-ID"])
        headers = vouched(sender.rpartition("@")[2]) if vouch else ""
        raw = answer(to, sender, text, at=at, mailbox=self.account.address, subject=subject, headers=headers)
        self.account.append(raw)


@pytest.fixture
def desk(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink) -> SinkDesk:
    """A configured desk on SQLite whose mails go into the sink."""
    smtp = f'host = "127.0.0.1"\nport = {smtp_sink.port}\nsecurity = "none"\nusername = "{smtp_sink.username}"\n'
    smtp += 'password_env = "SINK_PASSWORD"'
    account = dovecot.account()
    secrets = {"RELANCE_IMAP_PASSWORD": account.password, "SINK_PASSWORD": smtp_sink.password}
    made = SinkDesk(tmp_path, account, "sqlite:///relance.db", smtp, secrets, smtp_sink)
    made.configure()
    return made


@pytest.fixture
def real_desk(tmp_path: Path, dovecot: Dovecot, postfix: Postfix, database_url: str) -> Desk:
    """A desk on each database whose mails leave and arrive through Postfix, with TLS and a login."""
    smtp = f'host = "127.0.0.1"\nport = {postfix.submission_port}\nsecurity = "starttls"'
    account = dovecot.account()
    secrets = {"RELANCE_IMAP_PASSWORD": account.password, "SSL_CERT_FILE": str(postfix.ca_file)}
    made = Desk(tmp_path, account, database_url, smtp, secrets)
    made.configure()
    return made
