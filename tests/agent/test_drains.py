"""The drains and the full cycle, in this process, against real servers."""

import email
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import classifier
import config
from agent import faults, heartbeats
from agent.daemon import place_clock_stop
from agent.drains import Drains
from agent.heartbeats import Unexpected
from config.errors import NeedsPerson, RelanceError, TemporaryFailure
from models import Database, ExceptionItem, Heartbeat, Message, SendingStop
from models.message import Direction
from models.reasons import ExceptionReason
from models.states import MessageState
from tests.builders import mail
from tests.builders.site import Site
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import At, SmtpSink, cut, refuse


@pytest.fixture
def site(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink, database_url: str) -> Site:
    site = Site(tmp_path, dovecot.account(), smtp_sink.port, database_url)
    site.write()
    return site


@pytest.fixture
def make_drains(site: Site) -> Iterator[Callable[[], Drains]]:
    made: list[Drains] = []

    def make() -> Drains:
        """Drains as a process would make them that starts now."""
        settings = config.load(site.config)
        database = Database.open(settings.database.url, settings.root, now())
        stop = threading.Event()
        made.append(Drains(database, settings, clock=now, worker=f"worker-{len(made)}", stop=stop))
        return made[-1]

    yield make
    for drains in made:
        drains.close()
        drains.database.close()


def now() -> datetime:
    return datetime.now(UTC)


def beats(drains: Drains) -> dict[str, tuple[bool, int, str | None]]:
    """Of each loop: whether it ever worked, its failures in a row, and the last error."""
    with drains.database.read() as session:
        rows = session.query(Heartbeat).all()
        return {row.name: (row.last_ok_at is not None, row.failures, row.last_error) for row in rows}


