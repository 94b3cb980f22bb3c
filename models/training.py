"""Trained models at work here: trainings and comparisons in the background, and who put which one to work, and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class TrainingRun(Base):
    """A training, or a comparison with the trained model in use, that a process of its own carries out.

    Waiting until ``began_at``, under way until ``ended_at``, failed where there is an ``error``. ``alive_at`` is the
    process's last sign: one that gives none is dead.
    """

    __tablename__ = "training_run"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(16))
    """training, or comparison."""
    slot: Mapped[int | None] = mapped_column(unique=True)
    """1 until it has ended, then nothing: so there is one at a time, whoever asks at the same moment."""
    folder: Mapped[str | None] = mapped_column(String(128))
    """Of the trained model that is compared, or was made; its name under `trained/`."""
    asked_by: Mapped[str] = mapped_column(String(128))
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    alive_at: Mapped[datetime]
    progress: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(500))
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The gate's, as `agent.learning.gate.Verdict` writes it."""


class Promotion(Base):
    """A trained model was put to work, or taken back for the one before."""

    __tablename__ = "promotion"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(16))
    """promoted, or rolled_back."""
    version: Mapped[str] = mapped_column(String(128))
    """In use from then on."""
    was: Mapped[str] = mapped_column(String(128))
    forced: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(500), default="")
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime]
