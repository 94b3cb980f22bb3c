"""One mail to the mailbox's own address, looked for until it is there: shows what no setting can know.

It answers three questions: does a tagged address arrive (`reply_tag = "plus"`), does the provider file a copy in Sent
by itself (`files_sent`), and where do Authentication-Results stand in mail that comes in (`border`, `authserv_id`). The
mail goes to the tagged address first; only if that does not arrive a second one goes to the plain address.

    send (agent.reminders.wire) → look in every folder for its token, until a deadline → judge (pure)

The mails stay where they are: relance deletes nothing.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from agent.operations.checks import Check, error, ok, warning
from agent.operations.mail import list_folders
from agent.reminders.wire import Accepted, Envelope, SmtpWire
from agent.wire.imap import imap_session
from config import Mailbox
from config.errors import TemporaryFailure

_ARRIVES_WITHIN_SECONDS = 60.0
#: A provider that files copies itself has done so soon after the mail came in.
_FILED_WITHIN_SECONDS = 10.0
_BETWEEN_LOOKS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One Authentication-Results header: whose it is, and how many Received headers stand above it."""

    authserv_id: str
    received_above: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where a probe came to light."""

    arrived_in: str | None
    filed_in_sent: bool
    standings: tuple[Standing, ...]
    refusal: str
    """What the server said when it would not take the mail; empty where it took it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What both attempts brought; `plain` is None where the tagged one arrived."""

    tagged: Found
    plain: Found | None


def run(mailbox: Mailbox, now: datetime) -> Probe:
    """Send and look. Takes up to two minutes where nothing arrives.

    Raises:
        TemporaryFailure, NeedsPerson, ConfigError: as `open_imap` does.
    """
    tagged = _once(mailbox, tagged_address(mailbox.address, secrets.token_hex(4)), now)
    if tagged.arrived_in is not None:
        return Probe(tagged, None)
    return Probe(tagged, _once(mailbox, mailbox.address, now))


def tagged_address(address: str, tag: str) -> str:
    """`ar@firm.example` with a tag: `ar+probe-1f2e@firm.example` (RFC 5233 sub-addressing)."""
    local, _, domain = address.partition("@")
    return f"{local}+probe-{tag}@{domain}"


def _once(mailbox: Mailbox, recipient: str, now: datetime) -> Found:
    token = secrets.token_hex(12)
    with imap_session(mailbox) as client:
        before = _next_uids(client)
        outcome = SmtpWire(mailbox.smtp).attempt(
            Envelope(mailbox.address, (recipient,), compose(mailbox, recipient, token, now)), lambda: True
        )
        if not isinstance(outcome, Accepted):
            said = getattr(outcome, "reply", None) or getattr(outcome, "why", None) or type(outcome).__name__
            return Found(None, False, (), said)
        return _look(client, mailbox.imap.sent, token, before)


def compose(mailbox: Mailbox, recipient: str, token: str, now: datetime) -> bytes:
    """The mail, with CRLF line ends. Its subject bears the token too, for servers that rewrite Message-ID."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = mailbox.address
    mail["To"] = recipient
    mail["Subject"] = f"relance doctor: probe {token}"
    mail["Date"] = now
    mail["Message-ID"] = f"<probe.{token}@{mailbox.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("A test by `relance doctor --probe`: does mail for this mailbox arrive? It may be deleted.\n")
    return mail.as_bytes()


def _look(client: IMAPClient, sent: str, token: str, before: Mapping[str, int]) -> Found:
    arrived: tuple[str, bytes] | None = None
    filed = False
    deadline = time.monotonic() + _ARRIVES_WITHIN_SECONDS
    while True:
        for folder, header in _with_token(client, token, before):
            if folder == sent:
                filed = True
            elif arrived is None:
                arrived = folder, header
                deadline = min(deadline, time.monotonic() + _FILED_WITHIN_SECONDS)
        if (arrived and filed) or time.monotonic() >= deadline:
            break
        time.sleep(_BETWEEN_LOOKS_SECONDS)  # between two looks at a condition, under a deadline
    standings = read_standings(arrived[1]) if arrived else ()
    return Found(arrived[0] if arrived else None, filed, standings, "")


def _next_uids(client: IMAPClient) -> dict[str, int]:
    """UIDNEXT of every folder that can be looked into."""
    found = {}
    for folder in list_folders(client):
        if not folder.selectable:
            continue
        try:
            status = client.folder_status(folder.name, ["UIDNEXT"])
        except IMAPClientError:  # some servers list a shared folder that they then refuse
            continue
        if isinstance(uid := status.get(b"UIDNEXT"), int):
            found[folder.name] = uid
    if not found:
        raise TemporaryFailure("IMAP: the server shows no folder that can be looked into. It is tried again by itself.")
    return found


