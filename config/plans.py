"""Dunning plans: which step, how many days from the due date, by which channel, in which tone, and for whom.

A plan is data, a TOML file. Five are shipped in `config/plans/`; a company's own stand in a folder beside its
configuration, and one of a shipped name takes its place. A plan with `[[for]]` tables chooses its customers itself
(`config.choice`); of one without any the settings speak. When a step is really due is for `agent.reminders` to judge:
here is only what the plan says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config import fields
from config.choice import Selector, word
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
Approval = Literal["none", "person", "sales_owner"]
Charges = Literal["none", "shown", "claimed"]
NOTHING = Decimal(0)


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
        attach_invoice: whether the invoices' PDFs go along; the mail and the plan say of which there is none.
        attach_statement: whether a statement of the customer's account goes along as a PDF.
        minimum: what must at least be asked for, in the currency of the invoices; below it the step waits.
        approval: whose word it needs before it leaves, whatever the mode: nobody's, any person's, or that of the
            customer's account manager.
        charges: whether late-payment interest and the fixed indemnity are left out, shown, or claimed.
        offers_instalments: whether it invites to propose a payment plan.
        after_mail: days that a call, letter or hand-over keeps from the last mail; 0: its own day counts alone.
    """

    name: str
    day: int
    channel: Channel
    template: str
    tone: Tone
    level: int
    attach_invoice: bool = False
    attach_statement: bool = False
    minimum: Decimal = NOTHING
    approval: Approval = "none"
    charges: Charges = "none"
    offers_instalments: bool = False
    after_mail: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A dunning plan; `steps` in order of their days, `gap_days` between two mails to one customer.

    ``selectors``: for whom it is, any of them; empty: for whom the settings name it.
    """

    name: str
    version: int
    gap_days: int
    steps: tuple[Step, ...]
    selectors: tuple[Selector, ...] = ()

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
    attach_statement: bool = False
    minimum: Decimal | None = Field(default=None, ge=0)
    approval: Approval = "none"
    charges: Charges = "none"
    offers_instalments: bool = False
    after_mail: int = Field(default=0, ge=0, le=90)

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.channel in (Channel.MAIL, Channel.LETTER) and not self.template:
            wrong(f"a template for a {self.channel.value}", 'Add, for example, template = "friendly_reminder".')
        if self.channel in (Channel.CALL, Channel.HAND_OVER) and (self.attach_invoice or self.attach_statement):
            what = f"attachments to go with a mail or a letter, not with a {self.channel.value}"
            wrong(what, "Take attach_invoice and attach_statement out of this step.")
        if self.channel is Channel.MAIL and self.after_mail:
            wrong("after_mail on a call, letter or hand_over", "Between mails gap_days counts: set that for the plan.")
        return self


class _ForTable(BaseModel):
    """`[[for]]` as it stands in the file: every key that is given must fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    country: tuple[fields.Country, ...] = ()
    currency: tuple[fields.Currency, ...] = ()
    open_at_least: Decimal | None = Field(default=None, ge=0)
    open_below: Decimal | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            wrong("at least one key in [[for]]", 'Name, for example, segment = ["loyal"], or take the table out.')
        if self.open_at_least is not None and self.open_below is not None and self.open_at_least >= self.open_below:
            wrong("open_at_least to lie below open_below", "Swap the two amounts.")
        return self

    def selector(self) -> Selector:
        return Selector(
            customers=frozenset(self.customer),
            segments=frozenset(word(name) for name in self.segment),
            countries=frozenset(self.country),
            currencies=frozenset(self.currency),
            at_least=self.open_at_least,
            below=self.open_below,
        )


class _PlanTable(BaseModel):
    """A plan's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: fields.PlanName
    version: int = Field(ge=1)
    gap_days: int | None = Field(default=None, ge=1, le=90)
    minimum: Decimal = Field(default=NOTHING, ge=0)
    chosen_for: tuple[_ForTable, ...] = Field(default=(), alias="for", max_length=100)
    step: tuple[_StepTable, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [step.name for step in self.step]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            wrong(f"each step to have a name of its own, not {doubled[0]} twice", "Rename one of them.")
        days = [step.day for step in self.step]
        if days != sorted(set(days)):
            wrong("steps in the order of their days, no two on one day", "Sort them, and move one of a pair.")
        levels = [step.level for step in self.step]
        if levels != sorted(levels):
            wrong("levels that never fall from one step to the next", "A later step speaks no softer: raise its level.")
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
    _refuse_rivals(settings.file, plans.values())
    if settings.reminders.plan not in plans:
        raise ConfigError(
            settings.file,
            "reminders.plan",
            f"one of the plans {', '.join(sorted(plans))}",
            f"Choose one of them, or write {own / (settings.reminders.plan + '.toml')}.",
            found=f'"{settings.reminders.plan}"',
        )
    return MappingProxyType(plans)


def _refuse_rivals(file: Path, plans: Iterable[Plan]) -> None:
    """Two plans for exactly the same customers: which one counts would be a matter of their names."""
    seen: dict[Selector, str] = {}
    for plan in plans:
        for selector in plan.selectors:
            if (other := seen.setdefault(selector, plan.name)) != plan.name:
                raise ConfigError(
                    file,
                    "reminders.plans",
                    f"one plan for {selector.words()}",
                    f"Take the table [[for]] out of {other} or of {plan.name}.",
                    found=f"{other} and {plan.name}",
                )


def _shipped() -> Path:
    # The packages of a wheel are unpacked when they are installed, so this is a real folder.
    return Path(str(resources.files("config"))) / "plans"


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.toml"))


def _refuse_starving(table: _PlanTable, path: Path) -> None:
    """A customer who gets a mail about other invoices at every gap would never come to a step that keeps longer."""
    for number, step in enumerate(table.step):
        if table.gap_days is not None and step.after_mail >= table.gap_days:
            raise ConfigError(
                path,
                f"step.{number}.after_mail",
                f"fewer days than the {table.gap_days} between two mails (gap_days)",
                "Lower it, or raise gap_days: a customer who gets a mail at every gap would never come to this step.",
                found=str(step.after_mail),
            )


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
    _refuse_starving(table, path)
    gap_days = gap_days if table.gap_days is None else table.gap_days
    return Plan(
        name=table.name,
        version=table.version,
        gap_days=gap_days,
        steps=tuple(
            Step(
                name=step.name,
                day=step.day,
                channel=step.channel,
                template=step.template,
                tone=step.tone,
                level=step.level,
                attach_invoice=step.attach_invoice,
                attach_statement=step.attach_statement,
                minimum=table.minimum if step.minimum is None else step.minimum,
                approval=step.approval,
                charges=step.charges,
                offers_instalments=step.offers_instalments,
                after_mail=min(step.after_mail, gap_days - 1),  # where the settings' gap is a short one
            )
            for step in table.step
        ),
        selectors=tuple(each.selector() for each in table.chosen_for),
    )
