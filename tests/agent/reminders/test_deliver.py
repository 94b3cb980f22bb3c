"""One mail through every fault of the wire: what state it ends in, and that no customer ever gets it twice.

A real SMTP server that misbehaves as told, a real database of each kind; the Sent folder is a list.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import event, select

from agent import faults
from agent.reminders import deliver, plan, reconcile, store, wire
from agent.reminders.deliver import Post
from config import Settings
from config.errors import NeedsPerson
from models import (
    Contact,
    Database,
    Delivery,
    Event,
    ExceptionItem,
    Heartbeat,
    Invoice,
    Reminder,
    ReminderLine,
    SendingStop,
    events,
)
from models.reasons import ExceptionReason
from models.states import DeliveryState, InvoiceState
from tests.builders import ledger
from tests.servers.smtp_sink import At, SmtpSink, cut, refuse, stall

NOW = ledger.NOW
"""Tuesday 1 September 2026, ten in the morning in Paris; the invoice fell due on the first of August."""


@dataclass
class SentFolder:
    """The Sent folder as a list of raw mails; `provider_files`: the server has put a copy there before its 250."""

    sink: SmtpSink
    provider_files: bool = False
    filed: list[bytes] = field(default_factory=list)

    def uidnext(self) -> int:
        return 1

    def holds(self, message_id: str, from_uid: int) -> bool:
        copies = self.filed + ([mail.raw for mail in self.sink.mails] if self.provider_files else [])
        return any(message_from_bytes(raw)["Message-ID"] == message_id for raw in copies)

    def file(self, raw: bytes, sent_at: datetime) -> None:
        self.filed.append(raw)


@dataclass
class Desk:
    """Everything around one reserved mail."""

    database: Database
    settings: Settings
    sink: SmtpSink
    sent: SentFolder

    def post(self, owner: str = "first") -> Post:
        mailbox = self.settings.mailbox["ar"]
        return Post("ar", mailbox, wire.SmtpWire(mailbox.smtp), self.sent, owner, lambda: datetime.now(UTC))

    def read_mailbox(self, now: datetime = NOW) -> None:
        with self.database.write() as session:
            session.merge(Heartbeat(name="collect:ar", last_ok_at=now, failures=0))

    def deliver(self, now: datetime = NOW, owner: str = "first") -> deliver.Delivered:
        self.read_mailbox(now)
        return deliver.drain(self.database, self.settings, self.post(owner), now)

    def reconcile(self, now: datetime = NOW) -> reconcile.Reconciled:
        mailbox = self.settings.mailbox["ar"]
        return reconcile.drain(self.database, self.settings, "ar", mailbox, self.sent, now)

    @property
    def delivery(self) -> Delivery:
        with self.database.read() as session:
            return session.scalars(select(Delivery).order_by(Delivery.id.desc()).limit(1)).one()

    @property
    def invoice(self) -> Invoice:
        with self.database.read() as session:
            return session.scalars(select(Invoice)).one()

    @property
    def reasons(self) -> list[ExceptionReason]:
        with self.database.read() as session:
            return list(session.scalars(select(ExceptionItem.reason).order_by(ExceptionItem.id)))

    def copies(self) -> int:
        """How often the customer got the mail."""
        return len(self.sink.mails)


@pytest.fixture
def desk(database_url: str, tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("SINK_PASSWORD", smtp_sink.password)
    server = {
        "host": "127.0.0.1",
        "port": smtp_sink.port,
        "security": "none",
        "username": smtp_sink.username,
        "password_env": "SINK_PASSWORD",
    }
    mailbox = {"address": "compta@morel.example", "imap": server, "smtp": server}
    settings = ledger.settings(tmp_path, mailbox={"ar": mailbox}, policy={"mode": "automatic"})
    database = Database.open(database_url, tmp_path, NOW)
    with database.write() as session:
        ledger.invoice(session, ledger.customer(session), "FA-1")
    ledger.load(database, settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(database, settings, NOW).mails == 1
    yield Desk(database, settings, smtp_sink, SentFolder(smtp_sink))
    database.close()


def test_a_mail_leaves_once_and_its_invoice_is_reminded(desk: Desk) -> None:
    assert desk.deliver().sent == 1
    assert desk.deliver().sent == 0
    assert (desk.copies(), desk.delivery.state, desk.invoice.state) == (1, DeliveryState.SENT, InvoiceState.REMINDED)


def test_the_bytes_that_leave_are_the_frozen_ones(desk: Desk) -> None:
    with desk.database.read() as session:
        frozen = store.raw_of(session, session.scalars(select(Delivery)).one())
    desk.deliver()
    assert desk.sink.mails[0].raw.rstrip() == frozen.rstrip()


def test_planning_again_makes_no_second_mail(desk: Desk) -> None:
    for _ in range(3):
        plan.drain(desk.database, desk.settings, NOW)
        desk.deliver()
    assert desk.copies() == 1


TEMPORARY = [(at, f"4{n}1 4.3.0 later") for n, at in ((2, At.RCPT), (5, At.MAIL), (5, At.DATA), (5, At.DOT))]


@pytest.mark.parametrize(("at", "answer"), TEMPORARY)
def test_a_temporary_refusal_is_tried_again_later_and_then_leaves_once(desk: Desk, at: At, answer: str) -> None:
    desk.sink.then(refuse(at, answer))
    assert desk.deliver().failed == 1
    first = desk.delivery
    assert first.state is DeliveryState.FAILED
    assert timedelta(minutes=4) <= first.not_before - NOW <= timedelta(minutes=6)
    assert desk.deliver().sent == 0
    assert desk.deliver(first.not_before).sent == 1
    assert desk.copies() == 1


@pytest.mark.parametrize("at", [At.RCPT, At.DOT])
def test_a_refusal_for_good_is_a_persons(desk: Desk, at: At) -> None:
    desk.sink.then(refuse(at, "550 5.7.1 not wanted"))
    assert desk.deliver().rejected == 1
    assert desk.reasons == [ExceptionReason.DELIVERY_REJECTED]
    assert desk.deliver(NOW + timedelta(days=1)).sent == 0


SERVERS = [
    (At.CONNECT, "554 5.7.1 go away"),
    (At.MAIL, "550 5.7.1 sender blocked"),
    (At.MAIL, "530 5.7.0 authentication required"),
    (At.RCPT, "530 5.7.0 authentication required"),
]


@pytest.mark.parametrize(("at", "answer"), SERVERS)
def test_a_refusal_that_is_meant_for_us_is_told_at_once_and_never_booked_against_a_mail(
    desk: Desk, at: At, answer: str
) -> None:
    days = [NOW + timedelta(days=day) for day in (0, 1, 2, 3)]
    for now in days:
        desk.sink.then(refuse(at, answer))
        with pytest.raises(NeedsPerson, match=answer[:3]):
            desk.deliver(now)
        assert (desk.delivery.state, desk.reasons, desk.copies()) == (DeliveryState.FAILED, [], 0)
    assert desk.sink.unused == []
    assert desk.deliver(desk.delivery.not_before).sent == 1
    assert (desk.copies(), desk.reasons) == (1, [])


@pytest.mark.parametrize("answer", ["552 message too large", "550 5.3.4 message too big for system"])
def test_a_mail_that_is_refused_at_once_for_its_size_is_a_persons(desk: Desk, answer: str) -> None:
    desk.sink.then(refuse(At.MAIL, answer))
    assert desk.deliver().rejected == 1
    assert desk.reasons == [ExceptionReason.DELIVERY_REJECTED]


def test_who_greets_with_later_is_a_server_that_is_away(desk: Desk) -> None:
    desk.sink.then(refuse(At.CONNECT, "450 4.3.2 later"))
    assert desk.deliver().failed == 1
    assert desk.deliver(desk.delivery.not_before).sent == 1


JUDGED = [
    (550, "5.7.1 sender blocked", "MAIL", True, True),
    (501, "bad address", "MAIL", True, True),
    (552, "5.2.2 too much", "MAIL", True, False),
    (550, "5.2.3 too long", "MAIL", True, False),
    (451, "4.7.1 later", "MAIL", True, False),
    (530, "must issue STARTTLS", "RCPT", True, True),
    (530, "5.7.0 log in", "DATA", True, True),
    (550, "5.1.1 no such user", "RCPT", True, False),
    (554, "5.7.1 relay access denied", "RCPT", True, False),
    (554, "5.7.1 relay access denied", "RCPT", False, True),
    (550, "5.1.1 no such user", "RCPT", False, False),
    (554, "relay access denied", "RCPT", False, False),
    (554, "5.7.1 content", "DATA", False, False),
]


@pytest.mark.parametrize(("code", "text", "at", "let_in", "expected"), JUDGED)
def test_what_a_refusal_for_good_is_about(code: int, text: str, at: str, let_in: bool, expected: bool) -> None:
    assert wire.is_about_the_server(code, text, at, let_in=let_in) is expected


COPY = "boss@customer.example"


@pytest.fixture
def copied(desk: Desk) -> Desk:
    """A mail with a copy to one more person."""
    with desk.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        session.add(Contact(customer_id=delivery.customer_id, email=COPY, role="cc", created_at=NOW))
        delivery.copies = [COPY]
    return desk


def test_a_copy_that_is_refused_for_good_does_not_keep_the_customers_mail_back(copied: Desk) -> None:
    copied.sink.then(refuse(At.RCPT, "550 5.1.1 no such user", COPY))
    assert copied.deliver().sent == 1
    (mail,) = copied.sink.mails
    assert mail.recipients == (copied.delivery.recipient,)
    assert (copied.delivery.reply or "").endswith(f"no copy to {COPY}: 550 5.1.1 no such user")
    assert copied.deliver(NOW + timedelta(days=1)).sent == 0


@pytest.mark.parametrize("answer", ["450 4.2.1 later", "530 5.7.0 authentication required"])
def test_a_copy_that_may_be_taken_later_waits_and_so_does_the_mail(copied: Desk, answer: str) -> None:
    copied.sink.then(refuse(At.RCPT, answer, COPY))
    with suppress(NeedsPerson):
        copied.deliver()
    assert (copied.delivery.state, copied.copies()) == (DeliveryState.FAILED, 0)
    assert copied.deliver(copied.delivery.not_before).sent == 1
    assert copied.sink.mails[0].recipients == (copied.delivery.recipient, COPY)


def test_a_customer_who_is_refused_gets_no_mail_through_a_copy(copied: Desk) -> None:
    copied.sink.then(refuse(At.RCPT, "550 5.1.1 no such user"))
    assert copied.deliver().rejected == 1
    assert copied.copies() == 0


@pytest.mark.parametrize("at", [At.CONNECT, At.MAIL, At.RCPT, At.DATA])
def test_a_connection_that_breaks_before_the_body_is_simply_tried_again(desk: Desk, at: At) -> None:
    desk.sink.then(cut(at))
    assert desk.deliver().failed == 1
    assert desk.deliver(desk.delivery.not_before).sent == 1
    assert (desk.copies(), desk.reasons) == (1, [])


@pytest.mark.parametrize("at", [At.BODY, At.DOT])
def test_a_connection_that_breaks_after_the_body_is_never_tried_blindly(desk: Desk, at: At) -> None:
    desk.sink.then(cut(at))
    assert desk.deliver().unknown == 1
    got = desk.copies()
    desk.reconcile()
    assert desk.reasons == [ExceptionReason.DELIVERY_UNKNOWN]
    for days in (0, 1, 7):
        plan.drain(desk.database, desk.settings, NOW + timedelta(days=days))
        desk.deliver(NOW + timedelta(days=days))
    assert desk.copies() == got <= 1
    assert desk.delivery.state is DeliveryState.UNKNOWN


def test_a_server_that_never_answers_leaves_the_outcome_unknown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FINAL_REPLY_SECONDS", 0.3)
    desk.sink.then(stall(At.DOT))
    assert desk.deliver().unknown == 1
    desk.sink.release()


def test_the_copy_in_sent_proves_that_an_unknown_mail_left(desk: Desk) -> None:
    desk.sent.provider_files = True
    desk.sink.then(cut(At.DOT))
    desk.deliver()
    assert desk.reconcile().sent == 1
    assert (desk.delivery.state, desk.delivery.settled_by) == (DeliveryState.SENT, "sent_folder")
    assert (desk.copies(), desk.invoice.state, desk.reasons) == (1, InvoiceState.REMINDED, [])


def test_where_the_provider_files_copies_an_empty_folder_is_believed_after_half_an_hour_only() -> None:
    for minutes, verdict in ((0, "wait"), (29, "wait"), (30, "ask")):
        assert reconcile.judge(found=False, provider_files=True, since=timedelta(minutes=minutes)) == verdict
    assert reconcile.judge(found=False, provider_files=False, since=timedelta(0)) == "ask"
    assert reconcile.judge(found=True, provider_files=False, since=timedelta(0)) == "sent"


class Died(BaseException):
    """Stands for SIGKILL: nothing that handles exceptions may see it as one."""


def test_what_a_dead_worker_was_handing_over_is_settled_also_where_the_clock_was_set_back_since(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == "delivery.sending":
            raise Died

    monkeypatch.setattr(faults, "hook", die)
    with pytest.raises(Died):
        desk.deliver()
    monkeypatch.setattr(faults, "hook", None)
    assert desk.reconcile(NOW - timedelta(days=400)).asked == 0
    assert reconcile.orphaned(desk.database, "ar", "second", ["first"]) == 1
    assert desk.reconcile(NOW - timedelta(days=400)).asked == 1
    assert desk.delivery.state is DeliveryState.UNKNOWN


POINTS = ["delivery.claimed", "delivery.before_last_look", "delivery.sending", "delivery.answered", "delivery.booked"]


@pytest.mark.parametrize("where", POINTS)
def test_wherever_the_process_dies_the_customer_gets_the_mail_at_most_once_and_nothing_is_forgotten(
    desk: Desk, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == where:
            raise Died

    desk.sent.provider_files = True
    monkeypatch.setattr(faults, "hook", die)
    with pytest.raises(Died):
        desk.deliver()
    monkeypatch.setattr(faults, "hook", None)
    later = NOW + timedelta(minutes=31)
    desk.reconcile(later)
    desk.deliver(later, owner="second")
    desk.reconcile(later)
    assert desk.copies() <= 1
    if desk.copies():
        assert desk.delivery.state is DeliveryState.SENT
    else:
        assert desk.reasons == [ExceptionReason.DELIVERY_UNKNOWN]
    end = (desk.delivery.state, desk.copies(), desk.invoice.state)
    desk.reconcile(later)
    desk.deliver(later, owner="second")
    assert (desk.delivery.state, desk.copies(), desk.invoice.state) == end


def test_a_payment_that_comes_in_at_the_last_moment_stops_the_mail_at_354(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pay(name: str) -> None:
        if name == "delivery.before_last_look":
            row = f"P1,2026-08-31,100.00,{desk.invoice.customer_id}"
            ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id", row))

    monkeypatch.setattr(faults, "hook", pay)
    assert desk.deliver().cancelled == 1
    assert (desk.copies(), desk.sink.abandoned) == (0, 1)
    assert (desk.delivery.state, desk.invoice.state) == (DeliveryState.CANCELLED, InvoiceState.PAID)


def test_the_guard_is_the_last_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same late payment with the look switched off: the payer is chased. So the test before can fail."""

    def pay(name: str) -> None:
        if name == "delivery.before_last_look":
            row = f"P1,2026-08-31,100.00,{desk.invoice.customer_id}"
            ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id", row))

    monkeypatch.setattr(faults, "hook", pay)
    monkeypatch.setattr(deliver._Attempt, "_objection", lambda *_: None)
    desk.deliver()
    assert desk.copies() == 1


