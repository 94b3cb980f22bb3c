"""Trained models at the desk: begun in the background, put to work with a reason, gone back from.

Each has a transaction of its own: the note beside the trained models is written at its end, and a process begins after.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Thread

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.learning import background, gate, overview, promotion
from classifier import registry
from classifier.errors import ModelError
from config import Settings
from config.errors import NeedsPerson
from models import Database, Prediction, Promotion, TrainingRun

Clock = Callable[[], datetime]
Start = Callable[[Database, Settings, int, Clock], Thread]


CHANGES = 20
"""The last so many are told."""


@dataclass(frozen=True, slots=True)
class Look:
    """Trained models as they stand. ``versions`` is empty, and ``trouble`` says why, where what lies there can't be
    trusted or read. ``run``: what is under way; ``last``: what ended last; ``before``: the last training, which tells
    how long one takes; ``read``: mails read with each version.
    """

    versions: Sequence[overview.Version]
    trouble: str
    waiting: overview.Waiting
    changes: Sequence[Promotion]
    run: TrainingRun | None
    last: TrainingRun | None
    before: TrainingRun | None
    read: Mapping[str, int]

    @property
    def used(self) -> overview.Version | None:
        return next((each for each in self.versions if each.in_use), None)


def look(database: Database, settings: Settings) -> Look:
    """All that is to be told of trained models."""
    versions: Sequence[overview.Version] = ()
    trouble = ""
    try:
        versions = overview.versions(database, settings)
    except ModelError as error:
        trouble = str(error)
    used = next((each for each in versions if each.in_use), None)
    learnt = frozenset(used.entry.manifest["origin"]["corrections"]) if used is not None else frozenset()
    with database.read() as session:
        count = select(Prediction.model_version, func.count()).group_by(Prediction.model_version)
        return Look(
            versions, trouble, overview.waiting(session, database.key.sign("frozen corrections"), learnt),
            session.scalars(select(Promotion).order_by(Promotion.id.desc()).limit(CHANGES)).all(),
            *runs(session), dict(session.execute(count).all()),
        )  # fmt: skip


def runs(session: Session) -> tuple[TrainingRun | None, TrainingRun | None, TrainingRun | None]:
    """What is under way, what ended last, and the last training."""
    return background.under_way(session), background.last(session), background.last(session, "training")


class Refused(NeedsPerson):
    """A trained model is not put to work. ``code``: not_compared, or falls."""

    def __init__(self, code: str, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.code = code


def begin(
    database: Database, settings: Settings, start: Start, clock: Clock, kind: background.Kind, name: str | None, by: str
) -> TrainingRun:
    """Ask for a training, or for a comparison of the trained model ``name`` with the one in use, and begin it.

    Raises:
        ModelError: there is no trained model of that name.
        NeedsPerson: another run is under way.
    """
    folder = registry.entry(name, settings.root).name if name is not None else None
    with database.write() as session:
        run = background.ask(session, kind, folder, by, clock())
    start(database, settings, run.id, clock)
    return run


def promote(
    database: Database, settings: Settings, name: str, reason: str, by: str, now: datetime, *, anyway: bool
) -> str:
    """Put a trained model to work, as the gate's last word allows; past it only where ``anyway`` says so. Its version.

    Raises:
        Refused: it was not compared, or falls below a floor.
    """
    candidate = registry.entry(name, settings.root)
    _must_have(reason)
    with database.read() as session:
        verdict = background.verdict_on(session, candidate.name)
    if verdict is None:
        what = f"{candidate.name} was never compared with the trained model in use"
        raise Refused("not_compared", what, "Compare it first.")
    if verdict.falls and not anyway:
        what = f"{candidate.name} falls below a floor"
        raise Refused("falls", what, "Train on more corrections, or take it all the same; the log keeps that.")
    gate.put_to_work(database, settings, candidate, verdict, by, now, force=anyway, reason=reason.strip()[:500])
    return str(candidate.manifest["version"])


def roll_back(database: Database, settings: Settings, reason: str, of: str, by: str, now: datetime) -> str:
    """Go back to the one before; its version. ``of``: the one to leave, so that a second word goes back no further."""
    _must_have(reason)
    return promotion.rollback(database, settings.root, by, now, reason.strip()[:500], of=of)


def _must_have(reason: str) -> None:
    if not reason.strip():
        raise NeedsPerson("why has to be said: it stands beside it in the log")
