"""The only door through which a state changes: the table's word, one guarded UPDATE, one event."""

from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from models import events
from models.base import Base
from models.states import allowed


class TransitionRefused(Exception):
    """The table of transitions does not know this change: a fault of the program, never of the data."""


class StaleState(Exception):
    """Another transaction changed the row first; whoever sees this looks again and decides anew."""


def move(
    session: Session,
    row: Base,
    to: StrEnum,
    *,
    actor: str,
    reason: str,
    at: datetime,
    owner: str | None = None,
    values: dict[str, Any] | None = None,
    **data: events.type_of_value,
) -> None:
    """Change ``row.state`` to ``to`` and record it, or raise.

    The UPDATE asks for the state that was read (and for the claim's ``owner``, where one is given), so that of
    two transactions that both read the old state only one gets its way. ``values`` are columns that change with it.

    Raises:
        TransitionRefused: the table of transitions does not allow it.
        StaleState: the row is not in the state (or not in the hand) that the caller saw.
    """
    stateful = cast(Any, row)
    current: StrEnum = stateful.state
    if not allowed(current, to):
        raise TransitionRefused(f"{type(row).__name__} {stateful.id}: {current} can't become {to} ({reason})")
    session.flush()
    table = cast(Any, type(row))
    statement = update(table).where(table.id == stateful.id, table.state == current)
    if owner is not None:
        statement = statement.where(table.owner == owner)
    statement = statement.values(state=to, **(values or {})).execution_options(synchronize_session=False)
    result = cast("CursorResult[Any]", session.execute(statement))
    if result.rowcount != 1:
        raise StaleState(f"{type(row).__name__} {stateful.id} is no longer {current}")
    session.refresh(row)
    events.record(
        session,
        f"{row.__tablename__}.{to.value}",
        row,
        actor=actor,
        at=at,
        was=current.value,
        reason=reason,
        **data,
    )
