"""Whether the sender of a mail may speak for a customer: a known contact, or an address in the customer's own domain.

A domain is a customer's own when one of its contacts has an address there, unless anybody can have one (free mail,
access providers) or another customer has a contact there, too. That an address stands in From proves nothing by itself:
`authenticated` says whether our own border vouches for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound.lists import free_mail_domains
from agent.inbound.values import Reading
from models import Contact


@dataclass(frozen=True, slots=True)
class Standing:
    """Who the sender is to the customer. `detail` is a sentence for people."""

    known: bool
    how: Literal["contact", "domain", "none"]
    authenticated: bool
    detail: str

    @property
    def is_trusted(self) -> bool:
        """Known to the customer, and vouched for by our own border."""
        return self.known and self.authenticated


def standing(
    reading: Reading,
    contacts: Collection[str],
    free_mail: Collection[str],
    shared_domains: Collection[str],
) -> Standing:
    """The standing of the mail's sender with the customer that has these contacts.

    Pure. All addresses and domains come in small letters; ``shared_domains`` are those in which several customers have
    contacts.
    """
    if reading.sender is None:
        return Standing(known=False, how="none", authenticated=False, detail="the mail has not exactly one sender")
    address = reading.sender.address.lower()
    domain = address.rpartition("@")[2]
    verdict = reading.authentication
    authenticated = verdict.verdict == "pass" and verdict.domain == domain
    said = verdict.detail + _handed_in(reading)
    if address in contacts:
        return Standing(True, "contact", authenticated, f"a contact of the customer; {said}")
    if domain in {contact.rpartition("@")[2] for contact in contacts}:
        if domain in free_mail:
            return Standing(False, "none", authenticated, f"no contact, and anybody can write from {domain}")
        if domain in shared_domains:
            return Standing(False, "none", authenticated, f"no contact, and several customers write from {domain}")
        return Standing(True, "domain", authenticated, f"no contact, but the customer's own domain; {said}")
    return Standing(False, "none", authenticated, f"neither a contact nor in the customer's domain; {said}")


def _handed_in(reading: Reading) -> str:
    """What people should know of a mail that somebody else handed in, or that holds somebody else's words.

    Neither changes the standing: From's domain vouches for the author, and forwarded words are never new text.
    """
    words = ""
    if reading.delegate is not None:
        words += f"; handed in by {reading.delegate.address}"
    if reading.forward is not None:
        author = reading.forward.author
        words += f"; passes on a mail that says it is from {author.address}" if author else "; passes on a mail"
    return words


def standing_of(session: Session, reading: Reading, customer_id: str | None) -> Standing:
    """`standing` with the customer's contacts as they are now; nobody's where no customer is known."""
    if customer_id is None or reading.sender is None:
        return standing(reading, (), (), ())
    domain = reading.sender.address.rpartition("@")[2].lower()
    contacts = set(session.scalars(select(Contact.email).where(Contact.customer_id == customer_id)))
    others = select(Contact.id).where(
        Contact.email.endswith(f"@{domain}", autoescape=True), Contact.customer_id != customer_id
    )
    is_shared = session.scalar(others.limit(1)) is not None
    return standing(reading, contacts, free_mail_domains(), {domain} if is_shared else ())
