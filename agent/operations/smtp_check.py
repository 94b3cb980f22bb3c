"""Looks at an SMTP server as far as one can without sending: greeting, EHLO, encryption, log-in."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib

from agent.wire import oauth, tls
from config import Smtp, secret_of
from config.errors import NeedsPerson, RelanceError, TemporaryFailure

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SmtpFacts:
    """What a server told about itself."""

    greeting: str
    offers_auth: bool
    logged_in: bool
    size_limit: int | None
    """Largest mail that it takes, in bytes (RFC 1870); None where it names none."""
    certificate_ends: datetime | None
    """None without TLS."""


def look(smtp: Smtp) -> SmtpFacts:
    """Connect, greet, encrypt, log in, quit.

    Raises:
        TemporaryFailure: the server cannot be reached, or is busy.
        NeedsPerson: log-in refused, certificate not trusted, no STARTTLS offered.
        ConfigError: the secret is not where the settings say.
    """
    return asyncio.run(check(smtp))


async def check(smtp: Smtp) -> SmtpFacts:
    """`look` for callers that have an event loop."""
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.security == "tls",
        start_tls=False,  # done below, where a server without it can be told apart
        tls_context=None if smtp.security == "none" else tls.context(),
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        return await _talk(client, smtp)
    except aiosmtplib.SMTPException as error:
        raise _told(error, smtp) from error
    except OSError as error:
        raise tls.told(error, "SMTP", smtp.host, smtp.port) from error
    finally:
        transport = client.transport
        client.close()
        if isinstance(transport, asyncio.WriteTransport):
            # Under TLS a close waits for the peer's goodbye, and the loop would end before: the socket stayed open.
            transport.abort()


async def _talk(client: aiosmtplib.SMTP, smtp: Smtp) -> SmtpFacts:
    greeting = await client.connect()
    await client.ehlo()
    if smtp.security == "starttls":
        if not client.supports_extension("starttls"):
            raise NeedsPerson(
                f"SMTP {smtp.host}:{smtp.port}: the server offers no STARTTLS: the password would travel in the open",
                'Use its TLS port (465) with security = "tls".',
            )
        await client.starttls()
        await client.ehlo()
    offers_auth = client.supports_extension("auth")
    logged_in = offers_auth and smtp.names_a_secret
    if logged_in:
        await _log_in(client, smtp)
    facts = SmtpFacts(
        greeting=" ".join(greeting.message.split()),
        offers_auth=offers_auth,
        logged_in=logged_in,
        size_limit=_size_limit(client),
        certificate_ends=_certificate_ends(client),
    )
    await client.quit()
    return facts


async def _log_in(client: aiosmtplib.SMTP, smtp: Smtp) -> None:
    if smtp.oauth is not None:
        token = await asyncio.to_thread(oauth.access_token, smtp.oauth, smtp)
        await client.auth_xoauth2(smtp.username, token.get_secret_value())
    else:
        await client.login(smtp.username, secret_of(smtp).get_secret_value())


def _size_limit(client: aiosmtplib.SMTP) -> int | None:
    # "250-SIZE 10240000" in the answer to EHLO; 0 means that there is no fixed limit.
    answer = client.last_ehlo_response
    for line in answer.message.splitlines() if answer is not None else ():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "SIZE" and rest.strip().isdecimal():
            return int(rest) or None
    return None


def _certificate_ends(client: aiosmtplib.SMTP) -> datetime | None:
    certificate = client.get_transport_info("peercert")
    if not certificate:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


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
        if error.code >= 500:
            return NeedsPerson(f"{where}: the server refuses to talk to us ({said})", "Ask whoever runs it why.")
        return TemporaryFailure(f"{where}: the server is busy ({said})", "It is tried again by itself.")
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError):
        return tls.told(cause, "SMTP", smtp.host, smtp.port)
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return tls.told(TimeoutError(), "SMTP", smtp.host, smtp.port)
    words = " ".join(str(error).split())[:160]
    return TemporaryFailure(f"{where}: it does not answer as SMTP does ({words})", "Check `port` and `security`.")
