"""The installation's signing key: Message-IDs, reply tags and the event chain are HMACs under it.

It is a file of its own beside the database, mode 0600, with a key id for each key so that it can be rotated: the
active key signs, every listed key still verifies. Losing it means that no answer can be threaded with proof any more,
so a missing file is never replaced silently.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from config.errors import NeedsPerson


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Secret keys by their id; ``active`` names the one that signs."""

    active: str
    secrets: dict[str, bytes]

    @property
    def secret(self) -> bytes:
        return self.secrets[self.active]

    def sign(self, text: str, key_id: str | None = None) -> str:
        """Hex HMAC-SHA256 of ``text`` under the key ``key_id`` (the active one by default)."""
        return hmac.new(self.secrets[key_id or self.active], text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:  # a key never reaches a log by accident
        return f"SigningKey(active={self.active!r})"


def create(path: Path) -> SigningKey:
    """Write a new key file that only its owner may read; refuses to replace one."""
    key = SigningKey("k1", {"k1": secrets.token_bytes(32)})
    document = {"active": key.active, "keys": {k: base64.b64encode(v).decode() for k, v in key.secrets.items()}}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    return key


def load(path: Path) -> SigningKey:
    """Read the key file, or tell how to get it back."""
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        found = {name: base64.b64decode(value, validate=True) for name, value in document["keys"].items()}
        active = document["active"]
        if active not in found:
            raise KeyError(active)
        return SigningKey(active, found)
    except FileNotFoundError:
        raise NeedsPerson(
            f"{path}: the signing key is missing, but the database that it belongs to exists. "
            "Put the key file back from the backup; without it no answer can be tied to a reminder."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NeedsPerson(f"{path}: not a signing key ({error}). Put the key file back from the backup.") from None
