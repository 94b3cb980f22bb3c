"""Reading what is stored: claims, attempts, quarantine, and what a mail is tied to, on both databases."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent import faults
from agent.inbound import store
from agent.inbound.confined import Reader, Unreadable
from agent.inbound.identity import identify
from agent.inbound.process import Processed, process
from agent.inbound.reading import read_message
from agent.inbound.values import Border, Kind, Reading
from config import Settings
from config.errors import RelanceError
from models import Database, Event, ExceptionItem, ExceptionLink, Message, MessageLink, Thread, blob, events
from models import Reading as ReadingRow
from models.message import Direction
from models.reasons import ExceptionReason
from models.states import MessageState
from tests.agent.inbound.conftest import NOW
from tests.builders import mail, sent


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    found.close()


class PlainReader:
    """Reads in this process; a mail with the word POISON it can't read, as often as it is asked."""

    def __init__(self) -> None:
        self.poisoned = 0

    def read(self, raw: bytes, border: Border | None, now: object) -> Reading | Unreadable:
        if b"POISON" in raw:
            self.poisoned += 1
            return Unreadable("the reading process ended (signal 9)")
        return read_message(raw, border, NOW)


def put(session: Session, raw: bytes, direction: Direction = Direction.IN) -> Message:
    """A mail as `collect` leaves it."""
    identity = identify(raw)
    message = Message(
        dkey=identity.dkey, direction=direction, mailbox="ar", message_id=identity.message_id,
        blob_sha256=blob.keep(session, raw), size=len(raw), received_at=NOW, sender=identity.sender,
        state=MessageState.STORED, created_at=NOW,
    )  # fmt: skip
    session.add(message)
    session.flush()
    return message


@pytest.fixture
def ours(database: Database) -> Message:
    """A reminder for two invoices of customer C1."""
    with database.write() as session:
        sent.customer(session, "C1", mail.CUSTOMER)
        sent.customer(session, "C2", "bob@other.test")
        sent.invoice(session, "B2-9001", "C2")
        return sent.reminder(session, [sent.invoice(session, "FA-2026-0312"), sent.invoice(session, "FA-2026-0313")])


def run(database: Database, settings: Settings, reader: object = None) -> Processed:
    return process(database, settings, reader or PlainReader(), NOW, "here")  # type: ignore[arg-type] # a stand-in


def read_one(database: Database, settings: Settings, raw: bytes, direction: Direction = Direction.IN) -> Message:
    with database.write() as session:
        message_id = put(session, raw, direction).id
    assert run(database, settings).read == 1
    return get(database, message_id)


def get(database: Database, message_id: int) -> Message:
    with database.read() as session:
        message = session.get_one(Message, message_id)
        assert message.links is not None
        return message


def links(message: Message) -> set[tuple[str, int | None, str, bool]]:
    return {(link.customer_id, link.invoice_id, link.evidence, link.proof) for link in message.links}


def test_an_answer_is_read_and_tied_to_the_invoices_of_its_reminder(
    database: Database, settings: Settings, ours: Message
) -> None:
    message = read_one(database, settings, mail.reply(ours.message_id or ""))
    assert (message.state, message.kind, message.customer_id) == (MessageState.READ, "human", "C1")
    assert (message.thread_id, message.owner, message.lease_until, message.attempts) == (ours.thread_id, None, None, 1)
    assert message.subject == "Re: Rappel"
    assert {(c, e, p) for c, _, e, p in links(message)} == {("C1", "signed_id", True)}
    assert len(message.links) == 2
    with database.read() as session:
        reading = store.reading_of(session, message.id)
        assert reading.new_text == "Le virement est parti ce matin."
        assert events.verify(session, database.key) is None


def test_a_reading_comes_back_from_its_document_as_it_was() -> None:
    for raw in (mail.reply("<a@b.test>"), mail.bounce("<a@b.test>"), mail.auto_reply("<a@b.test>"), b"", b"\0\xff"):
        reading = read_message(raw, None, NOW)
        assert store.from_json(store.to_json(reading)) == reading


def test_a_nul_in_a_mail_does_not_stop_the_database(database: Database, settings: Settings) -> None:
    raw = mail.letter("a\0b\n", subject="x\0y", message_id="<a\0b@x.test>")
    assert read_one(database, settings, raw).state is MessageState.READ


def test_a_bounce_is_tied_by_the_id_of_the_mail_that_it_reports_on(
    database: Database, settings: Settings, ours: Message
) -> None:
    message = read_one(database, settings, mail.bounce(ours.message_id))
    assert (message.kind, message.customer_id) == ("bounce", "C1")
    assert all(link.proof for link in message.links)