def test_what_the_last_look_cancelled_may_be_planned_again(desk: Desk) -> None:
    with desk.database.write() as session:
        session.add(SendingStop(reason="person", detail="audit", placed_by="Anna", placed_at=NOW))
    assert desk.deliver().cancelled == 1
    with desk.database.write() as session:
        session.scalars(select(SendingStop)).one().lifted_at = NOW
    assert plan.drain(desk.database, desk.settings, NOW).mails == 1
    assert desk.deliver().sent == 1
    with desk.database.read() as session:
        assert [r.cycle for r in session.scalars(select(Reminder).order_by(Reminder.id))] == [1, 2]
        assert [x.voided for x in session.scalars(select(ReminderLine).order_by(ReminderLine.id))] == [True, False]


@pytest.mark.parametrize("read", [timedelta(minutes=-16), timedelta(days=14)], ids=["long ago", "by a wrong clock"])
def test_nothing_leaves_while_the_mailbox_was_not_read(desk: Desk, read: timedelta) -> None:
    desk.read_mailbox(NOW + read)
    assert deliver.drain(desk.database, desk.settings, desk.post(), NOW).sent == 0
    assert desk.sink.connections == 0


def test_another_machine_sends_nothing_until_adopted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_INSTALLATION", "a clone")
    assert desk.deliver().sent == 0
    assert desk.copies() == 0


