"""An automatic action that was drawn for the audit: a person says what the mail means, as of an item.

The same meaning as the trained model's is the verdict "right". Another one is "wrong", and sets right what the mail
did: it goes the way of an item that is opened and settled at once, so that correction, effects and undo are an item's.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.sampling import RIGHT, WRONG
from agent.replies import resolve, store, undoing
from agent.replies.word import Done, Effect, Word
from agent.review import queue, tasks
from classifier.values import Prediction
from config import Settings
from config.errors import NeedsPerson
from models import ExceptionItem, Message, Task
from models.reasons import ExceptionReason, TaskKind
from models.states import ExceptionState


def agrees(prediction: Prediction, word: Word) -> bool:
    """Whether a person takes a mail as the trained model did: intent, invoice by invoice, day and reason. Pure."""
    per_invoice = word.per_invoice or {}
    if word.intent != prediction.primary:
        return False
    if any(prediction.per_invoice.get(number, prediction.primary) != said for number, said in per_invoice.items()):
        return False
    said = {word.intent, *per_invoice.values()}
    if "promise" in said and word.promise_date not in (None, prediction.promise_date):
        return False
    return not ("dispute" in said and word.dispute_reason not in (None, prediction.dispute_reason or "other"))


def judge(session: Session, number: int, word: Word, settings: Settings, now: datetime) -> Done:
    """End an audit by a person's word on its mail.

    Raises:
        NeedsPerson: it is no open audit, or the word says too little; then nothing was changed.
    """
    task = tasks.get(session, number)
    message = session.get(Message, task.message_id) if task.message_id is not None else None
    prediction = store.prediction_of(session, message.id) if message is not None else None
    if task.kind is not TaskKind.AUDIT_SAMPLE or message is None or prediction is None:
        raise NeedsPerson(f"task {number} asks nothing of a mail that relance has acted on")
    tasks.must_be_free_for(task, word.by)
    if word.intent is None:
        raise NeedsPerson("what the mail means has to be said")
    if agrees(prediction, word):
        tasks.done(session, number, RIGHT, word.by, now)
        return Done((Effect("audit_right", "understood; nothing changes"),))
    done = resolve.resolve(session, _as_item(session, task, message, settings, now), word, settings, now)
    tasks.done(session, number, WRONG, word.by, now)
    return Done((Effect("audit_wrong", "misunderstood; it counts as wrong"), *done.effects))


def undo(session: Session, task: Task, by: str, now: datetime) -> tuple[Effect, ...]:
    """Put back what a "wrong" has set right; the audit itself is reopened as every task."""
    query = (
        select(ExceptionItem)
        .where(
            ExceptionItem.key.startswith(f"audit:{task.id}:", autoescape=True),
            ExceptionItem.state == ExceptionState.RESOLVED,
        )
        .order_by(ExceptionItem.id.desc())
    )
    item = session.scalars(query.with_for_update()).first()
    if item is None:
        return ()
    effects = undoing.undo(session, item, by, now).effects
    queue.settle(
        session, item, ExceptionState.DISMISSED, by="relance", now=now, reason="undo", resolution={"changes": []}
    )
    return effects


def _as_item(session: Session, task: Task, message: Message, settings: Settings, now: datetime) -> ExceptionItem:
    return queue.open_exception(
        session, key=f"audit:{task.id}:{now.isoformat()}", reason=ExceptionReason.AUDIT,
        detail="drawn for the audit, and misunderstood", at=now, due_at=queue.alarm_at(settings, now),
        customer_id=task.customer_id, invoice_ids=[link.invoice_id for link in task.links], message_id=message.id,
        holds=False,
    )  # fmt: skip
