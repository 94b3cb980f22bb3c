"""Webhooks against a real HTTP receiver: at least once, in order, signed, tried again, given up, replayed."""

import base64
import hashlib
import hmac
import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.ledger import byhand
from agent.webhooks import decide, sending, store
from agent.wire import http
from config import Settings
from config.errors import ConfigError
from models import Database, Event, ExceptionItem, WebhookDelivery, events
from models.reasons import ExceptionReason
from tests.builders import ledger
from tests.servers.receiver import Receiver, receiving

NOW = ledger.NOW
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    with found.read() as session:
        assert events.verify(session, found.key) is None
    found.close()


@pytest.fixture
def given(receiver: Receiver, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with one webhook, which has begun to listen to the log."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    hook = {"url": receiver.url, "secret_env": "HOOK_SECRET", "events": ["hold.*", "note.*"]}
    made = ledger.settings(tmp_path, webhook={"erp": hook})
    with database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1"), "FA-1")
    assert sending.drain(database, made, NOW) == 0
    return made


def happens(database: Database, settings: Settings, times: int = 1) -> None:
    with database.write() as session:
        for number in range(times):
            on = byhand.target(session, "FA-1", None)
            byhand.note(session, on, "note", f"words of a person {number}", byhand.Deed("lea", NOW))


def test_a_change_is_told_signed_and_once(database: Database, given: Settings, receiver: Receiver) -> None:
    happens(database, given)
    assert sending.drain(database, given, NOW) == 1
    assert sending.drain(database, given, NOW) == 0
    ((headers, body),) = receiver.got
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    mine = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mine}"
    document = json.loads(body)
    assert (document["type"], document["data"]["by"]) == ("note.logged", "lea")
    assert b"words of a person" not in body


def test_what_nobody_asked_for_is_not_told(database: Database, given: Settings, receiver: Receiver) -> None:
    with database.write() as session:
        events.record(session, "user.logged_in", ("user_account", "1"), actor="lea", at=NOW)
    assert sending.drain(database, given, NOW) == 0
    assert receiver.got == []


def test_an_invoice_is_named_by_its_own_number(database: Database, given: Settings, receiver: Receiver) -> None:
    with database.write() as session:
        byhand.hold(session, byhand.target(session, "FA-1", None), "why", None, byhand.Deed("lea", NOW), given)
    sending.drain(database, given, NOW)
    data = json.loads(receiver.got[0][1])["data"]
    assert (data["customer"], data["invoice"]) == ("C1", "FA-1")


def test_a_refused_message_comes_again_under_its_id(database: Database, given: Settings, receiver: Receiver) -> None:
    receiver.answers[:] = [500, 503]
    happens(database, given)
    assert sending.drain(database, given, NOW) == 0
    assert sending.drain(database, given, NOW + timedelta(seconds=4)) == 0, "too early"
    assert sending.drain(database, given, NOW + timedelta(seconds=5)) == 0
    assert sending.drain(database, given, NOW + timedelta(minutes=6)) == 1
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 1


def test_a_refusal_of_one_message_keeps_none_of_the_others(
    database: Database, given: Settings, receiver: Receiver
) -> None:
    receiver.answers[:] = [400]
    happens(database, given, 3)
    assert sending.drain(database, given, NOW) == 2
    assert sending.drain(database, given, NOW + timedelta(seconds=5)) == 1


def test_nothing_is_lost_while_the_receiver_is_away(database: Database, given: Settings, receiver: Receiver) -> None:
    away = given.model_copy(update={"webhook": {"erp": given.webhook["erp"].model_copy(update={"url": _closed()})}})
    happens(database, given, 3)
    assert sending.drain(database, away, NOW) == 0
    with database.read() as session:
        tried = session.scalars(select(WebhookDelivery.attempts).order_by(WebhookDelivery.seq)).all()
    assert tried == [1, 0, 0], "what was not tried is not counted against"
    later = NOW + timedelta(minutes=1)
    assert sending.drain(database, given, later) == 3
    assert receiver.kinds == ["note.logged"] * 3


