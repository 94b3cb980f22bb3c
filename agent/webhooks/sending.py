"""Sends what is due: a drain, harmless when run twice. What was sent and not booked is sent once more, under its id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.webhooks import decide, store
from agent.wire import http
from config import Settings, Webhook
from config.errors import ConfigError, RelanceError
from config.secrets import webhook_secret_of
from models import Database, Installation

log = structlog.get_logger()

MOST = 200
"""Messages of one webhook in one turn, so that the others get theirs."""
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one. ``status`` None: nobody answered, and ``error`` says why."""

    status: int | None
    error: str | None


def drain(database: Database, settings: Settings, now: datetime, stop: threading.Event | None = None) -> int:
    """Read the log on and send what is due; how many messages were delivered.

    Raises:
        ConfigError: a webhook's secret is not where the settings say; the others were served before.
    """
    delivered, broken = 0, None
    for name, webhook in settings.webhook.items():
        while True:
            with database.write() as session:
                seen = store.fan_out(session, name, webhook, now)
            if seen < store.PAGE:
                break
        try:
            delivered += _served(database, settings, name, webhook, now, stop)
        except ConfigError as error:
            broken = broken or error
    if broken is not None:
        raise broken
    return delivered


def _served(
    database: Database, settings: Settings, name: str, webhook: Webhook, now: datetime, stop: threading.Event | None
) -> int:
    delivered, after = 0, 0
    secret = None
    for _ in range(MOST):
        if stop is not None and stop.is_set():
            break
        with database.read() as session:
            row = store.due(session, name, now, after)
            if row is None:
                break
            told = store.told(session, row.seq)
        secret = secret or secret_of(webhook, name, settings)
        attempt = send(webhook, name, identity(database, told.seq), decide.body_of(told), secret, now)
        with database.write() as session:
            verdict = store.book(session, row.id, attempt.status, attempt.error, settings, now)
        log.info("webhook.attempted", webhook=name, seq=told.seq, status=attempt.status, verdict=verdict)
        delivered += verdict == "delivered"
        after = row.seq
        if attempt.status is None or attempt.status == 429 or attempt.status >= 500:
            break  # it is away: the others would only be counted against for it
    return delivered


def identity(database: Database, seq: int) -> str:
    with database.read() as session:
        return decide.message_id(session.query(Installation.uuid).limit(1).scalar() or "", seq)


def secret_of(webhook: Webhook, name: str, settings: Settings) -> str:
    """The secret, once it was seen to be one. Raises ConfigError."""
    secret = webhook_secret_of(webhook, name, settings).get_secret_value()
    try:
        decide.keys_of(secret)
    except ValueError as error:
        raise ConfigError(
            settings.file, f"webhook.{name}", "a secret like whsec_ and the Base64 of 32 random bytes",
            "Make one with `relance webhooks secret`, and give it to the receiver.", found=str(error),
        ) from None  # fmt: skip
    return secret


def send(webhook: Webhook, name: str, message: str, body: bytes, secret: str, at: datetime) -> Attempt:
    """One attempt."""
    headers: Mapping[str, str] = decide.headers_of(message, at, body, secret)
    try:
        answer = http.ask(webhook.url, f"webhook {name}", body=body, headers=headers, longest=4_096)
    except RelanceError as error:
        return Attempt(None, " ".join(str(error).split()))
    is_good = 200 <= answer.status < 300
    return Attempt(answer.status, None if is_good else f"HTTP {answer.status}")
