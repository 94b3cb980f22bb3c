"""The number under which Gmail keeps a conversation: fetched where the server has it, and never more than a hint."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.inbound.process import process
from agent.inbound.reading import read_message
from agent.inbound.threading import Directory, KnownMail, KnownMessage, Link, tie
from agent.inbound.values import Border, Reading
from models import Blob, Message, MessageLink
from tests.agent.inbound.conftest import NOW, Box, settings_for
from tests.builders import mail, sent
from tests.servers.gmail import Gmail

#: Above what a signed integer of 64 bits holds.
THREAD = 2**63 + 17


class PlainReader:
    def read(self, raw: bytes, border: Border | None, now: object) -> Reading:
        return read_message(raw, None, NOW)


@pytest.fixture
def gmail(box: Box) -> Iterator[Gmail]:
    server = Gmail(box.account.port)
    yield server
    server.close()


@pytest.fixture
def at_gmail(box: Box, gmail: Gmail, tmp_path_factory: pytest.TempPathFactory) -> Box:
    """The box, read through the server that has the extension."""
    folder: Path = tmp_path_factory.mktemp("gmail")
    settings = settings_for(folder, address=box.account.address, host="127.0.0.1", port=gmail.port)
    return replace(box, settings=settings)


@pytest.fixture
def reminder(box: Box) -> Message:
    with box.database.write() as session:
        sent.customer(session, "C1", "contact@firm.test")
        return sent.reminder(session, [sent.invoice(session, "FA-2026-0312")])


def links(box: Box, message_id: int) -> list[tuple[str, int | None, str, bool]]:
    with box.database.read() as session:
        rows = session.scalars(select(MessageLink).where(MessageLink.message_id == message_id))
        return [(row.customer_id, row.invoice_id, row.evidence, row.proof) for row in rows]


def test_an_answer_whose_ids_were_lost_is_suggested_by_its_conversation(
    at_gmail: Box, gmail: Gmail, reminder: Message
) -> None:
    with at_gmail.database.read() as session:
        ours = session.get_one(Blob, reminder.blob_sha256).content
    gmail.threads["Sent", at_gmail.account.append(ours, folder="Sent")] = THREAD
    answer = mail.letter("We look into it.\n", subject="something else", sender="someone@elsewhere.test")
    gmail.threads["INBOX", at_gmail.account.append(answer)] = THREAD
    stranger = mail.letter("Other.\n", subject="other", sender="other@elsewhere.test")
    gmail.threads["INBOX", at_gmail.account.append(stranger)] = THREAD + 1
    assert at_gmail.collect().stored == 2
    assert gmail.asked
    process(at_gmail.database, at_gmail.settings, PlainReader(), NOW, "here")
    known, found, other = at_gmail.messages()
    assert known.provider_thread == found.provider_thread == str(THREAD)
    assert (found.customer_id, found.thread_id) == ("C1", reminder.thread_id)
    assert links(at_gmail, found.id) == [("C1", None, "provider_thread", False)]
    assert (other.customer_id, links(at_gmail, other.id)) == (None, [])


def test_a_server_without_the_extension_is_not_asked(box: Box, gmail: Gmail) -> None:
    box.account.append(mail.letter())
    box.collect()
    (message,) = box.messages()
    assert (message.provider_thread, gmail.asked) == (None, 0)


def test_a_mail_of_which_gmail_tells_no_number_is_stored_all_the_same(at_gmail: Box, gmail: Gmail) -> None:
    at_gmail.account.append(mail.letter())
    assert at_gmail.collect().stored == 1
    assert (at_gmail.messages()[0].provider_thread, gmail.asked) == (None, 1)


def known(number: int, customer: str) -> KnownMessage:
    return KnownMessage(number, f"<{number}@x.test>", False, customer, 10 + number, (1,))


NOBODY = Directory({}, {}, ())
READING = read_message(mail.letter("Hello.\n", sender="someone@elsewhere.test"), None, NOW)


def test_a_conversation_of_one_customer_suggests_it_and_no_invoice() -> None:
    found = tie(READING, KnownMail({}, {}, (known(1, "A"), known(2, "A"))), NOBODY)
    assert (found.customer_id, found.invoice_ids, found.thread_id) == ("A", (), 12)
    assert (found.evidence, found.proof, found.conflict) == ("provider_thread", False, False)
    assert found.links == (Link("A", None, "provider_thread", False),)


def test_a_conversation_of_two_customers_suggests_neither() -> None:
    found = tie(READING, KnownMail({}, {}, (known(1, "A"), known(2, "B"))), NOBODY)
    assert (found.customer_id, found.links, found.evidence) == (None, (), "none")


def test_a_sender_of_another_customer_contradicts_it() -> None:
    others = Directory({"someone@elsewhere.test": frozenset({"B"})}, {}, ())
    found = tie(READING, KnownMail({}, {}, (known(1, "A"),)), others)
    assert (found.customer_id, found.conflict) == (None, True)
    assert {link.customer_id for link in found.links} == {"A", "B"}
