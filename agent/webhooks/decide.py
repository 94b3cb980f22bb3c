"""What is told, how it is signed, and what comes after an attempt. Pure.

Messages are as Standard Webhooks (https://www.standardwebhooks.com, version 1) has them: the headers ``webhook-id``,
``webhook-timestamp`` and ``webhook-signature``, the latter an HMAC-SHA256 over ``id.timestamp.body``; the times between
attempts are those that it advises.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""After the first attempt, the second, …: ten attempts within three and a half days."""
GONE = 410
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is told. ``subject``: table and number; ``names``: the customer's and invoice's own numbers."""

    seq: int
    kind: str
    at: datetime
    actor: str
    subject: tuple[str, str]
    data: Mapping[str, Any]
    names: Mapping[str, str]


def is_wanted(kind: str, patterns: Iterable[str]) -> bool:
    """Whether an event of that kind is told to who asked for these."""
    return any(fnmatchcase(kind, pattern) for pattern in patterns)


def message_id(installation: str, seq: int) -> str:
    """The same for an event at every attempt and replay, and of no other installation."""
    return f"relance_{installation.replace('-', '')[:16]}_{seq}"


def body_of(told: Told) -> bytes:
    """The message: ids, codes and amounts, never a customer's words."""
    document = {
        "type": told.kind,
        "timestamp": told.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "seq": told.seq,
            "subject": {"type": told.subject[0], "id": told.subject[1]},
            "by": told.actor,
            **told.names,
            "details": dict(told.data),
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(identity: str, at: datetime, body: bytes, secret: str) -> dict[str, str]:
    """The headers of one attempt. Raises ValueError where the secret is none."""
    stamp = str(int(at.timestamp()))
    signed = b".".join([identity.encode(), stamp.encode(), body])
    signatures = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys_of(secret)
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "relance-webhooks/1",
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def keys_of(secret: str) -> list[bytes]:
    """The keys of one secret or several. Raises ValueError: not ``whsec_`` and the Base64 of 24 to 64 bytes."""
    found = []
    for text in secret.split():
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = b""
        if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise ValueError("not whsec_ and the Base64 of 24 to 64 bytes")
        found.append(key)
    if not found:
        raise ValueError("empty")
    return found


def verdict(status: int | None, attempts: int) -> Literal["delivered", "again", "given_up"]:
    """What an attempt comes to. ``status`` None: nobody answered; ``attempts``: how many there were with it."""
    if status is not None and 200 <= status < 300:
        return "delivered"
    return "given_up" if status == GONE or attempts > len(PAUSES) else "again"


def next_try(attempts: int, now: datetime) -> datetime:
    """When it is tried again after so many attempts."""
    return now + PAUSES[min(attempts, len(PAUSES)) - 1]
