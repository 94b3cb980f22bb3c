"""Stage 1: every mail of a mailbox is stored, raw, before anything else is done with it.

For each watched folder (`folders.choose`), read-only:

    STATUS      UIDNEXT as the cursor left it, and swept within the hour? then nothing is new
    EXAMINE     UIDVALIDITY comes from this very answer; another one than before starts the folder over
    UID SEARCH  last+1:* (or, once an hour, all), minus what is located
    FETCH       sizes, and at Gmail each conversation's number; then bodies by BODY.PEEK[] in batches; a huge one in
                pieces
    store       bytes, message, location and cursor in one transaction (`cursor.store`)

If the process dies before a commit, the mails are fetched again; after it, they are located and left alone. A mail
that is gone before its fetch is noted as vanished. One whose body the server won't give, though it is there, keeps the
cursor below it: the others are stored, and the error is told until it comes. After a change of UIDVALIDITY mails are
recognised by Message-ID, size and time, and where that leaves a doubt by their content.

What it does not do: set a flag, move or delete anything, ask flags what is new, or judge. UIDs are passed as lists of
numbers only, and every answer is checked for what was asked (IMAPClient hands on unsolicited ones).
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from agent.faults import point
from agent.inbound import cursor
from agent.inbound.cursor import Batch, Cursor, Fetched, Listed
from agent.inbound.folders import Watched, choose
from agent.inbound.headers import message_ids, parse_headers
from agent.inbound.identity import Fingerprint
from agent.wire.imap import ReadPast
from agent.wire.watchdog import deadline
from config import Mailbox, Settings
from config.errors import NeedsPerson, TemporaryFailure
from models import Database

log = structlog.get_logger()

WINDOW = 50_000
"""UIDs that one SEARCH asks for: its answer is one line, and imaplib refuses those above 1,000,000 bytes."""
LISTED_AT_ONCE = 1_000
BATCH_MAILS = 200
BATCH_BYTES = 8_000_000
HUGE = 25_000_000
"""Bytes above which a body is fetched in pieces."""
PIECE = 1 << 20
MAX_KEPT = 250_000_000
"""Bytes that are kept of a mail: a database's column does not hold much more. The rest stays on the server only."""
SWEEP_EVERY = timedelta(hours=1)
CHANGES_AN_HOUR = 5
SLOWED = timedelta(minutes=10)
COMMAND_SECONDS = 120.0
FETCH_SECONDS = 300.0

#: Gmail's extension, and the number under which it keeps a mail's conversation.
GMAIL = "X-GM-EXT-1"
_THREAD = "X-GM-THRID"

_ID_FIELD = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
_ASK_ID_FIELD = b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collected:
    """What one drain did. ``seen = stored + copies + own + drafts + vanished + failed``."""

    folders: int = 0
    seen: int = 0
    """Mails that had no location before."""
    stored: int = 0
    copies: int = 0
    """Further copies of a mail that is stored: another folder, another mailbox, a folder renumbered."""
    own: int = 0
    """Mails of ours that came back: the copy in Sent, or one sent to ourselves."""
    drafts: int = 0
    vanished: int = 0
    failed: int = 0
    """Mails that are there, but whose body the server did not give. They are asked for again."""
    renumbered: int = 0
    """Folders whose UIDVALIDITY changed."""


def collect(
    database: Database,
    mailbox_name: str,
    settings: Settings,
    imap: IMAPClient,
    now: datetime,
    stop: threading.Event | None = None,
) -> Collected:
    """Store every mail of the mailbox that isn't stored yet. Harmless when run twice.

    ``imap`` is logged in (`agent.wire.imap.open_imap`), and of no more use after an error. ``stop`` ends it after the
    mails in hand.

    Raises:
        TemporaryFailure: the connection broke, a command took too long, a folder or a mail could not be read, or it
            was to stop before it was through. What could be read is stored by then.
        NeedsPerson: no folder matches the settings.
    """
    mailbox = settings.mailbox[mailbox_name]
    return _Run(database, mailbox_name, mailbox, imap, now, stop or threading.Event()).all_folders()


