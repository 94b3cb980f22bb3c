"""The mails of a conversation as a page shows them: who, when, the new words with those that carried an intent, the
rest folded. Reads only; a stranger's markup is made harmless in the confined process (`agent.inbound.showing`).
"""

import email
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.inbound.store import reading_of
from agent.inbound.values import Attachment, InlineAnswer
from agent.replies import store
from agent.review.marking import Stretch, marked
from models import Blob, Delivery, Message
from models.message import Direction

MOST = 30
"""Mails of one conversation that are shown, the newest."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. ``step``: of a reminder of ours; ``proof``: what our border says of the sender (pass, fail, none)."""

    id: int
    is_ours: bool
    kind: str | None
    at: datetime
    sender: str
    recipients: str
    subject: str
    text: tuple[Stretch, ...]
    inline: tuple[InlineAnswer, ...]
    signature: str
    quoted: str
    attachments: tuple[Attachment, ...]
    proof: str
    proof_detail: str
    step: str | None
    delivery_state: str | None
    message_id: str | None
    error: str | None


def conversation(session: Session, message: Message | None, customer_id: str | None = None) -> list[Mail]:
    """The mails around a message, oldest first: those of its thread, else only itself."""
    if message is None:
        return []
    if message.thread_id is None:
        return [mail_of(session, message)]
    query = (
        select(Message)
        .where(or_(Message.thread_id == message.thread_id, Message.id == message.id))
        .order_by(Message.received_at.desc(), Message.id.desc())
        .limit(MOST)
    )
    if customer_id is not None:
        query = query.where(
            or_(Message.customer_id == customer_id, Message.customer_id.is_(None), Message.id == message.id)
        )
    return [mail_of(session, one) for one in reversed(session.scalars(query).all())]


def of_customer(session: Session, customer_id: str, limit: int = MOST) -> Sequence[Message]:
    """The customer's mails, newest first."""
    query = select(Message).where(Message.customer_id == customer_id)
    return session.scalars(query.order_by(Message.received_at.desc(), Message.id.desc()).limit(limit)).all()


def mail_of(session: Session, message: Message) -> Mail:
    """One message for a page."""
    if message.direction is Direction.OUT and message.state is None:
        return _ours(session, message)
    if message.kind is None:
        return _unread(message)
    reading = reading_of(session, message.id)
    prediction = store.prediction_of(session, message.id)
    evidence = prediction.evidence if prediction is not None else ()
    return Mail(
        id=message.id,
        is_ours=message.direction is Direction.OUT,
        kind=message.kind,
        at=message.received_at,
        sender=reading.from_header,
        recipients=", ".join(recipient.address for recipient in reading.recipients[:5]),
        subject=reading.subject,
        text=tuple(marked(reading.new_text, evidence)),
        inline=reading.inline,
        signature=reading.signature,
        quoted=reading.quoted,
        attachments=reading.attachments,
        proof=reading.authentication.verdict,
        proof_detail=reading.authentication.detail,
        step=None,
        delivery_state=None,
        message_id=message.message_id,
        error=message.error or reading.error,
    )


def _ours(session: Session, message: Message) -> Mail:
    """A mail that relance composed: its bytes are our own."""
    delivery = session.scalar(select(Delivery).where(Delivery.message_id == message.id))
    reminder = delivery.reminder if delivery is not None else None
    text = plain_part(session.get_one(Blob, message.blob_sha256).content)
    return Mail(
        id=message.id,
        is_ours=True,
        kind=None,
        at=(delivery.sent_at if delivery is not None else None) or message.received_at,
        sender="",
        recipients=delivery.recipient if delivery is not None else "",
        subject=message.subject or "",
        text=(Stretch(text),),
        inline=(),
        signature="",
        quoted="",
        attachments=(),
        proof="pass",
        proof_detail="",
        step=reminder.step if reminder is not None else None,
        delivery_state=delivery.state.value if delivery is not None else None,
        message_id=message.message_id,
        error=delivery.reply if delivery is not None and delivery.sent_at is None else None,
    )


def _unread(message: Message) -> Mail:
    """A mail that could not be read, or not yet: only what the server said of it."""
    return Mail(
        id=message.id, is_ours=False, kind=None, at=message.received_at, sender=message.sender or "", recipients="",
        subject=message.subject or "", text=(), inline=(), signature="", quoted="", attachments=(), proof="none",
        proof_detail="", step=None, delivery_state=None, message_id=message.message_id, error=message.error,
    )  # fmt: skip


def plain_part(raw: bytes) -> str:
    """The plain text of a mail of our own making."""
    found = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    return found.get_content().strip() if found is not None else ""


def html_part(raw: bytes) -> str:
    """The HTML of a mail of our own making, in which everything foreign was escaped when it was composed."""
    found = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html",))
    return str(found.get_content()) if found is not None else ""