def test_a_cycle_sends_what_is_due_and_a_second_one_nothing(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme", "other")
    drains = make_drains()
    first = drains.cycle(now())
    assert (first.planned, first.delivered.sent, first.failures) == (2, 2, [])
    second = drains.cycle(now())
    assert (second.planned, second.delivered.sent, second.failures) == (0, 0, [])
    assert second.stored == 0  # the copies in Sent are known as our own
    assert len(smtp_sink.mails) == len(site.account.mails("Sent")) == 2
    loops = {
        "collect:ar",
        "understand",
        "clockwork",
        "plan",
        "deliver:ar",
        "worklist",
        "retention",
        "digest",
        "anchor",
    } | {"count"}
    assert beats(drains) == dict.fromkeys(loops, (True, 0, None))


def test_a_mailbox_that_cannot_be_read_sends_nothing_and_keeps_no_other_waiting(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.settings = f"""
[mailbox.bad]
address = "bad@example.test"
[mailbox.bad.imap]
host = "127.0.0.1"
port = {site.account.port}
security = "none"
username = "{site.account.address}"
password_file = "sink-password"
[mailbox.bad.smtp]
host = "127.0.0.1"
port = {site.smtp_port}
security = "none"
"""
    site.write()
    site.owe("acme")
    drains = make_drains()
    done = drains.cycle(now())
    assert [failure.loop for failure in done.failures] == ["collect:bad"]
    assert isinstance(done.failures[0].error, NeedsPerson)
    assert done.delivered.sent == 1
    found = beats(drains)
    assert found["collect:bad"][:2] == (False, 1)
    assert "was refused" in str(found["collect:bad"][2])
    assert "deliver:bad" not in found


def test_nothing_leaves_while_answers_cannot_be_read(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink, dovecot: Dovecot
) -> None:
    site.owe("acme")
    drains = make_drains()
    with dovecot.down():
        done = drains.cycle(now())
    assert [failure.loop for failure in done.failures] == ["collect:ar"]
    assert done.planned == 1
    assert drains.deliver("ar", now()).is_unread
    assert not smtp_sink.mails
    assert drains.cycle(now()).delivered.sent == 1


def test_a_failing_mail_server_is_told_and_not_tried_for_each_mail(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme", "other")
    smtp_sink.then(refuse(At.CONNECT, "421 4.3.2 down for maintenance"))
    drains = make_drains()
    done = drains.cycle(now())
    (failure,) = done.failures
    assert failure.loop == "deliver:ar"
    assert isinstance(failure.error, TemporaryFailure)
    assert smtp_sink.connections == 1
    assert beats(drains)["deliver:ar"][:2] == (False, 1)
    # The one that was tried waits for its own next try; the other one is not its fault.
    assert drains.cycle(now()).delivered.sent == 1
    assert beats(drains)["deliver:ar"][:2] == (True, 0)


def test_a_server_that_refuses_us_stays_told_until_it_takes_a_mail(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme")
    drains, began = make_drains(), now()
    smtp_sink.then(refuse(At.MAIL, "550 5.7.1 this account is suspended"))
    (failure,) = drains.cycle(began).failures
    assert isinstance(failure.error, NeedsPerson)
    assert drains.cycle(began).failures == []  # too early to try again
    _, failures, error = beats(drains)["deliver:ar"]
    assert failures == 1
    assert "this account is suspended" in str(error)
    done = drains.cycle(began + timedelta(minutes=7))
    assert (done.delivered.sent, done.failures, len(smtp_sink.mails)) == (1, [], 1)
    assert beats(drains)["deliver:ar"][:2] == (True, 0)


def test_the_rate_is_waited_for(site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink) -> None:
    site.write(rate="2/second")
    site.owe("a", "b", "c", "d", "e")
    drains = make_drains()
    began = now()
    assert drains.cycle(began).delivered.sent == 5
    assert now() - began > timedelta(seconds=2)


def test_a_stop_ends_a_cycle_between_two_mails(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.write(rate="1/hour")
    site.owe("a", "b")
    drains = make_drains()

    def stop_after_one() -> None:
        smtp_sink.wait_for_mails(1)
        drains.stop.set()

    stopper = threading.Thread(target=stop_after_one)
    stopper.start()
    done = drains.cycle(now())  # else it would wait for an hour now
    stopper.join()
    assert done.is_cut_short
    assert len(smtp_sink.mails) == 1


def test_what_needs_no_trained_model_does_not_wait_for_it(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.settings = '[classifier]\nmodel = "missing"\n'
    site.write()
    site.owe("acme")
    drains = make_drains()
    assert drains.cycle(now()).delivered.sent == 1
    sent = mail_id(smtp_sink)
    site.account.append(mail.bounce(sent, recipient="billing@acme.test"))
    site.account.append(mail.reply(sent, "We paid yesterday.\n", sender="billing@acme.test"))
    done = drains.cycle(now())
    assert [failure.loop for failure in done.failures] == ["understand"]
    with drains.database.read() as session:
        states = {m.kind: m.state for m in session.query(Message).filter_by(direction=Direction.IN)}
    assert states["human"] is MessageState.READ
    assert states["bounce"] in {MessageState.APPLIED, MessageState.QUEUED}


@pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=1), timedelta(days=400)])
def test_the_leases_of_the_dead_are_ended_also_where_the_clock_was_set_back_since(
    site: Site, make_drains: Callable[[], Drains], back: timedelta
) -> None:
    site.account.append(mail.auto_reply(None))
    drains = make_drains()
    drains.collect("ar", now())
    with drains.database.write() as session:
        message = session.query(Message).one()
        message.owner, message.lease_until = "a worker that died", now() + timedelta(minutes=15)
    assert drains.understand(now() - back).read == 0
    assert drains.take_over(["another one that died"]) == 0
    assert drains.take_over(["a worker that died"]) == 1
    assert drains.understand(now() - back).read == 1


def test_the_first_answers_are_decided_before_the_last_are_read(
    site: Site, make_drains: Callable[[], Drains], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.drains.TURN", 1)
    monkeypatch.setattr("agent.inbound.process.AT_ONCE", 1)
    for number in range(3):
        site.account.append(mail.reply(f"<unknown{number}@example.test>", "Hello.\n", sender=f"p{number}@acme.test"))
    drains = make_drains()
    drains.collect("ar", now())
    unread: list[int] = []

    def count(point: str) -> None:
        if point == "message.applied":
            with drains.database.read() as session:
                unread.append(session.query(Message).filter_by(state=MessageState.STORED).count())

    monkeypatch.setattr(faults, "hook", count)
    done = drains.understand(now())
    assert (done.read, done.queued, done.has_more) == (3, 3, False)
    assert unread == [2, 1, 0]


def test_understanding_gives_others_their_turn_and_comes_back(
    site: Site, make_drains: Callable[[], Drains], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.drains.SLICE", timedelta(0))
    site.account.append(mail.auto_reply(None))
    drains = make_drains()
    drains.collect("ar", now())
    drains.clock = iter([now() + timedelta(seconds=n) for n in range(20)]).__next__
    first = drains.run("understand")
    assert first.again_at is not None
    monkeypatch.setattr("agent.drains.SLICE", timedelta(minutes=1))
    assert drains.run("understand").again_at is None
    with drains.database.read() as session:
        assert session.query(Message).one().state is MessageState.APPLIED


def test_a_daemon_counts_once_it_had_the_time_to_handle_what_lay_there(
    site: Site, make_drains: Callable[[], Drains]
) -> None:
    drains = make_drains()
    drains.run("count")
    assert "count" not in beats(drains)
    drains.clock = lambda: now() + timedelta(minutes=11)
    drains.run("count")
    assert "count" in beats(drains)


def test_a_trained_model_that_fails_keeps_no_later_mail_unread(
    site: Site, make_drains: Callable[[], Drains], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.drains.TURN", 1)
    monkeypatch.setattr("agent.inbound.process.AT_ONCE", 1)
    monkeypatch.setattr("agent.drains.TrainedModel.current", lambda _: classifier.load(Path("/nowhere")))
    site.account.append(mail.reply("<unknown@example.test>", "Hello.\n", sender="p@acme.test"))
    site.account.append(mail.auto_reply(None))
    drains = make_drains()
    drains.collect("ar", now())
    with pytest.raises(RelanceError):
        drains.understand(now())
    with drains.database.read() as session:
        states = {m.kind: m.state for m in session.query(Message)}
    assert states == {"human": MessageState.READ, "auto_reply": MessageState.APPLIED}


def test_a_mistake_of_ours_is_told_without_anybodys_words() -> None:
    try:
        raise KeyError("anna@customer.test wrote: never")
    except KeyError as error:
        told = heartbeats.told(error)
    assert isinstance(told, Unexpected)
    assert str(told).startswith("unexpected KeyError at test_drains.py:")
    assert "anna" not in str(told)


def test_an_error_is_kept_on_one_line() -> None:
    assert heartbeats.one_line(RelanceError("one\ntwo", "Mend it.")) == "one two. Mend it."


def test_a_clock_that_was_set_stops_sending_once(site: Site, make_drains: Callable[[], Drains]) -> None:
    site.owe("acme")
    drains = make_drains()
    assert place_clock_stop(drains.database, timedelta(hours=-2), now())
    assert not place_clock_stop(drains.database, timedelta(hours=2), now())
    with drains.database.read() as session:
        (stop,) = session.query(SendingStop).all()
    assert stop.reason == "clock_jumped"
    assert "back by 120 minutes" in stop.detail
    assert drains.cycle(now()).delivered.sent == 0
    site.command("resume-sending")
    assert drains.cycle(now()).delivered.sent == 1


def mail_id(sink: SmtpSink) -> str:
    return str(email.message_from_bytes(sink.mails[-1].raw)["Message-ID"])


def test_a_person_is_asked_once_the_provider_has_had_half_an_hour_to_file_a_copy(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    """… whenever the last look before that was: it is no reason to wait for the hourly one."""
    site.settings = "files_sent = true\n"  # the SMTP table stands last
    site.write()
    site.owe("acme")
    smtp_sink.then(cut(At.BODY))
    drains, began = make_drains(), now()
    assert drains.cycle(began).delivered.unknown == 1
    drains.deliver("ar", began + timedelta(minutes=29))
    assert asked(drains) == 0
    drains.deliver("ar", began + timedelta(minutes=31))
    assert asked(drains) == 1
    assert smtp_sink.mails == []


def asked(drains: Drains) -> int:
    with drains.database.read() as session:
        reason = ExceptionItem.reason == ExceptionReason.DELIVERY_UNKNOWN
        return session.query(ExceptionItem).filter(reason).count()
