"""Which data may go, and why the rest stays: on request (GDPR article 17) or by age (article 5(1)(e)).

What is still owed stays on either way: it is needed to bring the claim (article 17(3)(e)). So does what is under a
legal hold, and what a person has still to settle. Pure.
"""

from __future__ import annotations

from datetime import datetime

from agent.privacy.values import CustomerView, MailView, Periods


def why_kept(mail: MailView | CustomerView) -> str | None:
    """What speaks against erasing it, whoever asks; None: it may go."""
    if mail.legal_holds:
        return f"under a legal hold: {mail.legal_holds[0]}"
    if isinstance(mail, MailView) and not mail.is_settled:
        return "still waits to be settled"
    if mail.owed:
        return f"{mail.owed[0]} is not settled" if len(mail.owed) == 1 else f"{len(mail.owed)} invoices are not settled"
    return None


def mail_has_aged_out(mail: MailView, periods: Periods, now: datetime) -> bool:
    """Whether its time is over, and nothing else keeps it."""
    if why_kept(mail) is not None:
        return False
    if not mail.customers:
        return now - mail.at > periods.strangers
    return now - max(mail.at, mail.last_closed_at or mail.at) > periods.mails


def contacts_have_aged_out(customer: CustomerView, periods: Periods, now: datetime) -> bool:
    """Whether a customer has been quiet for so long that its people need not be known any more."""
    if why_kept(customer) is not None:
        return False
    return now - (customer.last_closed_at or customer.created_at) > periods.contacts
