"""What a reminder says and to whom, as data; and the error of one that must not leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from config.errors import NeedsPerson


class LetterError(NeedsPerson):
    """A letter that must not leave: what is wrong with its data or its template, and how to mend it."""


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One invoice. Amounts in the letter's currency, with tax; ``days_late`` counts from the due date."""

    number: str
    issue_date: date | None
    due_date: date
    amount: Decimal
    balance: Decimal
    days_late: int
    purchase_order: str | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along; its name may be anything, the mail carries a harmless one."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class CreditLine:
    """An open credit note; its balance is negative."""

    number: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class OtherLine:
    """An invoice that is open and not asked for. ``why``: promised, disputed, payment_reported, direct_debit."""

    number: str
    due_date: date
    balance: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class LetterCharges:
    """Interest and indemnity up to and with ``until``; only shown, or claimed and part of what is to pay."""

    until: date
    interest: Decimal
    indemnity: Decimal
    is_claimed: bool


@dataclass(frozen=True, slots=True)
class Bank:
    """Where to pay to, from the settings alone."""

    payee: str
    iban: str
    bic: str
    has_qr: bool


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs; title and telephone may be empty."""

    name: str
    title: str
    phone: str


@dataclass(frozen=True, slots=True)
class Words:
    """Subject and text as a person edits them. One line of the text, ``[table]``, stands for the list of invoices.

    ``subject``: None: the template's.
    """

    subject: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a reminder says, and to whom. ``date`` is aware, in the company's time zone."""

    company_name: str
    sender: str
    reply_to: str | None
    recipient: str
    recipient_name: str | None
    copies: tuple[str, ...]
    customer_name: str
    language: str
    template: str
    tone: str
    level: int
    currency: str
    lines: tuple[LetterLine, ...]
    total: Decimal
    message_id: str
    in_reply_to: str | None
    references: tuple[str, ...]
    thread_subject: str | None
    """Subject of the first mail of the conversation that this one continues; None: this is the first."""
    date: datetime
    attachments: tuple[Attachment, ...] = ()
    offers_instalments: bool = False
    credits: tuple[CreditLine, ...] = ()
    apart: tuple[OtherLine, ...] = ()
    charges: LetterCharges | None = None
    bank: Bank | None = None
    signatory: Signatory | None = None
    one_click: bool = False
    without_copy: tuple[str, ...] = ()
    """Invoices whose copies the step asks for and relance does not have."""
    statement: Attachment | None = None
    """The statement of account that goes along."""
    words: Words | None = None
    """What a person wrote in the place of the template's words; its figures are held to the same check as the rest."""

    @property
    def to_pay(self) -> Decimal:
        """What is asked for: the invoices less the credits, and what is claimed besides."""
        owed = self.total + sum((credit.balance for credit in self.credits), Decimal(0))
        claimed = self.charges.interest + self.charges.indemnity if self.charges and self.charges.is_claimed else 0
        return owed + claimed
