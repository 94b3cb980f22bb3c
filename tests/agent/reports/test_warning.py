"""The warning to the operator: after a bad run, once for each trouble, and never to a customer."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from agent import heartbeats
from agent.reminders.wire import Accepted, Envelope, LastLook, LookedAway, NotTried, Outcome, Refused, Wire
from agent.reports import warning
from agent.review.queue import open_exception
from config import Settings
from config.errors import TemporaryFailure
from config.mailboxes import Smtp
from models import Database, SendingStop
from models.reasons import ExceptionReason
from tests.builders import ledger

NOW = ledger.NOW
OPERATOR = "exploitation@morel.example"
AWAY = TemporaryFailure("imap.morel.example:993 can't be reached")


class Post:
    """The outermost edge: what would have gone to the server, and what it answers."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.answers: list[Outcome] = []

    def __call__(self, smtp: Smtp) -> Wire:
        return self

    def attempt(self, envelope: Envelope, last_look: LastLook) -> Outcome:
        answer = self.answers.pop(0) if self.answers else Accepted("250 ok")
        if isinstance(answer, NotTried):
            return answer
        if not last_look():
            return LookedAway()
        if isinstance(answer, Accepted):
            self.mails.append(envelope)
        return answer

    def texts(self) -> list[str]:
        return [message_from_bytes(mail.raw, policy=policy.default).get_content() for mail in self.mails]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path, reports={"warn_to": [OPERATOR]})


def test_a_run_that_failed_is_told_once_however_often_it_fails_again(
    database: Database, given: Settings, post: Post
) -> None:
    for minutes in range(5):
        heartbeats.failed(database, "collect:ar", AWAY, NOW + timedelta(minutes=minutes))
        warning.drain(database, given, NOW + timedelta(minutes=minutes), at_once=True, wire_to=post)
    (mail,) = post.mails
    assert mail.recipients == (OPERATOR,)
    assert "collect:ar échoue : imap.morel.example:993 can't be reached" in post.texts()[0]
    heartbeats.worked(database, "collect:ar", NOW + timedelta(hours=1))
    heartbeats.failed(database, "collect:ar", AWAY, NOW + timedelta(hours=2))
    warning.drain(database, given, NOW + timedelta(hours=2), at_once=True, wire_to=post)
    assert len(post.mails) == 2


def test_a_loop_of_the_daemon_that_fails_now_and_then_is_no_bad_run(
    database: Database, given: Settings, post: Post
) -> None:
    for expected in (0, 0, 1):
        heartbeats.failed(database, "deliver:ar", AWAY, NOW)
        warning.drain(database, given, NOW, at_once=False, wire_to=post)
        assert len(post.mails) == expected


def test_faults_and_stops_that_relance_placed_stand_in_one_mail(
    database: Database, given: Settings, post: Post
) -> None:
    with database.write() as session:
        ledger.customer(session, "C1")
        for reason in (ExceptionReason.LETTER_FAILED, ExceptionReason.QUESTION):
            open_exception(
                session, key=f"{reason}", reason=reason, detail="what <b> happened", at=NOW, due_at=NOW,
                customer_id="C1", priority=50,
            )  # fmt: skip
        session.add(SendingStop(reason="list_shrank", detail="40 % fewer", placed_by="relance", placed_at=NOW))
        session.add(SendingStop(reason="person", detail="by hand", placed_by="Anna", placed_at=NOW))
    assert warning.drain(database, given, NOW, at_once=True, wire_to=post) == 2
    (text,) = post.texts()
    assert "what <b> happened" in text
    assert "40 % fewer" in text
    assert "by hand" not in text
    assert warning.drain(database, given, NOW, at_once=True, wire_to=post) == 0


def test_a_server_that_is_away_or_says_later_gets_the_same_mail_again_and_no_second_one(
    database: Database, given: Settings, post: Post
) -> None:
    heartbeats.failed(database, "collect:ar", AWAY, NOW)
    post.answers = [NotTried("connection refused"), Refused(is_temporary=True, reply="451 later")]
    counts = [warning.drain(database, given, NOW, at_once=True, wire_to=post) for _ in range(4)]
    assert counts == [0, 0, 1, 0]
    assert len(post.mails) == 1


def test_a_refusal_for_good_is_not_tried_again(database: Database, given: Settings, post: Post) -> None:
    heartbeats.failed(database, "collect:ar", AWAY, NOW)
    post.answers = [Refused(is_temporary=False, reply="550 no such user")]
    assert [warning.drain(database, given, NOW, at_once=True, wire_to=post) for _ in range(2)] == [0, 0]
    assert post.mails == []


def test_nobody_is_written_to_where_nobody_is_named(database: Database, tmp_path: Path, post: Post) -> None:
    heartbeats.failed(database, "collect:ar", AWAY, NOW)
    assert warning.drain(database, ledger.settings(tmp_path), NOW, at_once=True, wire_to=post) == 0
    assert post.mails == []
