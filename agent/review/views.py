"""Saved views: a selection of the work list under a name, for one person or program."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.review.values import Selection
from config.errors import NeedsPerson
from models import SavedView

LONGEST_NAME = 64
MOST = 100
"""Views of one owner."""


def of(session: Session, owner: str) -> Sequence[SavedView]:
    """The views of this person or program, by name."""
    return session.scalars(select(SavedView).where(SavedView.owner == owner).order_by(SavedView.name)).all()


def selection_of(row: SavedView) -> Selection:
    """What it chooses; whose customers follows from who looks."""
    known = Selection().as_json()
    kept: dict[str, Any] = {name: value for name, value in row.selection.items() if name in known}
    return Selection(**kept)


def save(session: Session, owner: str, name: str, chosen: Selection, at: datetime) -> SavedView:
    """Keep the selection under the name; one of that name is changed."""
    name = name.strip()[:LONGEST_NAME]
    if not name:
        raise NeedsPerson("a view needs a name")
    row = _named(session, owner, name) or _new(session, SavedView(owner=owner, name=name, selection={}, created_at=at))
    row.selection = replace(chosen, only_of=None).as_json()
    session.flush()
    return row


def _named(session: Session, owner: str, name: str) -> SavedView | None:
    return session.scalar(select(SavedView).where(SavedView.owner == owner, SavedView.name == name))


def _new(session: Session, row: SavedView) -> SavedView:
    """The row, or the one that was saved under its name at the same moment."""
    if (session.scalar(select(func.count()).where(SavedView.owner == row.owner)) or 0) >= MOST:
        raise NeedsPerson(f"{row.owner} has {MOST} views already", "Forget one first.")
    owner, name = row.owner, row.name
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        found = _named(session, owner, name)
        if found is None:
            raise
        return found
    return row


def forget(session: Session, owner: str, number: int) -> bool:
    """Whether it was there, and this owner's."""
    row = session.get(SavedView, number)
    if row is None or row.owner != owner:
        return False
    session.delete(row)
    return True
