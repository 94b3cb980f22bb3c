"""The standing audit: some automatic actions, drawn at random, become a task for a person, for ever.

Corrections of queued mail say nothing about what was never queued. A fixed share of the automatic actions, whoever
wrote and however sure the trained model was, keeps the estimate of their error unbiased, and shows drift by language
and intent before it costs trust. A person answers a task with "right" or "wrong".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.learning.decide import Drift, Judged, drifts, is_drawn
from agent.ledger.tasks import open_task
from config import Settings
from config.calendars import add_working_days
from models import Invoice, Message, Prediction, Task
from models.reasons import TaskKind
from models.states import TaskState

#: Words of a person for an audited action; more may follow.
RIGHT, WRONG = "right", "wrong"

#: Of the automatic actions so many may be wrong.
TARGET = 0.02

#: Working days that an audit may wait.
DUE_DAYS = 5


def draw(session: Session, message: Message, invoices: Sequence[Invoice], settings: Settings, now: datetime) -> None:
    """Make the task where this automatic action is drawn."""
    salt = session.info["key"].sign("audit")
    if not invoices or not is_drawn(str(message.id), salt, settings.classifier.audit_percent):
        return
    today = now.astimezone(settings.zone).date()
    open_task(
        session,
        key=f"audit:{message.id}",
        kind=TaskKind.AUDIT_SAMPLE,
        invoices=invoices,
        detail=(
            f"drawn for the audit: read message {message.id} (`relance explain {message.id}`), and say whether it was"
            f" understood: `relance tasks done NUMBER --outcome {RIGHT}`, or {WRONG}"
        ),
        due_on=add_working_days(settings.company.country, today, DUE_DAYS),
        at=now,
        message_id=message.id,
    )


def judged(session: Session) -> list[Judged]:
    """The audited actions that a person has judged."""
    query = (
        select(Task.outcome, Prediction.document, Prediction.primary)
        .join(Prediction, Prediction.message_id == Task.message_id)
        .where(Task.kind == TaskKind.AUDIT_SAMPLE, Task.state == TaskState.DONE)
        .order_by(Task.id)
    )
    found = []
    for outcome, document, primary in session.execute(query):
        word = (outcome or "").strip().lower()
        if word.startswith((RIGHT, WRONG)):
            found.append(Judged(str(document.get("language", "?")), primary, word.startswith(WRONG)))
    return found


def alarms(session: Session) -> Iterator[Drift]:
    """Languages and intents in which more automatic actions are wrong than may be, for certain."""
    from classifier.thresholds import lower_limit  # noqa: PLC0415 scipy takes a second

    yield from drifts(judged(session), TARGET, lower_limit)
