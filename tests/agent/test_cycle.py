"""The full cycle, in this process, against real servers."""

import email
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent import cycle
from agent.daemon import place_clock_stop
from agent.drains import Drains
from config.errors import NeedsPerson, TemporaryFailure
from models import Message, SendingStop
from models.message import Direction
from models.states import MessageState
from tests.builders import mail
from tests.builders.drains import beats, making, now
from tests.builders.site import Site
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import At, SmtpSink, refuse


@pytest.fixture
def site(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink, database_url: str) -> Site:
    site = Site(tmp_path, dovecot.account(), smtp_sink.port, database_url)
    site.write()
    return site


@pytest.fixture
def make_drains(site: Site) -> Iterator[Callable[[], Drains]]:
    with making(site) as make:
        yield make


def test_a_cycle_sends_what_is_due_and_a_second_one_nothing(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme", "other")
    drains = make_drains()
    first = cycle.run(drains, now())
    assert (first.planned, first.delivered.sent, first.failures) == (2, 2, [])
    second = cycle.run(drains, now())
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
    done = cycle.run(drains, now())
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
        done = cycle.run(drains, now())
    assert [failure.loop for failure in done.failures] == ["collect:ar"]
    assert done.planned == 1
    assert drains.deliver("ar", now()).is_unread
    assert not smtp_sink.mails
    assert cycle.run(drains, now()).delivered.sent == 1


def test_a_failing_mail_server_is_told_and_not_tried_for_each_mail(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme", "other")
    smtp_sink.then(refuse(At.CONNECT, "421 4.3.2 down for maintenance"))
    drains = make_drains()
    done = cycle.run(drains, now())
    (failure,) = done.failures
    assert failure.loop == "deliver:ar"
    assert isinstance(failure.error, TemporaryFailure)
    assert smtp_sink.connections == 1
    assert beats(drains)["deliver:ar"][:2] == (False, 1)
    # The one that was tried waits for its own next try; the other one is not its fault.
    assert cycle.run(drains, now()).delivered.sent == 1
    assert beats(drains)["deliver:ar"][:2] == (True, 0)


def test_a_server_that_refuses_us_stays_told_until_it_takes_a_mail(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    site.owe("acme")
    drains, began = make_drains(), now()
    smtp_sink.then(refuse(At.MAIL, "550 5.7.1 this account is suspended"))
    (failure,) = cycle.run(drains, began).failures
    assert isinstance(failure.error, NeedsPerson)
    assert cycle.run(drains, began).failures == []  # too early to try again
    _, failures, error = beats(drains)["deliver:ar"]
    assert failures == 1
    assert "this account is suspended" in str(error)
    done = cycle.run(drains, began + timedelta(minutes=7))
    assert (done.delivered.sent, done.failures, len(smtp_sink.mails)) == (1, [], 1)
    assert beats(drains)["deliver:ar"][:2] == (True, 0)


def test_the_rate_is_waited_for(site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink) -> None:
    site.write(rate="2/second")
    site.owe("a", "b", "c", "d", "e")
    drains = make_drains()
    began = now()
    assert cycle.run(drains, began).delivered.sent == 5
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
    done = cycle.run(drains, now())  # else it would wait for an hour now
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
    assert cycle.run(drains, now()).delivered.sent == 1
    sent = mail_id(smtp_sink)
    site.account.append(mail.bounce(sent, recipient="billing@acme.test"))
    site.account.append(mail.reply(sent, "We paid yesterday.\n", sender="billing@acme.test"))
    done = cycle.run(drains, now())
    assert [failure.loop for failure in done.failures] == ["understand"]
    with drains.database.read() as session:
        states = {m.kind: m.state for m in session.query(Message).filter_by(direction=Direction.IN)}
    assert states["human"] is MessageState.READ
    assert states["bounce"] in {MessageState.APPLIED, MessageState.QUEUED}


def test_a_clock_that_was_set_stops_sending_once(site: Site, make_drains: Callable[[], Drains]) -> None:
    site.owe("acme")
    drains = make_drains()
    assert place_clock_stop(drains.database, timedelta(hours=-2), now())
    assert not place_clock_stop(drains.database, timedelta(hours=2), now())
    with drains.database.read() as session:
        (stop,) = session.query(SendingStop).all()
    assert stop.reason == "clock_jumped"
    assert "back by 120 minutes" in stop.detail
    assert cycle.run(drains, now()).delivered.sent == 0
    site.command("resume-sending")
    assert cycle.run(drains, now()).delivered.sent == 1


def mail_id(sink: SmtpSink) -> str:
    return str(email.message_from_bytes(sink.mails[-1].raw)["Message-ID"])
