"""What other people and servers do to a mailbox that relance reads: they move, read, copy and delete mail, rename
folders, give them other UIDVALIDITYs, and send mails that no parser likes. Each deed is a thing that was seen done.
"""

import random
from collections.abc import Callable, Iterator
from email.parser import BytesHeaderParser
from typing import Any

from sqlalchemy import select

from agent.inbound.identity import identify
from models import Blob, Message
from tests.builders import mail
from tests.faults import scene
from tests.faults.world import World, people
from tests.faults.zygote import POISON

POINTS = (
    "collect.examined", "collect.searched", "collect.fetched", "collect.stored", "collect.committed", "process.read",
    "message.applied",
)  # fmt: skip


class Schedule:
    """Deeds in a random order, by a seed: at named points of one or two cycles, and between them."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.deleted: set[str] = set()
        self._names = iter(range(1_000))
        self.done: list[str] = []

    def play(self) -> bool:
        """Whether anything was done."""
        for _ in range(self.random.choice((1, 1, 2))):
            points = tuple(self.random.sample(POINTS, self.random.randint(1, 3)))
            is_killed = self.random.random() < 0.4
            death: dict[str, Any] = {"point": self.random.choice(POINTS)} if is_killed else {}
            self.world.cycle(meet=lambda _point: self.do(self.random.choice(WHILE)), meet_at=points, **death)
            self.do(self.random.choice(WHILE))
        return bool(self.done)

    def do(self, deed: str) -> None:
        DEEDS[deed](self)
        self.done.append(deed)

    def excused(self) -> frozenset[str]:
        """What may end otherwise: a mail that people deleted, maybe before anybody else has seen it; and the two mails
        under one Message-ID, as people may turn their order round. The later one is a person's either way.
        """
        with self.world.opened() as database, database.read() as session:
            query = select(Message.dkey).where(Message.message_id == scene.REUSED)
            return frozenset(self.deleted | {dkey[:12] for dkey in session.scalars(query)} | {"two"})

    def name(self, stem: str) -> str:
        return f"{stem}-{next(self._names)}"


def move(schedule: Schedule) -> None:
    """Some mails of the inbox are put elsewhere, as people file what they have seen."""
    with people(schedule.world.account) as client:
        client.select_folder("INBOX")
        uids = client.search()
        if not uids:
            return
        target = schedule.random.choice(("Archive", "Junk", schedule.name("Clients")))
        if not client.folder_exists(target):
            client.create_folder(target)
        client.move(schedule.random.sample(uids, min(3, len(uids))), target)


def move_back(schedule: Schedule) -> None:
    """Everything in the archive is put back into the inbox."""
    with people(schedule.world.account) as client:
        client.select_folder("Archive")
        if uids := client.search():
            client.move(uids, "INBOX")


def read(schedule: Schedule) -> None:
    """Somebody opens mails, which marks them as read."""
    with people(schedule.world.account) as client:
        client.select_folder("INBOX")
        if uids := client.search():
            chosen = schedule.random.sample(uids, min(4, len(uids)))
            client.add_flags(chosen, [rb"\Seen"])
            schedule.world.people_read = True


def copy(schedule: Schedule) -> None:
    with people(schedule.world.account) as client:
        client.select_folder("INBOX")
        if uids := client.search():
            client.copy(schedule.random.sample(uids, min(2, len(uids))), "Archive")


def delete_decoy(schedule: Schedule) -> None:
    """Somebody deletes the newsletter, seen by others or not."""
    with people(schedule.world.account) as client:
        for _, _, folder in client.list_folders():
            client.select_folder(folder)
            if uids := client.search(["HEADER", "Message-ID", scene.DECOY]):
                raw = client.fetch(uids, ["BODY.PEEK[]"])[uids[0]][b"BODY[]"]
                schedule.deleted.add(identify(raw).dkey[:12])
                client.delete_messages(uids)
                client.expunge()


def renumber_up(schedule: Schedule) -> None:
    _renumber(schedule, schedule.random.randint(3_000_000_000, 4_000_000_000))


def renumber_down(schedule: Schedule) -> None:
    _renumber(schedule, schedule.random.randint(1, 1_000))


def _renumber(schedule: Schedule, value: int) -> None:
    schedule.world.dovecot.renumber(schedule.world.account, uid_validity=value)


def rename(schedule: Schedule) -> None:
    """A folder gets another name, with all that lies in it."""
    with people(schedule.world.account) as client:
        names = [name for _, _, name in client.list_folders() if name not in {"INBOX", "Sent", "Drafts", "Junk"}]
        if names:
            client.rename_folder(schedule.random.choice(names), schedule.name("Renamed"))
        if not client.folder_exists("Archive"):
            client.create_folder("Archive")


def file_and_drop(schedule: Schedule) -> None:
    """A folder is emptied into another one, and deleted."""
    with people(schedule.world.account) as client:
        if client.folder_exists("Archive"):
            client.select_folder("Archive")
            if uids := client.search():
                client.move(uids, "INBOX")
            client.close_folder()
            client.delete_folder("Archive")
        client.create_folder("Archive")


DEEDS: dict[str, Callable[[Schedule], None]] = {
    "move": move,
    "move back": move_back,
    "read": read,
    "copy": copy,
    "delete": delete_decoy,
    "renumber up": renumber_up,
    "renumber down": renumber_down,
    "rename": rename,
    "drop": file_and_drop,
}
WHILE = tuple(DEEDS)


# --- poison -----------------------------------------------------------------------------------------------------------

_HOSTILE = (
    b"Message-ID: <[x@y]>\r\nFrom: a@b.test\r\nSubject: s\r\n\r\nx\r\n",
    b'To: "\r\nFrom: a@b.test\r\n\r\nx\r\n',
    b"To: (c):\r\nFrom: a@b.test\r\n\r\nx\r\n",
    b"From: a@b.test\r\nContent-Type: text/plain; name*\r\n\r\nx\r\n",
    b"From: a@b.test\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe\r\n",
    b"\xff\xfe\x00\x01 not a mail at all \x80\r\n",
    b"From: a@b.test\r\nDate: Fri, 31 Feb 99999 25:61:61 +9999\r\n\r\nx\r\n",
    b"From: a@b.test\r\nContent-Transfer-Encoding: base64\r\n\r\n=====\xff\r\n",
    b"From: a@b.test\r\nSubject: =?utf-8?b?" + b"/" * 5_000 + b"?=\r\n\r\nx\r\n",
)


def poisonous(seed: int) -> list[bytes]:
    """Mails of a stranger that break parsers: one that kills the process, hostile ones, and ones with bits flipped."""
    rng = random.Random(seed)
    found = [_HOSTILE[seed % len(_HOSTILE)], _deep(500 + seed % 7 * 300), *_flipped(rng, 8)]
    if seed % 3 == 0:
        found.append(b"From: k@b.test\r\n" + POISON + b"\r\nMessage-ID: <k%d@b.test>\r\n\r\nboom\r\n" % seed)
    return [b"X-Lab: %d-%d\r\n" % (seed, place) + raw for place, raw in enumerate(found)]


def _deep(levels: int) -> bytes:
    """Parts in parts in parts."""
    head = b"From: d@b.test\r\nMessage-ID: <deep%d@b.test>\r\nMIME-Version: 1.0\r\n" % levels
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))
    return head + opened + b"Content-Type: text/plain\r\n\r\nbottom\r\n"


def _flipped(rng: random.Random, count: int) -> Iterator[bytes]:
    whole = mail.letter("Bonjour,\n\nNous vous remercions.\n", sender="f@b.test", to=(scene.ADDRESS,))
    for number in range(count):
        raw = bytearray(whole.replace(b"abc@customer.test", b"flip%d@b.test" % number))
        for _ in range(rng.randint(1, 40)):
            place = rng.randrange(len(raw))
            raw[place] ^= 1 << rng.randrange(8)
        # IMAP carries no NUL, and a bare CR or LF would be made a line end by the server on its way in.
        yield bytes(raw).replace(b"\0", b"0").replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")


def names_of(world: World, raws: list[bytes]) -> set[str]:
    """What the end state calls these mails, of those that are known."""
    parse = BytesHeaderParser().parsebytes  # only the header: the lab's own parser is not the one that is tested
    marks = {parse(raw)["X-Lab"] for raw in raws}
    found: set[str] = set()
    with world.opened() as database, database.read() as session:
        for message in session.scalars(select(Message)):
            if parse(session.get_one(Blob, message.blob_sha256).content)["X-Lab"] in marks:
                found.add(message.dkey[:12])
    return found
