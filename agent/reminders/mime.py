"""The bytes of a mail: headers, alternative parts, attachments, written by RFC 5322, 2045-2047, 2183 and 2231.

The bytes of a reminder are frozen for ever, so they must be right at once and must not depend on the interpreter. The
standard library's generator is neither: up to 3.12 it loses or doubles spaces when it folds a header that mixes plain
and encoded words (measured: four of five long display names), it may encode the comma between two addresses
(CVE-2025-1795), and its folding differs from one release to the next. What is needed here is small and fixed, so it is
written out; the tests read it back with the standard library's parser.

Nothing here judges what a header may say: the callers have refused control characters and checked addresses before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

CRLF = "\r\n"
LINE = 76
"""Longest line that holds an encoded word (RFC 2047 section 2); other lines keep to it too where they can be cut."""
_WORD = 75
_WRAPPING = len("=?utf-8?q?") + len("?=")
# What an encoded word may hold wherever it stands, display names included (RFC 2047 section 5, rule 3).
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True, slots=True)
class File:
    """One attachment, its name fit to be shown and its type ``major/minor``."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that the HTML part shows as ``cid:NAME``: it travels in the mail, nothing is fetched."""

    name: str
    content_type: str
    content: bytes


def header(name: str, text: str) -> str:
    """A header of free text (RFC 5322 3.6.5): as it is where that is possible, else in encoded words."""
    line = f"{name}: {text}"
    if text.isascii() and len(line) <= LINE and "=?" not in text and text == text.strip():
        return line + CRLF
    return f"{name}: {_folded(_encoded_words(text, len(name) + 2))}{CRLF}"


def structured(name: str, parts: Sequence[str], separator: str = " ") -> str:
    """A header of parts that need no encoding, one a line: ids, parameters."""
    return f"{name}: {(separator.rstrip(' ') + CRLF + ' ').join(parts)}{CRLF}"


def addresses(name: str, mailboxes: Iterable[tuple[str, str]]) -> str:
    """A header of mailboxes, each a display name (or "") and a plain address."""
    return structured(name, [_mailbox(display, address, len(name) + 2) for display, address in mailboxes], ",")


def body(message_id: str, text: str, html: str, files: Sequence[File], pictures: Sequence[Picture] = ()) -> str:
    """The MIME headers and the body: two alternatives, the pictures with the HTML, and the files beside them.

    Boundaries are made from the Message-ID, so the same mail has the same bytes. They begin with ``=_``, which can
    stand in neither quoted-printable nor base64 (RFC 2045 6.7), so no content can hold one.
    """
    page = _text_part("html", html)
    if pictures:
        page = _multipart("related", message_id, [page, *map(_picture_part, pictures)], with_version=False)
    alternative = _multipart("alternative", message_id, [_text_part("plain", text), page], with_version=not files)
    if not files:
        return alternative
    return _multipart("mixed", message_id, [alternative, *map(_file_part, files)], with_version=True)


def plain_body(text: str) -> str:
    """The MIME headers and the body of a mail of plain text alone."""
    return f"MIME-Version: 1.0{CRLF}{_text_part('plain', text)}"


def _multipart(kind: str, message_id: str, parts: Sequence[str], *, with_version: bool) -> str:
    digest = hashlib.sha256(f"{kind} {message_id}".encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    version = f"MIME-Version: 1.0{CRLF}" if with_version else ""
    head = version + structured("Content-Type", [f"multipart/{kind};", f'boundary="{boundary}"'])
    return head + "".join(f"{CRLF}--{boundary}{CRLF}{part}" for part in parts) + f"{CRLF}--{boundary}--{CRLF}"


def _text_part(subtype: str, text: str) -> str:
    lines = text.replace(CRLF, "\n").rstrip("\n") + "\n"
    encoded = binascii.b2a_qp(lines.encode(), istext=True).decode("ascii")
    return (
        f"Content-Type: text/{subtype}; charset=utf-8{CRLF}"
        f"Content-Transfer-Encoding: quoted-printable{CRLF}{CRLF}{encoded.replace(chr(10), CRLF)}"
    )


def _file_part(file: File) -> str:
    encoded = base64.encodebytes(file.content).decode("ascii").replace("\n", CRLF)
    return (
        structured("Content-Type", [file.content_type])
        + structured("Content-Disposition", ["attachment;", _filename(file.filename)])
        + f"Content-Transfer-Encoding: base64{CRLF}{CRLF}{encoded}"
    )


def _picture_part(picture: Picture) -> str:
    encoded = base64.encodebytes(picture.content).decode("ascii").replace("\n", CRLF)
    return (
        structured("Content-Type", [picture.content_type])
        + structured("Content-ID", [f"<{picture.name}>"])
        + structured("Content-Disposition", ["inline"])
        + f"Content-Transfer-Encoding: base64{CRLF}{CRLF}{encoded}"
    )


def _filename(name: str) -> str:
    """The parameter in one of its two forms; programs that are given both don't agree on which one counts."""
    if name.isascii() and not any(char in name for char in '"\\'):
        return f'filename="{name}"'
    return f"filename*=utf-8''{quote(name, safe='')}"


def _mailbox(display: str, address: str, used: int) -> str:
    if not display:
        return address
    if _ATOMS.fullmatch(display) and "=?" not in display:
        shown = display
    elif display.isascii() and "=?" not in display and len(display) < LINE - used:
        shown = '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        shown = _folded(_encoded_words(display, used))
    last = shown.rpartition(CRLF)[2]
    gap = " " if used + len(last) + len(address) + 3 <= LINE else f"{CRLF} "
    return f"{shown}{gap}<{address}>"


def _folded(words: Iterable[str]) -> str:
    return f"{CRLF} ".join(words)


def _encoded_words(text: str, used: int) -> Iterator[str]:
    """Encoded words of whole characters, the first one short enough for a line on which `used` characters stand.

    A reader drops the spaces between encoded words (RFC 2047 6.2), so the words hold every space of the text.
    """
    room = min(_WORD, LINE - used) - _WRAPPING
    word = ""
    for character in text:
        encoded = _q(character)
        if len(word) + len(encoded) > room:
            yield f"=?utf-8?q?{word}?="
            word, room = "", _WORD - _WRAPPING
        word += encoded
    yield f"=?utf-8?q?{word}?="


def _q(character: str) -> str:
    if character == " ":
        return "_"
    return "".join(chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in character.encode())
