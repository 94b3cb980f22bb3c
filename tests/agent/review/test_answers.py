"""Answers written from the desk: drafted in the customer's language, sent in the conversation, and never twice."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent import faults
from agent.reminders import deliver, wire
from agent.reminders.deliver import Post
from agent.review import answers
from agent.review.answers import DRAFTS, Wish
from config import Settings
from config.errors import NeedsPerson
from models import Blob, Customer, Database, Delivery, Document, Event, Heartbeat, Message, blob, events
from models.states import DeliveryState
from tests.agent.reminders.test_deliver import SentFolder
from tests.builders import desk as builders
from tests.builders import ledger
from tests.servers.smtp_sink import At, SmtpSink, cut, refuse

NOW = ledger.NOW
IBAN = "FR7630006000011234567890189"
NONCE = "a-form-of-its-own-000"


@dataclass
class Office:
    """A company with one customer, who wrote a mail that waits in the queue."""

    database: Database
    settings: Settings
    sink: SmtpSink
    item: int

    def wish(self, text: str = "Bonjour,\n\nC'est noté.", **more: Any) -> Wish:
        return replace(Wish(self.item, "", text, (), NONCE, "lea"), **more)

    def send(self, wish: Wish | None = None) -> answers.Sent:
        return answers.send(self.database, self.settings, wish or self.wish(), NOW)

    def deliver(self, now: datetime = NOW) -> deliver.Delivered:
        with self.database.write() as session:
            session.merge(Heartbeat(name="collect:ar", last_ok_at=now, failures=0))
        mailbox = self.settings.mailbox["ar"]
        post = Post(
            "ar", mailbox, wire.SmtpWire(mailbox.smtp), SentFolder(self.sink), "first", lambda: datetime.now(UTC)
        )
        return deliver.drain(self.database, self.settings, post, now)

    def drafts(self) -> dict[str, answers.Draft]:
        with self.database.read() as session:
            return {draft.name: draft for draft in answers.drafts(session, self.item, self.settings, "lea")}

    @property
    def delivery(self) -> Delivery:
        with self.database.read() as session:
            return session.scalars(select(Delivery)).one()

    @property
    def mail(self) -> EmailMessage:
        """What the customer got, which is one mail."""
        (got,) = self.sink.mails
        return message_from_bytes(got.raw, policy=policy.default)

    def language(self, code: str) -> None:
        with self.database.write() as session:
            session.scalars(select(Customer)).one().language = code


@pytest.fixture
def office(database_url: str, tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("SINK_PASSWORD", smtp_sink.password)
    server = {
        "host": "127.0.0.1", "port": smtp_sink.port, "security": "none", "username": smtp_sink.username,
        "password_env": "SINK_PASSWORD",
    }  # fmt: skip
    mailbox = {"address": "compta@morel.example", "imap": server, "smtp": server}
    settings = ledger.settings(
        tmp_path, mailbox={"ar": mailbox}, policy={"mode": "suggest"}, payment={"iban": IBAN, "payee": "Ateliers Morel"}
    )
    database = Database.open(database_url, tmp_path, NOW)
    with database.write() as session:
        owner, invoices = builders.debtor(session, "FA-1", language="fr")
        item = builders.answer(session, owner, invoices).id
        pdf = blob.keep(session, b"%PDF-1.4 the invoice")
        session.add(
            Document(
                invoice_id=invoices[0].id, kind="invoice", filename="FA-1.pdf", content_type="application/pdf",
                sha256=pdf, added_at=NOW, added_by="lea",
            )
        )  # fmt: skip
    ledger.load(database, settings, "payments", ledger.csv("id,date,amount,customer_id"))
    yield Office(database, settings, smtp_sink, item)
    with database.read() as session:
        assert events.verify(session, database.key) is None
    database.close()


# --- drafts ----------------------------------------------------------------------------------------------------------

GREETINGS = {
    "fr": ("Bonjour", "Nous n’annonçons jamais"),
    "en": ("Hello", "We never announce"),
    "de": ("Guten Tag", "niemals per E-Mail"),
    "es": ("Buenos días", "Nunca comunicamos"),
    "it": ("Buongiorno", "Non comunichiamo mai"),
    "nl": ("Goedendag", "nooit per e-mail"),
}


@pytest.mark.parametrize("code", GREETINGS)
def test_each_draft_is_in_the_customers_language(office: Office, code: str) -> None:
    office.language(code)
    drafts = office.drafts()
    assert set(drafts) == {"own", *DRAFTS}
    hello, unchanged = GREETINGS[code]
    for name, draft in drafts.items():
        assert draft.text.startswith(hello), name
        assert draft.text.endswith("lea\nAteliers Morel SAS"), name
        assert "{{" not in draft.text
        assert "{%" not in draft.text
    assert unchanged in drafts["bank_details"].text
    assert "FA-1" in drafts["invoice_copy"].text
    assert drafts["invoice_copy"].attach == ("FA-1",)
    assert "20" in drafts["plan_accepted"].text
    assert "FA-1" in drafts["dispute_received"].text


def test_a_language_without_drafts_gets_the_english_ones(office: Office) -> None:
    office.language("pl")
    assert office.drafts()["received"].text.startswith("Hello")


def test_bank_details_are_those_of_the_settings_whatever_the_mail_says(office: Office) -> None:
    text = office.drafts()["bank_details"].text
    assert "FR76 3000 6000 0112 3456 7890 189" in text
    assert "Ateliers Morel" in text
    without = office.settings.model_copy(update={"payment": type(office.settings.payment)()})
    with office.database.read() as session:
        names = {draft.name for draft in answers.drafts(session, office.item, without, "lea")}
    assert "bank_details" not in names


# --- sending ---------------------------------------------------------------------------------------------------------


def test_an_answer_goes_out_in_the_conversation_by_the_same_deliveries(office: Office) -> None:
    sent = office.send(office.wish(with_invoices=("FA-1",)))
    assert office.deliver().sent == 1
    mail = office.mail
    with office.database.read() as session:
        asked = session.scalars(select(Message).where(Message.message_id != sent.message_id)).one()
        answered = session.scalars(select(Message).where(Message.message_id == sent.message_id)).one()
        assert answered.thread_id == asked.thread_id
        written = session.scalars(select(Event).where(Event.kind == "answer.written")).one()
        assert written.actor == "lea"
    assert mail["Message-ID"] == sent.message_id
    assert mail["In-Reply-To"] == asked.message_id
    assert str(asked.message_id) in mail["References"]
    assert mail["To"] == sent.recipient
    assert str(mail["Subject"]).startswith("Re: ")
    assert "Auto-Submitted" not in mail
    assert [part.get_filename() for part in mail.iter_attachments()] == ["FA-1.pdf"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "C'est noté." in body.get_content()
    assert office.delivery.state is DeliveryState.SENT


def test_a_form_that_is_sent_twice_is_one_mail(office: Office) -> None:
    first, second = office.send(), office.send()
    assert (first.is_new, second.is_new) == (True, False)
    assert first.message_id == second.message_id
    office.deliver()
    assert office.send().is_new is False
    office.deliver()
    assert len(office.sink.mails) == 1


def test_a_double_click_on_two_connections_is_one_mail(office: Office) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: office.send(), range(4)))
    assert len({sent.message_id for sent in found}) == 1
    assert sum(sent.is_new for sent in found) == 1
    office.deliver()
    assert len(office.sink.mails) == 1


def test_the_same_words_by_another_form_are_another_mail(office: Office) -> None:
    one, other = office.send(), office.send(office.wish(nonce="another-form-of-its-own"))
    assert one.message_id != other.message_id


def test_a_server_that_is_busy_gets_it_later_and_once(office: Office) -> None:
    office.sink.then(refuse(At.DATA, "451 4.3.0 later"))
    office.send()
    assert office.deliver().failed == 1
    assert office.deliver(office.delivery.not_before).sent == 1
    assert len(office.sink.mails) == 1


def test_an_outcome_that_nobody_saw_is_never_tried_again(office: Office) -> None:
    office.sink.then(cut(At.DOT))
    office.send()
    assert office.deliver().unknown == 1
    office.send()
    for days in (0, 1, 7):
        office.deliver(NOW + timedelta(days=days))
    assert len(office.sink.mails) == 1
    assert office.delivery.state is DeliveryState.UNKNOWN


@pytest.mark.parametrize("point", ["delivery.looking", "delivery.sending", "delivery.booked"])
def test_a_kill_on_the_wire_and_another_click_make_no_second_mail(
    office: Office, database_url: str, point: str
) -> None:
    office.send()
    child = os.fork()
    if child == 0:
        _die_at(point, office, database_url)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    office.send()
    for days in (0, 1, 7):
        office.deliver(NOW + timedelta(days=days))
    assert len(office.sink.mails) <= 1


def _die_at(point: str, office: Office, database_url: str) -> None:
    try:
        faults.arm(point)
        replace(office, database=Database.open(database_url, office.settings.root, NOW)).deliver()
    finally:
        os._exit(1)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_in_the_mode_observe_nothing_is_sent(office: Office) -> None:
    policy_ = office.settings.policy.model_copy(update={"mode": "observe"})
    observing = office.settings.model_copy(update={"policy": policy_})
    with pytest.raises(NeedsPerson, match="observe"):
        answers.send(office.database, observing, office.wish(), NOW)
    with office.database.read() as session:
        assert session.scalars(select(Delivery)).all() == []


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\u202e"])
def test_an_empty_answer_is_refused(office: Office, text: str) -> None:
    with pytest.raises(NeedsPerson, match="empty"):
        office.send(office.wish(text))


@pytest.mark.parametrize("nonce", ["", "short", "a" * 65, "with space in the middle", "é" * 20])
def test_a_form_that_is_not_ours_is_refused(office: Office, nonce: str) -> None:
    with pytest.raises(NeedsPerson, match="not one of ours"):
        office.send(office.wish(nonce=nonce))


def test_no_invoice_goes_to_who_is_no_contact(office: Office) -> None:
    with office.database.write() as session:
        contacts = session.scalars(select(Customer)).one().contacts
        for contact in contacts:
            contact.email = "somebody@else.example"
    with pytest.raises(NeedsPerson, match="no contact"):
        office.send(office.wish(with_invoices=("FA-1",)))
    assert office.send().is_new, "without the copy it may go"


def test_an_invoice_of_another_customer_goes_nowhere(office: Office) -> None:
    with office.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C-other"), "FB-9")
    with pytest.raises(NeedsPerson, match="no PDF of FB-9"):
        office.send(office.wish(with_invoices=("FB-9",)))


@pytest.mark.parametrize("subject", ["a\r\nBcc: evil@evil.example", "a\nX: y", "a\u2028b", "\x1b[31m"])
def test_a_subject_reaches_no_other_header(office: Office, subject: str) -> None:
    office.send(office.wish(subject=subject))
    office.deliver()
    mail = office.mail
    assert set(mail.keys()) <= {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    }  # fmt: skip
    assert office.sink.mails[0].recipients == (office.delivery.recipient,)
    assert not set("\r\n\u2028\x1b") & set(str(mail["Subject"]))


def test_markup_in_an_answer_stays_text(office: Office) -> None:
    office.send(office.wish("<script>alert(1)</script>"))
    office.deliver()
    body = office.mail.get_body(("html",))
    assert body is not None
    assert "<script" not in body.get_content()


def test_the_frozen_bytes_are_those_that_leave(office: Office) -> None:
    office.send()
    with office.database.read() as session:
        held = session.get_one(Message, office.delivery.message_id).blob_sha256
        frozen = session.get_one(Blob, held).content
    office.deliver()
    assert office.sink.mails[0].raw.rstrip() == frozen.rstrip()
