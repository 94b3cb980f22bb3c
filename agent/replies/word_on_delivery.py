"""A person's word on a delivery: it arrived, it shall be sent again, or it is dropped."""

from datetime import datetime

from sqlalchemy.orm import Session

from agent.reminders import reconcile
from agent.reminders import store as reminder_store
from agent.replies.word import Done, Effect, Word
from agent.review import queue
from config.errors import NeedsPerson
from models import Delivery, ExceptionItem, transitions
from models.states import WAITING, DeliveryState, ExceptionState


def resolve(session: Session, item: ExceptionItem, word: Word, now: datetime) -> Done:
    """What a person knows of a delivery: it arrived, it shall be sent again, or it is dropped."""
    delivery = session.get_one(Delivery, item.delivery_id, with_for_update=True)
    if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED) and word.delivery is None:
        raise _what_became_of_it(item, delivery)
    before = delivery.state
    match word.delivery:
        case "sent" if delivery.state is DeliveryState.UNKNOWN:
            reconcile.settle(session, delivery, word.by, now)
            told = Effect("booked_sent", "booked as sent")
        case "again" if delivery.reminder is not None and delivery.reminder.voided_at is not None:
            raise NeedsPerson("its step was given back to the plan, which carries it out anew: it can't leave as well")
        case "again" if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED):
            transitions.move(
                session, delivery, DeliveryState.RESERVED, actor=word.by, reason="sent again by a person", at=now,
                values={"not_before": now, "first_failed_at": None, "settled_by": word.by},
            )  # fmt: skip
            told = Effect("sent_again", "the same mail goes out once more, after a last look")
        case "drop" if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED):
            if delivery.state is DeliveryState.UNKNOWN:
                transitions.move(
                    session, delivery, DeliveryState.CANCELLED, actor=word.by, reason="dropped", at=now,
                    values={"settled_by": word.by},
                )  # fmt: skip
            if delivery.reminder is not None:
                reminder_store.void(session, delivery.reminder, now)
            told = Effect("dropped", "dropped; the plan will carry the step out again")
        case None:
            told = Effect("settled", "settled")
        case _:
            raise NeedsPerson(f"the mail is {delivery.state.value}; --delivery {word.delivery} makes no sense for it")
    if item.state in WAITING:  # that it was sent may have settled the item by itself
        queue.settle(
            session, item, ExceptionState.RESOLVED, by=word.by, now=now, reason=f"delivery {word.delivery}",
            resolution={"delivery": word.delivery, "before": before.value, "changes": []},
        )  # fmt: skip
    return Done((told,))


def _what_became_of_it(item: ExceptionItem, delivery: Delivery) -> NeedsPerson:
    return NeedsPerson(
        f"item {item.id} is about a mail to {delivery.recipient} that is {delivery.state.value}. "
        "Say --delivery sent (it arrived), again (send the same mail once more) or drop."
    )


def must_not_forget(session: Session, item: ExceptionItem) -> None:
    """A mail that may have left keeps its step on its way, and is asked about once: somebody must say how it went."""
    if item.delivery_id is None:
        return
    delivery = session.get_one(Delivery, item.delivery_id, with_for_update=True)
    if delivery.state is DeliveryState.UNKNOWN:
        raise _what_became_of_it(item, delivery)
