"""What one run of a drain did, and what it says should follow. Pure."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TypeVar

from agent.reminders.deliver import Delivered

NOTHING = Delivered()

Counts = TypeVar("Counts", "Understood", Delivered)


@dataclass(frozen=True, slots=True)
class Understood:
    """What one drain did with mails that were stored."""

    read: int = 0
    quarantined: int = 0
    predicted: int = 0
    applied: int = 0
    queued: int = 0
    has_more: bool = False
    """Its time was up before everything was decided."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What one drain of deliveries did.

    ``has_more``: mails are left that could go now; ``is_unread``: the mailbox has to be read before they may.
    """

    done: Delivered = NOTHING
    settled: int = 0
    has_more: bool = False
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What a drain says should follow: loops that have work by it, and the wall-clock moment to come back itself."""

    wake: tuple[str, ...] = ()
    again_at: datetime | None = None


def added(one: Counts, other: Counts) -> Counts:
    """Counts added field by field; what is no count is the other's."""
    values = {}
    for each in fields(one):
        a, b = getattr(one, each.name), getattr(other, each.name)
        values[each.name] = a + b if isinstance(a, int) and not isinstance(a, bool) else b
    return replace(one, **values)
