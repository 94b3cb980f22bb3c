"""The weekly digest: when, to whom, what it says, and that it leaves once."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from agent.reminders.templates import mail_environment
from agent.reports import digest, posting
from agent.reports.digest import Envelope, Reader
from agent.reports.values import Books, Person
from agent.reports.words import words_of
from config import Settings
from config.errors import ConfigError
from models import Database, Event, Message, SendingStop, blob, events
from models.message import Direction
from models.states import MessageState
from tests.builders import ledger
from tests.builders.figures import books, invoice
from tests.servers.smtp_sink import At, SmtpSink, cut, refuse

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
"""Eleven o'clock in Paris; the week to be told of began on 31 August."""
WEEK = date(2026, 8, 31)
BOSS, ANNA = "chef@morel.example", "anna@morel.example"


def set_to(root: Path, **reports: Any) -> Settings:
    return ledger.settings(root, policy={"mode": "automatic"}, reports={"digest_to": [BOSS], **reports})


@pytest.mark.parametrize(
    ("now", "day", "week"),
    [
        ("2026-09-07T06:29", "monday", None),  # 08:29 in Paris
        ("2026-09-07T06:30", "monday", WEEK),
        ("2026-09-10T12:00", "monday", WEEK),  # the machine was off on Monday
        ("2026-09-08T12:00", "wednesday", None),
        ("2026-09-09T12:00", "wednesday", WEEK),
    ],
)
def test_its_moment(tmp_path: Path, now: str, day: str, week: date | None) -> None:
    settings = set_to(tmp_path, digest_day=day)
    assert digest.week_due(settings, datetime.fromisoformat(now).replace(tzinfo=UTC)) == week


def test_who_gets_it(tmp_path: Path) -> None:
    people = {
        "C1": Person("C1", "Un", None, ANNA),
        "C2": Person("C2", "Deux", None, "AB"),
        "C3": Person("C3", "3", None, ANNA),
    }
    known = Books(date(2026, 9, 7), people)
    assert digest.readers(set_to(tmp_path), known) == [Reader(BOSS, None)]
    both = digest.readers(set_to(tmp_path, digest_to_account_managers=True), known)
    assert both == [Reader(BOSS, None), Reader(ANNA, ANNA)]
    assert len({reader.key(WEEK) for reader in (*both, Reader(ANNA, None))}) == 3


def composed(root: Path, reader: Reader, known: Books, language: str = "fr") -> EmailMessage:
    settings = set_to(root)
    envelope = Envelope("Ateliers Morel", "compta@morel.example", "<r.abc@morel.example>", MONDAY)
    words = words_of(root, language, settings.zone)
    _, raw = digest.compose(known, reader, WEEK, envelope, words, mail_environment(root))
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_what_it_says_and_what_goes_along(tmp_path: Path) -> None:
    late = invoice("1234.50", "2026-06-01", "2026-07-01")
    hostile = Person("C1", "=Dupont <script>alert(1)</script>\r\nBcc: x@y.example", None, ANNA)
    known = Books(date(2026, 9, 7), {"C1": hostile}, (late,))
    mail = composed(tmp_path, Reader(BOSS, None), known)
    assert (mail["to"], mail["auto-submitted"], mail["bcc"]) == (BOSS, "auto-generated", None)
    assert mail["subject"] == "Recouvrement : la semaine du 31 août 2026"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Part échue (EUR): 100\xa0%" in text.get_content()
    assert "1\u202f234,50\xa0€" in text.get_content()
    assert "<script" not in html.get_content()
    (book,) = mail.iter_attachments()
    assert book.get_filename() == "figures-2026-09-06.xlsx"
    with ZipFile(io.BytesIO(book.get_content())) as content:
        assert "Balance âgée" in content.read("xl/workbook.xml").decode()


def test_an_account_manager_reads_of_their_own_customers_only(tmp_path: Path) -> None:
    mine = invoice("100", "2026-06-01", "2026-07-01")
    other = invoice("900", "2026-06-01", "2026-07-01", customer_id="C2", currency="USD")
    body = composed(tmp_path, Reader(ANNA, ANNA), books(mine, other), "en").get_body(("plain",))
    assert body is not None
    assert "Your customers" in body.get_content()
    assert "Customer 1" in body.get_content()
    assert "USD" not in body.get_content()
    assert "Customer 2" not in body.get_content()


def test_a_company_changes_words_and_a_mistake_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "reports"
    folder.mkdir(parents=True)
    (folder / "fr.toml").write_text('[digest]\nsubject = "Hebdo {monday}"\n', encoding="utf-8")
    assert composed(tmp_path, Reader(BOSS, None), books())["subject"] == "Hebdo 31 août 2026"
    (folder / "fr.toml").write_text("[digest", encoding="utf-8")
    with pytest.raises(ConfigError, match="TOML"):
        composed(tmp_path, Reader(BOSS, None), books())


# --- sending ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SINK_PASSWORD", smtp_sink.password)
    server = {"host": "127.0.0.1", "port": smtp_sink.port, "security": "none", "username": smtp_sink.username}
    box = {
        "address": "compta@morel.example",
        "imap": {"host": "127.0.0.1", "port": 1, "security": "none", "password_env": "SINK_PASSWORD"},
        "smtp": {**server, "password_env": "SINK_PASSWORD"},
    }
    return ledger.settings(
        tmp_path, policy={"mode": "automatic"}, mailbox={"ar": box},
        reports={"digest_to": [BOSS], "digest_to_account_managers": True},
    )  # fmt: skip


