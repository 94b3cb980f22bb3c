"""Looks at an SMTP server as far as one can without sending: greeting, EHLO, encryption, log-in."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib

from agent.wire import smtp as session
from config import Smtp


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
    """Open a session as a mail's begins, and quit. Raises as `agent.wire.smtp.opened`."""
    return asyncio.run(_look(smtp))


async def _look(smtp: Smtp) -> SmtpFacts:
    async with session.client(smtp) as client:
        opened = await session.opened(client, smtp)
        facts = SmtpFacts(
            greeting=opened.greeting,
            offers_auth=opened.offers_auth,
            logged_in=opened.logged_in,
            size_limit=_size_limit(client),
            certificate_ends=_certificate_ends(client),
        )
        with session.telling(smtp):
            await client.quit()
        return facts


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
