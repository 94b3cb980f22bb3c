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
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


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


def thread_index(root: str, own: str) -> str:
    """The Thread-Index (MS-OXOMSG 2.2.1.3) of a mail of ours in the conversation that the token `root` began.

    Outlook and Exchange answer under the index of what they answer, whatever becomes of ids on the way. Its GUID is
    the first 128 bits of the token; its time is left zero, so that all mails of a conversation share their root.
    """
    head = b"\x01" + bytes(5) + _bits(root)
    child = b"" if root == own else hashlib.sha256(own.encode("ascii")).digest()[:5]
    return base64.b64encode(head + child).decode("ascii")


def conversation_of(thread_index: str) -> str | None:
    """The GUID of a Thread-Index in hex, or None where the header is none.

    >>> conversation_of(thread_index("a" * 26, "b" * 26))
    '00000000000000000000000000000000'
    """
    try:
        data = base64.b64decode(re.sub(r"\s", "", thread_index)[:2_000], validate=True)
    except ValueError:
        return None
    return data[6:22].hex() if len(data) >= 22 and data[0] == 1 else None


def tokens_of_conversation(guid: str) -> tuple[str, ...]:
    """The tokens that may have begun the conversation, if it is one of ours: a token has two bits more than a GUID."""
    number = int(guid, 16)
    return tuple(_as_token((number << 2) | last) for last in range(4))


def _bits(token: str) -> bytes:
    number = 0
    for char in token:
        number = number << 5 | _ALPHABET.index(char)
    return (number >> 2).to_bytes(16, "big")


def _as_token(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (TOKEN_LENGTH - 1), -1, -5))