def test_a_worker_that_was_overtaken_books_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtake(name: str) -> None:
        if name == "delivery.before_last_look":
            with desk.database.write() as session:
                session.scalars(select(Delivery)).one().owner = "other"

    monkeypatch.setattr(faults, "hook", overtake)
    with pytest.raises(Exception, match="taken over"):
        desk.deliver()
    assert desk.copies() == 0


def test_the_rate_of_the_mailbox_is_kept_over_all_workers(desk: Desk) -> None:
    with desk.database.write() as session:
        for number in range(30):
            ledger.invoice(session, ledger.customer(session), f"FB-{number}")
    plan.drain(desk.database, desk.settings, NOW)
    first = desk.deliver(owner="first")
    second = desk.deliver(owner="second")
    assert (first.sent + second.sent, desk.copies()) == (25, 25)
    assert second.wait_until is not None


def test_what_is_asked_before_each_mail_comes_from_an_index(desk: Desk) -> None:
    """By SQLite's own plan: however many mails have left, their rows are not read."""
    asked: dict[str, object] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked[statement] = parameters

    event.listen(desk.database.engine, "before_cursor_execute", note)
    try:
        assert desk.deliver().sent == 1
    finally:
        event.remove(desk.database.engine, "before_cursor_execute", note)
    for column, index in (("wire_at >", "ix_delivery_wire"), ("not_before <=", "ix_delivery_due")):
        (statement,) = (found for found in asked if found.startswith("SELECT") and f"delivery.{column}" in found)
        if desk.database.is_sqlite:
            with desk.database.engine.connect() as connection:
                explain = f"EXPLAIN QUERY PLAN {statement}"
                rows = connection.exec_driver_sql(explain, asked[statement])  # type: ignore[arg-type]
                assert index in " ".join(str(row[3]) for row in rows)