class _Run:
    """One drain: the connection, what it found and how it failed."""

    def __init__(
        self,
        database: Database,
        name: str,
        mailbox: Mailbox,
        imap: IMAPClient,
        now: datetime,
        stop: threading.Event,
    ) -> None:
        self.database, self.name, self.mailbox, self.imap, self.now, self.stop = (
            database, name, mailbox, imap, now, stop,
        )  # fmt: skip
        self.counted: Counter[str] = Counter()
        self.held: dict[int, int | None] = {}
        self.swept: set[int] = set()
        self.reached: dict[int, int] = {}
        self.troubles: list[str] = []
        self.is_gmail = False

    def all_folders(self) -> Collected:
        with self.command("listing the folders"):
            listing = self.imap.list_folders()
            self.is_gmail = bool(self.imap.has_capability(GMAIL))
        watched = choose(listing, self.mailbox.imap, is_gmail=self.is_gmail)
        if not watched:
            raise NeedsPerson(
                f"mailbox {self.name}: no folder of the server matches the settings",
                f"Mend {self.mailbox.imap.key}.folders and exclude.",
            )
        cursors = cursor.all_of(self.database, self.name)
        for folder in watched:
            known = cursors.get(folder.name) or cursor.of_folder(self.database, self.name, folder.name)
            try:
                _Look(self, folder, known).look()
            except IMAPClientError as error:
                # A refusal for this folder (rights, removed meanwhile) is no reason not to read the others.
                self.troubles.append(f"folder {folder.name}: {error}")
                log.warning("folder.refused", mailbox=self.name, folder=known.folder_id)
        cursor.looked(self.database, self.held, self.reached, self.swept, self.now)
        self.counted["folders"] = len(watched)
        if self.troubles:
            raise TemporaryFailure(
                f"mailbox {self.name}: not everything could be read: {'; '.join(self.troubles[:5])}",
                f"If a folder is not meant to be read, name it in {self.mailbox.imap.key}.exclude.",
            )
        return Collected(**self.counted)

    def command(self, doing: str, seconds: float = COMMAND_SECONDS) -> AbstractContextManager[None]:
        return deadline(self.imap, seconds, doing)


