"""A mail that says “I am the wrong person” or “I have left”: which address that is about, which other one it names, and
what follows once a person agrees.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.inbound.store import reading_of
from agent.ledger import addresses
from agent.ledger.byhand import Deed
from agent.replies import store
from config import Settings
from config.errors import NeedsPerson
from models import Customer, Delivery, Message
from models.message import Direction

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person is offered. ``why``: one of `addresses.WRONG`, None where the model reads neither."""

    why: str | None
    wrong: str | None
    """The address that would get nothing any more."""
    choices: tuple[str, ...]
    """The customer's addresses that it could be."""
    named: str | None
    """Another address that the mail names."""


def about_whom(why: str | None, sender: str | None, written_to: str | None, known: Collection[str]) -> str | None:
    """The customer's address that such a mail speaks of; None: none of those known. Pure.

    Who writes “I am the wrong person” means itself. That somebody has left is as often said by a colleague, of the
    one to whom the reminder went.
    """
    order = (written_to, sender) if why == "left_company" else (sender, written_to)
    return next((address for address in order if address is not None and address in known), None)


def named_in(text: str, not_these: Collection[str]) -> str | None:
    """The first mail address in a text that is none of these. Pure.

    >>> named_in("Bitte an Frau Weber, weber@kunde.example.", {"alt@kunde.example"})
    'weber@kunde.example'
    """
    found = (match[0].rstrip(".").lower() for match in _ADDRESS.finditer(text))
    return next((address for address in found if address not in not_these), None)


def is_theirs(message: Message) -> bool:
    """Whether a mail can tell of a wrong contact: a customer's, or its machine's, whose words are still there."""
    is_read = message.kind in {"human", "auto_reply"} and message.erased_at is None
    return is_read and message.direction is Direction.IN


def proposal(session: Session, customer: Customer, message: Message, settings: Settings) -> Proposal:
    """What a person may be offered on a mail of this customer."""
    reading, prediction = reading_of(session, message.id), store.prediction_of(session, message.id)
    why = prediction.other_reason if prediction is not None and prediction.other_reason in addresses.WRONG else None
    choices = tuple(addresses.living(session, customer.id))
    sender = message.sender.lower() if message.sender else None
    wrong = about_whom(why, sender, _written_to(session, message), choices) or next(iter(choices), None)
    own = {box.address.lower() for box in settings.mailbox.values()}
    known = {contact.email for contact in customer.contacts} | own | ({sender} if sender else set())
    named = reading.auto_reply.new_contact if reading.auto_reply is not None else None
    return Proposal(why, wrong, choices, named or named_in(f"{reading.new_text}\n{reading.signature}", known))


def _written_to(session: Session, message: Message) -> str | None:
    """Whom the last reminder of the conversation went to."""
    if message.thread_id is None:
        return None
    query = (
        select(Delivery.recipient)
        .join(Message, Message.id == Delivery.message_id)
        .where(Message.thread_id == message.thread_id, Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at.desc())
        .limit(1)
    )
    return session.scalar(query)


@dataclass(frozen=True, slots=True)
class Settled:
    """The address that gets nothing any more, what took its place, and the document that undoes it."""

    address: str
    why: str
    replacement: str | None
    meanwhile: str | None
    """Whom reminders go to until another contact is found."""
    document: dict[str, Any]


def settle(
    session: Session, customer: Customer, message: Message, deed: Deed, settings: Settings,
    *, said: str | None, wrong: str | None, replacement: str | None,
) -> Settled | None:  # fmt: skip
    """Carry out that an address is wrong, if the person (``said``) or, where it says nothing, the model takes the mail
    for that; None: it is not, or there is none left to write to. Raises NeedsPerson where the words don't go together.
    """
    offered = proposal(session, customer, message, settings)
    why = said if said is not None else offered.why
    if why not in addresses.WRONG:
        if wrong is not None or replacement is not None:
            raise NeedsPerson(
                "another contact is asked for where one is wrong", f"Say why: {' or '.join(addresses.WRONG)}."
            )
        return None
    address = wrong or offered.wrong
    if address is None:
        return None
    retired = addresses.retire(
        session, customer, address, why, deed, settings, replacement=replacement, message_id=message.id
    )
    new = replacement.strip().lower() if replacement else None
    return Settled(address, why, new, addresses.written_to(session, customer), addresses.document_of(retired))
