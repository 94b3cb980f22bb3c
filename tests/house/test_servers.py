"""The test servers are what they say: a fixture that lies makes every test above it lie."""

import email
import email.policy
import imaplib
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sqlalchemy as sa
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.servers import process
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import At, SmtpSink, cut, refuse, stall


def mail(sender: str = "clerk@good.test", to: str = "ar@example.test", *, extra: str = "") -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: Invoice 2026-17\r\nMessage-ID: <one@good.test>\r\n{extra}"
    return f"{head}\r\nPaid yesterday.\r\n".encode()


class TestDovecot:
    def test_a_mail_that_was_appended_can_be_fetched(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        uid = account.append(mail())
        assert uid == 1
        assert account.mails() == [mail()]

    def test_accounts_see_nothing_of_each_other(self, dovecot: Dovecot) -> None:
        dovecot.account().append(mail())
        assert dovecot.account().mails() == []

    def test_a_wrong_password_is_refused(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        with IMAPClient(account.host, port=account.port, ssl=False) as client, pytest.raises(LoginError):
            client.login(account.address, "wrong")

    def test_starttls_and_imaps_show_a_certificate_of_the_authority(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        trusted = ssl.create_default_context(cafile=str(account.ca_file))
        with IMAPClient(account.host, port=account.imaps_port, ssl_context=trusted) as client:
            client.login(account.address, account.password)
        with IMAPClient(account.host, port=account.port, ssl=False) as client:
            client.starttls(trusted)
            client.login(account.address, account.password)

    def test_who_does_not_know_the_authority_does_not_trust_it(self, dovecot: Dovecot) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            imaplib.IMAP4_SSL("127.0.0.1", dovecot.imaps_port, ssl_context=ssl.create_default_context())

    def test_a_folder_can_be_renumbered(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        account.append(mail())
        dovecot.renumber(account, uid_validity=4242)
        with account.client() as client:
            assert client.select_folder("INBOX")[b"UIDVALIDITY"] == 4242

    def test_an_outage_ends_with_every_mail_in_place(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        account.append(mail())
        with dovecot.down(), pytest.raises(OSError, match="refused"):
            account.client()
        assert account.mails() == [mail()]


class TestPostfix:
    def test_a_mail_arrives_with_the_borders_own_verdict(self, dovecot: Dovecot, postfix: Postfix) -> None:
        account = dovecot.account()
        postfix.deliver("clerk@good.test", account.address, mail(to=account.address))
        (raw,) = account.wait_for_mails()
        read = email.message_from_bytes(raw, policy=email.policy.default)
        (verdict,) = read.get_all("Authentication-Results", [])
        assert verdict.startswith("mx.example.test;")
        assert "dmarc=pass header.from=good.test" in verdict
        assert raw.index(b"Authentication-Results") < raw.index(b"From: clerk@good.test")

    def test_two_recipients_make_no_second_verdict(self, dovecot: Dovecot, postfix: Postfix) -> None:
        first, second = dovecot.account(), dovecot.account()
        postfix.deliver("clerk@good.test", [first.address, second.address], mail())
        for account in (first, second):
            (raw,) = account.wait_for_mails()
            assert raw.count(b"Authentication-Results:") == 1

    @pytest.mark.parametrize(("sender", "verdict"), [("clerk@bad.test", b"dmarc=fail"), ("clerk@other.test", None)])
    def test_other_domains_fail_or_have_no_verdict(
        self, dovecot: Dovecot, postfix: Postfix, sender: str, verdict: bytes | None
    ) -> None:
        account = dovecot.account()
        postfix.deliver(sender, account.address, mail(sender))
        (raw,) = account.wait_for_mails()
        assert verdict in raw if verdict else b"Authentication-Results" not in raw

    def test_a_forged_verdict_is_left_in(self, dovecot: Dovecot, postfix: Postfix) -> None:
        account = dovecot.account()
        forged = "Authentication-Results: mx.example.test; dmarc=pass header.from=other.test\r\n"
        postfix.deliver("clerk@other.test", account.address, mail("clerk@other.test", extra=forged))
        (raw,) = account.wait_for_mails()
        assert forged.encode() in raw

    def test_submission_demands_a_login(self, dovecot: Dovecot, postfix: Postfix) -> None:
        sender, customer = dovecot.account(), dovecot.account("customer", "client.test")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            postfix.submit(sender.address, "wrong", customer.address, mail())
        postfix.submit(sender.address, sender.password, customer.address, mail(sender.address, customer.address))
        (raw,) = customer.wait_for_mails()
        assert b"Authentication-Results" not in raw

    @pytest.mark.parametrize(("name", "code"), [("unknown-x", 550), ("later-x", 450)])
    def test_some_recipients_are_refused_at_once(self, postfix: Postfix, name: str, code: int) -> None:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            postfix.deliver("ar@example.test", f"{name}@client.test", mail())
        ((answer, _text),) = refusal.value.recipients.values()
        assert answer == code

    @pytest.mark.parametrize(("name", "status"), [("gone-x", b"5.1.1"), ("full-x", b"5.2.2")])
    def test_some_recipients_bounce_later(self, dovecot: Dovecot, postfix: Postfix, name: str, status: bytes) -> None:
        account = dovecot.account()
        postfix.deliver(account.address, f"{name}@client.test", mail(account.address))
        (raw,) = account.wait_for_mails()
        assert b"report-type=delivery-status" in raw
        assert b"Status: " + status in raw

    def test_mail_to_the_world_is_refused(self, postfix: Postfix) -> None:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            postfix.deliver("ar@example.test", "somebody@example.com", mail())


class TestDatabases:
    def test_both_kinds_speak_sql_and_start_empty(self, database_url: str) -> None:
        engine = sa.create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE invoice (number TEXT PRIMARY KEY)"))
            connection.execute(sa.text("INSERT INTO invoice VALUES ('2026-17')"))
        with engine.begin() as connection:
            assert connection.execute(sa.text("SELECT number FROM invoice")).scalar_one() == "2026-17"
        engine.dispose()


class TestSmtpSink:
    def send(self, sink: SmtpSink, timeout: float = 20) -> None:
        with smtplib.SMTP(sink.host, sink.port, local_hostname="client.test", timeout=timeout) as client:
            client.login(sink.username, sink.password)
            client.sendmail("ar@example.test", ["clerk@good.test"], mail())

    def test_it_records_a_mail_byte_for_byte(self, smtp_sink: SmtpSink) -> None:
        self.send(smtp_sink)
        (got,) = smtp_sink.mails
        assert (got.sender, got.recipients, got.raw) == ("ar@example.test", ("clerk@good.test",), mail())
        assert got.user == smtp_sink.username

    @pytest.mark.parametrize("at", [At.CONNECT, At.MAIL, At.RCPT, At.DATA, At.DOT])
    @pytest.mark.parametrize("answer", ["451 4.3.0 come again", "554 5.7.1 no"])
    def test_it_refuses_at_each_step(self, smtp_sink: SmtpSink, at: At, answer: str) -> None:
        smtp_sink.then(refuse(at, answer))
        with pytest.raises(smtplib.SMTPException) as refusal:
            self.send(smtp_sink)
        assert answer[:3] in str(refusal.value)
        assert smtp_sink.mails == []
        assert smtp_sink.unused == []
        self.send(smtp_sink)
        assert len(smtp_sink.mails) == 1

    def test_it_refuses_a_login(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.then(refuse(At.AUTH, "454 4.7.0 try later"))
        with pytest.raises(smtplib.SMTPAuthenticationError, match="454"):
            self.send(smtp_sink)

    @pytest.mark.parametrize(("at", "recorded"), [(At.DATA, 0), (At.BODY, 0), (At.DOT, 1)])
    def test_it_cuts_before_and_after_the_dot(self, smtp_sink: SmtpSink, at: At, recorded: int) -> None:
        smtp_sink.then(cut(at))
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            self.send(smtp_sink)
        assert len(smtp_sink.mails) == recorded
        assert smtp_sink.unused == []

    def test_it_stalls_after_the_dot(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.then(stall(At.DOT))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            self.send(smtp_sink, timeout=0.5)
        assert len(smtp_sink.mails) == 1

    def test_a_released_stall_goes_well(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.then(stall(At.RCPT))
        smtp_sink.release()
        self.send(smtp_sink)
        assert len(smtp_sink.mails) == 1

    def test_a_client_that_breaks_off_after_354_is_counted(self, smtp_sink: SmtpSink) -> None:
        client = smtplib.SMTP(smtp_sink.host, smtp_sink.port, local_hostname="client.test", timeout=20)
        client.ehlo()
        client.mail("ar@example.test")
        client.rcpt("clerk@good.test")
        client.docmd("DATA")
        client.close()
        process.until(lambda: smtp_sink.abandoned == 1, what="the broken connection")
        assert smtp_sink.mails == []


class TestTheGuard:
    def test_another_machine_is_out_of_reach(self, request: pytest.FixtureRequest) -> None:
        from tests.conftest import _guard

        with socket.socket() as out, pytest.raises(OSError, match="loopback only"):
            out.connect(("192.0.2.1", 25))
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("mail.example.com", 25)
        assert len(_guard.attempts) == 2
        _guard.attempts.clear()

    def test_an_unknown_host_is_no_attempt(self) -> None:
        with pytest.raises(socket.gaierror):
            socket.create_connection(("imap.nowhere.test", 993))


SERVE_AND_WAIT = """
import sys, time
from tests.servers.dovecot import Dovecot
server = Dovecot.start()
print(server._process.pid, server.imap_port, server.folder, flush=True)
time.sleep(60)
"""


class TestEndings:
    def test_a_server_dies_with_the_process_that_started_it(self, dovecot: Dovecot) -> None:
        root = Path(__file__).parents[2]
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SERVE_AND_WAIT)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
        )
        assert child.stdout is not None
        pid, port, folder = child.stdout.readline().split()
        try:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
            process.until(lambda: not Path(f"/proc/{pid}").exists(), what="the end of the orphaned server")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(port)))
        finally:
            subprocess.run(["rm", "-rf", folder], check=True)
