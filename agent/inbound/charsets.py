"""Bytes to text, whatever the label says.

Labels lie: raw UTF-8 is declared as Latin-1, Windows text as ASCII, and charset names are invented. The order here:
the declared charset where it fits strictly, UTF-8 where that fits strictly, a detector, and at last Windows-1252
with replacement marks. Nothing raises, and no lone surrogate comes out.
"""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

#: names that mailers write and Python doesn't know, or knows as a subset of what they mean (WHATWG encoding standard)
_MEANT = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "windows-1252http-equivcontent-type": "cp1252",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "tis-620": "cp874",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
}
#: single-byte charsets decode any bytes, so UTF-8 is tried before them
_SINGLE_BYTE = ("cp125", "iso-8859", "iso8859", "mac", "koi8", "cp87", "cp85")
#: what mailers write under a label of the same language
_TAKEN_FOR = {
    "iso2022_jp": ("cp932", "euc_jp"),
    "cp932": ("euc_jp",),
    "euc_jp": ("cp932",),
    "gb18030": ("big5",),
    "big5": ("gb18030",),
}
#: bytes that the detector looks at
_SAMPLE = 20_000


def decode_text(data: bytes, declared: str | None) -> str:
    """`data` as text; `declared` is the charset that the message names, None where it names none."""
    if data.isascii() and not (
        declared and declared.lower().startswith(("iso-2022", "hz", "utf-7", "unicode-1-1", "utf-16"))
    ):
        return data.decode("ascii")
    name = _known(declared)
    if name is None or name.startswith(_SINGLE_BYTE):
        utf8 = _strict(data, "utf-8")
        if utf8 is not None:
            return utf8
    if name is not None:
        text = _strict(data, name)
        if text is not None:
            return text
    text = _strict(data, "utf-8")
    if text is not None:
        return text
    for other in _TAKEN_FOR.get(name or "", ()):
        text = _strict(data, other)
        if text is not None:
            return text
    if name is not None and not name.startswith("utf"):
        return no_surrogates(data.decode(name, "replace"))
    if name is not None and _mostly_utf8(data):
        return data.decode("utf-8", "replace")
    return _detected(data)


def _known(declared: str | None) -> str | None:
    name = (declared or "").strip().strip("\"'").lower()
    name = _MEANT.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    # "rot13", "base64", "undefined" and their like are codecs, but no charsets.
    return info.name if getattr(info, "_is_text_encoding", True) and info.name not in _NO_CHARSET else None


_NO_CHARSET = frozenset({"undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"})


def _strict(data: bytes, name: str) -> str | None:
    try:
        text = data.decode(name)
        text.encode("utf-8")
    except (UnicodeError, LookupError):
        return None
    return text.removeprefix("\ufeff")


def _mostly_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return text.count("\ufffd") * 20 < sum(1 for char in text if ord(char) > 127)


def _detected(data: bytes) -> str:
    """Western text is by far the likeliest; the detector speaks only where it finds another script."""
    western = data.decode("cp1252", "replace")
    sample = data[:_SAMPLE]
    foreign = sum(byte > 127 for byte in sample) * 3 > len(sample)
    best = from_bytes(sample).best() if foreign and len(sample) > 20 else None
    if best is None or best.encoding.startswith(("cp125", "latin", "iso8859", "mac", "cp4", "cp5", "cp8", "cp1", "hp")):
        return western
    text = _strict(data, best.encoding)
    return western if text is None else text


def no_surrogates(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 and JSON cannot carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
