"""A company under siege: every field that a customer, a ledger or a stranger fills holds something hostile, and comes
in by the doors that it comes in by in life. One cycle reminds, a second one reads what was answered.

`ATTACKS` is the table. Markup is looked for by an element and an attribute that no page of ours has, arithmetic by a
product that stands nowhere else, what reaches out by a server that nobody has a reason to call.
"""

import contextlib
import io
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from agent import cli
from tests.builders import mail
from tests.servers.dovecot import Account
from tests.servers.smtp_sink import SmtpSink

THURSDAY, FRIDAY = "2025-03-06T10:00:00+01:00", "2025-03-07T10:00:00+01:00"
BORDER = "mx.example.test"

ELEMENT, ATTRIBUTE = "evil-tag", "onevil"
FACTORS = "7*191"
PRODUCT = "1337"
ESCAPE = "\x1b[2J\x1b]0;owned\x07"
"""Clears a terminal, and gives its window another name."""
BIDI = "\u202egnp.exe"

MARKUP = f"\"'></title></textarea></script><{ELEMENT} {ATTRIBUTE}=1><img src=x {ATTRIBUTE}=2>"

ATTACKS: Mapping[str, str] = {
    "sql": "x'); DROP TABLE invoice; --",
    "sqlor": "x' OR '1'='1",
    "template": "{{ " + FACTORS + " }}{% if 1 %}${" + FACTORS + "}#{" + FACTORS + "}",
    "sandbox": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "markup": MARKUP,
    "script": f"<script {ATTRIBUTE}=1>fetch('http://127.0.0.1:{{port}}/script')</script>",
    "formula": "=HYPERLINK(\"http://127.0.0.1:{port}/cell\")",
    "atsign": "@SUM(1+1)*cmd|' /c calc'!A0",
    "wide": "＝1+1",
    "path": "../../../../tmp/relance-escaped",
    "backslash": "..\\..\\..\\relance-escaped",
    "header": "=?utf-8?q?Anna=0D=0ABcc:_evil@evil.test?=",
    "address": "Anna <evil@evil.test>, \"x\" <evil2@evil.test>",
    "format": "%s%n{0.__class__}{company}",
    "bidi": f"Anna {BIDI}",
}  # fmt: skip
"""By customer, a name for the table and a part of the address: what its name and every free field of it says."""


class Canary:
    """A web server that nothing of what strangers write may make anybody call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.calls = 0
        self._thread = threading.Thread(target=self._listen, name="canary", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


class Callers:
    """An audit hook that notes to whom this process connects, while a command of relance's is at work."""

    def __init__(self) -> None:
        self.called: set[tuple[str, int]] | None = None
        """Where to note it; None: nobody listens."""
        self.asked: set[str] = set()
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.called is None:
            return
        match event, arguments:
            case "socket.connect", (_, (str(host), int(port), *_)):
                self.called.add((host, port))
            case "socket.getaddrinfo", (host, *_):
                self.asked.add(str(host))


CALLERS = Callers()


