"""What a mail is tied to: which customer, which invoices, which conversation, and whether that is proven.

*Proof* is what nobody outside can make up: the Message-ID of a mail that we sent is an HMAC, and so is the tag in our
Reply-To address. Naming one, in In-Reply-To, in References or by the address written to, proves that the sender has
that mail. Everything else *suggests*: it puts the mail before the right eyes and holds reminders, but moves nothing.

Evidence, strongest first:

    signed_id   a Message-ID of ours in In-Reply-To, else in References from the last to the first; for a bounce
                or an automatic answer also that of the mail which it reports on                            proof
    tag         our signed address among the recipients, or the code of an answer by one click               proof
    references  another mail of the conversation is named, which was tied before
    conversation  the Thread-Index that Outlook kept is that of a conversation which we began
    provider_thread  the provider keeps it under the number of a conversation whose mails are one customer's (Gmail)
    numbers     an invoice number in subject or new text: whole, or at least its last three digits where those fit
                just one invoice of a customer that other evidence names
    sender      the From address is a contact's
    recipient   a colleague's letter, or a bounce, names a contact's address as the one written to
    domain      the From address lies in the domain of a customer's contact (free mail excepted)
    forwarded   the mail that is passed on says it is from a contact, and nothing else names a customer

Two customers never mix: where proof and the rest contradict each other, or suggestions do, the tie names no customer,
and links all of them. Pure: known mails and customers come in as values, looked up for this mail alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.inbound import keys, oneclick
from agent.inbound.values import Kind, Reading

SIGNED_ID = "signed_id"
TAG = "tag"
REFERENCES = "references"
CONVERSATION = "conversation"
PROVIDER_THREAD = "provider_thread"
NUMBERS = "numbers"
SENDER = "sender"
RECIPIENT = "recipient"
DOMAIN = "domain"
FORWARDED = "forwarded"
NONE = "none"

MIN_SUFFIX = 3
MIN_NUMBER = 5
"""Letters and digits that a number must have to name an invoice of a customer whom nothing else names."""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A stored message that this mail may name. `is_signed`: a mail of ours under an id that can't be made up."""

    id: int
    message_id: str
    is_signed: bool
    customer_id: str | None
    thread_id: int | None
    invoice_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KnownMail:
    """Stored messages by their Message-ID in small letters, and those of ours by the token in it; and those that the
    provider keeps in one conversation with the mail.
    """

    by_id: Mapping[str, KnownMessage]
    by_token: Mapping[str, KnownMessage]
    same_thread: tuple[KnownMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """An invoice that a number may mean."""

    id: int
    number: str
    customer_id: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """The customers that this mail may be about: by contact address and by domain (both in small letters)."""

    contacts: Mapping[str, frozenset[str]]
    domains: Mapping[str, frozenset[str]]
    invoices: tuple[KnownInvoice, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A tie to a customer, or to one of its invoices, and what it rests on."""

    customer_id: str
    invoice_id: int | None
    evidence: str
    proof: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """What a mail is tied to. `customer_id` is None where nobody is named, or (`conflict`) several are.

    `invoice_ids` are those on the reminder replied to; without proof, those whose numbers are named.
    """

    customer_id: str | None
    invoice_ids: tuple[int, ...]
    evidence: str
    proof: bool
    thread_id: int | None
    links: tuple[Link, ...]
    conflict: bool


@dataclass(frozen=True, slots=True)
class _Hit:
    """A stored message that the mail names, and how."""

    message: KnownMessage
    evidence: str

    @property
    def proves(self) -> bool:
        return self.evidence in (SIGNED_ID, TAG)


def named_ids(reading: Reading) -> tuple[str, ...]:
    """The Message-IDs that a mail names, the one that it answers first."""
    ids = [reading.in_reply_to, *reversed(reading.references)]
    if reading.bounce is not None and reading.kind is not Kind.HUMAN:
        ids.append(reading.bounce.original_message_id)
    return tuple(dict.fromkeys(re.sub(r"\s+", "", one) for one in ids if one))


def named_tokens(reading: Reading) -> tuple[str, ...]:
    """The tokens of signed addresses among the recipients, and that of an answer by one click."""
    found = [keys.parse_tag(recipient.address) for recipient in reading.recipients]
    if (answer := oneclick.read(reading.new_text)) is not None:
        found.append(answer.token)
    return tuple(dict.fromkeys(token for token in found if token))


def conversation_tokens(reading: Reading) -> tuple[str, ...]:
    """The tokens that may have begun the conversation by its Thread-Index."""
    return keys.tokens_of_conversation(reading.conversation) if reading.conversation else ()


def named_addresses(reading: Reading, *, colleague: bool) -> tuple[str, ...]:
    """The addresses that may be a customer's contact, in small letters: the sender's, or those written to."""
    if colleague:
        return tuple(dict.fromkeys(recipient.address.lower() for recipient in reading.recipients))
    if reading.bounce is not None:
        return (reading.bounce.recipient.lower(),) if reading.bounce.recipient else ()
    return (reading.sender.address.lower(),) if reading.sender else ()


def forwarded_address(reading: Reading) -> str | None:
    """Who the mail that is passed on says it is from, in small letters."""
    author = reading.forward.author if reading.forward else None
    return author.address.lower() if author else None


def tie(reading: Reading, known: KnownMail, customers: Directory, *, colleague: bool = False) -> Tie:
    """What the mail is tied to. `colleague`: a letter that somebody of the company wrote by hand, found in Sent."""
    hits = _hits(reading, known)
    proofs = [hit for hit in hits if hit.proves and hit.message.customer_id]
    proven = {hit.message.customer_id for hit in proofs if hit.message.customer_id}
    weak = _suggestions(reading, hits, customers, colleague=colleague)
    customer_id, conflict = _one_customer(proven, weak)
    links = _links(proofs, weak)
    thread = next((h.message.thread_id for h in hits if h.message.customer_id == customer_id), None)
    strongest = (proofs or hits)[0].evidence if proofs or hits else next(iter(weak), NONE)
    mine = [link.invoice_id for link in links if link.invoice_id is not None and link.customer_id == customer_id]
    return Tie(
        customer_id=customer_id,
        invoice_ids=proofs[0].message.invoice_ids if proofs and customer_id else tuple(mine),
        evidence=strongest,
        proof=bool(proofs) and customer_id is not None,
        thread_id=thread if customer_id is not None else None,
        links=links,
        conflict=conflict,
    )


def _hits(reading: Reading, known: KnownMail) -> list[_Hit]:
    found: list[_Hit] = []
    for one in named_ids(reading):
        message = known.by_id.get(one.lower())
        if message is not None:
            found.append(_Hit(message, SIGNED_ID if message.is_signed else REFERENCES))
    for token in named_tokens(reading):
        message = known.by_token.get(token)
        if message is not None and message.is_signed:
            found.append(_Hit(message, TAG))
    for token in conversation_tokens(reading):
        message = known.by_token.get(token)
        if message is not None:
            found.append(_Hit(message, CONVERSATION))
    # Providers put mails together by subjects, too: a conversation of several customers says nothing of any.
    if len({message.customer_id for message in known.same_thread}) == 1:
        found += [_Hit(message, PROVIDER_THREAD) for message in known.same_thread[-1:]]
    # The nearest mail of ours says what is answered, also where a later one of the conversation is named as well.
    return sorted(found, key=lambda hit: not hit.proves)


Suggestions = dict[str, dict[str, tuple[int, ...]]]
"""Evidence → customer → its invoices that are named."""


def _suggestions(reading: Reading, hits: Iterable[_Hit], customers: Directory, *, colleague: bool) -> Suggestions:
    found: Suggestions = {}
    hits = list(hits)
    referenced = {h.message.customer_id: h.message.invoice_ids for h in hits if h.evidence == REFERENCES}
    found[REFERENCES] = {customer: ids for customer, ids in referenced.items() if customer}
    # It may be answered to any mail of the conversation, so that it tells no invoices.
    for evidence in (CONVERSATION, PROVIDER_THREAD):
        found[evidence] = {h.message.customer_id: () for h in hits if h.evidence == evidence and h.message.customer_id}
    addresses = named_addresses(reading, colleague=colleague)
    contacts = frozenset[str]().union(*(customers.contacts.get(one, frozenset()) for one in addresses))
    by_recipient = colleague or reading.bounce is not None
    found[RECIPIENT if by_recipient else SENDER] = dict.fromkeys(sorted(contacts), ())
    if not contacts:
        domains = (one.rpartition("@")[2] for one in addresses)
        shared = frozenset[str]().union(*(customers.domains.get(one, frozenset()) for one in domains))
        found[DOMAIN] = dict.fromkeys(sorted(shared), ())
    author = forwarded_address(reading)
    if author is not None and not hits and not any(found.values()):
        found[FORWARDED] = dict.fromkeys(sorted(customers.contacts.get(author, ())), ())
    candidates = {h.message.customer_id for h in hits} | {c for named in found.values() for c in named}
    found[NUMBERS] = _numbers(reading.numbers, customers.invoices, candidates)
    order = (REFERENCES, CONVERSATION, PROVIDER_THREAD, NUMBERS, SENDER, RECIPIENT, DOMAIN, FORWARDED)
    return {evidence: found[evidence] for evidence in order if found.get(evidence)}


def is_named_whole(number: str, tokens: Iterable[str]) -> bool:
    """Whether an invoice's number stands in a mail as it is, whatever signs part it, and not by its last digits."""
    return _letters(number) in {_letters(token) for token in tokens}


def _numbers(
    tokens: Iterable[str], invoices: Iterable[KnownInvoice], candidates: set[str | None]
) -> dict[str, tuple[int, ...]]:
    """The invoices that the tokens mean, by customer; those of the customers at hand come first."""
    invoices = list(invoices)
    near = [invoice for invoice in invoices if invoice.customer_id in candidates]
    found: dict[str, dict[int, None]] = {}
    for token in map(_letters, tokens):
        exact = [i for i in near if _letters(i.number) == token] or [
            i for i in invoices if len(token) >= MIN_NUMBER and _letters(i.number) == token
        ]
        for invoice in exact or _by_suffix(token, near):
            found.setdefault(invoice.customer_id, {})[invoice.id] = None
    return {customer: tuple(ids) for customer, ids in found.items()}


def _by_suffix(token: str, near: list[KnownInvoice]) -> list[KnownInvoice]:
    if len(token) < MIN_SUFFIX or not token.isdigit():
        return []
    fitting = [invoice for invoice in near if _letters(invoice.number).endswith(token)]
    still_open = [invoice for invoice in fitting if invoice.is_open]
    return next((some for some in (still_open, fitting) if len(some) == 1), [])


def _one_customer(proven: set[str], weak: Suggestions) -> tuple[str | None, bool]:
    """The customer that all evidence agrees on, and whether it contradicts itself.

    An address may belong to several customers (their accountant's): it agrees with each of them.
    """
    sides = [proven] if proven else []
    sides += [set(weak[evidence]) for evidence in weak]
    if not sides:
        return None, False
    agreed = set.intersection(*sides)
    if len(agreed) == 1 and len(proven) <= 1:
        return next(iter(agreed)), False
    return None, True


def _links(proofs: Iterable[_Hit], weak: Suggestions) -> tuple[Link, ...]:
    """One link for each customer and invoice, under the strongest evidence for it.

    Only the reminder that is answered links its invoices; older ones of the conversation link the customer.
    """
    found: dict[tuple[str, int | None], Link] = {}

    def add(customer: str | None, invoice_ids: Iterable[int], evidence: str, *, proof: bool) -> None:
        if customer is None:
            return
        for invoice_id in invoice_ids:
            found.setdefault((customer, invoice_id), Link(customer, invoice_id, evidence, proof))
        if not any(known == customer for known, _ in found):
            found[customer, None] = Link(customer, None, evidence, proof)

    answered: set[str | None] = set()
    for hit in proofs:
        is_older = hit.message.customer_id in answered
        add(hit.message.customer_id, () if is_older else hit.message.invoice_ids, hit.evidence, proof=True)
        answered.add(hit.message.customer_id)
    for evidence, named in weak.items():
        for customer, invoice_ids in named.items():
            is_answered = evidence == REFERENCES and customer in answered
            add(customer, () if is_answered else invoice_ids, evidence, proof=False)
    return tuple(found.values())


def _letters(number: str) -> str:
    """A number without the signs between its parts: ``FA 2026-0312`` is ``FA20260312``."""
    return "".join(char for char in number.upper() if char.isalnum())
