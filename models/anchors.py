"""Anchors: how far the log of events had come, noted outside of the database.

A chain of hashes shows a change, but not that its end was cut off, nor that the whole database was set back to an older
copy: both leave a shorter chain that holds. So the head of the chain is written down, each time that mail has left and
every hour besides, as a line of a file beside the signing key (or where the configuration says). A database whose log
is shorter than its last anchor, or differs from it, sends nothing until a person has adopted it.

An anchor holds a number and a hash made with the signing key: nothing about anybody, and nothing that can be made up.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.errors import NeedsPerson
from models.event import Event, EventHead

_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Anchor:
    """The log's head at one moment. ``adopted``: a person took this state for the true one, whatever stood before."""

    seq: int
    hash: str
    at: datetime
    adopted: bool = False

    def as_line(self) -> str:
        document = {"seq": self.seq, "hash": self.hash, "at": self.at.astimezone(UTC).isoformat()}
        return json.dumps({**document, "adopted": True} if self.adopted else document)


class AnchorFile:
    """One anchor a line, appended and never changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> Anchor | None:
        """The newest anchor; None: there is none yet. Raises NeedsPerson where it can't be read."""
        newest = None
        for line in self._lines(tail=_TAIL_BYTES):
            newest = self._parsed(line)
        return newest

    def since_adoption(self) -> list[Anchor]:
        """All anchors from the last adoption on, oldest first. Raises NeedsPerson where the file can't be read."""
        found: list[Anchor] = []
        for line in self._lines():
            anchor = self._parsed(line)
            if anchor.adopted:
                found.clear()
            found.append(anchor)
        return found

    def append(self, anchor: Anchor) -> None:
        """Write it and wait for the disk. Raises NeedsPerson where that fails."""
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(handle).st_size
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                os.write(handle, (b"\n" if torn else b"") + anchor.as_line().encode("ascii") + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise NeedsPerson(
                f"{self.path}: the head of the log can't be anchored ({error.strerror})",
                "Let relance append to that file, or name another one in [audit] anchors.",
            ) from None

    def _lines(self, tail: int = 0) -> Iterator[str]:
        """Lines that were written whole: what a power cut left of one has no closing bracket, and is no anchor."""
        try:
            with self.path.open("rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - tail) if tail else 0
                file.seek(start)
                content = file.read().decode("ascii", "replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise NeedsPerson(
                f"{self.path}: the anchors can't be read ({error.strerror})", "Check its owner and its rights."
            ) from None
        lines = content.splitlines()
        for line in lines[1:] if start else lines:
            if not line.startswith("{") or line.endswith("}"):
                yield line

    def _parsed(self, line: str) -> Anchor:
        try:
            raw = json.loads(line)
            at = datetime.fromisoformat(raw["at"])
            return Anchor(int(raw["seq"]), str(raw["hash"]), at, bool(raw.get("adopted", False)))
        except (ValueError, KeyError, TypeError):
            raise NeedsPerson(
                f"{self.path}: not a line of anchors: {line[:80]!r}",
                "Somebody changed this file. Compare the database with the last backup, then remove that line.",
            ) from None


def head(session: Session, at: datetime) -> Anchor:
    """Where the log ends now."""
    row = session.execute(select(EventHead)).scalar_one()
    return Anchor(row.seq, row.hash, at)


def contradiction(session: Session, anchor: Anchor | None) -> str | None:
    """Why the log can't be the one that was anchored; None: it can."""
    if anchor is None or anchor.seq == 0:
        return None
    found = session.scalar(select(Event.hash).where(Event.seq == anchor.seq))
    if found == anchor.hash:
        return None
    when = f"event {anchor.seq}, anchored on {anchor.at:%Y-%m-%d %H:%M} UTC,"
    if found is None:
        return f"{when} is missing: the database was set back, or the end of its log cut off"
    return f"{when} is another one in this database"
