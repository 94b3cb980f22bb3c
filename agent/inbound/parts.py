"""From MIME structure to the texts and the attachments of a message.

Leaves are decoded by the standard library, attachments in odd transfer encodings by mail-parser; which leaf belongs to
the body is decided here, since a forwarded message or a returned original is not what the sender wrote. Caps on parts
and depth keep hostile structures finite; a message that is nested deeper than the parser can go keeps its headers and
is told as such.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message

from mailparser.core import MailParser

from agent.inbound.charsets import decode_text, no_surrogates
from agent.inbound.envelopes import MAX_ENVELOPE, is_encrypted, read_tnef, signed_content
from agent.inbound.headers import Headers, decode_header
from agent.inbound.mime import parse_message
from agent.inbound.values import Attachment

MAX_PARTS = 1_000
MAX_DEPTH = 50
ENCRYPTED = "the mail is encrypted: its text can't be read"
#: characters of text that are read; a reply to a reminder has no more
MAX_TEXT = 400_000

# The library tells of each odd part, with file names of customers.
logging.getLogger("mailparser").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of the body: its plain text, its HTML, or both where the sender offered both."""

    plain: str
    html: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What the MIME structure holds."""

    passages: tuple[Passage, ...]
    attachments: tuple[Attachment, ...]
    #: machine-readable parts of a report (message/delivery-status and its like), by content type
    reports: tuple[tuple[str, str], ...]
    #: header sections of returned or forwarded messages
    embedded: tuple[str, ...]
    content_type: str
    report_type: str
    tree: Message
    error: str | None


@dataclass(slots=True)
class _Found:
    passages: list[Passage] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reports: list[tuple[str, str]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    error: str | None = None
    count: int = 0


def read_parts(raw: bytes, headers: Headers) -> Parts:
    """Read the structure of `raw`, under the headers that were read off it: the parser sees no other ones."""
    error = "the header section is too long; only its beginning was read" if headers.capped else None
    section = b"".join(name.encode("ascii") + b": " + value + b"\n" for name, value in headers.fields)
    try:
        tree = parse_message(section + b"\n" + raw[headers.body_at :])
    except (RecursionError, ValueError, LookupError, TypeError, IndexError) as problem:
        tree = Message()
        error = "parts are nested too deep" if isinstance(problem, RecursionError) else "the MIME structure is broken"
        return Parts((), (), (), (), "text/plain", "", tree, error)
    found = _Found(error=error)
    _walk(tree, 0, found)
    report_type = _params(tree).get("report-type", "")
    return Parts(
        tuple(found.passages), tuple(found.attachments), tuple(found.reports), tuple(found.embedded),
        _content_type(tree), report_type, tree, found.error,
    )  # fmt: skip


def content_of(parts: Parts, sha256: str) -> bytes | None:
    """The bytes of the attachment with that hash, as `read_parts` hashed them."""
    for place, part in enumerate(parts.tree.walk()):
        if place > MAX_PARTS:
            break
        inner: object = part.get_payload() if part.is_multipart() else None
        if _content_type(part) in ("message/rfc822", "message/global") and isinstance(inner, list):
            text = "\n".join(_as_source(child) for child in inner[:MAX_PARTS] if isinstance(child, Message))
            data = no_surrogates(text[:MAX_TEXT]).encode("utf-8")
        else:
            data = _bytes_of(part)
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    return None


def first_mail(parts: Parts) -> Message | None:
    """The part that holds the first whole mail inside this one."""
    walked = (part for part, _ in zip(parts.tree.walk(), range(MAX_PARTS), strict=False))
    return next((part for part in walked if _content_type(part) == "message/rfc822"), None)


def _walk(part: Message, depth: int, found: _Found) -> None:
    found.count += 1
    if found.count > MAX_PARTS or depth > MAX_DEPTH:
        found.error = "the message has too many parts" if found.count > MAX_PARTS else "parts are nested too deep"
        return
    kind = _content_type(part)
    payload: object = part.get_payload() if part.is_multipart() else None
    if kind.startswith("multipart/") and isinstance(payload, list):
        if kind == "multipart/alternative":
            _walk_alternative(payload, depth, found)
            return
        if kind == "multipart/encrypted":
            found.error = found.error or ENCRYPTED
        children = payload[:1] if kind in ("multipart/signed", "multipart/appledouble") else payload
        for child in children:
            if isinstance(child, Message):
                _walk(child, depth + 1, found)
        return
    if kind.startswith("multipart/"):
        kind = "text/plain"  # the boundary never came: all that is left is text
    if kind.startswith("message/") or kind in ("text/rfc822-headers", "text/x-rfc822-headers"):
        _embedded(part, kind, found)
        return
    _leaf(part, kind, depth, found)


def _walk_alternative(children: list[object], depth: int, found: _Found) -> None:
    """The variants of one text become one passage; what else they hold (pictures, invitations) is kept."""
    inner = _Found(count=found.count, error=found.error)
    for child in children:
        if isinstance(child, Message):
            _walk(child, depth + 1, inner)
    plain = "\n".join(passage.plain for passage in inner.passages if passage.plain)
    html = "\n".join(passage.html for passage in inner.passages if passage.html)
    if plain or html:
        found.passages.append(Passage(plain, html))
    found.attachments += inner.attachments
    found.reports += inner.reports
    found.embedded += inner.embedded
    found.count, found.error = inner.count, inner.error


def _embedded(part: Message, kind: str, found: _Found) -> None:
    payload: object = part.get_payload() if part.is_multipart() else None
    if isinstance(payload, list):
        # delivery-status parts are lists of header blocks, rfc822 parts hold one message
        text = "\n".join(_as_source(child) for child in payload[:MAX_PARTS] if isinstance(child, Message))
    else:
        text = _leaf_text(part, kind, _params(part))
    text = no_surrogates(text[:MAX_TEXT])
    if kind in (
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "text/x-rfc822-headers",
        "message/rfc822-headers",
    ):
        found.embedded.append(text)
        if kind in ("message/rfc822", "message/global"):
            data = text.encode("utf-8")
            name = _filename(part) or "message.eml"
            found.attachments.append(Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest()))
    else:
        found.reports.append((kind, text))


def _as_source(message: Message) -> str:
    lines = [f"{name}: {_even(str(value))}" for name, value in list(message.raw_items())[:500]]
    body_text = ""
    if not message.is_multipart():
        body_text = _leaf_text(message, _content_type(message), _params(message))
    else:
        leaves = ((leaf, _content_type(leaf)) for leaf in message.walk())
        texts = [_leaf_text(leaf, kind, _params(leaf)) for leaf, kind in leaves if kind.startswith("text/")]
        body_text = "\n".join(texts)
    return "\n".join(lines) + "\n\n" + body_text[:MAX_TEXT]


def _even(value: str) -> str:
    return re.sub(r"\s*\n\s+", " ", decode_text(value.encode("utf-8", "surrogateescape"), None))


def _leaf(part: Message, kind: str, depth: int, found: _Found) -> None:
    name = _filename(part)
    disposition = _disposition(part)
    params = _params(part)
    is_text = kind in ("text/plain", "text/html", "text", "text/enriched", "text/markdown", "plain/text") or (
        kind.startswith("text/")
        and not name
        and kind not in ("text/calendar", "text/x-vcard", "text/vcard", "text/csv")
    )
    if is_text and disposition != "attachment" and not (name and disposition != "inline" and found.passages):
        text = _leaf_text(part, kind, params)[:MAX_TEXT]
        if kind != "text/html" and params.get("format") == "flowed":
            text = unflow(text, delete_space=params.get("delsp") == "yes")
        is_html = kind == "text/html" or (kind == "text" and bool(re.match(r"\s*<(!doctype|html)", text, re.I)))
        if _PGP_TEXT.match(text):
            found.error = found.error or ENCRYPTED
            _attach("encrypted.asc", "application/pgp-encrypted", text.encode("utf-8"), found)
        elif text.strip():
            found.passages.append(Passage("", text) if is_html else Passage(text, ""))
        return
    data = _bytes_of(part)
    if kind in _CMS and params.get("smime-type") in ("enveloped-data", "authenveloped-data"):
        found.error = found.error or ENCRYPTED
    elif kind in _CMS and _open_signed(data, depth, found):
        return
    if (kind in _TNEF or name.lower() == "winmail.dat") and _open_tnef(data, found):
        return
    if data or name:
        _attach(name or _made_up_name(kind), kind, data, found)


_PGP_TEXT = re.compile(r"\s*-----BEGIN PGP MESSAGE-----[ \t]*\n")
_CMS = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")


def _attach(name: str, kind: str, data: bytes, found: _Found) -> None:
    found.attachments.append(Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest()))


def _open_signed(data: bytes, depth: int, found: _Found) -> bool:
    """Read the mail inside an opaque signature in its place; a text that is encrypted is told as such."""
    if is_encrypted(data):
        found.error = found.error or ENCRYPTED
        return False
    inner = signed_content(data[:MAX_ENVELOPE])
    if inner is None:
        return False
    try:
        tree = parse_message(inner)
    except (RecursionError, ValueError, LookupError, TypeError, IndexError):
        found.error = "the mail inside the signature is broken"
        return False
    _walk(tree, depth + 1, found)
    return True


def _open_tnef(data: bytes, found: _Found) -> bool:
    """Read the text of a winmail.dat where no other text stands before it, and list the files in it."""
    opened = read_tnef(data[:MAX_ENVELOPE])
    if opened is None or not (opened.plain.strip() or opened.html.strip() or opened.files):
        return False
    if not any(passage.plain.strip() or passage.html.strip() for passage in found.passages):
        plain, html = no_surrogates(opened.plain[:MAX_TEXT]), no_surrogates(opened.html[:MAX_TEXT])
        if plain.strip() or html.strip():
            found.passages.append(Passage(plain, html))
    for file in opened.files[: MAX_PARTS - len(found.attachments)]:
        name = _safe_name(file.filename) or _made_up_name("")
        _attach(name, mimetypes.guess_type(name)[0] or "application/octet-stream", file.data, found)
    return True


def _leaf_text(part: Message, kind: str, params: Mapping[str, str]) -> str:
    """The text of a leaf, by its bytes where its label is wrong."""
    data = _bytes_of(part)
    charset = params.get("charset") or None
    if kind == "text/html" and charset is None:
        named = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", data[:4_000], re.I)
        charset = named[1].decode("ascii", "replace") if named else None
    return decode_text(data, charset).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _bytes_of(part: Message) -> bytes:
    """The bytes of a leaf after transfer decoding; by mail-parser where an attachment's encoding is broken or odd."""
    if part.is_multipart():
        return b""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if _disposition(part) == "attachment" and encoding not in _USUAL_ENCODINGS:
        try:
            parsed = MailParser(part).parse()
            if len(parsed.attachments) == 1:
                payload = parsed.attachments[0]["payload"]
                return (
                    base64.b64decode(payload) if parsed.attachments[0]["binary"] else payload.encode("utf-8", "replace")
                )
        except (ValueError, LookupError, TypeError, AttributeError, IndexError, binascii.Error):
            pass  # its own decoding follows
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, binascii.Error):
        data = None
    return data if isinstance(data, bytes) else b""


