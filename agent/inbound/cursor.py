"""The rows of collecting: how far each folder was read, where each mail lies, and its raw bytes.

`store` is the heart: bytes, message, location and cursor in one transaction, so that after a crash a mail is either all
there or will be fetched again. A mail that was located before is left alone, which makes every step harmless when done
twice. What it does not do: speak IMAP, or read a mail beyond its `Identity`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.faults import point
from agent.inbound.identity import Identity, identify
from config.errors import TemporaryFailure
from models import Blob, Database, Delivery, Event, Folder, Location, Message, events
from models.events import RELANCE
from models.message import Direction
from models.states import MessageState

REUSED_MESSAGE_ID = "reused_message_id"
"""`Message.error` of a mail under a Message-ID that another mail had first: a person looks at it."""
CUT = "cut"
"""`Message.error` of a mail that was too large to be kept whole."""
VANISHED = "vanished"
DRAFT = "draft"
_RENUMBERED = "renumbered"
"""Locations of a UIDVALIDITY that came back after another one: kept, but no proof of anything any more."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a folder was read."""

    folder_id: int
    name: str
    uidvalidity: int | None
    last_uid: int
    epoch: int
    swept_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it came from the server: its bytes compressed (zlib), their SHA-256 in hex, their size.

    ``provider_thread``: the number of its conversation, where the server gives one (X-GM-THRID).
    """

    uid: int
    identity: Identity
    compressed: bytes
    sha256: str
    size: int
    received_at: datetime
    is_draft: bool = False
    is_cut: bool = False
    provider_thread: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction stores.

    `uidvalidity` None: the server gives none, so that places can't be named and nothing but the mails is kept.
    `last_uid`: where the cursor stands afterwards, if that is further than now.
    """

    cursor: Cursor
    uidvalidity: int | None
    is_sent: bool
    fetched: Sequence[Fetched]
    vanished: Collection[int]
    last_uid: int


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing tells of a mail without its body."""

    uid: int
    message_id: str | None
    size: int
    received_at: datetime


def of_folder(database: Database, mailbox: str, name: str) -> Cursor:
    """The cursor of a folder, made where it was never read."""
    with database.write() as session:
        query = select(Folder).where(Folder.mailbox == mailbox, Folder.name == name)
        row = session.scalar(query)
        if row is None:
            row = Folder(mailbox=mailbox, name=name)
            session.add(row)
            session.flush()
        return _cursor(row)


def all_of(database: Database, mailbox: str) -> dict[str, Cursor]:
    """The cursors of a mailbox, by the folder's name."""
    with database.read() as session:
        return {row.name: _cursor(row) for row in session.scalars(select(Folder).where(Folder.mailbox == mailbox))}


def _cursor(row: Folder) -> Cursor:
    return Cursor(row.id, row.name, row.uidvalidity, row.last_uid, row.epoch, row.swept_at)


def renumber(database: Database, cursor: Cursor, uidvalidity: int, now: datetime) -> Cursor:
    """The folder's UIDs mean other mails now: start over. The first look into a folder is one, too, but no event."""
    with database.write() as session:
        row = session.get_one(Folder, cursor.folder_id, with_for_update=True)
        if row.uidvalidity == uidvalidity:
            return _cursor(row)
        if row.uidvalidity is not None:
            row.epoch += 1
            row.epoch_at = now
            events.record(
                session, "folder.renumbered", row, actor=RELANCE, at=now, was=row.uidvalidity, uidvalidity=uidvalidity
            )
            session.execute(
                update(Location)
                .where(
                    Location.mailbox == row.mailbox,
                    Location.folder == row.name,
                    Location.uidvalidity == uidvalidity,
                )
                .values(note=_RENUMBERED)
            )
        row.uidvalidity, row.last_uid, row.swept_at = uidvalidity, 0, None
        session.flush()
        return _cursor(row)


def renumberings(database: Database, cursor: Cursor, now: datetime) -> list[datetime]:
    """When the folder's UIDVALIDITY changed during the last hour."""
    with database.read() as session:
        query = select(Event.at).where(
            Event.kind == "folder.renumbered",
            Event.subject_type == "folder",
            Event.subject_id == str(cursor.folder_id),
            Event.at > now - timedelta(hours=1),
        )
        return sorted(session.scalars(query))


def located(database: Database, mailbox: str, cursor: Cursor, above: int) -> set[int]:
    """UIDs above `above` whose mail is accounted for."""
    with database.read() as session:
        query = select(Location.uid).where(
            Location.mailbox == mailbox,
            Location.folder == cursor.name,
            Location.uidvalidity == cursor.uidvalidity,
            Location.uid > above,
            func.coalesce(Location.note, "") != _RENUMBERED,
        )
        return set(session.scalars(query))


