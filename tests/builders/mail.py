"""Mails as bytes: what customers, mail servers and answering machines send, with honest defaults.

A test says what matters to it. Every mail ends its lines with CRLF, as it comes from a server.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

OURS = "ar@example.test"
CUSTOMER = "anna@customer.test"
WHEN = datetime(2026, 3, 11, 9, 12, tzinfo=UTC)
_numbers = itertools.count(1)

UNSET = "unset"
"""A Message-ID of its own; None: the mail has none."""


def letter(
    text: str = "Bonjour,\n\nLe virement est parti ce matin.\n\nCordialement,\nAnna\n",
    *,
    sender: str | None = CUSTOMER,
    to: Sequence[str] = (OURS,),
    subject: str = "Facture",
    message_id: str | None = UNSET,
    in_reply_to: str | None = None,
    references: Sequence[str] = (),
    date: datetime | None = WHEN,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A plain text mail. `headers` come on top, as servers add them."""
    if message_id == UNSET:
        message_id = f"<{next(_numbers)}.abc@customer.test>"
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    fields = {
        "From": sender,
        "To": ", ".join(to),
        "Subject": subject,
        "Date": format_datetime(date) if date else None,
        "Message-ID": message_id,
        "In-Reply-To": in_reply_to,
        "References": " ".join(references) or None,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return _wire("\n".join([*lines, "", text]))


def with_parts(
    text: str, *, html: str | None = None, attachments: Sequence[tuple[str, str, bytes]] = (), **fields: str
) -> bytes:
    """A mail with an HTML part, attachments (name, type, content), or both, as mail programs build it."""
    made = EmailMessage(policy=SMTP)
    defaults = {
        "From": CUSTOMER,
        "To": OURS,
        "Subject": "Facture",
        "Date": format_datetime(WHEN),
        "Message-ID": f"<{next(_numbers)}.parts@customer.test>",
    }
    for name, value in {**defaults, **{key.replace("_", "-"): value for key, value in fields.items()}}.items():
        made[name] = value
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    for filename, kind, content in attachments:
        maintype, _, subtype = kind.partition("/")
        made.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
    return made.as_bytes()


def reply(to_message_id: str, text: str = "Le virement est parti ce matin.\n", **more: object) -> bytes:
    """An answer to a mail, as mail programs write it: In-Reply-To, References, the quoted text below."""
    quoted = (
        f"{text}\nLe 10/03/2026 à 08:00, Comptabilité a écrit :\n> Bonjour,\n> Sauf erreur ou omission de notre part…\n"
    )
    defaults: dict[str, object] = {
        "subject": "Re: Rappel",
        "in_reply_to": to_message_id,
        "references": (to_message_id,),
    }
    return letter(quoted, **{**defaults, **more})  # type: ignore[arg-type] # the arguments of `letter`, handed on


def auto_reply(
    to_message_id: str | None, text: str = "Je suis absente jusqu'au 20 mars 2026.\n", **more: object
) -> bytes:
    """An out-of-office answer (RFC 3834)."""
    defaults: dict[str, object] = {
        "subject": "Réponse automatique : Rappel",
        "in_reply_to": to_message_id,
        "references": (to_message_id,) if to_message_id else (),
        "headers": {"Auto-Submitted": "auto-replied"},
    }
    return letter(text, **{**defaults, **more})  # type: ignore[arg-type] # the arguments of `letter`, handed on


def bounce(
    original_message_id: str | None,
    *,
    recipient: str = CUSTOMER,
    status: str = "5.1.1",
    action: str = "failed",
    reporter: str = "mx.customer.test",
    date: datetime = WHEN,
) -> bytes:
    """A delivery status notification (RFC 3464) with the header of the mail that it reports on."""
    original = f"Message-ID: {original_message_id}\n" if original_message_id else ""
    number = next(_numbers)
    return _wire(
        f"""Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@{reporter}>
To: {OURS}
Subject: Undelivered Mail Returned to Sender
Date: {format_datetime(date)}
Message-ID: <{number}.dsn@{reporter}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b{number}"

--b{number}
Content-Type: text/plain; charset=us-ascii

The following address could not be reached: <{recipient}>: user unknown

--b{number}
Content-Type: message/delivery-status

Reporting-MTA: dns; {reporter}

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} user unknown

--b{number}
Content-Type: text/rfc822-headers

From: {OURS}
To: {recipient}
Subject: Rappel
{original}
--b{number}--
"""
    )


def huge(size: int, **more: object) -> bytes:
    """A mail of at least `size` bytes, in lines of 76 letters."""
    line = "0123456789abcdef" * 4 + "0123456789a\n"
    return letter(line * (size // len(line) + 1), **more)  # type: ignore[arg-type] # the arguments of `letter`


def _wire(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
