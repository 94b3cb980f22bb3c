"""In whose hands the entries of the work list are: what a page that stands open asks again and again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.review.values import Kind
from models import ExceptionItem, Reminder, Task
from models.states import WAITING, TaskState

Place = tuple[Kind, int]


@dataclass(frozen=True, slots=True)
class Hands:
    """One entry. ``assignee``: who has it while it waits; ``settled_by``: who has settled it; None where nobody."""

    kind: Kind
    id: int
    assignee: str | None
    settled_by: str | None
    is_open_elsewhere: bool

    @property
    def path(self) -> str:
        return f"/work/{self.kind}/{self.id}"


def hands(session: Session, places: Iterable[Place], busy: Collection[str]) -> Mapping[str, Hands]:
    """By the path of its page; ``busy``: the paths that somebody else has open. A place that is none is left out."""
    wanted: dict[Kind, list[int]] = {"item": [], "task": [], "approval": []}
    for kind, number in places:
        wanted[kind].append(number)
    found = [*_items(session, wanted["item"]), *_tasks(session, wanted["task"])]
    found += _approvals(session, wanted["approval"])
    made = (Hands(kind, number, has, done, f"/work/{kind}/{number}" in busy) for kind, number, has, done in found)
    return {one.path: one for one in made}


_Row = tuple[Kind, int, str | None, str | None]
SOMEBODY = "relance"
"""Who has settled it where nobody signed: evidence, or the clock."""


def _items(session: Session, ids: Collection[int]) -> list[_Row]:
    columns = ExceptionItem.id, ExceptionItem.state, ExceptionItem.assignee, ExceptionItem.resolved_by
    rows = session.execute(select(*columns).where(ExceptionItem.id.in_(ids))).all()
    return [
        ("item", number, assignee, None) if state in WAITING else ("item", number, None, by or SOMEBODY)
        for number, state, assignee, by in rows
    ]


def _tasks(session: Session, ids: Collection[int]) -> list[_Row]:
    rows = session.execute(select(Task.id, Task.state, Task.assignee, Task.done_by).where(Task.id.in_(ids))).all()
    return [
        ("task", number, assignee, None) if state is TaskState.OPEN else ("task", number, None, by or SOMEBODY)
        for number, state, assignee, by in rows
    ]


def _approvals(session: Session, ids: Collection[int]) -> list[_Row]:
    columns = Reminder.id, Reminder.approval, Reminder.approved_by, Reminder.voided_at
    rows = session.execute(select(*columns).where(Reminder.id.in_(ids))).all()
    return [
        ("approval", number, None, None if approval == "waiting" and voided is None else by or SOMEBODY)
        for number, approval, by, voided in rows
    ]
