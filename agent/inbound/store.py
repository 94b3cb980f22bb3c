"""The rows of reading: readings as documents, what threading may look at, and which mails nobody has decided on.

Each write is in the caller's transaction, with its event. The rows of collecting are `cursor`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from agent.inbound import keys
from agent.inbound.lists import free_mail_domains
from agent.inbound.threading import (
    Directory,
    KnownInvoice,
    KnownMail,
    KnownMessage,
    Tie,
    conversation_tokens,
    forwarded_address,
    named_addresses,
    named_ids,
    named_tokens,
)
from agent.inbound.values import Reading
from models import (
    Contact,
    Delivery,
    Invoice,
    Message,
    MessageLink,
    ReminderLine,
    Thread,
    transitions,
)
from models import Reading as ReadingRow
from models.events import RELANCE
from models.message import Direction
from models.states import CLOSED, MessageState

READER_VERSION = "3"
"""Goes up when the same bytes would be read otherwise."""
UNDECIDED = (MessageState.STORED, MessageState.READ, MessageState.DECIDED)
MAX_SUBJECT = 2_000

_READING: TypeAdapter[Reading] = TypeAdapter(Reading)


# --- Readings as documents --------------------------------------------------------------------------------------------


def to_json(reading: Reading) -> dict[str, Any]:
    """The reading as a JSON document. NUL characters, which PostgreSQL has no place for, become U+FFFD."""
    document: dict[str, Any] = _without_nul(_READING.dump_python(reading, mode="json"))
    return document


def from_json(document: Mapping[str, Any]) -> Reading:
    """The reading that `to_json` wrote."""
    return _READING.validate_python(dict(document))


def reading_of(session: Session, message_id: int) -> Reading:
    """The reading that was kept for a message."""
    return from_json(session.scalars(select(ReadingRow.document).where(ReadingRow.message_id == message_id)).one())


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case dict():
            return {key: _without_nul(inner) for key, inner in value.items()}
        case list():
            return [_without_nul(inner) for inner in value]
    return value


# --- Which mails hold reminders ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undecided:
    """Mails that relance has not decided on: by the customers that they are linked to, and those not even read.

    Whose an unread mail is nobody knows, so `unread` holds everybody.
    """

    by_customer: Mapping[str, int]
    unread: int


def undecided_mails(session: Session, customer_ids: Collection[str] | None = None) -> Undecided:
    """How many mails wait for a decision, for all customers or for some."""
    query = (
        select(MessageLink.customer_id, func.count(Message.id.distinct()).label("mails"))
        .join(Message, Message.id == MessageLink.message_id)
        .where(Message.state.in_(UNDECIDED))
        .group_by(MessageLink.customer_id)
    )
    if customer_ids is not None:
        query = query.where(MessageLink.customer_id.in_(customer_ids))
    stored = and_(Message.direction.in_(Direction), Message.state == MessageState.STORED)  # either way: by the index
    unread = session.scalar(select(func.count()).where(stored)) or 0
    return Undecided({row.customer_id: row.mails for row in session.execute(query)}, unread)


# --- What threading may look at ---------------------------------------------------------------------------------------


def known_mail(session: Session, message: Message, reading: Reading, domains: Collection[str]) -> KnownMail:
    """The stored messages that a mail names, or that its provider puts together with it; ``domains`` are those of our
    own mailboxes.
    """
    beside = _same_thread(session, message)
    ids = named_ids(reading)
    wanted = {*ids, *(one.lower() for one in ids)}  # ours are in small letters, and some programs shout
    tokens = (*named_tokens(reading), *conversation_tokens(reading))
    wanted |= {f"<{keys.TAG_PREFIX}{token}@{domain}>" for token in tokens for domain in domains}
    if not wanted:
        return KnownMail({}, {}, beside)
    query = (
        select(Message, Delivery.reminder_id, Delivery.id.is_not(None))
        .outerjoin(Delivery, Delivery.message_id == Message.id)
        .where(Message.message_id.in_(wanted))
        .order_by(Message.id)
    )
    rows = session.execute(query).all()
    invoices = _invoices_on(session, [reminder_id for _, reminder_id, _ours in rows if reminder_id is not None])
    by_id: dict[str, KnownMessage] = {}
    by_token: dict[str, KnownMessage] = {}
    for row, reminder_id, is_ours in rows:
        message_id = (row.message_id or "").lower()
        token = keys.token_of(message_id, message_id.strip("<>").rpartition("@")[2])
        is_signed = bool(is_ours) and token is not None
        linked = tuple(link.invoice_id for link in row.links if link.invoice_id is not None)
        known = KnownMessage(
            id=row.id,
            message_id=message_id,
            is_signed=is_signed,
            customer_id=row.customer_id,
            thread_id=row.thread_id,
            invoice_ids=invoices.get(reminder_id, ()) if reminder_id is not None else linked,
        )
        # Several mails may bear one id; ours is the one that counts, then the first.
        if is_signed or message_id not in by_id:
            by_id[message_id] = known
        if is_signed and token is not None:
            by_token[token] = known
    return KnownMail(by_id, by_token, beside)


def _same_thread(session: Session, message: Message) -> tuple[KnownMessage, ...]:
    """The mails of customers that the provider keeps in the conversation of this one, the oldest first."""
    if message.provider_thread is None:
        return ()
    query = select(Message.id, Message.message_id, Message.customer_id, Message.thread_id).where(
        Message.mailbox == message.mailbox,
        Message.provider_thread == message.provider_thread,
        Message.id != message.id,
        Message.customer_id.is_not(None),
    )
    return tuple(
        KnownMessage(row.id, row.message_id or "", False, row.customer_id, row.thread_id, ())
        for row in session.execute(query.order_by(Message.id))
    )


def _invoices_on(session: Session, reminder_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = defaultdict(list)
    query = select(ReminderLine.reminder_id, ReminderLine.invoice_id).where(ReminderLine.reminder_id.in_(reminder_ids))
    for reminder_id, invoice_id in session.execute(query.order_by(ReminderLine.id)):
        found[reminder_id].append(invoice_id)
    return {reminder_id: tuple(ids) for reminder_id, ids in found.items()}


def directory(session: Session, reading: Reading, known: KnownMail, *, colleague: bool = False) -> Directory:
    """The customers that a mail may be about, with their invoices."""
    addresses = named_addresses(reading, colleague=colleague)
    domains = {one.rpartition("@")[2] for one in addresses} - free_mail_domains()
    contacts: dict[str, set[str]] = defaultdict(set)
    by_domain: dict[str, set[str]] = defaultdict(set)
    author = forwarded_address(reading)
    exact = {*addresses, author} if author else set(addresses)
    if exact:
        wanted = [Contact.email.in_(exact), *(Contact.email.endswith(f"@{d}", autoescape=True) for d in domains)]
        for email, customer_id in session.execute(select(Contact.email, Contact.customer_id).where(or_(*wanted))):
            contacts[email].add(customer_id)
            if email.rpartition("@")[2] in domains:
                by_domain[email.rpartition("@")[2]].add(customer_id)
    beside = (*known.by_id.values(), *known.by_token.values(), *known.same_thread)
    named = {message.customer_id for message in beside}
    customers = {c for c in named if c}.union(*contacts.values())
    numbers = {form for token in reading.numbers for form in _forms(token)}
    return Directory(
        contacts={email: frozenset(ids) for email, ids in contacts.items()},
        domains={domain: frozenset(ids) for domain, ids in by_domain.items()},
        invoices=_invoices(session, customers, numbers) if customers or numbers else (),
    )


def _invoices(session: Session, customers: Collection[str], numbers: Collection[str]) -> tuple[KnownInvoice, ...]:
    query = select(Invoice.id, Invoice.number, Invoice.customer_id, Invoice.state).where(
        or_(Invoice.customer_id.in_(customers), Invoice.number.in_(numbers))
    )
    return tuple(
        KnownInvoice(row.id, row.number, row.customer_id, row.state not in CLOSED) for row in session.execute(query)
    )


def _forms(token: str) -> set[str]:
    """How the number that somebody wrote may stand in the ledger."""
    shouted = token.upper()
    return {token, shouted, shouted.replace(" ", "-"), shouted.replace(" ", ""), shouted.replace("/", "-")}


# --- Claims, and what reading leaves behind ---------------------------------------------------------------------------


def claim(session: Session, owner: str, now: datetime, lease: timedelta, at_once: int = 1) -> list[Message]:
    """The next stored messages, claimed, their attempts counted.

    Up to ``at_once`` that were never begun; those that were come last, each alone, so that a mail which kills takes no
    other's attempts with it. A claim of the same owner is taken over: it has died and come back.
    """
    free = or_(Message.owner.is_(None), Message.owner == owner, Message.lease_until < now)
    query = (
        select(Message)
        .where(Message.state == MessageState.STORED, free)
        .order_by(Message.attempts, Message.id)
        .limit(at_once)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(query).all()
    fresh = [message for message in found if not message.attempts]
    claimed = fresh or list(found[:1])
    for message in claimed:
        message.attempts += 1
        message.owner, message.lease_until = owner, now + lease
    session.flush()
    return claimed


def keep_reading(
    session: Session, message: Message, reading: Reading, found: Tie, *, owner: str, now: datetime
) -> None:
    """Write the reading, the thread and the links of a message, and move it to `read`."""
    session.execute(delete(ReadingRow).where(ReadingRow.message_id == message.id))
    session.add(
        ReadingRow(message_id=message.id, reader_version=READER_VERSION, document=to_json(reading), read_at=now)
    )
    _link(session, message, found)
    transitions.move(
        session,
        message,
        MessageState.READ,
        actor=RELANCE,
        reason=reading.kind.value,
        at=now,
        owner=owner,
        values={
            "kind": reading.kind.value,
            "sender": reading.sender.address.lower() if reading.sender else None,
            "subject": reading.subject[:MAX_SUBJECT].replace("\0", ""),
            "customer_id": found.customer_id,
            "thread_id": _thread(session, message, reading, found, now),
            "owner": None,
            "lease_until": None,
        },
        evidence=found.evidence,
        customer=found.customer_id,
        raw=message.blob_sha256,
    )


def quarantine(session: Session, message: Message, found: Tie, why: str, *, owner: str, now: datetime) -> None:
    """Set a message aside that can't be read, with the links that its header alone suggests."""
    _link(session, message, found)
    values = {"error": why, "customer_id": found.customer_id, "owner": None, "lease_until": None}
    transitions.move(
        session, message, MessageState.QUARANTINED, actor=RELANCE, reason="unreadable", at=now,
        owner=owner, values=values, raw=message.blob_sha256,
    )  # fmt: skip


