"""What the company's mail border makes of a mail from outside: whom it believes, what it writes on it, what it bounces.

Pure. A domain of the simulated world publishes the one loopback address that its mails come from, as SPF does
(RFC 7208), so a sender is judged by the socket it uses and not by what it says of itself. DMARC (RFC 7489) asks besides
that the domain in From is the one that passed. The result goes above everything that the mail brought along, in an
Authentication-Results line (RFC 8601) under the border's own name; a line of that name that was forged stays below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.utils import format_datetime, parseaddr


@dataclass(frozen=True, slots=True)
class Border:
    """The company's own side: the domain that it receives mail for, and the name of its mail server."""

    domain: str
    host: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Who hands a mail over: its address on the network, the name it gave, the envelope's sender ("" for a bounce)."""

    ip: str
    helo: str
    mail_from: str


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def passes_dmarc(raw: bytes, peer: Peer, published: Mapping[str, str]) -> bool:
    """Whether the domain in From is the envelope's, and has published the address that the mail comes from."""
    header_from = from_domain(raw)
    return header_from == domain_of(peer.mail_from) and published.get(header_from) == peer.ip


def from_domain(raw: bytes) -> str:
    header = BytesHeaderParser().parsebytes(raw)
    return domain_of(parseaddr(str(header.get("From", "")))[1])


def accepted(
    raw: bytes, peer: Peer, recipient: str, border: Border, published: Mapping[str, str], at: datetime
) -> bytes:
    """The mail as it is put into the mailbox: Return-Path, verdict and Received on top, the rest as it came."""
    spf = "pass" if published.get(domain_of(peer.mail_from)) == peer.ip else "fail"
    dmarc = "pass" if passes_dmarc(raw, peer, published) else "fail"
    top = (
        f"Return-Path: <{peer.mail_from}>\r\n"
        f"Authentication-Results: {border.host};\r\n"
        f" spf={spf} smtp.mailfrom={domain_of(peer.mail_from)};\r\n"
        f" dmarc={dmarc} header.from={from_domain(raw)}\r\n"
        f"Received: from {peer.helo} ([{peer.ip}]) by {border.host} with ESMTP\r\n"
        f" for <{recipient}>; {format_datetime(at)}\r\n"
    )
    return top.encode("ascii") + raw


def bounce(raw: bytes, sender: str, recipient: str, border: Border, at: datetime, number: int) -> bytes:
    """The report that ``recipient`` does not exist, to the sender of ``raw`` (RFC 3464), as the border's own mail."""
    header = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    boundary = f"=_{number}.report"
    text = f"""Return-Path: <>\r
Received: by {border.host} (relay) id {number}; {format_datetime(at)}\r
From: Mail Delivery System <MAILER-DAEMON@{border.host}>\r
To: <{sender}>\r
Subject: Undelivered Mail Returned to Sender\r
Date: {format_datetime(at)}\r
Message-ID: <{number}.dsn@{border.host}>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r
\r
--{boundary}\r
Content-Type: text/plain; charset=us-ascii\r
\r
This is the mail system at host {border.host}.\r
\r
Your message could not be delivered to one or more recipients.\r
\r
<{recipient}>: host mail.{domain_of(recipient)} said:\r
    550 5.1.1 <{recipient}>: Recipient address rejected: User unknown\r
    (in reply to RCPT TO command)\r
\r
--{boundary}\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; {border.host}\r
Arrival-Date: {format_datetime(at)}\r
\r
Final-Recipient: rfc822; {recipient}\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mail.{domain_of(recipient)}\r
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected: User unknown\r
\r
--{boundary}\r
Content-Type: text/rfc822-headers\r
\r
{header}\r
\r
--{boundary}--\r
"""
    return text.encode("ascii", "replace")
