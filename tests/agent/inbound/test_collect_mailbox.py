"""Collecting from a real Dovecot, beside people who use the same mailbox."""

from pathlib import Path

import pytest
from imapclient import IMAPClient
from sqlalchemy import select

from agent.inbound import collect as collecting
from agent.inbound import cursor
from agent.wire import imap as wire
from config.errors import NeedsPerson, TemporaryFailure
from models import Blob, Database
from models.message import Direction
from models.states import MessageState
from tests.agent.inbound.conftest import Box, settings_for
from tests.builders import mail


def test_a_mail_is_stored_raw_with_its_place_and_the_cursor(box: Box) -> None:
    raw = mail.letter()
    uid = box.account.append(raw)
    done = box.collect()
    assert (done.seen, done.stored) == (1, 1)
    (message,) = box.messages()
    assert (message.direction, message.state, message.error) == (Direction.IN, MessageState.STORED, None)
    assert message.sender == mail.CUSTOMER
    with box.database.read() as session:
        assert session.get_one(Blob, message.blob_sha256).content == raw
    (place,) = box.locations()
    assert (place.folder, place.uid, place.message_id) == ("INBOX", uid, message.id)
    assert (box.cursor().last_uid, box.cursor().seen) == (uid, 1)


def test_a_second_run_changes_nothing(box: Box) -> None:
    box.account.append(mail.letter())
    box.collect()
    done = box.collect()
    assert (done.seen, len(box.messages()), len(box.locations())) == (0, 1, 1)


def test_what_comes_later_is_found_from_the_cursor_on(box: Box) -> None:
    for _ in range(3):
        box.account.append(mail.letter())
        assert box.collect().stored == 1
    assert box.cursor().seen == 3


def test_no_flag_is_set(box: Box) -> None:
    box.account.append(mail.letter())
    box.account.append(mail.letter(), flags=(r"\Flagged",))
    box.collect()
    assert {flag for flags in box.flags().values() for flag in flags} <= {rb"\Flagged", rb"\Recent"}


def test_a_mail_that_a_colleague_has_read_or_marked_is_stored_all_the_same(box: Box) -> None:
    box.account.append(mail.letter(), flags=(r"\Seen", r"\Answered", r"\Draft"))
    assert box.collect().stored == 1


def test_a_mail_moved_to_another_folder_before_we_saw_it_is_found_there(box: Box) -> None:
    box.collect()
    uid = box.account.append(mail.letter())
    with box.account.client() as client:
        client.create_folder("Clients.Dupont")
        client.select_folder("INBOX")
        client.move([uid], "Clients.Dupont")
    assert box.collect().stored == 1
    assert [place.folder for place in box.locations()] == ["Clients.Dupont"]


def test_a_mail_moved_after_we_saw_it_gets_a_second_place_and_no_second_message(box: Box) -> None:
    uid = box.account.append(mail.letter())
    box.collect()
    with box.account.client() as client:
        client.create_folder("Done")
        client.select_folder("INBOX")
        client.move([uid], "Done")
    done = box.collect()
    assert (done.stored, done.copies) == (0, 1)
    assert (len(box.messages()), len(box.locations())) == (1, 2)


def test_two_copies_are_one_message(box: Box) -> None:
    raw = mail.letter()
    box.account.append(raw)
    box.account.append(raw)
    done = box.collect()
    assert (done.stored, done.copies, len(box.messages())) == (1, 1, 1)


def test_mails_without_message_id_are_told_apart_by_their_content(box: Box) -> None:
    box.account.append(mail.letter("one\n", message_id=None))
    box.account.append(mail.letter("two\n", message_id=None))
    box.account.append(mail.letter("two\n", message_id=None))
    done = box.collect()
    assert (done.stored, done.copies) == (2, 1)
    assert [message.error for message in box.messages()] == [None, None]


def test_a_message_id_used_again_for_other_words_is_a_message_of_its_own_and_flagged(box: Box) -> None:
    box.account.append(mail.letter("one\n", message_id="<same@x.test>"))
    box.account.append(mail.letter("two\n", message_id="<same@x.test>"))
    assert box.collect().stored == 2
    box.account.append(mail.letter("three\n", message_id="<same@x.test>"))
    assert box.collect().stored == 1
    assert [message.error for message in box.messages()] == [None, *[cursor.REUSED_MESSAGE_ID] * 2]


