"""A person's word on a contact: an address is the wrong one, or a server called it dead, and which takes its place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agent.ledger import addresses
from agent.ledger.byhand import Deed
from agent.replies import wrong_contact
from agent.replies.word import Effect, Word
from config import Settings
from models import Customer, ExceptionItem, Message
from models.reasons import ExceptionReason


def settle_wrong(
    session: Session, item: ExceptionItem, message: Message | None, word: Word, settings: Settings, now: datetime
) -> wrong_contact.Settled | None:
    """The address that a mail calls the wrong one, if the person takes it for that; None: nothing is wrong."""
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or message is None or not wrong_contact.is_theirs(message):
        return None
    return wrong_contact.settle(
        session, customer, message, Deed(word.by, now), settings,
        said=word.other_reason, wrong=word.wrong_contact, replacement=word.new_contact,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gone:
    """What followed from an item that asks for another address. ``document``: by which it is undone."""

    effects: tuple[Effect, ...] = ()
    document: dict[str, Any] | None = None


def replace_gone(session: Session, item: ExceptionItem, word: Word, now: datetime) -> Gone:
    """The address to write to in the place of one that a server called dead, where the person knows it."""
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or item.reason is not ExceptionReason.DEAD_ADDRESS:
        return Gone()
    wrong = word.wrong_contact or next(iter(addresses.dead(session, customer.id)), None)
    if word.new_contact is not None and wrong is not None:
        document = addresses.replace_dead(session, customer, wrong, word.new_contact, Deed(word.by, now))
        told = f"reminders go to {word.new_contact} from now on"
        return Gone((Effect("contact_replaced", told, detail=word.new_contact),), addresses.document_of(document))
    if addresses.written_to(session, customer) is None:
        return Gone(
            (Effect("contact_missing", "settled; no reminder goes out by mail until another address is known"),)
        )
    return Gone()


def effects_of(wrong: wrong_contact.Settled) -> tuple[Effect, ...]:
    code = wrong.why.replace("_", " ")
    retired = Effect("contact_wrong", f"{wrong.address} gets no reminders any more ({code})", detail=wrong.address)
    if wrong.replacement is not None:
        told = f"reminders go to {wrong.replacement} from now on"
        return retired, Effect("contact_replaced", told, detail=wrong.replacement)
    if wrong.meanwhile is not None:
        told = f"a task asks for the right contact; reminders go to {wrong.meanwhile} meanwhile"
        return retired, Effect("contact_sought_meanwhile", told, detail=wrong.meanwhile)
    told = "a task asks for the right contact; no reminder goes out by mail until then"
    return retired, Effect("contact_sought", told)
