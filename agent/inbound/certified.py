"""Italian certified mail (PEC, RFC 6109): the customer's mail lies inside an envelope that the provider makes.

A *transport envelope* (``X-Trasporto: posta-certificata``) says in the provider's words that a mail was sent, and holds
it as ``postacert.eml``; an *anomaly envelope* (``X-Trasporto: errore``) holds a common mail that came to a certified
mailbox. What the customer wrote, when, and in answer to what, stands inside. The envelope is signed by the provider;
that signature is not checked, and the border vouches for the provider alone, so that nobody is authenticated by one.
Receipts (``X-Ricevuta``) are a machine's, and name the mail that they are about in a header of their own. Pure.
"""

from __future__ import annotations

import binascii
import io
from email.generator import BytesGenerator
from email.message import Message

from agent.inbound.headers import Headers, message_ids
from agent.inbound.parts import Parts, first_mail

ENVELOPE = "certified mail: the border vouches for its provider, not for who wrote it"
_TRANSPORTS = ("posta-certificata", "errore")


def inner_mail(headers: Headers, parts: Parts) -> bytes | None:
    """The mail inside a provider's envelope; None where the message is none, or holds none."""
    if headers.has("x-ricevuta") or headers.plain("x-trasporto") not in _TRANSPORTS:
        return None
    # Outside of it there are only the provider's own parts; the first is the outermost.
    envelope = first_mail(parts)
    payload: object = envelope.get_payload() if envelope is not None and envelope.is_multipart() else None
    if envelope is None or not isinstance(payload, list) or not payload or not isinstance(payload[0], Message):
        return None
    return _bytes(payload[0], encoded=str(envelope.get("content-transfer-encoding", "")).strip().lower() == "base64")


def _bytes(mail: Message, *, encoded: bool) -> bytes | None:
    out = io.BytesIO()
    try:
        if encoded:  # no mail is to be encoded so (RFC 2045 6.4), but gateways do
            text: object = mail.get_payload()
            return binascii.a2b_base64(text.encode("ascii", "replace")) if isinstance(text, str) else None
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(mail)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return out.getvalue()


def receipt_ids(headers: Headers) -> tuple[str, ...]:
    """The Message-IDs that a receipt says it is about."""
    if not headers.has("x-ricevuta"):
        return ()
    return tuple(found for value in headers.raw("x-riferimento-message-id") for found in message_ids(value))


def is_delay(headers: Headers) -> bool:
    """Whether a receipt warns that a delivery takes long; the one that it failed follows, where it does."""
    return headers.plain("x-ricevuta").startswith("preavviso")
