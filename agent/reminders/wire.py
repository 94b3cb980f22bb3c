"""One mail, one attempt over SMTP, with a pause at 354 for the last look. No retry, no table, no judgement.

SMTP has no idempotency: once the body was begun, a connection that breaks leaves it open whether the mail was taken
(RFC 1047). So everything before the body is harmless and says `NotTried` or `Refused`; at 354 the caller looks a last
time and commits; what happens after that is `Accepted`, `Refused` by a clear reply, or `Lost`, and never tried blindly
again. After any exception the connection is closed: the next mail must not be booked by this one's late reply.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponse

from agent.wire import oauth, tls
from config.errors import NeedsPerson, RelanceError
from config.secrets import secret_of
from config.settings import Smtp

CONNECT_SECONDS = 30.0
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


@dataclass(frozen=True, slots=True)
class Refused:
    """A clear no. ``is_temporary``: a 4xx, later may be better; otherwise it is for good."""

    is_temporary: bool
    reply: str
    at: str


@dataclass(frozen=True, slots=True)
class NotTried:
    """It did not come to the body; nothing can have left. ``needs_person``: trying again is no use by itself."""

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
    smtp = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",  # True demands it; the library's default would stay plain
        tls_context=None if settings.security == "none" else tls.context(),
        timeout=CONNECT_SECONDS,
    )
    try:
        hindered = await _up_to_the_body(smtp, settings, envelope)
        if hindered is not None:
            return hindered
        if not last_look():
            return LookedAway()
        # From here on `sending` is committed. Cancellation must not part the body from its reply.
        return await asyncio.shield(_body(smtp, envelope.raw))
    finally:
        transport = smtp.transport
        smtp.close()
        if isinstance(transport, asyncio.WriteTransport):
            # Under TLS a close waits for the peer's goodbye, and the loop would end before: the socket stayed open.
            transport.abort()


async def _up_to_the_body(smtp: aiosmtplib.SMTP, settings: Smtp, envelope: Envelope) -> Outcome | None:
    """Everything up to 354; None: the server waits for the body."""
    where = f"SMTP {settings.host}:{settings.port}"
    at = "connect"
    try:
        await smtp.connect()
        await smtp.ehlo()  # the library says it by itself only before the first command, too late to ask for AUTH
        if settings.names_a_secret and smtp.supports_extension("auth"):
            at = "AUTH"
            await _log_in(smtp, settings)
        at = "MAIL"
        await smtp.mail(envelope.sender, timeout=COMMAND_SECONDS)
        at = "RCPT"
        for recipient in envelope.recipients:
            await smtp.rcpt(recipient, timeout=COMMAND_SECONDS)
        at = "DATA"
        reply = await smtp.execute_command(b"DATA", timeout=DATA_SECONDS)
        return None if reply.code == 354 else _refused(reply.code, reply.message, at)
    except aiosmtplib.SMTPAuthenticationError as error:
        return NotTried(f"{where} refused the log-in: {_said(error)}. Check the secret of {settings.key}.", True)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code, error.message, at)
    except RelanceError as error:
        return NotTried(str(error), needs_person=isinstance(error, NeedsPerson))
    except OSError as error:
        told = tls.told(error, "SMTP", settings.host, settings.port)
        return NotTried(str(told), needs_person=isinstance(told, NeedsPerson))
    except (SMTPException, ValueError) as error:
        return NotTried(f"{where} at {at}: {_said(error)}")


async def _log_in(smtp: aiosmtplib.SMTP, settings: Smtp) -> None:
    if settings.oauth is None:
        await smtp.login(settings.username, secret_of(settings).get_secret_value(), timeout=COMMAND_SECONDS)
        return
    token = oauth.access_token(settings.oauth, settings).get_secret_value()
    try:
        await smtp.auth_xoauth2(settings.username, token, timeout=COMMAND_SECONDS)
    except aiosmtplib.SMTPAuthenticationError:
        # The kept one has run out before its time, or was revoked.
        token = oauth.access_token(settings.oauth, settings, anew=True).get_secret_value()
        await smtp.auth_xoauth2(settings.username, token, timeout=COMMAND_SECONDS)


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
        return _refused(reply.code, reply.message, "body")
    return Lost(f"an unreadable reply after the body: {reply.code}")


def _refused(code: int, text: str, at: str) -> Refused | NotTried:
    if code == 421:  # RFC 5321 3.8: the service closes; said at any command, it judges the server and not the mail
        return Refused(True, f"{code} {text}", at) if at == "body" else NotTried(f"{code} {text} at {at}")
    if 400 <= code < 500:
        return Refused(True, f"{code} {text}", at)
    if 500 <= code < 600:
        return Refused(False, f"{code} {text}", at)
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
