"""From a planned reminder to a letter's data: who writes to whom, in which thread, under which Message-ID.

Pure but for the documents, which are handed in. The words are the templates', the bytes `letter.compose`'s.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jinja2 import Environment

from agent.inbound import keys
from agent.reminders.decide import billing_address, copies_for
from agent.reminders.letter import Attachment, Draft, Letter, LetterLine, compose
from agent.reminders.values import PlannedReminder
from config import Mailbox, Settings


def draft_of(
    planned: PlannedReminder,
    settings: Settings,
    mailbox: Mailbox,
    secret: bytes,
    documents: Mapping[int, Sequence[Attachment]],
    environment: Environment,
    now: datetime,
) -> Draft:
    """The frozen mail of a planned reminder; the same reminder gives the same Message-ID for ever.

    ``documents`` are the PDFs of each invoice by its id, attached where the step says so.
    """
    customer = planned.customer
    recipient = billing_address(customer)
    if recipient is None:
        raise ValueError(f"{customer.id} has no address; planning should have left it out")
    thread = customer.threads.get(planned.currency)
    previous = thread.message_ids if thread is not None else ()
    attach = planned.step.attach_invoice
    return compose(
        Letter(
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
            attachments=tuple(
                attachment for line in planned.lines if attach for attachment in documents.get(line.invoice.id, ())
            ),
        ),
        environment,
    )


def reply_to(mailbox: Mailbox, secret: bytes, key: str) -> str | None:
    """The address for answers, with the signed tag where the mailbox is shown to deliver it; None: From's own."""
    if mailbox.reply_tag == "off":
        return None
    tag = keys.tag_of(secret, key)
    if mailbox.reply_tag == "plus":
        return keys.tagged_address(mailbox.address, tag)
    return f"{keys.TAG_PREFIX}{tag}@{mailbox.domain}"
