"""A person's word on an item of the queue: applied under that person's name, or nothing has to follow from the item.

What a word means depends on what the item is about (`word_on_message`, `word_on_delivery`, `word_on_contact`). What it
changed is written down with the item (invoice by invoice, the state before and after), so that `undoing` can put back
exactly that.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.replies import word_on_contact, word_on_delivery, word_on_message
from agent.replies.word import Done, Effect, Word
from agent.review import queue
from config import Settings
from config.errors import NeedsPerson
from models import Dispute, ExceptionItem, Invoice, Message
from models.reasons import ExceptionReason
from models.states import DisputeState, ExceptionState


def resolve(session: Session, item: ExceptionItem, word: Word, settings: Settings, now: datetime) -> Done:
    """Settle an item by a person's word.

    Raises NeedsPerson where the word says too little (no intent, no invoice, no date) or something impossible, or where
    the item was settled already; then nothing was changed.
    """
    queue.must_wait(item)
    if item.delivery_id is not None:
        return word_on_delivery.resolve(session, item, word, now)
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    if message is None or not word_on_message.needs_intent(message):
        _must_not_forget_a_dispute(session, item)
        wrong = word_on_contact.settle_wrong(session, item, message, word, settings, now)
        gone = word_on_contact.replace_gone(session, item, word, now)
        moved = word_on_message.done_with(session, message, by=word.by, reason="resolved", now=now)
        queue.settle(
            session, item, ExceptionState.RESOLVED, by=word.by, now=now, reason="resolved",
            resolution={"changes": [], "moved": moved, "wrong_contact": wrong.document if wrong else gone.document},
        )  # fmt: skip
        settled = Effect("settled", "settled; reminders of this customer go on")
        return Done(word_on_contact.effects_of(wrong) if wrong is not None else gone.effects or (settled,))
    return word_on_message.resolve(session, item, message, word, settings, now)


def dismiss(session: Session, item: ExceptionItem, reason: str, by: str, now: datetime) -> None:
    """Nothing has to follow from it; reminders of the customer go on.

    Raises NeedsPerson where something would be forgotten for good: an open dispute, a mail that may have left.
    """
    queue.must_wait(item)
    _must_not_forget_a_dispute(session, item)
    word_on_delivery.must_not_forget(session, item)
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    moved = word_on_message.done_with(session, message, by=by, reason="dismissed", now=now)
    queue.settle(
        session, item, ExceptionState.DISMISSED, by=by, now=now, reason="dismissed",
        resolution={"dismissed": reason, "changes": [], "moved": moved},
    )  # fmt: skip


def _must_not_forget_a_dispute(session: Session, item: ExceptionItem) -> None:
    """A dispute stops an invoice's reminders for good: whoever is asked about it must say how it ends."""
    if item.reason is not ExceptionReason.DISPUTE:
        return
    ids = [link.invoice_id for link in item.links if link.invoice_id is not None]
    query = (
        select(Invoice.number)
        .join(Dispute, Dispute.invoice_id == Invoice.id)
        .where(Invoice.id.in_(ids), Dispute.state == DisputeState.OPEN)
        .order_by(Invoice.id)
    )
    number = session.scalars(query).first()
    if number is not None:
        raise NeedsPerson(
            f"{number} is disputed, and nobody would be asked about it any more",
            f"Say how it ends: `relance settle-dispute {number} --as upheld|rejected|withdrawn`.",
        )
