"""Opens an SMTP session as far as one comes without a mail: greeting, EHLO, encryption, log-in.

Doctor and the sending of mails open it alike, so that the two can't tell two stories of one server. What fails here is
the server's affair, or the settings', and says nothing of any mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiosmtplib

from agent.wire import oauth, tls
from config import Smtp, secret_of
from config.errors import NeedsPerson, RelanceError, TemporaryFailure
from config.fields import is_loopback

CONNECT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Opened:
    """What a server told about itself, up to the log-in."""

    greeting: str
    offers_auth: bool
    logged_in: bool


@asynccontextmanager
async def client(smtp: Smtp) -> AsyncIterator[aiosmtplib.SMTP]:
    """A client that is not connected yet, and closed at the end, whatever happened."""
    made = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.security == "tls",
        start_tls=False,  # done by `opened`, where a server without it can be told apart
        tls_context=None if smtp.security == "none" else tls.context(),
        timeout=CONNECT_SECONDS,
    )
    try:
        yield made
    finally:
        transport = made.transport
        made.close()
        if isinstance(transport, asyncio.WriteTransport):
            # Under TLS a close waits for the peer's goodbye, and the loop would end before: the socket stayed open.
            transport.abort()


async def opened(made: aiosmtplib.SMTP, smtp: Smtp, seconds: float = CONNECT_SECONDS) -> Opened:
    """Connect, greet, encrypt, log in; ``seconds``: how long one answer to the log-in may take.

    Raises:
        TemporaryFailure: the server cannot be reached, or is busy; the token server likewise.
        NeedsPerson: log-in or service refused, certificate not trusted, no STARTTLS or no log-in offered.
        ConfigError: the secret is not where the settings say.
    """
    with telling(smtp):
        greeting = await made.connect()
        await made.ehlo()  # the library says it by itself only before the first command, too late to ask for AUTH
        if smtp.security == "starttls":
            await _encrypt(made, smtp)
        offers_auth = made.supports_extension("auth")
        if (lacking := no_log_in(smtp, offers_auth=offers_auth)) is not None:
            raise lacking
        logged_in = offers_auth and smtp.names_a_secret
        if logged_in:
            await _log_in(made, smtp, seconds)
    return Opened(" ".join(greeting.message.split()), offers_auth, logged_in)


@contextmanager
def telling(smtp: Smtp) -> Iterator[None]:
    """What fails in the block comes out as an error for people."""
    try:
        yield
    except aiosmtplib.SMTPException as error:
        raise _told(error, smtp) from error
    except OSError as error:
        raise tls.told(error, "SMTP", smtp.host, smtp.port) from error


async def _encrypt(made: aiosmtplib.SMTP, smtp: Smtp) -> None:
    if not made.supports_extension("starttls"):
        raise NeedsPerson(
            f"SMTP {smtp.host}:{smtp.port}: the server offers no STARTTLS: the password would travel in the open",
            'Use its TLS port (465) with security = "tls".',
        )
    await made.starttls()
    await made.ehlo()


def no_log_in(smtp: Smtp, *, offers_auth: bool) -> NeedsPerson | None:
    """The trouble where the settings hold a log-in for this very server, and it offers none; None: there is none.

    IMAP's log-in, which counts where none is given, says nothing of what an SMTP server wants: a relay may let this
    machine in by its address. Nor is one on this machine asked: it takes mail from here as a rule.
    """
    if offers_auth or not smtp.has_own_log_in or is_loopback(smtp.host):
        return None
    return NeedsPerson(
        f"SMTP {smtp.host}:{smtp.port}: the server offers no log-in, and {smtp.key} names a secret for it",
        "Check `port`: 465 and 587 are for sending; where the server lets this machine in by its address, take the "
        f"secret out of {smtp.key}.",
    )


async def _log_in(made: aiosmtplib.SMTP, smtp: Smtp, seconds: float) -> None:
    if smtp.oauth is None:
        await made.login(smtp.username, secret_of(smtp).get_secret_value(), timeout=seconds)
        return
    token = await asyncio.to_thread(oauth.access_token, smtp.oauth, smtp)
    try:
        await made.auth_xoauth2(smtp.username, token.get_secret_value(), timeout=seconds)
    except aiosmtplib.SMTPAuthenticationError:
        # The kept one has run out before its time, or was revoked.
        token = await asyncio.to_thread(oauth.access_token, smtp.oauth, smtp, anew=True)
        await made.auth_xoauth2(smtp.username, token.get_secret_value(), timeout=seconds)


def _told(error: aiosmtplib.SMTPException, smtp: Smtp) -> RelanceError:
    where = f"SMTP {smtp.host}:{smtp.port}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        said = f"{error.code} {' '.join(error.message.split())[:160]}"
        if isinstance(error, aiosmtplib.SMTPAuthenticationError) and error.code >= 500:
            secret = "OAuth token" if smtp.oauth is not None else "password"
            return NeedsPerson(
                f"{where}: the {secret} for {smtp.username} was refused ({said})",
                f"Check {smtp.key}.username and the secret; some providers want an app password.",
            )
        return refusal(said, smtp, for_good=error.code >= 500)
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError):
        return tls.told(cause, "SMTP", smtp.host, smtp.port)
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return tls.told(TimeoutError(), "SMTP", smtp.host, smtp.port)
    words = " ".join(str(error).split())[:160]
    return TemporaryFailure(f"{where}: it does not answer as SMTP does ({words})", "Check `port` and `security`.")


def refusal(said: str, smtp: Smtp, *, for_good: bool) -> RelanceError:
    """A server's no to us, not to one mail; ``said``: its words, code first."""
    where = f"SMTP {smtp.host}:{smtp.port}"
    if for_good:
        return NeedsPerson(f"{where}: the server refuses to talk to us ({said})", "Ask whoever runs it why.")
    return TemporaryFailure(f"{where}: the server is busy ({said})", "It is tried again by itself.")
