"""Undo without a number: what a person did last, whatever it was, is taken back as a whole."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from agent.reminders import approve
from agent.replies import resolve
from agent.review import queue, tasks
from config.errors import NeedsPerson


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was taken back: its place in the work list, and what followed, where that was more than itself."""

    kind: str
    id: int
    effects: tuple[resolve.Effect, ...]


def undo_last(session: Session, by: str, now: datetime) -> TakenBack:
    """Take back the person's last deed of the last day. Raises NeedsPerson where there is none, or it can't be."""
    item, task, reminder = (
        queue.last_settled(session, by),
        tasks.last_done(session, by),
        approve.last_approved(session, by),
    )
    deeds = [
        (item.resolved_at if item is not None else None, "item"),
        (task.done_at if task is not None else None, "task"),
        (reminder.approved_at if reminder is not None else None, "approval"),
    ]
    done = [(at, kind) for at, kind in deeds if at is not None and now - at <= queue.UNDO_WITHIN]
    if not done:
        raise NeedsPerson(f"{by} has done nothing in the last day that could be taken back")
    _, kind = max(done)
    match kind:
        case "item":
            assert item is not None
            return TakenBack(kind, item.id, resolve.undo(session, queue.get(session, item.id), by, now).effects)
        case "task":
            assert task is not None
            tasks.undo(session, tasks.get(session, task.id), by, now)
            return TakenBack(kind, task.id, ())
    assert reminder is not None
    approve.take_back(session, reminder.id, by, now)
    return TakenBack(kind, reminder.id, ())
