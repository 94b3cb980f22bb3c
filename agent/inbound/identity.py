"""Which mail is which: relance's own identity for a message, since a Message-ID can be missing, reused or forged.

The *dkey* is the SHA-256 of Message-ID, From, Date, Subject and the body's SHA-256. A second mail under a known
Message-ID is thus a message of its own: a stranger can't make an answer disappear by using its id first. What servers
change on the way does not count: transport headers, folding, kinds of line ends, blank lines at the end.

Pure. Bytes may come in pieces, so that a huge mail is never held whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agent.inbound.headers import Headers, message_ids, parse_headers, tidy
from agent.inbound.sender import read_sender

HEAD = 1 << 20
"""Bytes in which the header section must lie; the rest counts as body."""
MAX_MESSAGE_ID = 998
"""The longest line of RFC 5322, and the width of the column."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one message from another. Hashes in hex."""

    dkey: str
    header_key: str
    """The same without the body: our own mail comes back with a body that a server may have wrapped anew."""
    message_id: str | None
    sender: str | None
    """The From address in small letters; None unless there is exactly one strict address."""
    was_transported: bool
    """A server has received it on its way; a draft has seen none."""


class Fingerprint:
    """Collects the identity of a message from its bytes, piece by piece.

    The first piece holds `HEAD` bytes, or all there are.
    """

    def __init__(self) -> None:
        self._headers: Headers | None = None
        self._body = hashlib.sha256()
        self._held = b""

    def add(self, piece: bytes) -> None:
        if self._headers is None:
            head = tidy(piece[:HEAD])
            self._headers = parse_headers(head)
            piece = head[self._headers.body_at :] + piece[HEAD:]
        # Line ends and blank lines at a piece's end wait: the next piece tells what they are.
        text = (self._held + piece).replace(b"\r\n", b"\n")
        kept = text.rstrip(b"\r\n \t")
        self._body.update(kept)
        self._held = text[len(kept) :]

    def identity(self) -> Identity:
        headers = self._headers or parse_headers(b"")
        lines = [_plain(headers, name) for name in ("message-id", "from", "date", "subject")]
        header_key = hashlib.sha256(b"\0".join(lines)).hexdigest()
        dkey = hashlib.sha256(b"\0".join([*lines, self._body.hexdigest().encode()])).hexdigest()
        sender = read_sender(headers)
        return Identity(
            dkey=dkey,
            header_key=header_key,
            message_id=_message_id(headers),
            sender=sender.address.lower() if sender else None,
            was_transported=headers.has("received"),
        )


def identify(raw: bytes) -> Identity:
    r"""The identity of a message that is held whole.

    >>> one = identify(b"Message-ID: <a@x.test>\r\nSubject: Hello\r\n\r\nText\r\n")
    >>> one == identify(b"message-id:  <a@x.test>\nSubject: Hello\n\nText\n\n")
    True
    """
    fingerprint = Fingerprint()
    fingerprint.add(raw)
    return fingerprint.identity()


def _plain(headers: Headers, name: str) -> bytes:
    return b" ".join(next(iter(headers.raw(name)), b"").replace(b"\0", b" ").split())


def _message_id(headers: Headers) -> str | None:
    for value in headers.raw("message-id"):
        for found in message_ids(value):
            return found.replace("\0", "")[:MAX_MESSAGE_ID]
    return None