class _Look:
    """One look into one folder."""

    def __init__(self, run: _Run, folder: Watched, known: Cursor) -> None:
        self.run, self.folder, self.cursor = run, folder, known
        self.imap = run.imap
        self.uidvalidity: int | None = None
        self.failed: set[int] = set()

    def look(self) -> None:
        since = self.run.now - self.cursor.swept_at if self.cursor.swept_at else None
        is_sweep = since is None or not timedelta(0) <= since < SWEEP_EVERY
        if not is_sweep and self._is_unchanged():
            return
        with self.run.command(f"opening {self.folder.name}"):
            answer = self.imap.select_folder(self.folder.name, readonly=True)
        exists = int(answer.get(b"EXISTS", 0))
        uidvalidity = answer.get(b"UIDVALIDITY")
        point("collect.examined")
        if uidvalidity is None:
            log.warning("folder.no_uidvalidity", mailbox=self.run.name, folder=self.cursor.folder_id)
            self._all_by_headers(exists, answer.get(b"UIDNEXT"))
        elif self._may_be_read(int(uidvalidity)):
            self.uidvalidity = int(uidvalidity)
            is_sweep = is_sweep or self.cursor.swept_at is None
            self._new_mails(exists, answer.get(b"UIDNEXT"), is_sweep=is_sweep)
        self.run.held[self.cursor.folder_id] = exists

    def _is_unchanged(self) -> bool:
        with self.run.command(f"asking the status of {self.folder.name}"):
            status = self.imap.folder_status(self.folder.name, ["UIDNEXT", "UIDVALIDITY", "MESSAGES"])
        if status.get(b"UIDVALIDITY") != self.cursor.uidvalidity:
            return False
        if status.get(b"UIDNEXT") != self.cursor.last_uid + 1:
            return False
        self.run.held[self.cursor.folder_id] = status.get(b"MESSAGES")
        return True

    def _may_be_read(self, uidvalidity: int) -> bool:
        """Start over where UIDVALIDITY changed; a folder in which it changes all the time is read every ten minutes."""
        if uidvalidity == self.cursor.uidvalidity:
            return True
        is_first = self.cursor.uidvalidity is None
        changes = [] if is_first else cursor.renumberings(self.run.database, self.cursor, self.run.now)
        if len(changes) >= CHANGES_AN_HOUR:
            log.error("folder.unstable", mailbox=self.run.name, folder=self.cursor.folder_id, changes=len(changes))
            if self.run.now - changes[-1] < SLOWED:
                self.run.troubles.append(
                    f"folder {self.folder.name}: its UIDVALIDITY changed {len(changes)} times within the hour, "
                    "so it is read every ten minutes only"
                )
                return False
        self.cursor = cursor.renumber(self.run.database, self.cursor, uidvalidity, self.run.now)
        if not is_first:
            log.warning("folder.renumbered", mailbox=self.run.name, folder=self.cursor.folder_id)
            self.run.counted["renumbered"] += 1
        point("collect.renumbered")
        return True

    def _new_mails(self, exists: int, uidnext: int | None, *, is_sweep: bool) -> None:
        above = 0 if is_sweep else self.cursor.last_uid
        there = self._search(above, exists, uidnext)
        known = cursor.located(self.run.database, self.run.name, self.cursor, above)
        uids = [uid for uid in there if uid not in known]
        self.run.counted["seen"] += len(uids)
        point("collect.searched")
        if self.cursor.epoch and not self.cursor.last_uid:
            uids = self._unless_known(uids)
        self._fetch(uids)
        if self.failed:
            self.run.counted["failed"] += len(self.failed)
            self.run.troubles.append(f"folder {self.folder.name}: no body for UID {min(self.failed)}")
            log.warning("folder.no_body", mailbox=self.run.name, folder=self.cursor.folder_id, uid=min(self.failed))
            return
        self.run.reached[self.cursor.folder_id] = max(there, default=0)
        if is_sweep:
            self.run.swept.add(self.cursor.folder_id)

    def _search(self, above: int, exists: int, uidnext: int | None) -> list[int]:
        """UIDs above `above`, rising. `n:*` always names the last mail, so what lies below is dropped again."""
        spans: Iterable[str] = (f"{above + 1}:*",)
        if exists > WINDOW and uidnext is not None:
            starts = range(above + 1, uidnext, WINDOW)
            spans = [f"{start}:{start + WINDOW - 1}" for start in starts[:-1]]
            spans = [*spans, f"{starts[-1] if starts else above + 1}:*"]
        found: set[int] = set()
        for span in spans:
            with self.run.command(f"searching {self.folder.name}"):
                found.update(self.imap.search(["UID", span]))
        return sorted(uid for uid in found if uid > above)

    # --- after a change of UIDVALIDITY, and where there is none -------------------------------------------------------

    def _unless_known(self, uids: Sequence[int]) -> list[int]:
        """The UIDs whose mail isn't stored for certain; the others get their new location."""
        left: list[int] = []
        for some in _chunks(uids, LISTED_AT_ONCE):
            known = cursor.known_again(self.run.database, self._listed(some))
            if known:
                cursor.locate(self.run.database, self._batch([], [], 0), known, self.run.now)
                self.run.counted["copies"] += len(known)
            left += [uid for uid in some if uid not in known]
            point("collect.located")
        return left

    def _all_by_headers(self, exists: int, uidnext: int | None) -> None:
        """Without UIDVALIDITY a UID means nothing tomorrow: look at every mail's header, each time."""
        for some in _chunks(self._search(0, exists, uidnext), LISTED_AT_ONCE):
            known = cursor.known_again(self.run.database, self._listed(some))
            self.run.counted["seen"] += len(some) - len(known)
            self._fetch([uid for uid in some if uid not in known])

    def _listed(self, uids: Sequence[int]) -> list[Listed]:
        answers = self._ask(uids, ["RFC822.SIZE", "INTERNALDATE", _ASK_ID_FIELD.decode()], "listing")
        return [
            Listed(uid, _id_of(data.get(_ID_FIELD) or b""), int(data[b"RFC822.SIZE"]), _moment(data, self.run.now))
            for uid, data in answers.items()
            if b"RFC822.SIZE" in data
        ]

    # --- bodies -------------------------------------------------------------------------------------------------------

    def _fetch(self, uids: Sequence[int]) -> None:
        items = ["RFC822.SIZE", "INTERNALDATE", "FLAGS", *([_THREAD] if self.run.is_gmail else [])]
        for some in _chunks(uids, LISTED_AT_ONCE):
            sizes = self._ask(some, items, "asking sizes in")
            for batch in _batches([(uid, int(sizes.get(uid, {}).get(b"RFC822.SIZE", 0))) for uid in some]):
                self._fetch_batch(batch, sizes)

    def _fetch_batch(self, batch: Sequence[tuple[int, int]], sizes: Mapping[int, Mapping[bytes, Any]]) -> None:
        fetched: list[Fetched] = []
        vanished: list[int] = []
        small = [uid for uid, size in batch if size <= HUGE]
        bodies = self._ask(small, ["BODY.PEEK[]"], "reading") if small else {}
        point("collect.fetched")
        for uid, _size in batch:
            about = sizes.get(uid, {})
            pieces: Iterable[bytes] | None
            if uid in small:
                body = bodies.get(uid, {}).get(b"BODY[]")
                body = self._ask_one(uid, "BODY.PEEK[]", b"BODY[]") if body is None else body
                pieces = None if body is None else (body,)
                if isinstance(body, ReadPast):  # far larger than the server told before
                    pieces = self._pieces(uid)
            else:
                pieces = self._pieces(uid)
            mail = None if pieces is None else self._fetched(uid, pieces, about)
            if mail is not None:
                fetched.append(mail)
            elif self._is_gone(uid):
                vanished.append(uid)
            else:
                self.failed.add(uid)
        last = min(self.failed) - 1 if self.failed else batch[-1][0]
        counted = cursor.store(self.run.database, self._batch(fetched, vanished, last), self.run.now)
        self.run.counted.update(counted)
        if self.run.stop.is_set():
            raise TemporaryFailure(f"mailbox {self.run.name}: stopped before all was fetched; the next run goes on")

    def _pieces(self, uid: int) -> Iterator[bytes]:
        """The body of a huge mail, a megabyte at a time. Ends early, and empty, where the server gives nothing."""
        offset = 0
        while offset < MAX_KEPT:
            piece = self._ask_one(uid, f"BODY.PEEK[]<{offset}.{PIECE}>", b"BODY[]<%d>" % offset)
            if not piece or isinstance(piece, ReadPast):
                return
            yield piece
            offset += len(piece)
            if len(piece) < PIECE:
                return

    def _fetched(self, uid: int, pieces: Iterable[bytes], about: Mapping[bytes, Any]) -> Fetched | None:
        """Hash and compress what comes in, so that only the compressed mail is held. None where nothing came."""
        fingerprint, digest, packer = Fingerprint(), hashlib.sha256(), zlib.compressobj(6)
        packed: list[bytes] = []
        size = 0
        for piece in pieces:
            fingerprint.add(piece)
            digest.update(piece)
            packed.append(packer.compress(piece))
            size += len(piece)
        expected = int(about.get(b"RFC822.SIZE", 0))
        # Some servers guess the size: only what ends with a full piece, and too early, was broken off.
        if expected > HUGE and size < min(expected, MAX_KEPT) and size % PIECE == 0:
            return None
        if expected and not size:
            return None
        identity = fingerprint.identity()
        flags = {flag.lower() for flag in about.get(b"FLAGS", ())}
        # Gmail keeps drafts in All Mail, too. What a server has transported is none, whatever its flags.
        is_draft = rb"\draft" in flags and not identity.was_transported and identity.sender == self.run.mailbox.address
        return Fetched(
            uid=uid,
            identity=identity,
            compressed=b"".join([*packed, packer.flush()]),
            sha256=digest.hexdigest(),
            size=size,
            received_at=_moment(about, self.run.now),
            is_draft=is_draft,
            is_cut=size >= MAX_KEPT,
            provider_thread=_thread(about),
        )

    def _batch(self, fetched: Sequence[Fetched], vanished: Sequence[int], last_uid: int) -> Batch:
        return Batch(self.cursor, self.uidvalidity, self.folder.is_sent, fetched, vanished, last_uid)

    # --- questions to the server --------------------------------------------------------------------------------------

    def _ask(self, uids: Sequence[int], items: Sequence[str], doing: str) -> Mapping[int, Mapping[bytes, Any]]:
        """FETCH. Empty where the server refuses because a mail is gone: the caller asks for each by itself then."""
        with self.run.command(f"{doing} {self.folder.name}", FETCH_SECONDS):
            try:
                answers: Mapping[int, Mapping[bytes, Any]] = self.imap.fetch(list(uids), list(items))
            except IMAPClientError as error:
                if not _is_refusal(error):
                    raise
                return {}
        return answers

    def _ask_one(self, uid: int, item: str, key: bytes) -> bytes | None:
        found = self._ask([uid], [item], "reading").get(uid, {}).get(key)
        return found if isinstance(found, bytes) else None

    def _is_gone(self, uid: int) -> bool:
        with self.run.command(f"searching {self.folder.name}"):
            return uid not in self.imap.search(["UID", f"{uid}:{uid}"])


