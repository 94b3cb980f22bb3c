"""What doctor looks at on the mail servers: does the log-in work, are the folders there, do the certificates last."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import IMAPClient

from agent.operations import smtp_check
from agent.operations.checks import Check, error, ok, warning
from agent.operations.local import names, plural
from agent.operations.smtp_check import SmtpFacts
from agent.wire.imap import imap_session
from config import Mailbox
from config.fields import is_loopback

_LAST_CALL = timedelta(days=7)
_TIME_TO_RENEW = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class FolderSeen:
    r"""A folder as LIST tells it; `special_use` as `\Sent` (RFC 6154), empty where the server says nothing."""

    name: str
    special_use: str
    selectable: bool


@dataclass(frozen=True, slots=True)
class ImapFacts:
    capabilities: frozenset[str]
    folders: tuple[FolderSeen, ...]
    certificate_ends: datetime | None
    """None without TLS."""


def gather_imap(mailbox: Mailbox) -> ImapFacts:
    """Log in, list, log out; raises as `open_imap` does."""
    with imap_session(mailbox) as client:
        return ImapFacts(
            capabilities=frozenset(_text(word).upper() for word in client.capabilities()),
            folders=list_folders(client),
            certificate_ends=_certificate_ends(client),
        )


def list_folders(client: IMAPClient) -> tuple[FolderSeen, ...]:
    seen = []
    for flags, _, name in client.list_folders():
        words = [_text(flag) for flag in flags]
        use = next((word for word in words if word.lower() in _SPECIAL_USES), "")
        selectable = not {word.lower() for word in words} & {"\\noselect", "\\nonexistent"}
        seen.append(FolderSeen(_text(name), use, selectable))
    return tuple(seen)


_SPECIAL_USES = {"\\all", "\\archive", "\\drafts", "\\flagged", "\\junk", "\\sent", "\\trash"}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _certificate_ends(client: IMAPClient) -> datetime | None:
    connection = client.socket()
    if not isinstance(connection, ssl.SSLSocket):
        return None
    certificate = connection.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def check_imap(name: str, mailbox: Mailbox, now: datetime) -> Iterator[Check]:
    yield from judge_imap(name, mailbox, gather_imap(mailbox), now)


def judge_imap(name: str, mailbox: Mailbox, facts: ImapFacts, now: datetime) -> Iterator[Check]:
    """Pure: what the server's answers mean for this mailbox."""
    imap = mailbox.imap
    there = {_folded(folder.name) for folder in facts.folders if folder.selectable}
    idle = "IDLE" if "IDLE" in facts.capabilities else "no IDLE (new mail is found by polling)"
    yield ok(
        f"imap.{name}",
        f"{imap.host}:{imap.port}: logged in as {imap.username}, {plural(len(there), 'folder')}, {idle}",
    )
    missing = [pattern for pattern in imap.folders if "*" not in pattern and _folded(pattern) not in there]
    if missing:
        yield error(
            f"folders.{name}",
            f"no such folder: {names(missing)}",
            f"Correct mailbox.{name}.imap.folders; there are {names(sorted(f.name for f in facts.folders))}.",
        )
    if _folded(imap.sent) not in there:
        better = next((folder.name for folder in facts.folders if folder.special_use.lower() == "\\sent"), None)
        yield error(
            f"sent.{name}",
            f'no folder "{imap.sent}" for sent mail',
            f'Set mailbox.{name}.imap.sent = "{better}".' if better else "Make it, or name the right one in imap.sent.",
        )
    yield from _judge_certificate(f"certificate.imap.{name}", imap.host, facts.certificate_ends, now)


def check_smtp(name: str, mailbox: Mailbox, now: datetime) -> tuple[SmtpFacts, list[Check]]:
    facts = smtp_check.look(mailbox.smtp)
    return facts, list(judge_smtp(name, mailbox, facts, now))


def judge_smtp(name: str, mailbox: Mailbox, facts: SmtpFacts, now: datetime) -> Iterator[Check]:
    """Pure: what the server's answers mean for this mailbox."""
    smtp = mailbox.smtp
    where = f"{smtp.host}:{smtp.port}"
    if facts.logged_in:
        yield ok(f"smtp.{name}", f"{where}: logged in as {smtp.username}, at most {smtp.rate}")
    elif is_loopback(smtp.host):
        yield ok(f"smtp.{name}", f"{where}: on this machine, without a log-in, at most {smtp.rate}")
    else:
        yield warning(
            f"smtp.{name}",
            f"{where}: the server offers no log-in",
            "Check `port`: 465 and 587 are for sending; port 25 takes mail for its own domain only.",
        )
    yield from _judge_certificate(f"certificate.smtp.{name}", smtp.host, facts.certificate_ends, now)


def _judge_certificate(name: str, host: str, ends: datetime | None, now: datetime) -> Iterator[Check]:
    """An expired one is no case here: the connection fails with it."""
    if ends is None:
        return
    detail = f"{host}: valid until {ends:%Y-%m-%d}"
    if ends - now < _LAST_CALL:
        yield error(name, detail, "Renew it on the server now: without it relance neither reads nor sends.")
    elif ends - now < _TIME_TO_RENEW:
        yield warning(name, detail, "Renew it on the server, or see why that does not happen by itself.")
    else:
        yield ok(name, detail)


def _folded(name: str) -> str:
    """INBOX is the one folder whose name is the same in any case (RFC 9051 5.1)."""
    return "INBOX" if name.upper() == "INBOX" else name
