"""Who has a dispute in hand, and by when it is to be decided: its item of the queue says both. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Dispute, ExceptionItem
from models.reasons import ExceptionReason
from models.states import WAITING


@dataclass(frozen=True, slots=True)
class DisputeShown:
    """An open dispute. ``owner``: who has taken its item, or was given it; ``item`` is where it is decided,
    ``decide_by`` when it begins to alarm; None where nothing asks for it.
    """

    reason: str
    amount: Decimal | None
    opened_at: datetime
    owner: str | None
    decide_by: datetime | None
    item: int | None


def shown(session: Session, rows: Sequence[Dispute]) -> list[DisputeShown]:
    """The disputes with the items that ask for a decision: one a dispute, or one for all that a mail opened."""
    keys = {key for row in rows for key in _keys(row)}
    query = select(ExceptionItem).where(
        ExceptionItem.key.in_(keys),
        ExceptionItem.reason == ExceptionReason.DISPUTE,
        ExceptionItem.state.in_(WAITING),
    )
    asked = {item.key: item for item in session.scalars(query)} if keys else {}
    return [_shown(row, next((asked[key] for key in _keys(row) if key in asked), None)) for row in rows]


def _keys(row: Dispute) -> tuple[str, ...]:
    own = f"dispute:{row.id}"
    return (own, f"message:{row.message_id}") if row.message_id is not None else (own,)


def _shown(row: Dispute, item: ExceptionItem | None) -> DisputeShown:
    return DisputeShown(
        reason=row.reason,
        amount=row.amount,
        opened_at=row.opened_at,
        owner=row.owner or (item.assignee if item is not None else None),
        decide_by=item.due_at if item is not None else None,
        item=item.id if item is not None else None,
    )
