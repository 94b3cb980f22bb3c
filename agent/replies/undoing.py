"""A settlement taken back in whole: exactly what it changed, as long as nothing else has happened since."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.ledger import addresses, byhand, states
from agent.ledger.byhand import Deed
from agent.ledger.states import Answer
from agent.replies.word import Done, Effect
from agent.review import queue
from config.errors import NeedsPerson
from models import Correction, Customer, Dispute, ExceptionItem, Invoice, Message, events, transitions
from models.states import WAITING, ExceptionState, MessageState


def undo(session: Session, item: ExceptionItem, by: str, now: datetime) -> Done:
    """Take a settlement back with everything that it did to invoices and to the training data."""
    if item.delivery_id is not None and (item.resolution or {}).get("delivery") is not None:
        raise NeedsPerson(f"item {item.id} settled a delivery; that can't be undone, the mail may be on its way")
    resolution = queue.reopen(session, item, by, now)
    effects = []
    for document in reversed(resolution.get("changes", [])):
        answer = Answer.from_json(document)
        invoice = session.get_one(Invoice, answer.invoice_id, with_for_update=True)
        states.undo_answer(session, invoice, answer, at=now, actor=by, reason="undo")
        _ask_no_more(session, answer, now)
        state = invoice.state.value
        effects.append(Effect("again", f"{invoice.number}: {state} again", invoice.number, detail=state))
    effects += _contested_again(session, resolution, by, now)
    if (correction_id := resolution.get("correction")) is not None:
        correction = session.get_one(Correction, correction_id)
        correction.withdrawn_at = now
        events.record(session, "correction.withdrawn", correction, actor=by, at=now)
    if resolution.get("mails_stopped") and item.customer_id is not None:
        byhand.resume_mails(session, session.get_one(Customer, item.customer_id), Deed(by, now))
        effects.append(
            Effect("mails_again", f"customer {item.customer_id} may get mails again", detail=item.customer_id)
        )
    if (document := resolution.get("wrong_contact")) is not None and item.customer_id is not None:
        customer = session.get_one(Customer, item.customer_id)
        address = addresses.take_back(session, customer, document, Deed(by, now))
        if address is not None:
            effects.append(Effect("contact_right", f"{address} may get reminders again", detail=address))
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    if message is not None and message.state is MessageState.APPLIED and resolution.get("moved"):
        transitions.move(session, message, MessageState.QUEUED, actor=by, reason="undo", at=now)
    return Done(tuple(effects) or (Effect("waits_again", "it waits again"),))


def _contested_again(session: Session, resolution: Mapping[str, Any], by: str, now: datetime) -> Iterator[Effect]:
    """The disputes that a settlement decided are open again: else their item would wait with nothing to decide."""
    for dispute_id in resolution.get("decided", ()):
        row = session.get_one(Dispute, dispute_id, with_for_update=True)
        if row.state.value != resolution["verdict"]:
            continue  # decided otherwise since
        states.reopen_dispute(session, row, at=now, actor=by)
        invoice = session.get_one(Invoice, row.invoice_id)
        state = invoice.state.value
        yield Effect("again", f"{invoice.number}: {state} again", invoice.number, detail=state)


def _ask_no_more(session: Session, answer: Answer, now: datetime) -> None:
    """The disputes that an answer made are gone with it, and so is the question how they end."""
    keys = [f"dispute:{dispute_id}" for dispute_id in answer.disputes_made]
    query = select(ExceptionItem).where(ExceptionItem.key.in_(keys), ExceptionItem.state.in_(WAITING))
    for item in session.scalars(query.with_for_update()):
        queue.settle(
            session, item, ExceptionState.RESOLVED, by="relance", now=now, reason="undo", resolution={"changes": []}
        )