@pytest.fixture
def database(database_url: str, tmp_path: Path, settings: Settings) -> Iterator[Database]:
    opened = ledger.NOW - timedelta(days=1)
    found = Database.open(database_url, tmp_path, opened)
    rows = ledger.csv("id;name;email;account_manager", f"C1;Un;a@one.example;{ANNA}")
    ledger.load(found, settings, "customers", rows, now=opened)
    yield found
    with found.read() as session:
        assert events.verify(session, found.key) is None
    found.close()


def recipients(sink: SmtpSink) -> list[str]:
    return [to for mail in sink.mails for to in mail.recipients]


def last_events(database: Database) -> list[str]:
    with database.read() as session:
        query = select(Event.kind).where(Event.kind.like("digest.%")).order_by(Event.seq)
        return list(session.scalars(query))


def test_each_reader_gets_one_mail_a_week(database: Database, settings: Settings, smtp_sink: SmtpSink) -> None:
    assert posting.drain(database, settings, MONDAY - timedelta(hours=8)) == 0
    assert posting.drain(database, settings, MONDAY) == 2
    assert posting.drain(database, settings, MONDAY) == 0
    assert posting.drain(database, settings, MONDAY + timedelta(days=3)) == 0
    assert recipients(smtp_sink) == [BOSS, ANNA]
    assert posting.drain(database, settings, MONDAY + timedelta(days=7)) == 2
    with database.read() as session:
        assert len(set(session.scalars(select(Message.message_id)))) == 4


def test_a_clear_refusal_is_tried_again_with_the_same_bytes(
    database: Database, settings: Settings, smtp_sink: SmtpSink
) -> None:
    smtp_sink.then(refuse(At.DOT, "451 4.3.0 later"), refuse(At.DOT, "550 5.7.1 never"))
    assert posting.drain(database, settings, MONDAY) == 0
    assert posting.drain(database, settings, MONDAY + timedelta(hours=1)) == 1
    assert recipients(smtp_sink) == [BOSS], "what was refused for good is not tried again"
    with database.read() as session:
        assert len(session.scalars(select(Message)).all()) == 2


@pytest.mark.parametrize("at", [At.BODY, At.DOT])
def test_an_outcome_that_nobody_saw_is_never_tried_again(
    database: Database, settings: Settings, smtp_sink: SmtpSink, at: At
) -> None:
    smtp_sink.then(cut(at))
    assert posting.drain(database, settings, MONDAY) == 1
    assert posting.drain(database, settings, MONDAY) == 0
    assert recipients(smtp_sink).count(BOSS) == (at is At.DOT)
    assert last_events(database).count("digest.unknown") == 1


def test_a_death_after_the_body_was_begun_sends_no_second_one(
    database: Database, settings: Settings, smtp_sink: SmtpSink
) -> None:
    posting.drain(database, settings, MONDAY)
    with database.write() as session:
        message = session.scalars(select(Message).order_by(Message.id)).first()
        assert message is not None
        events.record(session, "digest.sending", message, actor="relance", at=MONDAY)
    assert posting.drain(database, settings, MONDAY) == 0
    assert len(smtp_sink.mails) == 2


def test_what_lies_in_sent_after_a_restore_is_not_sent_again(
    database: Database, settings: Settings, smtp_sink: SmtpSink
) -> None:
    box = settings.mailbox["ar"]
    message_id = posting._id(database, box, Reader(BOSS, None), WEEK)
    with database.write() as session:
        row = Message(
            dkey="found", direction=Direction.OUT, mailbox="ar", message_id=message_id, size=4, received_at=MONDAY,
            blob_sha256=blob.keep(session, b"mail"), created_at=MONDAY, state=MessageState.APPLIED,
        )  # fmt: skip
        session.add(row)
    assert posting.drain(database, settings, MONDAY) == 1
    assert recipients(smtp_sink) == [ANNA]


def test_an_unreachable_server_is_tried_again_later(
    database: Database, settings: Settings, smtp_sink: SmtpSink
) -> None:
    smtp_sink.then(refuse(At.MAIL, "421 4.3.2 busy"))
    posting.drain(database, settings, MONDAY)
    posting.drain(database, settings, MONDAY)
    assert sorted(recipients(smtp_sink)) == sorted([BOSS, ANNA])


def test_a_stop_of_all_sending_stops_it_too(database: Database, settings: Settings, smtp_sink: SmtpSink) -> None:
    with database.write() as session:
        session.add(SendingStop(reason="person", detail="checking", placed_by="Anna", placed_at=MONDAY))
    assert posting.drain(database, settings, MONDAY) == 0
    assert smtp_sink.mails == []


@pytest.mark.parametrize("mode", ["observe"])
def test_who_only_observes_sends_nothing(
    database: Database, settings: Settings, smtp_sink: SmtpSink, mode: str
) -> None:
    quiet = settings.model_copy(update={"policy": settings.policy.model_copy(update={"mode": mode})})
    assert posting.drain(database, quiet, MONDAY) == 0
    assert smtp_sink.mails == []


def test_a_week_before_anything_was_on_record_is_not_told_of(
    database: Database, settings: Settings, smtp_sink: SmtpSink
) -> None:
    assert posting.drain(database, settings, MONDAY - timedelta(days=7)) == 0
    assert smtp_sink.mails == []