@dataclass
class Siege:
    """The company, and what it has said and sent so far."""

    folder: Path
    account: Account
    sink: SmtpSink
    canary: Canary
    database_url: str
    called: set[tuple[str, int]] = field(default_factory=set)
    pages: dict[str, Any] = field(default_factory=dict)
    """The pages of the desk by their address, once somebody went through them."""
    said: list[str] = field(default_factory=list)
    """All that commands wrote to standard output; `told` what they wrote to standard error, the log included."""
    told: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "relance.toml"

    @property
    def attacks(self) -> dict[str, str]:
        return {name: text.replace("{port}", str(self.canary.port)) for name, text in ATTACKS.items()}

    def customer(self, name: str) -> str:
        """The id of an attack's customer: an attack itself, as far as 64 characters go."""
        return self.attacks[name][:64].strip()

    def number(self, name: str) -> str:
        """Of its invoice, which must have a figure in it to be told from words."""
        return f"{self.attacks[name][:58].strip()} F1"

    def __call__(self, *arguments: str, code: int | None = 0) -> str:
        """Run a command in this process, as chatty as it can be; its standard output."""
        out, err = io.StringIO(), io.StringIO()
        CALLERS.called = self.called
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                ended = cli.main(["--config", str(self.config), "--debug", *arguments])
        finally:
            CALLERS.called = None
        self.said.append(out.getvalue())
        self.told.append(err.getvalue())
        assert code is None or ended == code, f"{arguments}: exit {ended}: {out.getvalue()}{err.getvalue()}"
        return out.getvalue()

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]

    def load(self, kind: str, rows: list[dict[str, str]], as_of: str) -> None:
        """Import rows as CSV, quoted as RFC 4180 wants it."""
        names = list(rows[0]) if rows else ["id", "date", "amount", "customer_id"]
        lines = [names, *(list(row.values()) for row in rows)]
        text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines) + "\n"
        (self.folder / f"{kind}.csv").write_text(text, encoding="utf-8")
        self("import", kind, str(self.folder / f"{kind}.csv"), "--as-of", as_of)

    # --- how it goes --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        self._configure()
        document = f"=1+1 ' {BIDI} <{ELEMENT} {ATTRIBUTE}=1>${{{FACTORS}}}.pdf"
        (self.folder / document).write_bytes(b"%PDF-1.4 harmless")
        names = list(self.attacks)
        self.load("customers", [self._customer_row(name) for name in names], THURSDAY)
        self.load("contacts", [
            {"customer_id": self.customer(name), "email": f"second@{name}.test", "name": self.attacks[name],
             "role": self.attacks[name][:64], "phone": self.attacks[name][:64]}
            for name in names
        ], THURSDAY)  # fmt: skip
        self.load("invoices", [
            {"number": self.number(name), "customer_id": self.customer(name), "due_date": "2025-03-03",
             "amount": "110.00", "purchase_order": self.attacks[name][:64],
             "document": document if name == "markup" else ""}
            for name in names
        ], THURSDAY)  # fmt: skip
        self.load("payments", [], THURSDAY)
        self("run", "--once", "--at", THURSDAY)
        for name, sent in self.reminders().items():
            self.account.append(self.answer(name, str(sent["Message-ID"])))
        self.load("payments", [], FRIDAY)
        self("run", "--once", "--at", FRIDAY)

    def reminders(self) -> dict[str, EmailMessage]:
        """What each customer got, by the attack; a name is missing where none came."""
        found = {}
        for sent in self.sink.mails:
            parsed = message_from_bytes(sent.raw, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            found[sent.recipients[0].partition("@")[2].removesuffix(".test")] = parsed
        return found

    def _customer_row(self, name: str) -> dict[str, str]:
        text = self.attacks[name]
        short = text[:64]
        return {
            "id": self.customer(name), "name": text, "email": f"ap@{name}.test", "language": "fr", "segment": short,
            "account_manager": text, "payment_method": short, "phone": short, "address": text, "postcode": text[:32],
            "city": text, "registration_number": short, "vat_number": short,
        }  # fmt: skip

    def answer(self, name: str, reminder: str) -> bytes:
        """An authenticated answer whose every field is hostile, with a second part in HTML and files."""
        text, port = self.attacks[name], self.canary.port
        urls = f"http://127.0.0.1:{port}/from-{name}"
        html = (
            f"<html><head><link rel=stylesheet href='{urls}/css'><base href='{urls}/'>"
            f"<meta http-equiv=refresh content='0;url={urls}/refresh'></head>"
            f"<body background='{urls}/bg' style='background:url({urls}/style)'><p>{text}</p>"
            f"<img src='{urls}/pixel'><iframe src='{urls}/frame'></iframe><object data='{urls}/object'></object>"
            f"<svg><image href='{urls}/svg'/></svg><form action='{urls}/form'><button formaction=x></form>"
            f"<a href='javascript:alert(1)'>x</a><a href='{urls}/link'>Voir</a>{MARKUP}</body></html>"
        )
        words = "Bonjour,\n\nPourriez-vous nous renvoyer la facture ?" if name in {"sql", "markup"} else (
            "Bonjour,\n\nLa facture a été réglée par virement le 5 mars.")  # fmt: skip
        external = (
            b'Content-Type: message/external-body; access-type=URL; URL="' + f"{urls}/external".encode() + b'"\r\n\r\n'
        )
        made = mail.with_parts(
            f"{words}\n\n{text}\n{urls}/text\n{ESCAPE}", html=html,
            attachments=[
                ("XXFILEXX", "application/pdf", b"%PDF-1.4"),
                ("x.xml", "application/xml", f'<!DOCTYPE a [<!ENTITY b SYSTEM "{urls}/xxe">]><a>&b;</a>'.encode()),
                ("x.eml", "application/octet-stream", external),
            ],
            **{"From": "XXFROMXX", "Subject": "XXSUBJECTXX", "Date": "Fri, 07 Mar 2025 08:00:00 +0100",
               "Message-ID": f"<{name}@{name}.test>", "In-Reply-To": reminder, "References": reminder,
               "Disposition-Notification-To": f"evil@{name}.test", "List-Unsubscribe": f"<{urls}/unsubscribe>"},
        )  # fmt: skip
        plain = re.sub(r'[\r\n"\\]', " ", text)
        made = made.replace(b"XXFROMXX", f'"{plain}" <ap@{name}.test>'.encode())
        made = made.replace(b"XXSUBJECTXX", f"Re: {plain} =?utf-8?q?=0D=0ABcc:_evil@evil.test?= {ESCAPE}".encode())
        made = made.replace(b"XXFILEXX", f"../../{plain}".encode())
        trace = (
            f"Authentication-Results: {BORDER}; dmarc=pass header.from={name}.test\r\n"
            f"Received: from mail.{name}.test by {BORDER}; Fri, 7 Mar 2025 08:00:01 +0100\r\n"
        )
        return trace.encode() + made

    def _configure(self) -> None:
        for name, secret in (("password", self.account.password), ("sink-password", self.sink.password)):
            (self.folder / name).write_text(secret, encoding="utf-8")
            (self.folder / name).chmod(0o600)
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
authserv_id = "{BORDER}"
[mailbox.ar.imap]
host = "127.0.0.1"
port = {self.account.port}
security = "none"
username = "{self.account.address}"
password_file = "password"
[mailbox.ar.smtp]
host = "127.0.0.1"
port = {self.sink.port}
security = "none"
rate = "1000/second"
username = "{self.sink.username}"
password_file = "sink-password"
[policy]
mode = "automatic"
""",
            encoding="utf-8",
        )


def now() -> datetime:
    return datetime.fromisoformat(FRIDAY)


@contextlib.contextmanager
def besieged(folder: Path, account: Account, database_url: str) -> Iterator[Siege]:
    """The company after both cycles, with its servers still there."""
    sink = SmtpSink()
    sink.start()
    canary = Canary()
    try:
        siege = Siege(folder, account, sink, canary, database_url)
        siege.begin()
        yield siege
    finally:
        canary.close()
        sink.stop()