def _link(session: Session, message: Message, found: Tie) -> None:
    session.execute(delete(MessageLink).where(MessageLink.message_id == message.id))
    session.add_all(
        MessageLink(
            message_id=message.id,
            customer_id=link.customer_id,
            invoice_id=link.invoice_id,
            evidence=link.evidence,
            proof=link.proof,
        )
        for link in found.links
    )


def _thread(session: Session, message: Message, reading: Reading, found: Tie, now: datetime) -> int | None:
    """The conversation: that of the mail answered, else the one with the same first mail and customer, else a new one.

    None for a mail without any id: nobody can answer it by a reference either.
    """
    if found.thread_id is not None:
        return found.thread_id
    root = (*reading.references[:1], reading.in_reply_to or message.message_id or "")[0].replace("\0", "")[:998]
    if not root:
        return None
    query = select(Thread.id).where(Thread.root_message_id == root, Thread.customer_id == found.customer_id)
    known = session.scalar(query.order_by(Thread.id).limit(1))
    if known is not None:
        return known
    row = Thread(customer_id=found.customer_id, root_message_id=root, created_at=now)
    session.add(row)
    session.flush()
    return row.id


def colleague_wrote(message: Message) -> bool:
    """A letter that somebody of the company wrote by hand: it lies in Sent, and no delivery of ours made it."""
    return message.direction is Direction.OUT
