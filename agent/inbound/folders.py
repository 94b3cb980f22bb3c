"""Which folders of a mailbox are watched. Pure: a listing and the settings in, folders out.

All that can be opened and match the settings, as people move mail before anybody sees it; Drafts never, whether the
server marks them (RFC 6154) or only their name tells. Sent comes first, so that a colleague's own letter is known
as such before copies of it turn up elsewhere; then the inbox. Gmail shows every mail once more under each of its
labels, so there All Mail, Spam, Trash and Sent stand for everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.inbound.lists import drafts_names
from config import Imap

Listed = tuple[Sequence[bytes], bytes | None, str]
"""Flags, delimiter and name, as IMAPClient lists a folder."""

_CLOSED = frozenset({rb"\noselect", rb"\nonexistent"})
_GMAIL_WHOLE = frozenset({rb"\all", rb"\junk", rb"\trash", rb"\sent"})


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder to be read. `is_sent`: what lies there was written by us or by a colleague."""

    name: str
    is_sent: bool


def choose(listing: Iterable[Listed], imap: Imap, *, is_gmail: bool = False) -> tuple[Watched, ...]:
    """The folders to watch, in the order in which they are read."""
    chosen: list[tuple[int, Watched]] = []
    for raw_flags, delimiter, name in listing:
        flags = {flag.lower() for flag in raw_flags}
        if flags & _CLOSED or _is_drafts(name, flags, (delimiter or b"/").decode("ascii", "replace")):
            continue
        if not _matches(name, imap.folders) or _matches(name, imap.exclude):
            continue
        if is_gmail and not flags & _GMAIL_WHOLE:
            continue
        is_sent = name == imap.sent or rb"\sent" in flags
        chosen.append((0 if is_sent else 1 if name.upper() == "INBOX" else 2, Watched(name, is_sent)))
    return tuple(watched for _, watched in sorted(chosen, key=lambda pair: (pair[0], pair[1].name)))


def _is_drafts(name: str, flags: set[bytes], delimiter: str) -> bool:
    return rb"\drafts" in flags or name.rpartition(delimiter)[2].casefold() in drafts_names()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """`*` stands for any text; the inbox alone has a name without case (RFC 9051 5.1)."""
    for pattern in patterns:
        if pattern.upper() == name.upper() == "INBOX":
            return True
        if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.S):
            return True
    return False
