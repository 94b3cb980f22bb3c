"""The drains one by one, in this process, against real servers."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import classifier
from agent import cycle, faults, heartbeats
from agent.drains import Drains
from agent.heartbeats import Unexpected
from config.errors import RelanceError
from models import ExceptionItem, Message
from models.reasons import ExceptionReason
from models.states import MessageState
from tests.builders import mail
from tests.builders.drains import beats, making, now
from tests.builders.site import Site
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import At, SmtpSink, cut


@pytest.fixture
def site(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink, database_url: str) -> Site:
    site = Site(tmp_path, dovecot.account(), smtp_sink.port, database_url)
    site.write()
    return site


@pytest.fixture
def make_drains(site: Site) -> Iterator[Callable[[], Drains]]:
    with making(site) as make:
        yield make


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


def test_a_person_is_asked_once_the_provider_has_had_half_an_hour_to_file_a_copy(
    site: Site, make_drains: Callable[[], Drains], smtp_sink: SmtpSink
) -> None:
    """… whenever the last look before that was: it is no reason to wait for the hourly one."""
    site.settings = "files_sent = true\n"  # the SMTP table stands last
    site.write()
    site.owe("acme")
    smtp_sink.then(cut(At.BODY))
    drains, began = make_drains(), now()
    assert cycle.run(drains, began).delivered.unknown == 1
    drains.deliver("ar", began + timedelta(minutes=29))
    assert asked(drains) == 0
    drains.deliver("ar", began + timedelta(minutes=31))
    assert asked(drains) == 1
    assert smtp_sink.mails == []


def asked(drains: Drains) -> int:
    with drains.database.read() as session:
        reason = ExceptionItem.reason == ExceptionReason.DELIVERY_UNKNOWN
        return session.query(ExceptionItem).filter(reason).count()
