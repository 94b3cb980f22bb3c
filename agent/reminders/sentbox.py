"""The Sent folder: the evidence whether a mail left, and the place for its copy where the provider files none.

SEARCH HEADER matches parts of a value and is broken at several providers, so the headers of every mail at or above the
UIDNEXT that was noted before the body are fetched and compared exactly.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from email.parser import BytesHeaderParser
from typing import Protocol

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from agent.wire.imap import imap_session
from agent.wire.watchdog import deadline
from config.errors import NeedsPerson, TemporaryFailure
from config.mailboxes import Mailbox

BATCH = 200
COMMAND_SECONDS = 120.0
_HEADER = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"


class SentBox(Protocol):
    """What deliver and reconcile ask of the Sent folder."""

    def uidnext(self) -> int:
        """The UID that the next mail in Sent will get, or one below it."""
        ...

    def holds(self, message_id: str, from_uid: int) -> bool:
        """Whether a mail with exactly this Message-ID lies at or above ``from_uid``."""
        ...

    def file(self, raw: bytes, sent_at: datetime) -> None:
        """Put a copy into Sent, as read."""
        ...


class ImapSentBox:
    """The Sent folder over one IMAP connection; made by `open_sent_box`."""

    def __init__(self, client: IMAPClient, folder: str) -> None:
        self._client = client
        self._folder = folder

    def uidnext(self) -> int:
        with self._command("asking the status of"):
            status = self._client.folder_status(self._folder, ["UIDNEXT"])
        return int(status.get(b"UIDNEXT", 1))

    def holds(self, message_id: str, from_uid: int) -> bool:
        with self._command("searching"):
            self._client.select_folder(self._folder, readonly=True)
            # `n:*` always names the last mail, so what lies below is dropped again.
            found = self._client.search(["UID", f"{from_uid}:*"])
        uids = sorted(uid for uid in found if uid >= from_uid)
        for start in range(0, len(uids), BATCH):
            with self._command("reading"):
                answers = self._client.fetch(uids[start : start + BATCH], [b"BODY.PEEK" + _HEADER[4:]])
            for data in answers.values():
                header = BytesHeaderParser().parsebytes(data.get(_HEADER) or b"")
                if str(header.get("Message-ID", "")).strip() == message_id:
                    return True
        return False

    def file(self, raw: bytes, sent_at: datetime) -> None:
        with self._command("filing a copy in"):
            self._client.append(self._folder, raw, flags=(b"\\Seen",), msg_time=sent_at)

    def _command(self, doing: str) -> AbstractContextManager[None]:
        return deadline(self._client, COMMAND_SECONDS, f"{doing} {self._folder}")


@contextmanager
def open_sent_box(mailbox: Mailbox) -> Iterator[ImapSentBox]:
    """The Sent folder of a mailbox, over a connection of its own.

    Raises:
        TemporaryFailure: the server can't be reached or breaks off.
        NeedsPerson: log-in refused, or there is no folder of the configured name.
    """
    with imap_session(mailbox) as client:
        folder = mailbox.imap.sent
        try:
            with deadline(client, COMMAND_SECONDS, f"looking for the folder {folder}"):
                is_there = client.folder_exists(folder)
            if not is_there:
                raise NeedsPerson(
                    f"IMAP {mailbox.imap.host}: there is no folder {folder!r} for sent mail. "
                    f"Set {mailbox.imap.key}.sent to the folder's name, or make one."
                )
            yield ImapSentBox(client, folder)
        except (IMAPClientError, OSError) as error:
            raise TemporaryFailure(f"IMAP {mailbox.imap.host}, folder {folder}: {error}") from error
