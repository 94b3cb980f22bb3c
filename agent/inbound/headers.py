"""Headers of a message, read from its bytes with no help from the standard library's header classes.

Those raise on hostile headers (`Message-ID: <[x@y]>`, `To: "`) and take seconds on long ones. Here every header is
bytes first, capped, unfolded, decoded by itself; what cannot be read is left out or shown as it stands, and nothing
raises. MIME structure is not this module's.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agent.inbound.charsets import decode_text, no_surrogates

#: bytes of the header section that are looked at; real mails stay under 64 KB
MAX_SECTION = 256 * 1024
#: bytes of one header that are decoded
MAX_HEADER = 32 * 1024
#: fields that are kept; real mails have under two hundred
MAX_FIELDS = 1_000
MAX_REFERENCES = 200
MAX_SUBJECT = 2_000

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
#: headers that tell a stray line within the section from the start of the body
_KNOWN = re.compile(
    rb"(?im)^(from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|"
    rb"received|return-path|reply-to|x-[\w-]+|dkim-signature|references)[ \t]*:"
)
_BLANK = re.compile(rb"\n\r?\n")
_CHARSET = re.compile(rb"(?i)\bcharset\s*=\s*[\"']?([\w.:-]{2,40})")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?[^?\s]{1,60}\?[bBqQ]\?)")
_MESSAGE_ID = re.compile(r"<\s*([^<>\s][^<>]*?)\s*>")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields in order of appearance, top first; names lower-cased, values unfolded raw bytes."""

    fields: tuple[tuple[str, bytes], ...]
    #: offset of the body in the bytes that were read
    body_at: int
    #: part of the section was cut off
    capped: bool
    #: the first charset that the message names, where a header has raw 8-bit text: that is mostly in it
    charset: str | None = None
    #: the values by name: readers ask for dozens of names
    _by_name: Mapping[str, list[bytes]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[bytes]] = {}
        for name, value in self.fields:
            by_name.setdefault(name, []).append(value)
        object.__setattr__(self, "_by_name", by_name)

    def raw(self, name: str) -> Sequence[bytes]:
        """All values of `name`, top first."""
        return self._by_name.get(name, ())

    def text(self, name: str) -> str:
        """The first value of `name`, decoded for people; empty where there is none."""
        for value in self.raw(name):
            return decode_header(value, self.charset)
        return ""

    def plain(self, name: str) -> str:
        """The first value of `name` as ASCII-compatible text without decoding of encoded words, lower-cased."""
        for value in self.raw(name):
            return value.decode("latin-1").strip().lower()
        return ""

    def has(self, name: str) -> bool:
        return name in self._by_name


def tidy(raw: bytes) -> bytes:
    """The message with what stores and pipes put around it taken off: BOM, mbox line, blank lines, CR line ends."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    while re.match(rb">?From[ \t]+[^ \t:]", raw):
        raw = raw.partition(b"\n")[2]
    return raw


def parse_headers(raw: bytes) -> Headers:
    """Split the header section of `raw`.

    A line that is no header ends the section, as the body may start unannounced, unless known headers follow it: then
    it is a stray line that some hop broke.
    """
    fields, body_at, capped = _sections(raw)
    eight_bit = any(not value.isascii() or b"\x1b" in value for _, value in fields)
    named = _CHARSET.search(raw[:65_536]) if eight_bit else None
    return Headers(fields, body_at, capped, named[1].decode("ascii") if named else None)


def _sections(raw: bytes) -> tuple[tuple[tuple[str, bytes], ...], int, bool]:
    fields: list[tuple[str, list[bytes]]] = []
    at = 0
    end = min(len(raw), MAX_SECTION)
    while at < len(raw):
        stop = raw.find(b"\n", at, end)
        if stop < 0 and end == len(raw):
            stop = end
        if stop < 0 or len(fields) > MAX_FIELDS:
            return _joined(fields), _after_section(raw, at), True
        line = raw[at:stop].rstrip(b"\r")
        if not line:
            return _joined(fields), stop + 1, False
        match = _FIELD.match(line)
        if line[:1] in b" \t":
            if fields:
                fields[-1][1].append(line)
        elif match:
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
        elif len(fields) < 3 or not _KNOWN.search(
            raw[stop : stop + 8_192].partition(b"\n\n")[0].partition(b"\n\r\n")[0]
        ):
            return _joined(fields), at, False
        at = stop + 1
    return _joined(fields), len(raw), False


def _after_section(raw: bytes, at: int) -> int:
    """Where the body starts when the section was too long to read: behind the first blank line, or nowhere."""
    blank = _BLANK.search(raw, at)
    return blank.end() if blank else len(raw)


def _joined(fields: list[tuple[str, list[bytes]]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, b"".join(lines)[:MAX_HEADER].strip()) for name, lines in fields)


def decode_header(value: bytes, charset: str | None = None) -> str:
    """A header for people's eyes: encoded words (RFC 2047) and raw 8-bit text decoded, white space made even."""
    text = decode_text(value, None if value.isascii() and b"\x1b" not in value else charset)
    if "=?" in text:
        text = _decode_words(text)
    text = no_surrogates(text).replace("\x00", "")
    return re.sub(r"\s+", " ", text).strip()


def _decode_words(text: str) -> str:
    """Encoded words of one charset that touch are joined before decoding: some mailers split characters over them."""
    text = _BETWEEN_WORDS.sub(r"\1\2", text)
    out: list[str] = []
    pending, charset, at = b"", "", 0
    for match in _ENCODED_WORD.finditer(text):
        payload = _word_bytes(match[2], match[3])
        touching = match.start() == at and pending
        if payload is None or not touching or match[1].lower() != charset:
            out.append(decode_text(pending, charset) if pending else "")
            pending = b""
        out.append(text[at : match.start()])
        if payload is None:
            out.append(match[0])
        else:
            pending, charset = pending + payload, match[1].lower().partition("*")[0]
        at = match.end()
    out.append(decode_text(pending, charset) if pending else "")
    out.append(text[at:])
    return "".join(out)


def _word_bytes(encoding: str, payload: str) -> bytes | None:
    data = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b" ", b"_"), header=True)
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    try:
        return base64.b64decode(data[: len(data) - (len(data) % 4 == 1)] + b"==")
    except binascii.Error:
        return None


def message_ids(value: bytes) -> tuple[str, ...]:
    """The ids of a References, In-Reply-To or Message-ID header, with their brackets, no more than `MAX_REFERENCES`."""
    text = value.decode("utf-8", "replace")
    found = ["<" + re.sub(r"\s+", "", match) + ">" for match in _MESSAGE_ID.findall(text)]
    if not found and re.fullmatch(r"[^\s<>]+@[^\s<>]+", text.strip()):
        found = [f"<{text.strip()}>"]
    return tuple(dict.fromkeys(found))[-MAX_REFERENCES:]


def parse_date(value: bytes) -> datetime | None:
    """The Date header as an aware datetime; a zone of ``-0000`` or none at all counts as UTC."""
    text = value.decode("ascii", "replace")[:200]
    try:
        parsed = parsedate_to_datetime(text)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        aware.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return aware
