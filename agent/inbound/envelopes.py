"""Texts that come in an envelope which mail programs open and people never see: S/MIME signatures and winmail.dat.

An *opaque* S/MIME mail carries its text inside a CMS SignedData (RFC 5652, 8551); Outlook's TNEF (MS-OXTNEF) carries
text and files in one attachment. Both are read here by their lengths alone, nothing is verified, run or written: our
border says who the sender is, not a signature of a stranger's. Of TNEF the plain or the HTML text is read, and where
there is neither, the rich text. No library for the envelopes: those that there are had no release for years.

Pure. What does not hold together gives None.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from compressed_rtf import decompress
from striprtf.striprtf import rtf_to_text

from agent.inbound.charsets import decode_text

#: Bytes of an envelope that are read.
MAX_ENVELOPE = 25 * 1024 * 1024

_MAX_ELEMENTS = 20_000
_MAX_DEPTH = 40

_SIGNED = bytes.fromhex("2a864886f70d010702")
_ENCRYPTED = (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d0109100117"))


class Broken(ValueError):
    """The envelope's lengths don't hold together."""


# --- S/MIME -----------------------------------------------------------------------------------------------------------


def signed_content(data: bytes) -> bytes | None:
    """The MIME entity inside an opaque signature; None where the bytes are none, or hold none."""
    try:
        outer = _only(data, (0, len(data)))
        kind, body = _pair(data, outer)
        if data[kind.start : kind.end] != _SIGNED:
            return None
        parts = list(_elements(data, _inside(_only(data, _inside(body)))))
        entity = next(part for part in parts if part.tag == _SEQUENCE)
        _, wrapped = _pair(data, entity)
        return b"".join(_octets(data, _only(data, _inside(wrapped)), 0))
    except (Broken, StopIteration):
        return None


def is_encrypted(data: bytes) -> bool:
    """Whether the bytes are a CMS EnvelopedData (or its authenticated sister): nobody but its reader can open it."""
    try:
        kind, _ = _pair(data, _only(data, (0, len(data))))
    except Broken:
        return False
    return data[kind.start : kind.end] in _ENCRYPTED


_SEQUENCE = 0x30
_OCTETS, _CONSTRUCTED = 0x04, 0x20


@dataclass(frozen=True, slots=True)
class _Element:
    """One BER element: its tag byte, its content's span, and where the next one begins."""

    tag: int
    start: int
    end: int
    after: int


def _element(data: bytes, at: int, limit: int, depth: int) -> _Element:
    if at + 2 > limit or depth > _MAX_DEPTH:
        raise Broken
    tag, length = data[at], data[at + 1]
    start = at + 2
    if length == 0x80:
        if not tag & _CONSTRUCTED:
            raise Broken
        end = start
        while data[end : end + 2] != b"\0\0":
            end = _element(data, end, limit, depth + 1).after
        return _Element(tag, start, end, end + 2)
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > limit:
            raise Broken
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > limit:
        raise Broken
    return _Element(tag, start, start + length, start + length)


def _elements(data: bytes, span: tuple[int, int]) -> Iterator[_Element]:
    at, end = span
    for _ in range(_MAX_ELEMENTS):
        if at >= end:
            return
        found = _element(data, at, end, 0)
        yield found
        at = found.after
    raise Broken


def _inside(element: _Element) -> tuple[int, int]:
    return element.start, element.end


def _only(data: bytes, span: tuple[int, int]) -> _Element:
    """The first element of a span that holds what matters."""
    return _element(data, span[0], span[1], 0)


def _pair(data: bytes, element: _Element) -> tuple[_Element, _Element]:
    """The two elements of a ContentInfo: what it is, and its content."""
    first = _element(data, element.start, element.end, 0)
    return first, _element(data, first.after, element.end, 0)


def _octets(data: bytes, element: _Element, depth: int) -> Iterator[bytes]:
    """The bytes of an octet string, also one that is made of several."""
    if depth > _MAX_DEPTH:
        raise Broken
    if element.tag == _OCTETS:
        yield data[element.start : element.end]
    elif element.tag == _OCTETS | _CONSTRUCTED:
        for piece in _elements(data, _inside(element)):
            yield from _octets(data, piece, depth + 1)
    else:
        raise Broken


# --- winmail.dat ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TnefFile:
    """A file inside a winmail.dat."""

    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Tnef:
    """What a winmail.dat holds; texts are empty where it has none."""

    plain: str
    html: str
    files: tuple[TnefFile, ...]


_TNEF = 0x223E9F78
_BODY, _MESSAGE, _CODE_PAGE = 0x0002800C, 0x00069003, 0x00069007
_FILE_BEGINS, _FILE_TITLE, _FILE_DATA, _FILE = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_PLAIN_TEXT, _RICH_TEXT, _HTML_TEXT, _HTML_CODE_PAGE, _LONG_NAME = 0x1000, 0x1009, 0x1013, 0x3FDE, 0x3707
#: Rich text longer than this, compressed or not, is not read.
_MOST_RICH_TEXT = 1 << 20
_STRING, _UNICODE, _BINARY, _OBJECT, _MANY = 0x1E, 0x1F, 0x102, 0x0D, 0x1000
_FIXED = {
    0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16,
}  # fmt: skip