def test_a_letter_that_a_colleague_sent_by_hand_is_an_outgoing_message_to_be_read(box: Box) -> None:
    box.account.append(mail.letter(sender=box.account.address, to=(mail.CUSTOMER,)), folder="Sent")
    box.collect()
    (message,) = box.messages()
    assert (message.direction, message.state) == (Direction.OUT, MessageState.STORED)


def test_drafts_are_left_alone_wherever_they_lie(box: Box) -> None:
    draft = mail.letter(sender=box.account.address, to=(mail.CUSTOMER,))
    box.account.append(draft, folder="Drafts")
    box.account.append(draft, folder="Brouillons")
    box.account.append(draft, folder="INBOX", flags=(r"\Draft",))
    done = box.collect()
    assert (done.drafts, box.messages()) == (1, [])
    assert box.collect().seen == 0


def test_only_the_folders_of_the_settings_are_read(box: Box, tmp_path_factory: pytest.TempPathFactory) -> None:
    box.settings = settings_for(
        tmp_path_factory.mktemp("config"),
        address=box.account.address,
        port=box.account.port,
        imap='folders = ["INBOX", "Clients*"]\nexclude = ["Clients.Old"]',
    )
    for folder in ("INBOX", "Clients", "Clients.Dupont", "Clients.Old", "Private"):
        box.account.append(mail.letter(), folder=folder)
    assert box.collect().stored == 3
    assert {place.folder for place in box.locations()} == {"INBOX", "Clients", "Clients.Dupont"}


def test_settings_that_match_no_folder_need_a_person(box: Box, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("config")
    box.settings = settings_for(
        folder, address=box.account.address, port=box.account.port, imap='folders = ["Nowhere"]'
    )
    with pytest.raises(NeedsPerson, match=r"mailbox\.ar\.imap\.folders"):
        box.collect()


def test_a_huge_mail_is_fetched_in_pieces_and_kept_whole(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "HUGE", 2_000_000)
    raw = mail.huge(3_500_000)
    box.account.append(raw)
    box.account.append(mail.letter())
    assert box.collect().stored == 2
    message = next(m for m in box.messages() if m.size > 1_000_000)
    with box.database.read() as session:
        assert session.get_one(Blob, message.blob_sha256).content == raw
    assert message.error is None


def test_a_huge_mail_is_the_same_message_whether_it_came_in_pieces_or_whole(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mail.huge(3_500_000)
    box.account.append(raw)
    box.collect()
    monkeypatch.setattr(collecting, "HUGE", 2_000_000)
    box.account.append(raw)
    assert box.collect().copies == 1


def test_a_mail_beyond_all_measure_is_kept_in_part_and_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "HUGE", 1_000_000)
    monkeypatch.setattr(collecting, "MAX_KEPT", 2 << 20)
    box.account.append(mail.huge(3_500_000))
    assert box.collect().stored == 1
    (message,) = box.messages()
    assert (message.size, message.error) == (2 << 20, cursor.CUT)


def test_many_mails_come_in_batches_and_in_order(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "BATCH_MAILS", 3)
    monkeypatch.setattr(collecting, "LISTED_AT_ONCE", 4)
    monkeypatch.setattr(collecting, "WINDOW", 5)
    with box.account.client() as client:
        for number in range(13):
            client.append("INBOX", mail.letter(f"{number}\n"))
    assert box.collect().stored == 13
    uids = [place.uid for place in box.locations()]
    assert uids == sorted(uids)


class _VanishesBeforeTheFetch(IMAPClient):  # type: ignore[misc] # the library has no types
    """Another client deletes a mail between the search and the fetch."""

    box: Box
    victim: int

    def fetch(self, messages: list[int], data: list[str], modifiers: object = None) -> object:
        if "BODY.PEEK[]" in data and self.victim:
            victim, self.victim = self.victim, 0
            with self.box.account.client() as other:
                other.select_folder("INBOX")
                other.delete_messages([victim])
                other.expunge()
        return super().fetch(messages, data, modifiers)


def test_a_mail_deleted_before_its_fetch_is_noted_and_the_others_are_stored(box: Box) -> None:
    uids = [box.account.append(mail.letter()) for _ in range(3)]

    def client(imap: IMAPClient) -> IMAPClient:
        imap.__class__ = _VanishesBeforeTheFetch
        imap.box, imap.victim = box, uids[1]
        return imap

    done = box.collect(client)
    assert (done.seen, done.stored, done.vanished) == (3, 2, 1)
    assert {place.uid: place.note for place in box.locations()} == {uids[0]: None, uids[1]: "vanished", uids[2]: None}
    assert box.collect().seen == 0


class _KeepsOneBody(IMAPClient):  # type: ignore[misc] # the library has no types
    """The server does not give the body of one mail, though it is there."""

    kept: int

    def fetch(self, messages: list[int], data: list[str], modifiers: object = None) -> dict[int, dict[bytes, object]]:
        found: dict[int, dict[bytes, object]] = super().fetch(messages, data, modifiers)
        if self.kept in found:
            found[self.kept].pop(b"BODY[]", None)
        return found


def test_a_body_that_the_server_withholds_keeps_the_cursor_and_not_the_others(box: Box) -> None:
    uids = [box.account.append(mail.letter()) for _ in range(3)]

    def client(imap: IMAPClient) -> IMAPClient:
        imap.__class__ = _KeepsOneBody
        imap.kept = uids[1]
        return imap

    with pytest.raises(TemporaryFailure, match=f"no body for UID {uids[1]}"):
        box.collect(client)
    assert (len(box.messages()), box.cursor().last_uid) == (2, uids[0])
    done = box.collect()
    assert (done.stored, len(box.messages())) == (1, 3)


def test_a_folder_that_refuses_is_told_and_the_others_are_read(box: Box) -> None:
    class Refuses(IMAPClient):  # type: ignore[misc] # the library has no types
        def select_folder(self, folder: str, readonly: bool = False) -> object:
            return super().select_folder("nowhere" if folder == "Locked" else folder, readonly)

    def client(imap: IMAPClient) -> IMAPClient:
        imap.__class__ = Refuses
        return imap

    box.account.append(mail.letter(), folder="Locked")
    box.account.append(mail.letter())
    with pytest.raises(TemporaryFailure, match=r"folder Locked.*exclude"):
        box.collect(client)
    assert [place.folder for place in box.locations()] == ["INBOX"]
    assert box.cursor().seen == 1


def test_each_batch_is_one_event_with_the_hashes_of_what_it_stored(box: Box) -> None:
    from models import Event, events

    box.account.append(mail.letter())
    box.collect()
    (message,) = box.messages()
    with box.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "folder.stored")).one()
        assert event.data["messages"] == [f"{message.id}:{message.blob_sha256}"]
        assert events.verify(session, box.database.key) is None


