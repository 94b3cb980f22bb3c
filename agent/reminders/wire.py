"""One mail, one attempt over SMTP, with a pause at 354 for the last look. No retry, no table, no judgement.

SMTP has no idempotency: once the body was begun, a connection that breaks leaves it open whether the mail was taken
(RFC 1047). So everything before the body is harmless and says `NotTried` or `Refused`; at 354 the caller looks a last
time and commits; what happens after that is `Accepted`, `Refused` by a clear reply, or `Lost`, and never tried blindly
again. After any exception the connection is closed: the next mail must not be booked by this one's late reply.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponse

from agent.wire import smtp as session
from agent.wire import tls
from config.errors import NeedsPerson, RelanceError
from config.fields import is_loopback
from config.mailboxes import Smtp

COMMAND_SECONDS = 300.0  # RFC 5321 4.5.3.2: five minutes for MAIL and RCPT
DATA_SECONDS = 120.0
FINAL_REPLY_SECONDS = 600.0  # RFC 5321 4.5.3.2.6: the server may take ten minutes after the dot


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the wire needs of a mail: one transaction, its recipients, the frozen bytes (CRLF line ends)."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took responsibility for the mail (any 2xx after the dot)."""

    reply: str
    without: tuple[str, ...] = ()
    """Recipients of a copy whom the server refused for good, each with its words; the mail went to the others."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A clear no to this mail. ``is_temporary``: a 4xx, later may be better; otherwise it is for good."""

    is_temporary: bool
    reply: str


@dataclass(frozen=True, slots=True)
class NotTried:
    """The server can't be used, whatever the mail; nothing can have left.

    ``needs_person``: trying again is of no use by itself.
    """

    why: str
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class LookedAway:
    """The last look said no; the mail was dropped before its body."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke after the body was begun: sent or not, nobody knows."""

    why: str


Outcome = Accepted | Refused | NotTried | LookedAway | Lost
LastLook = Callable[[], bool]


class Wire(Protocol):
    """Carries one mail; the deliver stage knows nothing else of SMTP."""

    def attempt(self, envelope: Envelope, last_look: LastLook) -> Outcome:
        """One attempt. ``last_look`` is asked after 354 and commits `sending` before it says True."""
        ...


class SmtpWire:
    """The real thing: one connection per mail, encryption demanded unless the server is on this machine."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings

    def attempt(self, envelope: Envelope, last_look: LastLook) -> Outcome:
        return asyncio.run(_attempt(self._settings, envelope, last_look))


async def _attempt(settings: Smtp, envelope: Envelope, last_look: LastLook) -> Outcome:
    async with session.client(settings) as smtp:
        went = await _up_to_the_body(smtp, settings, envelope)
        if not isinstance(went, _Waits):
            return went
        if not last_look():
            return LookedAway()
        # From here on `sending` is committed. Cancellation must not part the body from its reply.
        outcome = await asyncio.shield(_body(smtp, envelope.raw))
        return replace(outcome, without=went.without) if isinstance(outcome, Accepted) else outcome


class NotingWire:
    """A wire that remembers why a server could not be used: of the mail itself that says nothing."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.hindrance: str | None = None

    def attempt(self, envelope: Envelope, last_look: LastLook) -> Outcome:
        outcome = self._wire.attempt(envelope, last_look)
        self.hindrance = outcome.why if isinstance(outcome, NotTried) else None
        return outcome


@dataclass(frozen=True, slots=True)
class _Waits:
    """354: the server waits for the body; ``without`` as in `Accepted`."""

    without: tuple[str, ...]


async def _up_to_the_body(smtp: aiosmtplib.SMTP, settings: Smtp, envelope: Envelope) -> Outcome | _Waits:
    """Everything up to 354."""
    where = f"SMTP {settings.host}:{settings.port}"
    let_in = True
    at = "connect"
    try:
        opened = await session.opened(smtp, settings, COMMAND_SECONDS)
        let_in = opened.logged_in or not settings.names_a_secret or is_loopback(settings.host)
        at = "MAIL"
        await smtp.mail(envelope.sender, timeout=COMMAND_SECONDS)
        at = "RCPT"
        to, *copies = envelope.recipients
        await smtp.rcpt(to, timeout=COMMAND_SECONDS)
        without = [said for copy in copies if (said := await _refused_copy(smtp, copy, let_in=let_in)) is not None]
        at = "DATA"
        reply = await smtp.execute_command(b"DATA", timeout=DATA_SECONDS)
        return _Waits(tuple(without)) if reply.code == 354 else _refused(reply.code, reply.message, at)
    except aiosmtplib.SMTPResponseException as error:
        if is_about_the_server(error.code, error.message, at, let_in=let_in):
            return _not_tried(session.refusal(f"{error.code} {error.message} at {at}", settings, for_good=True))
        return _refused(error.code, error.message, at)
    except RelanceError as error:
        return _not_tried(error)
    except OSError as error:
        return _not_tried(tls.told(error, "SMTP", settings.host, settings.port))
    except (SMTPException, ValueError) as error:
        return NotTried(f"{where} at {at}: {_said(error)}")


