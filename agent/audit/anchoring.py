"""The drain that notes the head of the log outside of the database: in a file, and in the system's log if so set.

Who holds the database and its key could write another history that holds in itself. What stands in a file on another
disk (or one that may only be appended to), and in a log that leaves the machine, contradicts it.
"""

from __future__ import annotations

import socket
from datetime import datetime

from config import Settings
from config.errors import NeedsPerson
from models import Database
from models.anchors import Anchor, AnchorFile, contradiction, head

#: Facility `authpriv`, severity `notice` (RFC 3164 section 4.1.1).
_PRIORITY = 10 * 8 + 5


def drain(database: Database, settings: Settings, now: datetime) -> bool:
    """Anchor the head if it has moved on; whether it has.

    Raises:
        NeedsPerson: an anchor can't be written, or the log contradicts the last one: that is told, and stays as it is.
    """
    files = places(database, settings)
    with database.read() as session:
        newest = head(session, now)
        for file in files:
            if (why := contradiction(session, file.last())) is not None:
                raise NeedsPerson(f"{file.path}: {why}", "Find out why, then run `relance adopt`.")
    behind = [file for file in files if (last := file.last()) is None or last.seq < newest.seq]
    write(behind, settings, newest)
    return bool(behind)


def places(database: Database, settings: Settings) -> list[AnchorFile]:
    """The files that hold anchors: beside the signing key always, and where the configuration says."""
    also = settings.audit.anchors
    return [database.anchors, *([AnchorFile(settings.root / also)] if also else [])]


def write(files: list[AnchorFile], settings: Settings, anchor: Anchor) -> None:
    """Append the anchor to each file, and tell the system's log. Raises NeedsPerson where one of them refuses."""
    for file in files:
        file.append(anchor)
    if files and settings.audit.syslog:
        _tell_system_log(settings.audit.syslog, anchor)


def _tell_system_log(path: str, anchor: Anchor) -> None:
    line = f"<{_PRIORITY}>relance: anchor {anchor.as_line()}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as log:
            log.connect(path)
            log.send(line.encode("ascii"))
    except OSError as error:
        raise NeedsPerson(
            f"{path}: the system's log took no anchor ({error.strerror or error})",
            "Start it, or empty [audit] syslog.",
        ) from None
