"""The daemon as its operator knows it: a process of its own, against real servers."""

import email
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import mail
from tests.builders.site import PATIENCE, Site
from tests.servers.dovecot import Dovecot
from tests.servers.process import until
from tests.servers.smtp_sink import At, SmtpSink, stall

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def make_site(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink) -> Callable[..., Site]:
    def make(database_url: str = "sqlite:///relance.db", **changes: Any) -> Site:
        site = Site(tmp_path, dovecot.account(), smtp_sink.port, database_url)
        site.write(**changes)
        return site

    return make


def message_id(raw: bytes) -> str:
    return str(email.message_from_bytes(raw)["Message-ID"])


def answer_to(raw: bytes, customer: str) -> bytes:
    return mail.reply(
        message_id(raw),
        "We paid this invoice yesterday by bank transfer.\n",
        sender=f"billing@{customer}.test",
        headers={"Authentication-Results": f"mx.example.test; dmarc=pass header.from={customer}.test"},
    )


def test_a_reminder_leaves_and_its_answer_is_decided(
    make_site: Callable[..., Site], database_url: str, smtp_sink: SmtpSink
) -> None:
    site = make_site(database_url)
    site.owe("acme")
    with site.running() as daemon:
        (sent,) = smtp_sink.wait_for_mails(1, PATIENCE)
        assert sent.recipients == ("billing@acme.test",)
        site.account.append(answer_to(sent.raw, "acme"))
        decided = daemon.wait_for("message.decided")
        assert daemon.terminate() == 0
    assert "Traceback" not in daemon.log.read_text()
    (incoming,) = [row for row in site.rows("messages") if row["direction"] == "in"]
    assert incoming["state"] in {"applied", "queued"}
    assert incoming["customer"] == "acme"
    assert decided["event"] == "message.decided"
    assert [message_id(raw) for raw in site.account.mails("Sent")] == [message_id(sent.raw)]
    assert len(smtp_sink.mails) == 1


def test_a_second_daemon_of_a_sqlite_database_is_refused(make_site: Callable[..., Site]) -> None:
    site = make_site()
    with site.running() as daemon:
        daemon.wait_for("daemon.ready")
        for arguments in ((), ("--once",)):
            with site.running(*arguments) as second:
                assert second.wait() == 1
            said = second.log.read_text()
            assert f"process {daemon.process.pid}" in said
            assert "Traceback" not in said
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait() == 0


@pytest.mark.parametrize("point", ["delivery.sending", "delivery.answered"])
def test_after_a_kill_nothing_is_sent_twice(make_site: Callable[..., Site], smtp_sink: SmtpSink, point: str) -> None:
    site = make_site()
    site.owe("acme")
    with site.running(RELANCE_FAULT=point) as daemon:
        assert daemon.wait() == -signal.SIGKILL
    left = len(smtp_sink.mails)
    site.owe("acme", "other")
    with site.running() as daemon:
        until(
            lambda: [m for m in smtp_sink.mails if "billing@other.test" in m.recipients],
            seconds=PATIENCE, what="the mail to the other customer",
        )  # fmt: skip
        daemon.wait_for("daemon.took_over")
        assert daemon.terminate() == 0
    assert sum("billing@acme.test" in m.recipients for m in smtp_sink.mails) == left
    states = {row["customer"]: row["state"] for row in site.rows("reminders")}
    assert states == {"acme": "unknown", "other": "sent"}
    assert [row["reason"] for row in site.rows("queue", "list")] == ["delivery_unknown"]


def test_a_mail_server_that_is_down_at_the_start_is_waited_for(
    make_site: Callable[..., Site], dovecot: Dovecot, smtp_sink: SmtpSink
) -> None:
    site = make_site()
    site.owe("acme")
    with site.running() as daemon:
        with dovecot.down():
            assert daemon.wait_for("loop.failed")["loop"] == "collect:ar"
            assert not smtp_sink.mails
        smtp_sink.wait_for_mails(1, PATIENCE)
        assert daemon.terminate() == 0


def test_a_refused_password_is_shown_by_doctor_and_mended_without_a_restart(
    make_site: Callable[..., Site], smtp_sink: SmtpSink
) -> None:
    site = make_site(password="wrong")
    site.owe("acme")
    with site.running() as daemon:
        daemon.wait_for("loop.failed")
        checks = {row["name"]: row for row in site.rows("doctor", code=1)}
        assert "was refused" in checks["loop.collect:ar"]["detail"]
        assert not smtp_sink.mails
        site.write()
        smtp_sink.wait_for_mails(1, PATIENCE)
        assert daemon.terminate() == 0


def test_a_second_signal_ends_at_once(make_site: Callable[..., Site], smtp_sink: SmtpSink) -> None:
    site = make_site()
    site.owe("acme")
    smtp_sink.then(stall(At.DOT))
    with site.running() as daemon:
        smtp_sink.wait_for_mails(1, PATIENCE)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for("daemon.stopping")
        assert daemon.process.poll() is None  # the mail in hand is waited for
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait() == -signal.SIGTERM
    smtp_sink.release()