#: Transfer encodings that the standard library decodes as well as anybody.
_USUAL_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return "text/plain"


def _params(part: Message) -> dict[str, str]:
    """The parameters of the content type, lower-cased; the first of each name."""
    try:
        named: Iterable[tuple[str, object]] = part.get_params(failobj=[])
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return {}
    found: dict[str, str] = {}
    for name, value in named:
        text = value[2] if isinstance(value, tuple) else value
        found.setdefault(name.lower(), text.strip().lower() if isinstance(text, str) else "")
    return found


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""


def _filename(part: Message) -> str:
    if part["content-disposition"] is None and "name" not in str(part["content-type"]).lower():
        return ""
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""
    return _safe_name(decode_header(name.encode("utf-8", "surrogateescape")))


def _safe_name(name: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f/\\]", "_", no_surrogates(name))[:200]


def _made_up_name(kind: str) -> str:
    return "invitation.ics" if kind == "text/calendar" else "unnamed." + re.sub(r"\W", "", kind.rpartition("/")[2])[:20]


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the soft-broken lines of format=flowed (RFC 3676), each quote depth by itself."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ") if depth or line.startswith(" ") else line
        signature = content == "-- "
        if open_depth == depth and out and not signature:
            out[-1] += content
        else:
            out.append(">" * depth + (" " if depth else "") + content)
        soft = content.endswith(" ") and not signature
        if soft and delete_space:
            out[-1] = out[-1][:-1]
        open_depth = depth if soft else -1
    return "\n".join(out)
