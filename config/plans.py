"""Dunning plans: which step, how many days from the due date, by which channel, in which tone.

A plan is data, a TOML file. `standard` is shipped in `config/plans/`; a company's own stand in a folder beside its
configuration, and one of a shipped name takes its place. When a step is really due is for `agent.reminders` to judge:
here is only what the plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config import fields
from config.errors import ConfigError
from config.fields import wrong
from config.reading import read_toml, told
from config.settings import Settings


class Channel(StrEnum):
    """How a step reaches the customer. Only `mail` is carried out by relance; the others become a person's task."""

    MAIL = "mail"
    CALL = "call"
    LETTER = "letter"
    HAND_OVER = "hand_over"


Tone = Literal["friendly", "neutral", "firm", "formal"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        name: unique in its plan; part of the key that a reminder is unique by, so it is never reused for another step.
        day: days from the due date; negative ones lie before it.
        channel: how it reaches the customer.
        template: name of the text in `templates/`; empty for steps that have none.
        tone: how it speaks.
        level: how far the dunning has come, from 1.
        attach_invoice: whether the invoice's PDF goes along, where there is one.
    """

    name: str
    day: int
    channel: Channel
    template: str
    tone: Tone
    level: int
    attach_invoice: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A dunning plan; `steps` in order of their days, `gap_days` between two mails to one customer."""

    name: str
    version: int
    gap_days: int
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class _StepTable(BaseModel):
    """`[[step]]` as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: StepName
    day: int = Field(ge=-60, le=730)
    channel: Channel
    template: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,39})?$")
    tone: Tone = "neutral"
    level: int = Field(ge=1, le=9)
    attach_invoice: bool = False

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.channel in (Channel.MAIL, Channel.LETTER) and not self.template:
            wrong(f"a template for a {self.channel.value}", 'Add, for example, template = "friendly_reminder".')
        return self


class _PlanTable(BaseModel):
    """A plan's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: fields.PlanName
    version: int = Field(ge=1)
    gap_days: int | None = Field(default=None, ge=1, le=90)
    step: tuple[_StepTable, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [step.name for step in self.step]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            wrong(f"each step to have a name of its own, not {doubled[0]} twice", "Rename one of them.")
        days = [step.day for step in self.step]
        if days != sorted(set(days)):
            wrong("steps in the order of their days, no two on one day", "Sort them, and move one of a pair.")
        return self


def load_plans(settings: Settings) -> Mapping[str, Plan]:
    """Every plan by its name: the shipped ones, then the company's own.

    Raises:
        ConfigError: a plan has a mistake, or the plan that the settings name does not exist.
    """
    gap_days = settings.reminders.gap_days
    plans = {plan.name: plan for plan in (_read(path, gap_days) for path in _files(_shipped()))}
    own = settings.root / settings.reminders.plans
    plans |= {plan.name: plan for plan in (_read(path, gap_days) for path in _files(own))}
    if settings.reminders.plan not in plans:
        raise ConfigError(
            settings.file,
            "reminders.plan",
            f"one of the plans {', '.join(sorted(plans))}",
            f"Choose one of them, or write {own / (settings.reminders.plan + '.toml')}.",
            found=f'"{settings.reminders.plan}"',
        )
    return MappingProxyType(plans)


def _shipped() -> Path:
    # The packages of a wheel are unpacked when they are installed, so this is a real folder.
    return Path(str(resources.files("config"))) / "plans"


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.toml"))


def _read(path: Path, gap_days: int) -> Plan:
    try:
        table = _PlanTable.model_validate(read_toml(path))
    except ValidationError as error:
        raise told(error, path, _PlanTable) from None
    if table.name != path.stem:
        raise ConfigError(
            path,
            "name",
            f'"{path.stem}", as the file is called',
            "Rename the file or the plan.",
            found=f'"{table.name}"',
        )
    return Plan(
        name=table.name,
        version=table.version,
        gap_days=gap_days if table.gap_days is None else table.gap_days,
        steps=tuple(
            Step(step.name, step.day, step.channel, step.template, step.tone, step.level, step.attach_invoice)
            for step in table.step
        ),
    )