def _closed() -> str:
    """An address at which nobody listens."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}/"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(database: Database, given: Settings, receiver: Receiver, status: int) -> None:
    receiver.answers[:] = [status]
    happens(database, given)
    assert sending.drain(database, given, NOW) == 0
    assert len(receiver.got) == 1
    with database.read() as session:
        assert session.scalars(select(WebhookDelivery.last_status)).one() == status


def test_a_receiver_that_never_answers_is_tried_again_under_the_same_id(
    database: Database, given: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answers[:] = [0]
    happens(database, given, 2)
    with monkeypatch.context() as patched:
        patched.setattr(http, "TIMEOUT_SECONDS", 0.2)
        assert sending.drain(database, given, NOW) == 0, "it is away: the second is not tried against it"
    with database.read() as session:
        assert session.scalars(select(WebhookDelivery.attempts).order_by(WebhookDelivery.seq)).all() == [1, 0]
    assert sending.drain(database, given, NOW + timedelta(minutes=1)) == 2
    assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/x", "http://10.0.0.1/x", "http://169.254.169.254/x", "ftp://127.0.0.1/x", "https://",
     "file:///etc/passwd", "http://127.0.0.1.evil.example/x"],
)  # fmt: skip
def test_only_https_or_this_machine_can_be_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        ledger.settings(tmp_path, webhook={"erp": {"url": url, "secret_env": "HOOK_SECRET", "events": ["*"]}})


def test_what_is_given_up_is_a_persons_and_can_be_replayed(
    database: Database, given: Settings, receiver: Receiver
) -> None:
    happens(database, given, 2)
    now, receiver.answers[:] = NOW, [500] * 100
    for _ in range(40):
        sending.drain(database, given, now)
        now += timedelta(days=1)
    assert len(receiver.got) == 2 * (len(decide.PAUSES) + 1)
    with database.read() as session:
        items = session.scalars(select(ExceptionItem)).all()
        assert [(item.reason, item.holds) for item in items] == [(ExceptionReason.WEBHOOK_FAILED, False)]
        assert store.counts(session, "erp") == {"waiting": 0, "delivered": 0, "given_up": 2}
    receiver.answers.clear()
    with database.write() as session:
        assert store.replay(session, "erp", None, given.webhook["erp"], now) == 2
    before = set(receiver.ids)
    assert sending.drain(database, given, now) == 2
    assert set(receiver.ids[-2:]) == before, "the ids stay"


def test_a_webhook_of_a_like_name_has_an_item_of_its_own(database: Database, given: Settings) -> None:
    with database.write() as session:
        for name in ("axb", "a_b"):
            session.add(WebhookDelivery(name=name, seq=1, not_before=NOW))
        session.flush()
        for row in session.scalars(select(WebhookDelivery)).all():
            store.book(session, row.id, decide.GONE, None, given, NOW)
        assert len(session.scalars(select(ExceptionItem)).all()) == 2


def test_gone_is_given_up_at_once(database: Database, given: Settings, receiver: Receiver) -> None:
    receiver.answers[:] = [410]
    happens(database, given)
    sending.drain(database, given, NOW)
    with database.read() as session:
        assert store.counts(session, "erp")["given_up"] == 1


def test_history_is_told_again_where_somebody_asks(database: Database, given: Settings, receiver: Receiver) -> None:
    happens(database, given, 2)
    sending.drain(database, given, NOW)
    with database.write() as session:
        assert store.replay(session, "erp", 1, given.webhook["erp"], NOW) == 2
    assert sending.drain(database, given, NOW) == 2
    assert receiver.ids[:2] == receiver.ids[2:]


def test_a_secret_that_is_none_is_told_and_sends_nothing(
    database: Database, given: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "guess-me")
    happens(database, given)
    with pytest.raises(ConfigError, match="whsec_") as told:
        sending.drain(database, given, NOW)
    assert "guess-me" not in str(told.value)
    assert receiver.got == []


def test_a_kill_before_the_booking_repeats_the_message_under_its_id(
    database_url: str, database: Database, given: Settings, receiver: Receiver
) -> None:
    """The receiver has the message, and the process is killed before that is written down."""
    happens(database, given, 2)
    child = os.fork()
    if child == 0:
        _die_before_booking(database_url, given)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(receiver.got) == 1
    fresh = Database.open(database_url, given.root, NOW)
    assert sending.drain(fresh, given, NOW) == 2
    fresh.close()
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 2
    assert receiver.ids[0] == receiver.ids[1]


def _die_before_booking(database_url: str, settings: Settings) -> None:
    def die(*_arguments: Any, **_named: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    store.book = die  # type: ignore[assignment]  # in a process of its own that ends here
    mine = Database.open(database_url, settings.root, NOW)
    try:
        sending.drain(mine, settings, NOW)
    finally:
        os._exit(1)


def test_every_event_of_the_log_is_seen_however_many_there_are(
    database: Database, given: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 3)
    happens(database, given, 10)
    assert sending.drain(database, given, NOW) == 10
    with database.read() as session:
        wanted = session.scalars(select(Event.seq).where(Event.kind == "note.logged").order_by(Event.seq)).all()
    assert [json.loads(body)["data"]["seq"] for _, body in receiver.got] == wanted