def test_both_databases_keep_what_was_collected(box: Box, database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    box.database = Database.open(database_url.replace("relance.db", "other/relance.db"), folder, box.now)
    raw = mail.letter()
    for body in (raw, raw, mail.letter("two\n"), mail.letter(message_id="<a\0b@x.test>", subject="\0")):
        box.account.append(body)
    done = box.collect()
    assert (done.stored, done.copies) == (3, 1)
    box.server.renumber(box.account, uid_validity=4_000_000_000)
    assert box.collect().renumbered == 1
    assert (len(box.messages()), box.collect().seen) == (3, 0)
    box.database.close()


def test_a_mail_far_larger_than_the_server_told_is_taken_in_pieces(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large to be held at once comes back empty, and neither blocks its folder nor is kept so."""
    monkeypatch.setattr(wire, "LITERAL_BYTES", 4_000)
    monkeypatch.setattr(collecting, "PIECE", 1_000)
    small, large = mail.letter(), mail.letter("x" * 70 + "\n" + "Paid.\n" * 1_500)
    for raw in (small, large, mail.letter()):
        box.account.append(raw)
    done = box.collect()
    assert (done.stored, done.failed) == (3, 0)
    with box.database.read() as session:
        kept = [session.get_one(Blob, message.blob_sha256).content for message in box.messages()]
    assert kept[:2] == [small, large]


def test_a_mail_of_which_nothing_comes_is_not_kept_as_empty(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LITERAL_BYTES", 500)
    box.account.append(mail.letter("Paid.\n" * 1_500))
    with pytest.raises(TemporaryFailure, match="no body for UID"):
        box.collect()
    assert box.messages() == []