def test_a_bounce_without_an_id_suggests_the_customer_of_the_address(
    database: Database, settings: Settings, ours: Message
) -> None:
    message = read_one(database, settings, mail.bounce(None))
    assert (message.customer_id, links(message)) == ("C1", {("C1", None, "recipient", False)})


def test_an_out_of_office_is_tied_like_an_answer(database: Database, settings: Settings, ours: Message) -> None:
    message = read_one(database, settings, mail.auto_reply(ours.message_id))
    assert (message.kind, message.customer_id) == ("auto_reply", "C1")


def test_the_signed_address_proves_what_a_program_dropped_from_the_headers(
    database: Database, settings: Settings, ours: Message
) -> None:
    token = (ours.message_id or "").strip("<>").partition("@")[0]
    message = read_one(database, settings, mail.letter(to=(f"ar+{token}@example.test",)))
    assert {(e, p) for _, _, e, p in links(message)} == {("tag", True)}


def test_a_made_up_id_of_our_shape_proves_nothing(database: Database, settings: Settings, ours: Message) -> None:
    message = read_one(database, settings, mail.reply(f"<r.{'a' * 26}@example.test>", sender="eve@evil.test"))
    assert (message.customer_id, message.links) == (None, [])


def test_a_mail_that_names_another_customers_contact_is_a_conflict(
    database: Database, settings: Settings, ours: Message
) -> None:
    message = read_one(database, settings, mail.reply(ours.message_id or "", sender="bob@other.test"))
    assert message.customer_id is None
    assert {link.customer_id for link in message.links} == {"C1", "C2"}


def test_an_answer_to_an_earlier_answer_stays_in_its_thread(
    database: Database, settings: Settings, ours: Message
) -> None:
    first = read_one(database, settings, mail.reply(ours.message_id or "", message_id="<first@customer.test>"))
    second = read_one(database, settings, mail.letter(in_reply_to="<first@customer.test>", sender="x@nowhere.test"))
    assert (second.thread_id, second.customer_id) == (first.thread_id, "C1")
    assert {(e, p) for _, _, e, p in links(second)} == {("references", False)}


def test_a_mail_out_of_the_blue_opens_a_thread_of_its_own(database: Database, settings: Settings) -> None:
    message = read_one(database, settings, mail.letter(message_id="<new@customer.test>", sender="x@nowhere.test"))
    again = read_one(database, settings, mail.letter(in_reply_to="<new@customer.test>", sender="x@nowhere.test"))
    assert message.thread_id is not None
    assert again.thread_id == message.thread_id
    with database.read() as session:
        assert session.scalars(select(Thread)).one().customer_id is None


def test_a_colleagues_letter_is_tied_by_whom_it_was_written_to(
    database: Database, settings: Settings, ours: Message
) -> None:
    raw = mail.letter(sender=mail.OURS, to=(mail.CUSTOMER,))
    message = read_one(database, settings, raw, Direction.OUT)
    assert (message.customer_id, links(message)) == ("C1", {("C1", None, "recipient", False)})


def test_our_domain_may_be_written_in_capitals(database: Database, settings: Settings, ours: Message) -> None:
    message = read_one(database, settings, mail.reply((ours.message_id or "").upper()))
    assert {(e, p) for _, _, e, p in links(message)} == {("signed_id", True)}


# --- Poison, claims, deaths -------------------------------------------------------------------------------------------


def test_a_poisonous_mail_is_set_aside_after_three_attempts_and_the_others_are_read_first(
    database: Database, settings: Settings, ours: Message
) -> None:
    with database.write() as session:
        bad = put(session, mail.reply(ours.message_id or "", "POISON\n")).id
        good = put(session, mail.letter()).id
    reader = PlainReader()
    assert run(database, settings, reader) == Processed(read=1, quarantined=1, failures=2)
    assert reader.poisoned == 3
    message = get(database, bad)
    assert (message.state, message.attempts, message.owner) == (MessageState.QUARANTINED, 3, None)
    assert message.error == "the reading process ended (signal 9)"
    assert get(database, good).state is MessageState.READ
    with database.read() as session:
        item = session.scalars(select(ExceptionItem)).one()
        assert (item.key, item.reason, item.message_id) == (f"message:{bad}", ExceptionReason.UNREADABLE, bad)
        assert item.holds
        assert {link.customer_id for link in session.scalars(select(ExceptionLink))} == {"C1"}
    assert run(database, settings, reader) == Processed(0, 0, 0)


def test_a_mail_that_killed_the_process_three_times_is_not_touched_again(
    database: Database, settings: Settings
) -> None:
    with database.write() as session:
        put(session, mail.letter("POISON\n")).attempts = 3
    reader = PlainReader()
    assert run(database, settings, reader).quarantined == 1
    assert reader.poisoned == 0


