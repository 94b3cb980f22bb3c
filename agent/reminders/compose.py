"""From a planned reminder to a letter's data: who writes to whom, in which thread, under which Message-ID.

Pure but for the documents, which are handed in. The words are the templates', the bytes `letter.compose`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from agent.inbound import keys
from agent.reminders.charges import ChargeRules, Charges, charges_of
from agent.reminders.decide import billing_address, copies_for
from agent.reminders.letter_values import (
    Attachment,
    Bank,
    CreditLine,
    Letter,
    LetterCharges,
    LetterError,
    LetterLine,
    OtherLine,
    Signatory,
    Words,
)
from agent.reminders.schedule import local_day
from agent.reminders.values import PlannedReminder
from config import Mailbox, Settings
from config.law import UnknownLaw, law_for


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes along with a mail: the PDFs of each invoice by its id, and the statement, as the step asks for them."""

    copies: Mapping[int, Sequence[Attachment]] = field(default_factory=lambda: MappingProxyType({}))
    statement: Attachment | None = None

    def files(self, invoices: Sequence[int]) -> tuple[Attachment, ...]:
        """All of it: the invoices' PDFs in their order, then the statement."""
        copies = tuple(file for invoice in invoices for file in self.copies.get(invoice, ()))
        return (*copies, self.statement) if self.statement is not None else copies


def letter_of(
    planned: PlannedReminder,
    settings: Settings,
    mailbox: Mailbox,
    secret: bytes,
    enclosed: Enclosed,
    now: datetime,
    words: Words | None = None,
) -> Letter:
    """What the mail of a planned reminder says; the same reminder has the same Message-ID for ever.

    ``words`` are a person's, in the place of the template's.
    """
    customer = planned.customer
    recipient = billing_address(customer.recipients)
    if recipient is None:
        raise ValueError(f"{customer.id} has no address; planning should have left it out")
    thread = customer.threads.get(planned.currency)
    previous = thread.message_ids if thread is not None else ()
    attach = planned.step.attach_invoice
    return Letter(
        company_name=settings.company.name,
        sender=mailbox.address,
        reply_to=reply_to(mailbox, secret, planned.key),
        recipient=recipient,
        recipient_name=next((r.name for r in customer.recipients if r.address == recipient), None),
        copies=copies_for(customer),
        customer_name=customer.name,
        language=customer.language,
        template=planned.step.template,
        tone=planned.step.tone,
        level=planned.step.level,
        currency=planned.currency,
        lines=tuple(
            LetterLine(
                number=line.invoice.number,
                issue_date=line.invoice.issue_date,
                due_date=line.invoice.due_date,
                amount=line.invoice.amount,
                balance=line.invoice.balance,
                days_late=line.days_late,
                purchase_order=line.invoice.purchase_order,
            )
            for line in planned.lines
        ),
        total=planned.total,
        message_id=keys.make_message_id(secret, planned.key, mailbox.domain),
        in_reply_to=previous[-1] if previous else None,
        references=previous,
        thread_subject=thread.subject if thread is not None else None,
        date=now.astimezone(settings.zone),
        offers_instalments=planned.step.offers_instalments,
        credits=tuple(CreditLine(credit.number, credit.balance) for credit in planned.credits),
        apart=tuple(
            OtherLine(x.invoice.number, x.invoice.due_date, x.invoice.balance, x.why.value) for x in planned.apart
        ),
        charges=_letter_charges(charges_now(planned, settings, now)),
        bank=bank_of(settings),
        signatory=signatory_of(settings),
        one_click=settings.reminders.one_click,
        attachments=tuple(
            attachment for line in planned.lines if attach for attachment in enclosed.copies.get(line.invoice.id, ())
        ),
        without_copy=tuple(
            line.invoice.number for line in planned.lines if attach and not enclosed.copies.get(line.invoice.id)
        ),
        statement=enclosed.statement,
        words=words,
    )


def charges_now(planned: PlannedReminder, settings: Settings, now: datetime) -> Charges | None:
    """What the law adds on the customer's present day, as the step says.

    Where no rate is known, nothing is shown; what a step claims can't be claimed then.

    Raises:
        LetterError: the step claims charges, and the law's table lacks a rate.
    """
    if planned.step.charges == "none":
        return None
    try:
        return charges_of(planned, local_day(now, planned.customer.timezone), charge_rules(settings))
    except UnknownLaw as error:
        if planned.step.charges == "claimed":
            raise LetterError(f"the charges of step {planned.step.name} can't be computed: {error}") from error
        return None


def charge_notes(planned: PlannedReminder, settings: Settings, now: datetime) -> tuple[str, ...]:
    """What the person who answers for the charges of this step must know: rates that nobody has checked, or none."""
    if planned.step.charges == "none":
        return ()
    try:
        found = charges_of(planned, local_day(now, planned.customer.timezone), charge_rules(settings))
    except UnknownLaw as error:
        return (f"no charges can be {planned.step.charges}: {error}",)
    return found.notes if found is not None else ()


def charge_rules(settings: Settings) -> ChargeRules:
    """The law and the company's choice. Raises UnknownLaw."""
    return ChargeRules(law_for(settings), settings.charges.contract_rate, settings.charges.indemnity)


def _letter_charges(charges: Charges | None) -> LetterCharges | None:
    if charges is None:
        return None
    return LetterCharges(charges.until, charges.interest, charges.indemnity, charges.is_claimed)


def bank_of(settings: Settings) -> Bank | None:
    """Where to pay to; None: the settings name no account."""
    payment = settings.payment
    if not payment.iban:
        return None
    return Bank(payment.payee or settings.company.name, payment.iban, payment.bic, payment.qr)


def signatory_of(settings: Settings) -> Signatory | None:
    """Who signs; None: the department alone."""
    company = settings.company
    return Signatory(company.signatory, company.signatory_title, company.phone) if company.signatory else None


def reply_to(mailbox: Mailbox, secret: bytes, key: str) -> str | None:
    """The address for answers, with the signed tag where the mailbox is shown to deliver it; None: From's own."""
    if mailbox.reply_tag == "off":
        return None
    tag = keys.tag_of(secret, key)
    if mailbox.reply_tag == "plus":
        return keys.tagged_address(mailbox.address, tag)
    return f"{keys.TAG_PREFIX}{tag}@{mailbox.domain}"
