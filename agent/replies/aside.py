"""A mail on which the program itself fails: set aside in front of a person, so that all others go on.

What a stranger writes must never stop the loop. A failure of the world (database, servers, a trained model that can't
be loaded) is no mail's fault, and passes on to the loop, which comes again.
"""

from datetime import datetime

import structlog
from sqlalchemy.exc import IntegrityError

from agent.review.queue import alarm_at, open_exception
from config import Settings
from config.errors import RelanceError
from models import Database, Message, transitions
from models.reasons import ExceptionReason
from models.states import MessageState
from models.transitions import StaleState

log = structlog.get_logger()

PASSES = (RelanceError, StaleState, IntegrityError)
"""The world's failures, and a second worker's doing: the same mail may do well the next time."""


def set_aside(database: Database, settings: Settings, message_id: int, error: Exception, now: datetime) -> None:
    """Quarantine a mail that was read, and hold the reminders of every customer that it is tied to.

    Only the kind of the error is kept: its text may quote the mail.
    """
    with database.write() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        if message.state is not MessageState.READ:
            return
        why = f"relance failed on it ({type(error).__name__})"
        transitions.move(
            session, message, MessageState.QUARANTINED, actor="relance", reason="failed", at=now, values={"error": why}
        )
        open_exception(
            session,
            key=f"message:{message.id}",
            reason=ExceptionReason.UNREADABLE,
            detail=f"{why}; read it, and say what it means",
            at=now,
            due_at=alarm_at(settings, now),
            customer_id=message.customer_id,
            customers=sorted({link.customer_id for link in message.links}),
            invoice_ids=[
                link.invoice_id
                for link in message.links
                if link.invoice_id is not None and link.customer_id == message.customer_id
            ],
            message_id=message.id,
            priority=60,
        )
    log.error("message.set_aside", message=message_id, error=type(error).__name__)
