"""What is read off a mail, as plain values.

A *reading* says what stands in a message and nothing about what it means for an invoice: who wrote it (a person, an
answering machine, a mail server), which words are new, whom it claims to be from and whether our own border vouches
for that, which thread it names. Judgement starts where readings end.

All classes are frozen; texts are Unicode with LF line ends and without lone surrogates, so that every reading
can be written as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """Who wrote a message."""

    HUMAN = "human"
    #: a machine answered: out of office, ticket acknowledgement, read receipt (RFC 3834, RFC 8098, vendors' habits)
    AUTO_REPLY = "auto_reply"
    #: a mail server reports on a delivery: failed, delayed, relayed (RFC 3464), or a complaint (RFC 5965)
    BOUNCE = "bounce"


class BounceReason(StrEnum):
    """Why a mail did not arrive. Only `DEAD_ADDRESS` ends the use of an address."""

    DEAD_ADDRESS = "dead_address"
    MAILBOX_FULL = "mailbox_full"
    POLICY = "policy"
    SPAM = "spam"
    TOO_LARGE = "too_large"
    TEMPORARY = "temporary"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report. `status` is an RFC 3463 code (``5.1.1``); `permanent` is true for its class 5."""

    permanent: bool
    recipient: str | None
    status: str | None
    reason: BounceReason
    #: Message-ID of the mail that it reports on, where the report carries it
    original_message_id: str | None


@dataclass(frozen=True, slots=True)
class AutoReply:
    """What an automatic answer states. `return_date` is the first day that the person is back."""

    return_date: date | None
    new_contact: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. The domain of `address` is lower-cased, its local part is as written."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """`size` in bytes after transfer decoding, `sha256` in hex over the same bytes."""

    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """What our own border says of the sender: `domain` is the From domain for which DMARC was judged."""

    verdict: Literal["pass", "fail", "none"]
    domain: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Border:
    """Whose Authentication-Results count: our own MTA's (by `authserv_id`), Microsoft 365's or Gmail's.

    `local_filter`: a filter on the own MTA's machine hands mails back to it over the loopback.
    """

    kind: Literal["own", "m365", "gmail"]
    authserv_id: str = ""
    local_filter: bool = False


@dataclass(frozen=True, slots=True)
class InlineAnswer:
    """Words written between the lines of a quote, which mean little without the paragraph right above them."""

    #: the last paragraph of the quote above, without its ``>``
    quoted: str
    answer: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Somebody else's mail that the sender passed on. Its words stand in `Reading.quoted` or in an attachment."""

    #: who that mail says it is from: anybody can type this, so that it proves nothing
    author: Address | None
    #: it came as an attachment, not below the sender's text
    attached: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read off one message."""

    kind: Kind
    bounce: Bounce | None
    auto_reply: AutoReply | None
    new_text: str
    signature: str
    quoted: str
    #: ISO 639-1 code of the new text; "und" where it is too short to tell
    language: str
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    #: None unless the message has exactly one From with exactly one strictly written address
    sender: Address | None
    #: the From header decoded for people's eyes; never to be used as an identity
    from_header: str
    recipients: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    #: "" is the null return path of RFC 5321 4.5.5; None where no Return-Path stands in the message
    return_path: str | None
    subject: str
    date: datetime | None
    attachments: tuple[Attachment, ...]
    authentication: Authentication
    #: tokens of subject and new text that are written like invoice numbers, in order of appearance
    numbers: tuple[str, ...]
    mentions_iban: bool
    #: what could not be read, in words for people; the rest of the reading stands
    error: str | None
    #: answers between the lines, from the top; their words are part of `new_text`, too
    inline: tuple[InlineAnswer, ...] = ()
    forward: Forward | None = None
    #: who handed the mail in for its author: the Sender header (RFC 5322 3.6.2) where it names another address
    delegate: Address | None = None
    #: names of the attachments that are called like a remittance advice or a proof of payment
    payment_proofs: tuple[str, ...] = ()
    #: the GUID, in hex, under which Outlook and Exchange keep the conversation (Thread-Index)
    conversation: str | None = None