def known_again(database: Database, listed: Iterable[Listed]) -> dict[int, int]:
    """UID and row of the listed mails that are stored for certain: just one stored mail has the id, size and time."""
    named = {mail.message_id: mail for mail in listed if mail.message_id}
    with database.read() as session:
        query = select(Message.message_id, Message.size, Message.received_at, Message.id).where(
            Message.message_id.in_(list(named))
        )
        found: dict[tuple[str | None, int, datetime], list[int]] = {}
        for message_id, size, received_at, row_id in session.execute(query):
            found.setdefault((message_id, size, received_at), []).append(row_id)
    matches = {mail.uid: found.get((mail.message_id, mail.size, mail.received_at), []) for mail in listed}
    return {uid: rows[0] for uid, rows in matches.items() if len(rows) == 1}


def locate(database: Database, batch: Batch, known: Mapping[int, int], now: datetime) -> None:
    """Note that mails which are stored lie here, too."""
    with database.write() as session:
        row = session.get_one(Folder, batch.cursor.folder_id, with_for_update=True)
        places = _Places(session, row, batch.uidvalidity, known, now)
        for uid, message_id in known.items():
            places.put(uid, message_id)
        places.write()


def store(database: Database, batch: Batch, now: datetime) -> Counter[str]:
    """Write what was fetched; how many were stored, copies, own, drafts, vanished. See the module's docstring.

    Two collectors of different mailboxes may meet over the same mail; the later one looks again and finds it stored.
    """
    for left in reversed(range(_TRIES)):
        try:
            with database.write() as session:
                counted = _Batch(session, batch, now).write()
                point("collect.stored")
            point("collect.committed")
        except IntegrityError:
            if not left:
                raise
        else:
            return counted
    raise AssertionError("unreachable")


def looked(
    database: Database,
    held: Mapping[int, int | None],
    reached: Mapping[int, int],
    swept: Collection[int],
    now: datetime,
) -> None:
    """Note the look into some folders, by their ids.

    ``held`` is how many mails each holds; ``reached`` the last UID up to which all is accounted for; ``swept`` are
    those of which all UIDs were compared.
    """
    with database.write() as session:
        for row in session.scalars(select(Folder).where(Folder.id.in_(list(held)))):
            row.looked_at = now
            count = held[row.id]
            row.seen = row.seen if count is None else count
            row.last_uid = max(row.last_uid, reached.get(row.id, 0))
            if row.id in swept:
                row.swept_at = now


class _Places:
    """Locations to be written; one that a renumbering left behind is used again."""

    def __init__(
        self, session: Session, folder: Folder, uidvalidity: int | None, uids: Iterable[int], now: datetime
    ) -> None:
        self._session, self._folder, self._uidvalidity, self._now = session, folder, uidvalidity, now
        self._rows: dict[int, Location] = {}
        self._new: dict[int, dict[str, Any]] = {}
        if uidvalidity is not None:
            query = select(Location).where(
                Location.mailbox == folder.mailbox,
                Location.folder == folder.name,
                Location.uidvalidity == uidvalidity,
                Location.uid.in_(list(uids)),
            )
            self._rows = {row.uid: row for row in session.scalars(query)}

    def holds(self, uid: int) -> bool:
        row = self._rows.get(uid)
        return row is not None and row.note != _RENUMBERED

    def put(self, uid: int, message_id: int | None, note: str | None = None) -> None:
        if self._uidvalidity is None or self.holds(uid):
            return
        row = self._rows.get(uid)
        if row is not None:
            row.message_id, row.note, row.seen_at = message_id, note, self._now
            return
        self._new[uid] = {
            "mailbox": self._folder.mailbox,
            "folder": self._folder.name,
            "uidvalidity": self._uidvalidity,
            "uid": uid,
            "message_id": message_id,
            "note": note,
            "seen_at": self._now,
        }

    def write(self) -> None:
        self._session.flush()
        if self._new:
            self._session.execute(insert(Location), list(self._new.values()))


