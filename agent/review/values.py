"""The work list's own words: where an entry stands, which part of the list is looked at, one row of it. Pure."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["item", "task", "approval"]
KINDS: tuple[Kind, ...] = ("item", "task", "approval")


@dataclass(frozen=True, slots=True)
class Key:
    """Where an entry stands in the list: the higher priority first, then the kind, then the older number."""

    priority: int
    kind: Kind
    id: int

    @property
    def order(self) -> tuple[int, int, int]:
        return -self.priority, KINDS.index(self.kind), self.id

    def __str__(self) -> str:
        return f"{self.priority}-{self.kind}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Key | None":
        """What `str` made of one; None for anything else."""
        priority, _, rest = text.partition("-")
        kind, _, number = rest.partition("-")
        if not (priority.isdecimal() and number.isdecimal() and len(priority) < 4 and len(number) < 18):
            return None
        for known in KINDS:
            if kind == known:
                return cls(int(priority), known, int(number))
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the list. ``reason``: a reason's or task's code, or approval; ``only_of``: an account manager."""

    reason: str = ""
    whose: Literal["", "mine", "nobody"] = ""
    text: str = ""
    segment: str = ""
    asleep: bool = False
    """Those that are put away until later, instead of those that wait."""
    only_of: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What a saved view keeps: never whose customers, which follows from who looks."""
        return {
            "reason": self.reason,
            "whose": self.whose,
            "text": self.text,
            "segment": self.segment,
            "asleep": self.asleep,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list."""

    key: Key
    reason: str
    customer_id: str | None
    state: str
    assignee: str | None
    due_at: datetime | date | None
    created_at: datetime
    snoozed_until: datetime | None
    detail: str
    subject: str | None = None
    sender: str | None = None
    suggested: tuple[str, float] | None = None
    holds: bool = False
    customer_name: str | None = None
    invoices: tuple[str, ...] = ()
    owed: dict[str, Decimal] = field(default_factory=dict)
    """What is open on its invoices, by currency."""
    days_late: int = 0

    @property
    def kind(self) -> Kind:
        return self.key.kind

    @property
    def id(self) -> int:
        return self.key.id

    @property
    def path(self) -> str:
        return f"/work/{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    next: Key | None
    """Where the next page begins; None: this was the last."""
