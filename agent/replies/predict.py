"""Stage 1: a human answer in `read` gets its prediction; one row, nothing decided.

The trained model runs outside of any transaction, a batch at a time, so that those can be decided before the next. If
the process dies before the rows are written, the same messages are predicted again, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from agent.faults import point
from agent.inbound.values import Kind
from agent.replies import store
from agent.replies.aside import PASSES, set_aside
from agent.replies.oneclick import sharpen
from classifier.values import Prediction as Value
from classifier.values import Reply
from config import Settings
from models import Database, Message, Prediction
from models.message import Direction
from models.states import MessageState

if TYPE_CHECKING:
    from classifier.trained import Classifier

log = structlog.get_logger()

BATCH = 64
"""Mails per call: sparse matrices are built once for all of them."""


def drain(database: Database, settings: Settings, classifier: Classifier, now: datetime) -> int:
    """Predict the first human answers that have no prediction yet, a batch of them; how many, 0 where none is left."""
    while True:
        with database.read() as session:
            query = (
                select(Message)
                .where(
                    Message.state == MessageState.READ,
                    Message.direction == Direction.IN,
                    Message.kind == Kind.HUMAN.value,
                    Message.id.not_in(select(Prediction.message_id)),
                )
                .order_by(Message.id)
                .limit(BATCH)
            )
            replies = [store.reply_of(session, message, settings) for message in session.scalars(query)]
        if not replies:
            return 0
        predictions, broken = _predict(classifier, replies)
        asked = {reply.id: reply for reply in replies}
        predictions = [sharpen(p, asked[p.id]) for p in predictions]
        for message_id, error in broken.items():
            set_aside(database, settings, int(message_id), error, now)
        with database.write() as session:
            known = set(
                session.scalars(
                    select(Prediction.message_id).where(Prediction.message_id.in_([int(p.id) for p in predictions]))
                )
            )
            session.add_all(
                Prediction(
                    message_id=int(p.id),
                    model_version=p.model_version,
                    primary=p.primary,
                    confidence=p.confidence,
                    document=store.document_of(p),
                    predicted_at=now,
                )
                for p in predictions
                if int(p.id) not in known
            )
            point("predict.keeping")
        point("predict.kept")
        log.info("reply.predicted", count=len(predictions), model=classifier.version)
        if predictions:  # else each of them was set aside, and the next batch is looked at
            return len(predictions)


def _predict(classifier: Classifier, replies: Sequence[Reply]) -> tuple[list[Value], dict[str, Exception]]:
    """The predictions, and by its id each mail on which the classifier fails.

    Raises what it raises on every one of several mails: that is the trained model's fault and no mail's.
    """
    try:
        return classifier.predict(replies), {}
    except PASSES:
        raise
    except Exception as error:  # noqa: BLE001 found out below, mail by mail
        log.warning("reply.batch_failed", count=len(replies), error=type(error).__name__)
    predictions: list[Value] = []
    broken: dict[str, Exception] = {}
    for reply in replies:
        try:
            predictions += classifier.predict([reply])
        except PASSES:
            raise
        except Exception as error:  # noqa: BLE001 whatever one mail does, the others must be understood
            broken[reply.id] = error
    if len(broken) > 1 and not predictions:
        raise next(iter(broken.values()))
    return predictions, broken