class _Batch:
    """One transaction of `store`: what is known of the mails is looked up, then all is written, a statement a table."""

    def __init__(self, session: Session, batch: Batch, now: datetime) -> None:
        self.session, self.batch, self.now = session, batch, now
        self.folder = session.get_one(Folder, batch.cursor.folder_id, with_for_update=True)
        if batch.uidvalidity is not None and self.folder.uidvalidity != batch.uidvalidity:
            raise TemporaryFailure(f"folder {self.folder.name}: another program read it at the same time")
        uids = [mail.uid for mail in batch.fetched] + list(batch.vanished)
        self.places = _Places(session, self.folder, batch.uidvalidity, uids, now)
        mails = [mail for mail in batch.fetched if not self.places.holds(mail.uid)]
        self.mails = mails
        self.blobs = set(session.scalars(select(Blob.sha256).where(Blob.sha256.in_([m.sha256 for m in mails]))))
        by_key = select(Message.dkey, Message.id).where(Message.dkey.in_([m.identity.dkey for m in mails]))
        self.by_dkey: dict[str, int] = {found.dkey: found.id for found in session.execute(by_key)}
        ids = [m.identity.message_id for m in mails if m.identity.message_id]
        self.taken = set(session.scalars(select(Message.message_id).where(Message.message_id.in_(ids))))
        ours = select(Message, Delivery).join(Delivery, Delivery.message_id == Message.id)
        self.ours = {
            message.message_id: (message, delivery)
            for message, delivery in session.execute(ours.where(Message.message_id.in_(ids)))
        }
        self.new_blobs: dict[str, dict[str, Any]] = {}
        self.new_messages: dict[str, dict[str, Any]] = {}

    def write(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        own = {mail.uid: self._own(mail) for mail in self.mails if not mail.is_draft}
        for mail in self.mails:
            counted[self._sort(mail, own)] += 1
        self._write_messages()
        for mail in self.mails:
            if mail.is_draft:
                self.places.put(mail.uid, None, DRAFT)
            else:
                self.places.put(mail.uid, own[mail.uid] or self.by_dkey[mail.identity.dkey])
        self._note_threads(own)
        for uid in self.batch.vanished:
            self.places.put(uid, None, VANISHED)
            counted["vanished"] += 1
        if self.batch.uidvalidity is not None:
            self.folder.last_uid = max(self.folder.last_uid, self.batch.last_uid)
        self.places.write()
        return counted

    def _note_threads(self, own: Mapping[int, int | None]) -> None:
        """The provider's number of the conversation for mails that were stored without: copies, and mail of ours."""
        told = {
            own[mail.uid] or self.by_dkey[mail.identity.dkey]: mail.provider_thread
            for mail in self.mails if mail.provider_thread and not mail.is_draft
        }  # fmt: skip
        if not told:
            return
        # Each account of the provider has numbers of its own.
        query = select(Message).where(
            Message.id.in_(list(told)), Message.mailbox == self.folder.mailbox, Message.provider_thread.is_(None)
        )
        for message in self.session.scalars(query):
            message.provider_thread = told[message.id]

    def _sort(self, mail: Fetched, own: Mapping[int, int | None]) -> str:
        """What a mail is, under the name that it is counted by; a new one is put among those to be written."""
        if mail.is_draft:
            return "drafts"
        if own[mail.uid] is not None:
            return "own"
        if mail.identity.dkey in self.by_dkey or mail.identity.dkey in self.new_messages:
            return "copies"
        self._add(mail)
        return "stored"

    def _own(self, mail: Fetched) -> int | None:
        """The mail of ours that this is a copy of.

        Whoever got one of our mails knows its Message-ID and could use it, so that outside of Sent
        From, Date and Subject have to be ours, too.
        """
        message, delivery = self.ours.get(mail.identity.message_id, (None, None))
        if message is None or delivery is None:
            return None
        if not self.batch.is_sent:
            content = self.session.get_one(Blob, message.blob_sha256).content
            if identify(content).header_key != mail.identity.header_key:
                return None
        elif delivery.filed_at is None:
            delivery.filed_at = self.now
        return message.id

    def _add(self, mail: Fetched) -> None:
        if mail.sha256 not in self.blobs:
            self.new_blobs[mail.sha256] = {"sha256": mail.sha256, "size": mail.size, "compressed": mail.compressed}
        message_id = mail.identity.message_id
        is_reused = message_id is not None and message_id in self.taken
        self.taken.add(message_id)
        self.new_messages[mail.identity.dkey] = {
            "dkey": mail.identity.dkey,
            "direction": Direction.OUT if self.batch.is_sent else Direction.IN,
            "mailbox": self.folder.mailbox,
            "message_id": message_id,
            "blob_sha256": mail.sha256,
            "size": mail.size,
            "received_at": mail.received_at,
            "sender": mail.identity.sender,
            "provider_thread": mail.provider_thread,
            "state": MessageState.STORED,
            "error": REUSED_MESSAGE_ID if is_reused else CUT if mail.is_cut else None,
            "created_at": self.now,
        }

    def _write_messages(self) -> None:
        if not self.new_messages:
            return
        if self.new_blobs:
            self.session.execute(insert(Blob), list(self.new_blobs.values()))
        statement = insert(Message).returning(Message.id, sort_by_parameter_order=True)
        ids = self.session.scalars(statement, list(self.new_messages.values())).all()
        self.by_dkey.update(zip(self.new_messages, ids, strict=True))
        stored = zip(ids, (row["blob_sha256"] for row in self.new_messages.values()), strict=True)
        events.record(
            self.session, "folder.stored", self.folder, actor=RELANCE, at=self.now,
            messages=[f"{row_id}:{sha256}" for row_id, sha256 in stored],
        )  # fmt: skip
