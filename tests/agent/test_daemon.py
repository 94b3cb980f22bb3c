"""The daemon as its operator knows it: a process of its own, against real servers."""

import email
import signal
import socket
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.drains import TURN
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
        for arguments in (["run"], ["run", "--once"]):
            said = site.refusal(*arguments)
            assert f"process {daemon.process.pid}" in said
            assert "Traceback" not in said
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait() == 0


def test_two_daemons_share_a_postgresql_database(
    make_site: Callable[..., Site], postgres_url: str, smtp_sink: SmtpSink
) -> None:
    site = make_site(postgres_url)
    site.command("customers")  # the first command makes the database
    customers = [f"c{number}" for number in range(8)]
    with site.running() as one, site.running() as other:
        one.wait_for("daemon.ready")
        other.wait_for("daemon.ready")
        site.owe(*customers)
        smtp_sink.wait_for_mails(len(customers), PATIENCE)
        until(
            lambda: all(row["state"] == "sent" for row in site.rows("reminders")),
            seconds=PATIENCE, what="the last mail's booking",
        )  # fmt: skip
        assert one.terminate() == other.terminate() == 0
    assert sorted(m.recipients[0] for m in smtp_sink.mails) == [f"billing@{name}.test" for name in customers]


def test_after_a_kill_nothing_is_sent_twice_and_the_next_one_goes_on_at_once(
    make_site: Callable[..., Site], smtp_sink: SmtpSink, database_url: str
) -> None:
    site = make_site(database_url)
    site.owe("acme")
    # The server has taken the mail, and nobody has written that down.
    with site.running(RELANCE_FAULT="delivery.answered") as daemon:
        assert daemon.wait() == -signal.SIGKILL
    assert len(smtp_sink.mails) == 1
    site.owe("acme", "other")
    with site.running() as daemon:
        until(
            lambda: [m for m in smtp_sink.mails if "billing@other.test" in m.recipients],
            seconds=PATIENCE, what="the mail to the other customer",
        )  # fmt: skip
        daemon.wait_for("daemon.took_over")
        assert daemon.terminate() == 0
    assert sum("billing@acme.test" in m.recipients for m in smtp_sink.mails) == 1
    states = {row["customer"]: row["state"] for row in site.rows("reminders")}
    assert states == {"acme": "unknown", "other": "sent"}
    assert [row["reason"] for row in site.rows("queue", "list")] == ["delivery_unknown"]


def test_a_full_mailbox_is_decided_lot_by_lot_and_a_kill_repeats_none_of_it(
    make_site: Callable[..., Site], smtp_sink: SmtpSink, database_url: str
) -> None:
    site = make_site(database_url)
    count = TURN * 2 + 10
    for number in range(count):
        site.account.append(mail.reply(f"<old{number}@away.test>", "Hello.\n", sender=f"person{number}@away.test"))
    # The last of them is of the customer whose reminder is due.
    site.account.append(mail.reply("<old@away.test>", "We paid.\n", sender="billing@acme.test"))
    site.owe("acme", "other")
    with site.running(RELANCE_FAULT="message.applied:5") as daemon:
        assert daemon.wait() == -signal.SIGKILL
    before = {row["id"]: row["state"] for row in site.rows("messages")}
    assert sum(state == "queued" for state in before.values()) == 5
    assert "stored" in before.values()  # decided before everything is read
    assert not smtp_sink.mails
    with site.running() as daemon:
        smtp_sink.wait_for_mails(1, PATIENCE)
        assert daemon.terminate() == 0
    rows = [row for row in site.rows("messages") if row["direction"] == "in"]
    assert len(rows) == count + 1
    assert {row["state"] for row in rows} == {"queued"}  # and everything was, before the first reminder left
    assert len(site.rows("queue", "list")) == count + 1
    assert [sent.recipients for sent in smtp_sink.mails] == [("billing@other.test",)]


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


def test_a_time_of_ones_own_goes_with_one_cycle_only(make_site: Callable[..., Site], smtp_sink: SmtpSink) -> None:
    site = make_site()
    assert "--once" in site.refusal("run", "--at", "2026-03-02T10:00", code=2)
    assert "is no time" in site.refusal("run", "--once", "--at", "tomorrow", code=2)
    site.owe("acme")
    site.command("run", "--once", "--at", (datetime.now(UTC) - timedelta(days=90)).isoformat())
    assert not smtp_sink.mails  # nothing was due then
    site.command("run", "--once")
    assert len(smtp_sink.mails) == 1


def test_one_cycle_that_fails_in_part_says_so_and_does_the_rest(make_site: Callable[..., Site]) -> None:
    site = make_site(password="wrong")
    site.owe("acme")
    said = site.refusal("run", "--once")
    assert "relance: collect:ar: " in said
    assert "1 planned, 0 sent" in said


def test_the_daemon_serves_the_review_pages_where_it_is_asked_to(make_site: Callable[..., Site]) -> None:
    site = make_site()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site.settings = f"[web]\nin_daemon = true\nport = {port}\n"
    site.write()
    with site.running() as daemon:
        url = daemon.wait_for("daemon.pages")["url"]
        daemon.wait_for("daemon.ready")
        with urllib.request.urlopen(f"{url}/login", timeout=PATIENCE) as page:  # noqa: S310 our own address
            assert page.status == 200
        assert daemon.terminate() == 0
    assert "Traceback" not in daemon.log.read_text()