class Died(BaseException):
    """The process is gone; nothing catches this."""


def test_a_reading_process_that_does_not_start_is_no_mails_fault(database: Database, settings: Settings) -> None:
    class Absent:
        def read(self, raw: bytes, border: object, now: object) -> None:
            raise RelanceError("the process that reads mails does not start (no memory)")

    with database.write() as session:
        names = [put(session, mail.reply("<a@b.test>", f"{number}\n")).id for number in range(3)]
    for _ in range(5):
        with pytest.raises(RelanceError, match="does not start"):
            run(database, settings, Absent())
    assert {(get(database, name).state, get(database, name).attempts) for name in names} == {(MessageState.STORED, 0)}
    assert run(database, settings).read == 3


@pytest.fixture
def die_at() -> Iterator[Callable[[str], None]]:
    def arm(name: str) -> None:
        def hook(point: str) -> None:
            if point == name:
                faults.hook = None
                raise Died(name)

        faults.hook = hook

    yield arm
    faults.hook = None


@pytest.mark.parametrize("point", ["process.claimed", "process.read", "process.keeping", "process.committed"])
def test_a_death_at_any_point_leaves_one_reading_in_the_end(
    database: Database, settings: Settings, ours: Message, die_at: Callable[[str], None], point: str
) -> None:
    with database.write() as session:
        message_id = put(session, mail.reply(ours.message_id or "")).id
    die_at(point)
    with pytest.raises(Died):
        run(database, settings)
    assert get(database, message_id).attempts == 1
    run(database, settings)
    run(database, settings)
    with database.read() as session:
        assert len(session.scalars(select(ReadingRow)).all()) == 1
        assert len(session.scalars(select(MessageLink)).all()) == 2
        assert len(session.scalars(select(Event).where(Event.kind == "message.read")).all()) == 1
    assert get(database, message_id).state is MessageState.READ


def test_what_another_worker_has_claimed_is_left_to_it_until_the_claim_runs_out(
    database: Database, settings: Settings
) -> None:
    with database.write() as session:
        message_id = put(session, mail.letter()).id
        assert store.claim(session, "elsewhere", NOW, timedelta(minutes=15))
    assert run(database, settings).read == 0
    assert process(database, settings, PlainReader(), NOW + timedelta(minutes=16), "here").read == 1
    assert get(database, message_id).attempts == 2


def test_a_worker_that_lost_its_claim_writes_nothing(database: Database, settings: Settings) -> None:
    with database.write() as session:
        message_id = put(session, mail.letter()).id

    class Slow(PlainReader):
        def read(self, raw: bytes, border: Border | None, now: object) -> Reading | Unreadable:
            with database.write() as session:
                assert store.claim(session, "elsewhere", NOW + timedelta(hours=1), timedelta(minutes=15))
            return super().read(raw, border, now)

    assert run(database, settings, Slow()).read == 0
    message = get(database, message_id)
    assert (message.state, message.owner) == (MessageState.STORED, "elsewhere")


def test_a_mail_that_was_begun_before_is_claimed_alone(database: Database) -> None:
    with database.write() as session:
        suspect = put(session, mail.letter()).id
        others = [put(session, mail.letter()).id for _ in range(3)]
        store.claim(session, "a", NOW, timedelta(minutes=15))
        later = NOW + timedelta(hours=1)
        assert [m.id for m in store.claim(session, "b", later, timedelta(minutes=15), 20)] == others
        assert [m.id for m in store.claim(session, "c", later, timedelta(minutes=15), 20)] == [suspect]
        assert store.claim(session, "d", later, timedelta(minutes=15), 20) == []


def test_the_confined_reader_reads_what_the_plain_one_reads(database: Database, settings: Settings) -> None:
    with database.write() as session:
        message_id = put(session, mail.letter()).id
    with Reader() as reader:
        assert process(database, settings, reader, NOW, "here").read == 1
    with database.read() as session:
        assert store.reading_of(session, message_id).kind is Kind.HUMAN


def test_unread_mails_hold_everybody_and_read_ones_their_customers(
    database: Database, settings: Settings, ours: Message
) -> None:
    with database.write() as session:
        put(session, mail.reply(ours.message_id or ""))
        assert store.undecided_mails(session) == store.Undecided({}, 1)
    run(database, settings)
    with database.read() as session:
        assert store.undecided_mails(session) == store.Undecided({"C1": 1}, 0)
        assert store.undecided_mails(session, ["C2"]) == store.Undecided({}, 0)
