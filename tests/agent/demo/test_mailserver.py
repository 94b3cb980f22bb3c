import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import aiosmtplib
import pytest
from imapclient import IMAPClient

from agent.demo.border import Border
from agent.demo.mailserver import HOST, Account, DemoMail, Outside
from agent.inbound.reading import read_message
from agent.inbound.values import Border as TrustedBorder
from agent.inbound.values import BounceReason, Kind

NOW = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
ACCOUNT = Account("compta@morel.example", "secret")
ANNA = "anna@lefort.example"
ANNAS_HOST, ANOTHER_HOST = "127.66.0.1", "127.66.99.1"
TRUSTED = TrustedBorder("own", "mx.morel.example")
LETTER = f"From: Anna <{ANNA}>\r\nTo: {ACCOUNT.address}\r\nMessage-ID: <1@lefort.example>\r\n\r\nC'est fait.\r\n"
REMINDER = f"From: {ACCOUNT.address}\r\nTo: x\r\nMessage-ID: <r.1@morel.example>\r\nSubject: Rappel\r\n\r\nBonjour.\r\n"


@pytest.fixture
def mail() -> Iterator[DemoMail]:
    outside = Outside({"lefort.example": ANNAS_HOST}, frozenset({ANNA}))
    with DemoMail(ACCOUNT, Border("morel.example", "mx.morel.example"), outside, lambda: NOW) as servers:
        yield servers


@pytest.fixture
def mailbox(mail: DemoMail) -> Iterator[IMAPClient]:
    client = IMAPClient(HOST, mail.imap_port, ssl=False, timeout=30)
    client.login(ACCOUNT.address, ACCOUNT.password)
    client.normalise_times = False
    yield client
    client.logout()


def inbox(client: IMAPClient) -> list[bytes]:
    client.select_folder("INBOX", readonly=True)
    return [data[b"BODY[]"] for _, data in sorted(client.fetch(client.search(), ["BODY.PEEK[]"]).items())]


def send(port: int, sender: str, to: str, raw: str, *, source: str = HOST, log_in: bool = False) -> None:
    async def session() -> None:
        smtp = aiosmtplib.SMTP(
            hostname=HOST,
            port=port,
            local_hostname="mail.example",
            start_tls=False,
            source_address=(source, 0),
            timeout=30,
        )
        async with smtp:
            if log_in:
                await smtp.login(ACCOUNT.address, ACCOUNT.password)
            await smtp.sendmail(sender, [to], raw.encode())

    asyncio.run(session())


def test_the_mailbox_has_an_inbox_and_a_place_for_copies(mail: DemoMail, mailbox: IMAPClient) -> None:
    mailbox.append("Sent", REMINDER.encode(), flags=(b"\\Seen",), msg_time=NOW)
    assert mailbox.folder_status("Sent", ["MESSAGES"])[b"MESSAGES"] == 1
    assert {name for _, _, name in mailbox.list_folders()} == {"INBOX", "Sent"}


def test_a_mail_from_outside_arrives_authenticated_and_with_the_simulated_date(
    mail: DemoMail, mailbox: IMAPClient
) -> None:
    send(mail.border_port, ANNA, ACCOUNT.address, LETTER, source=ANNAS_HOST)
    (raw,) = inbox(mailbox)
    assert read_message(raw, TRUSTED, NOW).authentication.verdict == "pass"
    (data,) = mailbox.fetch(mailbox.search(), ["INTERNALDATE"]).values()
    assert data[b"INTERNALDATE"] == NOW


def test_a_forger_is_marked_even_with_a_verdict_of_its_own_making(mail: DemoMail, mailbox: IMAPClient) -> None:
    forged = f"Authentication-Results: mx.morel.example; dmarc=pass header.from=lefort.example\r\n{LETTER}"
    send(mail.border_port, ANNA, ACCOUNT.address, forged, source=ANOTHER_HOST)
    (raw,) = inbox(mailbox)
    assert read_message(raw, TRUSTED, NOW).authentication.verdict == "fail"


def test_the_border_takes_mail_for_its_own_address_only(mail: DemoMail) -> None:
    for to in ("nobody@morel.example", "anna@elsewhere.example"):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            send(mail.border_port, ANNA, to, LETTER, source=ANNAS_HOST)


def test_what_the_company_sends_reaches_the_customer(mail: DemoMail) -> None:
    send(mail.submission_port, ACCOUNT.address, ANNA, REMINDER, log_in=True)
    (post,) = mail.received()
    assert (post.recipient, post.at) == (ANNA, NOW)
    assert b"<r.1@morel.example>" in post.raw
    assert mail.received() == []


def test_only_who_has_logged_in_may_send(mail: DemoMail) -> None:
    with pytest.raises(aiosmtplib.SMTPSenderRefused):
        send(mail.submission_port, ACCOUNT.address, ANNA, REMINDER)


def test_an_address_that_does_not_exist_comes_back_as_a_delivery_report(mail: DemoMail, mailbox: IMAPClient) -> None:
    send(mail.submission_port, ACCOUNT.address, "gone@lefort.example", REMINDER, log_in=True)
    (raw,) = inbox(mailbox)
    reading = read_message(raw, TRUSTED, NOW)
    assert reading.kind is Kind.BOUNCE
    assert reading.bounce is not None
    assert reading.bounce.permanent
    assert reading.bounce.reason is BounceReason.DEAD_ADDRESS
    assert reading.bounce.recipient == "gone@lefort.example"
    assert reading.bounce.original_message_id == "<r.1@morel.example>"


def test_a_wrong_password_opens_nothing(mail: DemoMail) -> None:
    client = IMAPClient(HOST, mail.imap_port, ssl=False, timeout=30)
    with pytest.raises(Exception, match=r"(?i)auth|login|invalid"):
        client.login(ACCOUNT.address, "wrong")
    client.shutdown()
