"""What goes wrong around collecting: folders renumbered, deaths at every point, our own mail coming back."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from imapclient import IMAPClient
from sqlalchemy import delete, select

from agent import faults
from config.errors import TemporaryFailure
from models import Blob, Delivery, Event, Location, Message
from models.message import Direction
from tests.agent.inbound.conftest import NOW, Box
from tests.builders import mail, sent


def test_told_to_stop_it_ends_after_the_mails_in_hand_and_the_next_run_goes_on(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.inbound.collect.LISTED_AT_ONCE", 2)
    for number in range(5):
        box.account.append(mail.letter(f"{number}\n"))
    stop = threading.Event()
    stop.set()
    with pytest.raises(TemporaryFailure, match="stopped before all was fetched"):
        box.collect(stop=stop)
    assert len(box.messages()) == 2
    assert box.collect().stored == 3


@pytest.mark.parametrize("uid_validity", [42, 4_000_000_000])
def test_after_a_new_uidvalidity_nothing_is_lost_or_stored_twice(box: Box, uid_validity: int) -> None:
    for number in range(3):
        box.account.append(mail.letter(f"{number}\n"))
    box.account.append(mail.letter("no id\n", message_id=None))
    box.collect()
    box.server.renumber(box.account, uid_validity=uid_validity)
    box.account.append(mail.letter("after\n"))
    done = box.collect()
    assert (done.renumbered, done.stored, done.copies) == (1, 1, 4)
    assert (len(box.messages()), box.cursor().epoch, box.cursor().uidvalidity) == (5, 1, uid_validity)
    assert box.collect().seen == 0


def test_a_uidvalidity_that_comes_back_with_other_mails_hides_none(box: Box) -> None:
    box.account.append(mail.letter("first\n"))
    box.collect()
    before = box.cursor().uidvalidity
    assert before is not None
    box.server.renumber(box.account, uid_validity=before + 5)
    box.collect()
    with box.account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
    box.account.append(mail.letter("second\n"))
    box.server.renumber(box.account, uid_validity=before)
    assert box.collect().stored == 1
    assert len(box.messages()) == 2
    assert box.collect().seen == 0


def test_a_folder_renumbered_all_the_time_is_slowed_down_and_told(box: Box) -> None:
    box.account.append(mail.letter())
    box.collect()
    for number in range(5):
        box.server.renumber(box.account, uid_validity=1000 + number)
        box.collect()
    box.server.renumber(box.account, uid_validity=2000)
    with pytest.raises(TemporaryFailure, match="UIDVALIDITY changed 5 times"):
        box.collect()
    box.now += timedelta(minutes=10)
    assert box.collect().renumbered == 1
    assert len(box.messages()) == 1


def test_a_renumbering_is_an_event(box: Box) -> None:
    box.account.append(mail.letter())
    box.collect()
    box.server.renumber(box.account, uid_validity=77)
    box.collect()
    with box.database.read() as session:
        assert session.scalars(select(Event).where(Event.kind == "folder.renumbered")).one().data["uidvalidity"] == 77


def test_the_sweep_of_each_hour_finds_what_the_cursor_has_passed(box: Box) -> None:
    for number in range(3):
        box.account.append(mail.letter(f"{number}\n"))
    box.collect()
    with box.database.write() as session:
        session.execute(delete(Location).where(Location.uid == 2))
    assert box.collect().seen == 0
    box.now += timedelta(hours=1)
    done = box.collect()
    assert (done.seen, done.copies, len(box.locations())) == (1, 1, 3)


class _WithoutUidValidity(IMAPClient):  # type: ignore[misc] # the library has no types
    """A poor server that gives no UIDVALIDITY."""

    def select_folder(self, folder: str, readonly: bool = False) -> dict[bytes, object]:
        answer: dict[bytes, object] = super().select_folder(folder, readonly)
        answer.pop(b"UIDVALIDITY", None)
        return answer

    def folder_status(self, folder: str, what: object = None) -> dict[bytes, object]:
        answer: dict[bytes, object] = super().folder_status(folder, what)
        answer.pop(b"UIDVALIDITY", None)
        return answer


def test_without_uidvalidity_every_look_goes_by_the_headers(box: Box) -> None:
    def client(imap: IMAPClient) -> IMAPClient:
        imap.__class__ = _WithoutUidValidity
        return imap

    box.account.append(mail.letter("one\n"))
    box.account.append(mail.letter("no id\n", message_id=None))
    assert box.collect(client).stored == 2
    box.account.append(mail.letter("two\n"))
    done = box.collect(client)
    assert (done.stored, len(box.messages()), box.locations()) == (1, 3, [])


class Died(BaseException):
    """The process is gone; nothing catches this."""


@pytest.fixture
def die_at() -> Iterator[Callable[[str, int], None]]:
    def arm(name: str, after: int = 0) -> None:
        passes = iter(range(after + 1))

        def hook(point: str) -> None:
            if point == name and next(passes, None) == after:
                faults.hook = None
                raise Died(name)

        faults.hook = hook

    yield arm
    faults.hook = None


POINTS = ("collect.examined", "collect.searched", "collect.fetched", "collect.stored", "collect.committed")


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_any_point_loses_nothing_and_doubles_nothing(
    box: Box, die_at: Callable[..., None], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.inbound.collect.BATCH_MAILS", 2)
    raws = [mail.letter(f"{number}\n") for number in range(3)]
    for raw in [*raws, raws[0]]:
        box.account.append(raw)
    die_at(point)
    with pytest.raises(Died):
        box.collect()
    box.collect()
    with box.database.read() as session:
        kept = {session.get_one(Blob, message.blob_sha256).content for message in session.scalars(select(Message))}
    assert kept == set(raws)
    assert (len(box.messages()), len(box.locations()), box.cursor().last_uid) == (3, 4, 4)
    assert box.collect().seen == 0


@pytest.mark.parametrize("point", ["collect.renumbered", "collect.located", "collect.stored", "collect.committed"])
def test_a_death_while_starting_over_loses_nothing_and_doubles_nothing(
    box: Box, die_at: Callable[..., None], point: str
) -> None:
    box.account.append(mail.letter("one\n"))
    box.account.append(mail.letter("no id\n", message_id=None))
    box.collect()
    box.server.renumber(box.account, uid_validity=42)
    die_at(point)
    with pytest.raises(Died):
        box.collect()
    box.collect()
    assert (len(box.messages()), box.cursor().epoch) == (2, 1)
    assert {place.uid for place in box.locations() if place.uidvalidity == 42} == {1, 2}
    assert box.collect().seen == 0


class _BreaksAtTheNthCommand(IMAPClient):  # type: ignore[misc] # the library has no types
    """The connection breaks before a command."""

    left: int

    def _command(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.socket().shutdown(socket.SHUT_RDWR)

    def fetch(self, messages: list[int], data: list[str], modifiers: object = None) -> object:
        self._command()
        return super().fetch(messages, data, modifiers)

    def search(self, criteria: object = "ALL", charset: object = None) -> object:
        self._command()
        return super().search(criteria, charset)

    def select_folder(self, folder: str, readonly: bool = False) -> object:
        self._command()
        return super().select_folder(folder, readonly)


@pytest.mark.parametrize("command", range(1, 9))
def test_a_connection_that_breaks_is_told_and_the_next_run_has_everything(box: Box, command: int) -> None:
    def client(imap: IMAPClient) -> IMAPClient:
        imap.__class__ = _BreaksAtTheNthCommand
        imap.left = command
        return imap

    box.account.append(mail.letter("one\n"))
    box.account.append(mail.letter("two\n"), folder="Clients")
    with pytest.raises(TemporaryFailure, match="connection broke"):
        box.collect(client)
    box.collect()
    assert (len(box.messages()), len(box.locations())) == (2, 2)


# --- Our own mail -----------------------------------------------------------------------------------------------------


@pytest.fixture
def reminder(box: Box) -> Message:
    with box.database.write() as session:
        sent.customer(session)
        return sent.reminder(session, [sent.invoice(session, "FA-2026-0312")])


def _raw(box: Box, message: Message) -> bytes:
    with box.database.read() as session:
        return session.get_one(Blob, message.blob_sha256).content


def _delivery(box: Box) -> Delivery:
    with box.database.read() as session:
        return session.scalars(select(Delivery)).one()


def test_the_copy_in_sent_is_no_new_message_and_its_filing_is_noted(box: Box, reminder: Message) -> None:
    box.account.append(b"X-Filed-By: the provider\r\n" + _raw(box, reminder), folder="Sent")
    done = box.collect()
    assert (done.own, len(box.messages())) == (1, 1)
    assert _delivery(box).filed_at == NOW + timedelta(minutes=1)
    assert [place.message_id for place in box.locations()] == [reminder.id]


def test_our_own_mail_that_comes_back_in_the_inbox_is_no_answer(box: Box, reminder: Message) -> None:
    footed = _raw(box, reminder) + b"-- \r\nThis list is run by somebody\r\n"
    box.account.append(b"Received: by mx.example.test; now\r\n" + footed)
    done = box.collect()
    assert (done.own, len(box.messages()), _delivery(box).filed_at) == (1, 1, None)


def test_a_strangers_mail_under_our_message_id_is_stored_and_flagged(box: Box, reminder: Message) -> None:
    box.account.append(mail.letter("we have paid\n", message_id=reminder.message_id))
    assert box.collect().stored == 1
    message = box.messages()[-1]
    assert (message.direction, message.error) == (Direction.IN, "reused_message_id")
