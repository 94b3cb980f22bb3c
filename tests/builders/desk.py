"""The review desk over a small ledger: people, items as they come from real mails, and a browser's client to it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from agent.inbound.identity import identify
from agent.inbound.reading import read_message
from agent.inbound.store import READER_VERSION, to_json
from agent.replies import store
from agent.reports.words import Words
from agent.review import people, queue
from agent.review.web.app import build
from agent.review.web.desk import Desk
from classifier.values import Evidence
from config import Settings
from models import Customer, Database, ExceptionItem, Invoice, Message, Prediction, Thread, blob
from models import Reading as ReadingRow
from models.message import Direction
from models.reasons import ExceptionReason
from models.states import InvoiceState, MessageState
from models.user import Role
from tests.builders import ledger, mail
from tests.builders.replies import prediction

NOW = ledger.NOW
PASSWORD = "correct horse battery"


@dataclass
class Clock:
    """The desk's clock: it stands until it is moved."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def passes(self, time: timedelta) -> None:
        self.at += time


@dataclass
class Office:
    """A database with a desk over it."""

    database: Database
    settings: Settings
    clock: Clock = field(default_factory=Clock)
    _desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            words = Words(self.settings.root, self.settings.zone)
            self._desk = Desk(self.database, self.settings, words, self.clock)
        return self._desk

    def person(self, name: str, role: Role = Role.REVIEWER, **more: Any) -> None:
        with self.database.write() as session:
            people.add(
                session, name, role, PASSWORD, email=more.get("email"), language=more.get("language", "en"),
                by="test", at=NOW,
            )  # fmt: skip

    def client(self) -> TestClient:
        return TestClient(build(self.desk), base_url="http://127.0.0.1", follow_redirects=False)

    def at_work(self, name: str = "lea", role: Role = Role.REVIEWER, **more: Any) -> "Browser":
        """A client of this person, made and logged in."""
        self.person(name, role, **more)
        browser = Browser(self.client())
        assert browser.log_in(name).status_code == 303
        return browser

    def close(self) -> None:
        if self._desk is not None:
            self._desk.reader.close()


@dataclass
class Browser:
    """A client that carries the forms' token, as a browser does."""

    client: TestClient

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> Any:
        return self.client.post(path, data={"csrf": self.token(), **(form or {})}, headers=headers)

    def log_in(self, name: str, password: str = PASSWORD) -> Any:
        return self.post("/login", {"name": name, "password": password})

    def token(self) -> str:
        page = self.client.get("/login", follow_redirects=True).text
        found = re.search(
            r"X-CSRF-Token&#34;: &#34;([^&]+)|&#34;X-CSRF-Token&#34;|\"X-CSRF-Token\": \"([^\"]+)\"", page
        )
        assert found is not None
        return found[1] or found[2]


@contextmanager
def office(database: Database, root: Path, **sections: Any) -> Iterator[Office]:
    sections.setdefault("policy", {"mode": "suggest"})
    made = Office(database, ledger.settings(root, **sections))
    try:
        yield made
    finally:
        made.close()


def debtor(session: Session, *numbers: str, **columns: Any) -> tuple[Customer, list[Invoice]]:
    """A customer with reminded invoices."""
    owner = ledger.customer(session, **columns)
    rows = [ledger.invoice(session, owner, number, state=InvoiceState.REMINDED) for number in numbers]
    return owner, rows


def answer(
    session: Session,
    owner: Customer,
    invoices: list[Invoice],
    *,
    text: str = "Bonjour,\n\nNous réglons la facture le 20 septembre.\n\nCordialement\n",
    raw: bytes | None = None,
    reason: ExceptionReason = ExceptionReason.LOW_CONFIDENCE,
    primary: str = "promise",
    words: tuple[str, ...] = ("réglons",),
    rule: str | None = None,
    priority: int = 50,
    at: datetime = NOW - timedelta(hours=3),
    paid_amount: Decimal | None = None,
    **more: Any,
) -> ExceptionItem:
    """A person's mail that waits in the queue, with what was read off it and what the model made of it."""
    thread = Thread(customer_id=owner.id, currency="EUR", root_message_id="<root@morel.example>", created_at=at)
    session.add(thread)
    session.flush()
    number = session.query(Message).count() + 1
    raw = raw or mail.letter(
        text, sender=owner.email, to=("compta@morel.example",), subject=f"Re: Rappel {number}",
        message_id=f"<{number}@{owner.id.lower()}.example>", date=at,
    )  # fmt: skip
    reading = read_message(raw, None, at)
    row = Message(
        dkey=identify(raw).dkey, direction=Direction.IN, mailbox="ar", message_id=reading.message_id,
        blob_sha256=blob.keep(session, raw), size=len(raw), received_at=at, kind=reading.kind.value, sender=owner.email,
        subject=reading.subject, thread_id=thread.id, customer_id=owner.id, state=MessageState.QUEUED, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(ReadingRow(message_id=row.id, reader_version=READER_VERSION, document=to_json(reading), read_at=at))
    sentence = next((line for line in reading.new_text.split("\n") if words and words[0] in line), "")
    said = prediction(
        primary,
        intents={"paid": 0.02, "promise": 0.1, "dispute": 0.03, "question": 0.02, "other": 0.04} | {primary: 0.71},
        confidence=0.71,
        automatic=False,
        rule=rule,
        promise_date=date(2026, 9, 20) if primary == "promise" else None,
        paid_amount=paid_amount,
        evidence=(Evidence(primary, sentence, words),) if sentence else (),
    )
    session.add(
        Prediction(
            message_id=row.id, model_version="test", primary=primary, confidence=0.71, document=store.document_of(said),
            predicted_at=at,
        )
    )  # fmt: skip
    session.flush()
    return queue.open_exception(
        session, key=f"message:{row.id}", reason=reason, detail="probably so, not sure enough", at=at,
        due_at=at + timedelta(days=5), customer_id=owner.id, invoice_ids=[i.id for i in invoices], message_id=row.id,
        priority=priority, suggested=(primary, 0.71), **more,
    )  # fmt: skip


def one_item(desk: Office, **more: Any) -> int:
    """The number of an item of the queue: a mail about invoice FA-1."""
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1", name="Dupont & Fils <SARL>")
        return answer(session, owner, invoices, **more).id


def state_of(desk: Office, number: str = "FA-1") -> InvoiceState:
    with desk.database.read() as session:
        return session.scalars(select(Invoice.state).where(Invoice.number == number)).one()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