def _is_refusal(error: IMAPClientError) -> bool:
    """A tagged NO; anything else means that the conversation has gone astray."""
    return type(error) is IMAPClientError and str(error).startswith("fetch failed")


def _moment(data: Mapping[bytes, Any], now: datetime) -> datetime:
    found = data.get(b"INTERNALDATE")
    return found if isinstance(found, datetime) and found.tzinfo is not None else now


def _thread(data: Mapping[bytes, Any]) -> str | None:
    """An unsigned number of 64 bits, as its decimal digits: a database's integer has a sign."""
    found = data.get(_THREAD.encode())
    return str(found) if isinstance(found, int) and 0 < found < 1 << 64 else None


def _id_of(field: bytes) -> str | None:
    for value in parse_headers(field).raw("message-id"):
        for found in message_ids(value):
            return found
    return None


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _batches(mails: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """(UID, size) in rising order, parted so that a batch has at most `BATCH_MAILS` and `BATCH_BYTES`.

    >>> [[uid for uid, _ in batch] for batch in _batches([(1, 10), (2, 9_000_000), (3, 10), (4, 10)])]
    [[1], [2], [3, 4]]
    """
    batch: list[tuple[int, int]] = []
    total = 0
    for uid, size in mails:
        if batch and (len(batch) == BATCH_MAILS or total + size > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append((uid, size))
        total += size
    if batch:
        yield batch