def read_tnef(data: bytes) -> Tnef | None:
    """Text and files of a winmail.dat; None where the bytes are none."""
    try:
        return _read_tnef(data)
    except (Broken, struct.error):
        return None


def _read_tnef(data: bytes) -> Tnef:
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _TNEF:
        raise Broken
    charset = "cp1252"
    plain, html = "", ""
    files: list[list[str | bytes]] = []
    for attribute, value in _attributes(data):
        if attribute == _CODE_PAGE and len(value) >= 4:
            charset = _charset(struct.unpack_from("<I", value)[0], charset)
        elif attribute == _BODY:
            plain = plain or decode_text(value, charset).rstrip("\0")
        elif attribute == _MESSAGE:
            found = _properties(value)
            html_charset = _charset(int.from_bytes(found.get(_HTML_CODE_PAGE, (0, b""))[1], "little"), charset)
            plain = _text(found.get(_PLAIN_TEXT), charset) or plain
            html = _text(found.get(_HTML_TEXT), html_charset)
            if not plain and not html:
                plain = _rich_text(found.get(_RICH_TEXT, (0, b""))[1], charset)
        elif attribute == _FILE_BEGINS:
            files.append(["", b""])
        elif files and attribute == _FILE_TITLE:
            files[-1][0] = files[-1][0] or decode_text(value, charset).rstrip("\0")
        elif files and attribute == _FILE_DATA:
            files[-1][1] = value
        elif files and attribute == _FILE:
            files[-1][0] = _text(_properties(value).get(_LONG_NAME), charset) or files[-1][0]
    listed = tuple(TnefFile(str(name), bytes(content)) for name, content in files if isinstance(content, bytes))
    return Tnef(plain.replace("\r\n", "\n"), html, listed)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    for _ in range(_MAX_ELEMENTS):
        if at + 9 > len(data):
            return
        _, attribute, length = struct.unpack_from("<BII", data, at)
        if at + 9 + length > len(data):
            raise Broken
        yield attribute, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _properties(data: bytes) -> dict[int, tuple[int, bytes]]:
    """MAPI properties by id: type and bytes, of several values the first."""
    found: dict[int, tuple[int, bytes]] = {}
    count, at = struct.unpack_from("<I", data)[0], 4
    for _ in range(min(count, _MAX_ELEMENTS)):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= 0x8000:
            at = _after_name(data, at)
        values = 1
        base = kind & ~_MANY
        sized = base in (_STRING, _UNICODE, _BINARY, _OBJECT)
        if sized or kind & _MANY:
            values, at = struct.unpack_from("<I", data, at)[0], at + 4
        for index in range(min(values, _MAX_ELEMENTS)):
            if sized:
                length, at = struct.unpack_from("<I", data, at)[0], at + 4
            elif base in _FIXED:
                length = _FIXED[base]
            else:
                raise Broken
            if at + length > len(data):
                raise Broken
            if index == 0:
                found[name] = (base, data[at : at + length])
            at += length + (-length % 4)
    return found


def _after_name(data: bytes, at: int) -> int:
    """Where a named property's name ends: a GUID, then a number or a text."""
    kind = struct.unpack_from("<I", data, at + 16)[0]
    if kind == 0:
        return at + 24
    length = struct.unpack_from("<I", data, at + 20)[0]
    return at + 24 + int(length) + (-int(length) % 4)


def _text(value: tuple[int, bytes] | None, charset: str) -> str:
    if value is None:
        return ""
    kind, data = value
    return decode_text(data, "utf-16-le" if kind == _UNICODE else charset).rstrip("\0").replace("\r\n", "\n")


def _rich_text(compressed: bytes, charset: str) -> str:
    """The text of compressed RTF (MS-OXRTFCP); nothing where it is broken or longer than is read."""
    if not 16 <= len(compressed) <= _MOST_RICH_TEXT or struct.unpack_from("<I", compressed, 4)[0] > _MOST_RICH_TEXT:
        return ""
    try:
        rich = decompress(compressed).decode("latin-1")
        told: str = rtf_to_text(rich, charset, "replace")  # type: ignore[no-untyped-call]  # the library has no types
    except Exception:  # noqa: BLE001 - one raises bare exceptions, the other what a broken control word leads to
        return ""
    return told


def _charset(code_page: int, otherwise: str) -> str:
    known = {65001: "utf-8", 20127: "ascii", 28591: "latin-1", 28592: "iso8859-2", 28605: "iso8859-15", 20866: "koi8-r"}
    known[21866] = "koi8-u"
    return known.get(code_page) or (f"cp{code_page}" if 437 <= code_page <= 1258 else otherwise)
