"""A company that has reminded one customer of one invoice, and what comes in: read, tied, decided, without servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from agent.inbound import store as inbound
from agent.inbound.identity import identify
from agent.inbound.process import tied
from agent.inbound.reading import read_message
from agent.inbound.values import Border
from agent.replies import apply, resolve, store, undoing
from agent.replies.word import Done, Word
from agent.review import queue
from config import Settings
from models import Database, ExceptionItem, Invoice, Message, Prediction, blob, events
from models.message import Direction
from models.states import MessageState
from tests.builders import ledger, mail, sent
from tests.builders.replies import prediction

NOW = datetime.fromisoformat("2026-03-11T10:00:00+00:00")
BORDER = {
    "Authentication-Results": "mx.example.test; dmarc=pass header.from=customer.test",
    "Received": "from mail.customer.test by mx.example.test; Wed, 11 Mar 2026 09:13:00 +0000",
}


@dataclass
class Office:
    """A reminder of FA-1 left yesterday; today answers come."""

    database: Database
    settings: Settings
    reminder_id: str

    def arrives(self, raw: bytes, said: Any = None) -> int:
        """A mail that was stored, read and predicted; its number."""
        with self.database.write() as session:
            message = Message(
                dkey=identify(raw).dkey, direction=Direction.IN, mailbox="ar", blob_sha256=blob.keep(session, raw),
                size=len(raw), received_at=NOW, state=MessageState.STORED, owner="test", created_at=NOW,
            )  # fmt: skip
            session.add(message)
            session.flush()
            reading = read_message(raw, Border("own", "mx.example.test"), NOW)
            message.message_id = reading.message_id
            tie = tied(session, message, reading, self.settings)
            inbound.keep_reading(session, message, reading, tie, owner="test", now=NOW)
            if said is not None:
                session.add(
                    Prediction(
                        message_id=message.id, model_version="test", primary=said.primary, confidence=said.confidence,
                        document=store.document_of(said), predicted_at=NOW,
                    )
                )  # fmt: skip
            return message.id

    def answers(self, primary: str, **changes: Any) -> int:
        """The customer's proven answer, understood as ``primary``, and decided on."""
        headers = changes.pop("headers", BORDER)
        message_id = self.arrives(mail.reply(self.reminder_id, headers=headers), prediction(primary, **changes))
        apply.drain(self.database, self.settings, NOW)
        return message_id

    def says(self, word: Word) -> Done:
        """A person settles the newest item."""
        with self.database.write() as session:
            item = session.scalars(select(ExceptionItem).order_by(ExceptionItem.id.desc()).limit(1)).one()
            return resolve.resolve(session, item, word, self.settings, NOW)

    def undo(self, now: datetime = NOW) -> None:
        with self.database.write() as session:
            item = queue.last_settled(session, "Anna")
            assert item is not None
            undoing.undo(session, item, "Anna", now)

    def one(self, table: Any) -> Any:
        with self.database.read() as session:
            return session.scalars(select(table).order_by(table.id.desc()).limit(1)).one()

    def count(self, table: Any) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    @property
    def invoice(self) -> Invoice:
        found: Invoice = self.one(Invoice)
        return found


@contextmanager
def opened(database_url: str, root: Path) -> Iterator[Office]:
    """A reminder of FA-1 left yesterday; at the end the log of events holds."""
    settings = ledger.settings(root, policy={"mode": "automatic"})
    database = Database.open(database_url, root, NOW)
    with database.write() as session:
        sent.customer(session)
        reminder = sent.reminder(session, [sent.invoice(session, "FA-1")])
    yield Office(database, settings, str(reminder.message_id))
    with database.read() as session:
        assert events.verify(session, database.key) is None
    database.close()