def test_a_wrong_password_is_a_persons_and_costs_no_attempt_at_the_body(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINK_PASSWORD", "wrong")
    with pytest.raises(NeedsPerson, match=r"the password for .* was refused"):
        desk.deliver()
    assert desk.copies() == 0


def test_a_redirected_staging_copy_writes_to_no_customer(desk: Desk) -> None:
    mailbox = desk.settings.mailbox["ar"]
    smtp = mailbox.smtp.model_copy(update={"redirect_all_to": "test@morel.example"})
    post = replace(desk.post(), mailbox=mailbox.model_copy(update={"smtp": smtp}))
    desk.read_mailbox()
    assert deliver.drain(desk.database, desk.settings, post, NOW).sent == 1
    assert [mail.recipients for mail in desk.sink.mails] == [("test@morel.example",)]


def test_the_copy_is_put_into_sent_once_where_the_provider_files_none(desk: Desk) -> None:
    desk.deliver()
    assert desk.reconcile().filed == 1
    assert desk.reconcile().filed == 0
    assert len(desk.sent.filed) == 1


def test_a_mail_found_in_sent_after_a_restore_is_booked_and_not_sent_again(desk: Desk) -> None:
    """The database lost the reminder (a backup was restored), the customer has the mail."""
    desk.deliver()
    with desk.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        for line in session.scalars(select(ReminderLine)):
            session.delete(line)
        reminder = delivery.reminder
        session.delete(delivery)
        session.flush()
        session.delete(reminder)
        invoice = session.scalars(select(Invoice)).one()
        invoice.state = InvoiceState.OPEN
    plan.drain(desk.database, desk.settings, NOW)
    assert desk.deliver().sent == 0
    assert (desk.copies(), desk.delivery.state, desk.invoice.state) == (1, DeliveryState.SENT, InvoiceState.REMINDED)


def test_every_change_is_in_the_log(desk: Desk) -> None:
    desk.deliver()
    with desk.database.read() as session:
        assert events.verify(session, desk.database.key) is None
        kinds = [event.kind for event in session.scalars(select(Event))]
    assert {"reminder.reserved", "delivery.sending", "delivery.sent", "invoice.reminded"} <= set(kinds)


def test_the_mail_asks_for_exactly_what_is_owed(desk: Desk) -> None:
    desk.deliver()
    with desk.database.read() as session:
        assert session.scalars(select(ReminderLine.balance)).one() == Decimal("100.00")
