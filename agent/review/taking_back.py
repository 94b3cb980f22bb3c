"""Undo without a number: what a person did last, whatever it was, is taken back as a whole."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from agent.ledger import collection
from agent.reminders import approve
from agent.replies import undoing
from agent.replies.word import Effect
from agent.review import auditing, queue, tasks
from config.errors import NeedsPerson
from models import Event, ExceptionItem, Invoice, Task
from models.reasons import TaskKind
from models.states import WAITING, TaskState

PUT_AWAY = {
    "item": ("exception", ("exception.taken", "exception.open", "exception.snoozed")),
    "task": ("task", ("task.assigned", "task.snoozed")),
}
"""By kind of entry: the subject of the events that tell of taking, giving and putting away, and their names."""
LOOKED_AT = 20
"""Of a person's last changes of that kind so many are looked at."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was taken back: its place in the work list, and what followed, where that was more than itself."""

    kind: str
    id: int
    effects: tuple[Effect, ...]


def undo_last(session: Session, by: str, now: datetime) -> TakenBack:
    """Take back the person's last deed of the last day. Raises NeedsPerson where there is none, or it can't be."""
    item, task, reminder = (
        queue.last_settled(session, by),
        tasks.last_done(session, by),
        approve.last_approved(session, by),
    )
    moved = _last_put_away(session, by, now)
    deeds = [
        (item.resolved_at if item is not None else None, "item"),
        (task.done_at if task is not None else None, "task"),
        (reminder.approved_at if reminder is not None else None, "approval"),
        (moved[1].at if moved is not None else None, "away"),
    ]
    done = [(at, kind) for at, kind in deeds if at is not None and now - at <= queue.UNDO_WITHIN]
    if not done:
        raise NeedsPerson(f"{by} has done nothing in the last day that could be taken back")
    _, kind = max(done)
    match kind:
        case "item":
            assert item is not None
            return TakenBack(kind, item.id, undoing.undo(session, queue.get(session, item.id), by, now).effects)
        case "task":
            assert task is not None
            return TakenBack(kind, task.id, undo_task(session, task.id, by, now))
        case "away":
            assert moved is not None
            return _put_back(session, *moved, by, now)
    assert reminder is not None
    approve.take_back(session, reminder.id, by, now)
    return TakenBack(kind, reminder.id, ())


def undo_task(session: Session, number: int, by: str, now: datetime) -> tuple[Effect, ...]:
    """A task was not done after all: it waits again, and what its audit or its hand-over did is taken back.

    Raises NeedsPerson where it was not done, or too long ago.
    """
    task = tasks.get(session, number)
    tasks.undo(session, task, by, now)
    match task.kind:
        case TaskKind.AUDIT_SAMPLE:
            return auditing.undo(session, task, by, now)
        case TaskKind.HAND_OVER:
            found = collection.take_back(session, task, at=now, actor=by)
            return (
                *(_stands_as(row, "again", "again") for row in found.back),
                *(_stands_as(row, "moved_on", "and stays so") for row in found.gone),
            )
    return ()


def _stands_as(row: Invoice, code: str, words: str) -> Effect:
    state = row.state.value
    return Effect(code, f"{row.number} is {state.replace('_', ' ')} {words}", row.number, detail=state)


def _last_put_away(session: Session, by: str, now: datetime) -> tuple[str, Event] | None:
    """The person's last taking, giving or putting away after which nothing has happened to the entry any more."""
    wanted = or_(*(and_(Event.subject_type == subject, Event.kind.in_(kinds)) for subject, kinds in PUT_AWAY.values()))
    query = select(Event).where(wanted, Event.actor == by, Event.at >= now - queue.UNDO_WITHIN)
    for event in session.scalars(query.order_by(Event.seq.desc()).limit(LOOKED_AT)):
        later = select(Event.seq).where(
            Event.subject_type == event.subject_type, Event.subject_id == event.subject_id, Event.seq > event.seq
        )
        if "assignee_was" in event.data and session.scalar(later.limit(1)) is None and _still_waits(session, event):
            return "task" if event.subject_type == "task" else "item", event
    return None


def _still_waits(session: Session, event: Event) -> bool:
    if event.subject_type == "task":
        task = session.get(Task, int(event.subject_id))
        return task is not None and task.state is TaskState.OPEN
    item = session.get(ExceptionItem, int(event.subject_id))
    return item is not None and item.state in WAITING


def _put_back(session: Session, kind: str, event: Event, by: str, now: datetime) -> TakenBack:
    number = int(event.subject_id)
    if kind == "task":
        tasks.put_back(session, tasks.get(session, number), event, by, now)
    else:
        queue.put_back(session, queue.get(session, number), event, by, now)
    return TakenBack(kind, number, ())
