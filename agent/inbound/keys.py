"""Thread keys: the ids that relance puts on its mails and recognises in answers.

A Message-ID is an HMAC of the reminder's key, so that the same reminder always carries the same id (a mail sent
twice can be told apart by everybody) and nobody outside can make one up. The Reply-To tag carries the same token as
the plus part of our own address, for answers of programs that rewrite ids.

Pure. Whether a token names a reminder is looked up in the database; `is_own` only judges its shape.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

#: characters of base32 text kept: 26 * 5 = 130 bits of the HMAC
TOKEN_LENGTH = 26
_TOKEN = re.compile(r"[a-z2-7]{26}")
TAG_PREFIX = "r."


def make_message_id(secret: bytes, key: str, domain: str) -> str:
    """``<r.TOKEN@domain>`` for the reminder named by `key`; the same arguments always give the same id."""
    return f"<{TAG_PREFIX}{tag_of(secret, key)}@{domain.lower()}>"


def is_own(message_id: str, domain: str) -> bool:
    """Whether `message_id` has the shape of an id made for `domain`, in any letter case, with or without brackets.

    >>> is_own("<r.abcdefghijklmnopqrstuvwxyz@ar.example>".replace("z", "2"), "ar.example")
    True
    """
    return token_of(message_id, domain) is not None


def token_of(message_id: str, domain: str) -> str | None:
    """The token of an id made for `domain`, or None."""
    local, at, host = message_id.strip().strip("<>").lower().rpartition("@")
    if not at or host != domain.lower() or not local.startswith(TAG_PREFIX):
        return None
    token = local[len(TAG_PREFIX) :]
    return token if _TOKEN.fullmatch(token) else None


def tag_of(secret: bytes, key: str) -> str:
    """The token of `key`: lower-case base32 of HMAC-SHA256, cut to 26 characters."""
    digest = hmac.new(secret, key.encode("utf-8"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii")[:TOKEN_LENGTH].lower()


def tagged_address(address: str, token: str) -> str:
    """`address` with the token as its plus part: ``ar@x.example`` becomes ``ar+r.TOKEN@x.example``."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{TAG_PREFIX}{token}@{domain}"


def parse_tag(address: str) -> str | None:
    """The token in a tagged address, or None. Catch-all domains may carry it without the plus: ``r.TOKEN@…``."""
    local = address.strip().strip("<>").lower().rpartition("@")[0]
    tail = local.rpartition("+")[2]
    if not tail.startswith(TAG_PREFIX):
        return None
    token = tail[len(TAG_PREFIX) :]
    return token if _TOKEN.fullmatch(token) else None
