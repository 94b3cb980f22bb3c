"""A customer's segment from its payment history, by rules that a person can read and change. Pure but for the file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.fields import wrong
from config.reading import read_toml, told
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class History:
    """What a customer did in the last 24 months: the invoices that it paid, those paid late, broken promises.

    ``invoices``: all that it ever had, for who comes back after years is not new.
    """

    invoices: int
    paid: int
    late: int
    broken_promises: int

    @property
    def late_share(self) -> float | None:
        """Late ones among the paid ones, 0 to 1; None where none was paid."""
        return self.late / self.paid if self.paid else None


class SegmentRule(BaseModel):
    """`[[segment]]`: every condition that is given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    because: str = Field(min_length=1, max_length=200)
    broken_promises_at_least: int | None = Field(default=None, ge=1)
    paid_at_least: int | None = Field(default=None, ge=1)
    invoices_at_most: int | None = Field(default=None, ge=1)
    late_share_at_least: float | None = Field(default=None, ge=0, le=1)
    late_share_at_most: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if self.model_fields_set <= {"name", "because"}:
            wrong("at least one condition", "Add, for example, broken_promises_at_least = 2.")
        return self

    def holds(self, history: History) -> bool:
        share = history.late_share
        return (
            (self.broken_promises_at_least is None or history.broken_promises >= self.broken_promises_at_least)
            and (self.paid_at_least is None or history.paid >= self.paid_at_least)
            and (self.invoices_at_most is None or history.invoices <= self.invoices_at_most)
            and (self.late_share_at_least is None or (share is not None and share >= self.late_share_at_least))
            and (self.late_share_at_most is None or (share is not None and share <= self.late_share_at_most))
        )


class SegmentRules(BaseModel):
    """The file `segments.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    late_after_days: int = Field(ge=0, le=365)
    segment: tuple[SegmentRule, ...] = Field(max_length=40)

    def of(self, history: History) -> SegmentRule | None:
        """The first rule that holds; None: no segment."""
        return next((rule for rule in self.segment if rule.holds(history)), None)


def load_segments(settings: Settings) -> SegmentRules:
    """The company's rules, or the shipped ones. Raises ConfigError where the file has a mistake."""
    own = settings.root / "segments.toml"
    path = own if own.exists() else Path(str(resources.files("config"))) / "segments.toml"
    try:
        return SegmentRules.model_validate(read_toml(path))
    except ValidationError as error:
        raise told(error, path, SegmentRules) from None