async def _refused_copy(smtp: aiosmtplib.SMTP, address: str, *, let_in: bool) -> str | None:
    """Name one more recipient; what the server said where it will never take it, None where it takes it.

    The mail goes to the others then, as RFC 5321 3.3 has it: who only gets a copy must not keep the customer's mail
    back. What may be better later is raised, and so is what is no word on this address.
    """
    try:
        await smtp.rcpt(address, timeout=COMMAND_SECONDS)
    except aiosmtplib.SMTPResponseException as error:
        if not 500 <= error.code < 600 or is_about_the_server(error.code, error.message, "RCPT", let_in=let_in):
            raise
        return f"{address}: {error.code} {error.message}"
    return None


def is_about_the_server(code: int, text: str, at: str, *, let_in: bool) -> bool:
    """Whether a refusal for good judges us, so that every other mail would meet the same, and not this one mail.

    At MAIL the server has seen our sender and our account, and of the mail at most its size (RFC 1870: 552, or the
    status 5.3.4 or 5.2.3). 530 asks for a log-in or for encryption, wherever it is said (RFC 4954, RFC 3207). A refusal
    by policy (5.7.x) of a recipient is a relay that was denied where we are not ``let_in``: the settings hold a log-in,
    and this server, which is on another machine, offered none.

    >>> is_about_the_server(550, "5.7.1 sender blocked", "MAIL", let_in=True)
    True
    >>> is_about_the_server(550, "5.1.1 no such user", "RCPT", let_in=True)
    False
    """
    if not 500 <= code < 600:
        return False
    status = _STATUS.match(text)
    if code == 530:
        return True
    if at == "MAIL":
        return code != 552 and (status is None or status[0] not in _TOO_LARGE)
    return at == "RCPT" and not let_in and status is not None and status[0].startswith("5.7.")


_STATUS = re.compile(r"5\.\d{1,3}\.\d{1,3}")
_TOO_LARGE = frozenset({"5.3.4", "5.2.3"})


def _not_tried(error: RelanceError) -> NotTried:
    return NotTried(str(error), needs_person=isinstance(error, NeedsPerson))


async def _body(smtp: aiosmtplib.SMTP, raw: bytes) -> Outcome:
    """Write the body and wait for the one reply that counts."""
    protocol = smtp.protocol
    if protocol is None or not protocol.is_connected:
        return Lost("the connection was gone when the body was begun")
    try:
        # The library sends DATA and body in one go; the pause between them is the whole point here.
        protocol._response_pending = True  # noqa: SLF001
        protocol.write(dot_stuffed(raw))
        reply = await protocol.read_response(timeout=FINAL_REPLY_SECONDS)
    except (SMTPException, OSError, TimeoutError) as error:
        return Lost(_said(error))
    return _after_the_dot(reply)


def _after_the_dot(reply: SMTPResponse) -> Outcome:
    if 200 <= reply.code < 300:
        return Accepted(f"{reply.code} {reply.message}")
    if 400 <= reply.code < 600:
        return Refused(reply.code < 500, f"{reply.code} {reply.message}")
    return Lost(f"an unreadable reply after the body: {reply.code}")


def _refused(code: int, text: str, at: str) -> Refused | NotTried:
    """What a no before the body says of the mail."""
    if code == 421:  # RFC 5321 3.8: the service closes; said at any command, it judges the server and not the mail
        return NotTried(f"{code} {text} at {at}")
    if 400 <= code < 600:
        return Refused(code < 500, f"{code} {text}")
    return NotTried(f"an unreadable reply at {at}: {code}")


def dot_stuffed(raw: bytes) -> bytes:
    """The body as it goes over the wire: CRLF line ends, leading dots doubled, the closing dot (RFC 5321 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return lines + b".\r\n"


def _said(error: BaseException) -> str:
    """An exception in one line; some of the library's have no text."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