def _with_token(client: IMAPClient, token: str, before: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """(folder, header) of each new mail that bears the token; nothing is marked as seen."""
    for folder, uid in _next_uids(client).items():
        first = before.get(folder, 1)
        if uid <= first:
            continue
        client.select_folder(folder, readonly=True)
        # `first:*` always names the last mail as well, even where it is older (RFC 9051 9, seq-range).
        uids = [found for found in client.search(["UID", f"{first}:*"]) if found >= first]
        for answer in client.fetch(uids, ["BODY.PEEK[HEADER]"]).values() if uids else ():
            header = answer.get(b"BODY[HEADER]")
            if isinstance(header, bytes) and token.encode() in header:
                yield folder, header


_AUTHSERV_ID = re.compile(r"\s*(?:\"([^\"]*)\"|([^\s;=]+))\s*(?:[0-9]+\s*)?;")


def read_standings(header: bytes) -> tuple[Standing, ...]:
    r"""Every Authentication-Results header from the top down (RFC 8601 2.2). Pure.

    >>> read_standings(b"Authentication-Results: mx.a.example; dmarc=pass\nReceived: x\n")[0].authserv_id
    'mx.a.example'
    """
    received = 0
    standings = []
    for name, value in BytesHeaderParser().parsebytes(header).raw_items():
        if name.lower() == "received":
            received += 1
        elif name.lower() == "authentication-results":
            text = " ".join(str(value).split())
            found = _AUTHSERV_ID.match(text)
            standings.append(Standing((found[1] or found[2]) if found else "", received, text[:200]))
    return tuple(standings)


def judge(name: str, mailbox: Mailbox, probe: Probe) -> Iterator[Check]:
    """What the probe shows, and which settings should follow. Pure."""
    seen = probe.plain or probe.tagged
    if seen.arrived_in is None:
        yield error(
            f"probe.{name}",
            f"the mail to {mailbox.address} did not come back" + (f": {seen.refusal}" if seen.refusal else " in time"),
            "Look for it in the provider's spam filter and delivery log.",
        )
        return
    yield ok(f"probe.{name}", f'a mail to {mailbox.address} arrives, in "{seen.arrived_in}"')
    yield _judge_tag(name, mailbox, probe)
    yield _judge_sent(name, mailbox, seen)
    yield _judge_border(name, mailbox, seen.standings)


def _judge_tag(name: str, mailbox: Mailbox, probe: Probe) -> Check:
    key = f"mailbox.{name}.reply_tag"
    if probe.tagged.arrived_in is not None:
        detail = f'a tagged address (name+tag@{mailbox.domain}) arrives, in "{probe.tagged.arrived_in}"'
        return ok(
            f"reply_tag.{name}", detail + ("" if mailbox.reply_tag == "plus" else f'; {key} = "plus" is possible')
        )
    detail = f"a tagged address (name+tag@{mailbox.domain}) does not arrive"
    if mailbox.reply_tag == "plus":
        return error(f"reply_tag.{name}", f"{detail}: answers would be lost", f'Set {key} = "off".')
    return ok(f"reply_tag.{name}", f'{detail}; {key} = "{mailbox.reply_tag}" is right')


def _judge_sent(name: str, mailbox: Mailbox, seen: Found) -> Check:
    key = f"mailbox.{name}.smtp.files_sent"
    if seen.filed_in_sent == mailbox.smtp.files_sent:
        does = "files" if seen.filed_in_sent else "does not file"
        return ok(f"files_sent.{name}", f"the provider {does} a copy in Sent by itself, as {key} says")
    if seen.filed_in_sent:
        return warning(
            f"files_sent.{name}",
            "the provider files a copy in Sent by itself; each mail would be there twice",
            f"Set {key} = true.",
        )
    return warning(
        f"files_sent.{name}",
        f"no copy came into Sent, but {key} says that the provider files one",
        f"Set {key} = false, so that relance files it.",
    )


def _judge_border(name: str, mailbox: Mailbox, standings: tuple[Standing, ...]) -> Check:
    key = f"mailbox.{name}.authserv_id"
    if not standings:
        return ok(
            f"border.{name}",
            "the mailbox's mail to itself bears no Authentication-Results; the source of one from outside shows them",
        )
    top = standings[0]
    place = f"below {top.received_above} Received" if top.received_above else "above every Received"
    detail = f'the topmost Authentication-Results is by "{top.authserv_id}", {place} (of {len(standings)})'
    if mailbox.border == "own" and top.authserv_id.lower() != mailbox.authserv_id.lower():
        return warning(
            f"border.{name}",
            detail,
            f'If that is your own mail server, set {key} = "{top.authserv_id}".',
        )
    return ok(f"border.{name}", detail)
