"""The shapes of trained models that programs get."""

from datetime import datetime
from typing import Any, Literal

from agent.review.api.told import Told


class Fall(Told):
    """A class of mail in which a trained model falls below its floor, and on which replies."""

    on: str
    intent: str
    floor: float
    f1: float


class Comparison(Told):
    """What the last comparison said; ``holds``: it is about this trained model and the one that is in use today."""

    passes: bool
    holds: bool
    against: str
    frozen: int
    falls: tuple[Fall, ...]


class Model(Told):
    name: str
    version: str
    in_use: bool
    is_shipped: bool
    withdrawn: int
    read: int
    figures: dict[str, Any]
    comparison: Comparison | None


class Run(Told):
    """A training or comparison in the background."""

    id: int
    kind: Literal["training", "comparison"]
    folder: str | None
    asked_by: str
    asked_at: datetime
    began_at: datetime | None
    progress: str
    ended_at: datetime | None
    error: str | None


class Change(Told):
    """Which trained model was put to work, or gone back to."""

    kind: str
    version: str
    was: str
    forced: bool
    reason: str
    by: str
    at: datetime


class Models(Told):
    """``new``: corrections that the next training would learn from; ``kept``: those that only measure."""

    models: tuple[Model, ...]
    run: Run | None
    last: Run | None
    new: int
    kept: int
    changes: tuple[Change, ...]


class InUse(Told):
    version: str
