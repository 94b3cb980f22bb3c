"""A candidate against the trained model in use, on replies that neither was trained on.

Two sets, both frozen: the shipped replies, where each model's figures come from predictions by parts of it that never
saw the hand (they stand in its manifest); and the corrections of every fifth customer here, which no training sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from agent.learning import corrections, promotion
from agent.learning.decide import ENOUGH_FROZEN, Fall, falls
from classifier.data import Row
from classifier.registry import DEFAULT_NAME as SHIPPED
from classifier.registry import Entry
from config import Settings
from config.errors import NeedsPerson
from models import Database


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison said, and of which two trained models: another pair, or a changed one, needs a new one.

    `frozen` is how many corrections kept apart both were asked about.
    """

    candidate: str
    candidate_sha256: str
    against: str
    against_sha256: str
    frozen: int
    falls: tuple[Fall, ...]

    @property
    def passes(self) -> bool:
        return not self.falls

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "falls": [asdict(fall) for fall in self.falls]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(**{**document, "falls": tuple(Fall(**fall) for fall in document["falls"])})


def judge(database: Database, settings: Settings, candidate: Entry) -> Verdict:
    """Compare a trained model with the one in use. Loads both: it takes seconds.

    Raises:
        ModelError: one of them can't be loaded.
    """
    with database.read() as session:
        frozen = corrections.read(session, settings, database.key.sign("frozen corrections")).frozen
    current = promotion.in_use(settings.root, database.key)
    names = _names(current, candidate)
    found = compare(current, candidate.folder, [each.row for each in frozen], settings.encoder)
    return Verdict(*names, frozen=len(frozen), falls=tuple(found))


def holds(verdict: Verdict, database: Database, settings: Settings, candidate: Entry) -> bool:
    """Whether a verdict still speaks of this trained model and of the one in use."""
    said = (verdict.candidate, verdict.candidate_sha256, verdict.against, verdict.against_sha256)
    return said == _names(promotion.in_use(settings.root, database.key), candidate)


def _names(current: Path | None, candidate: Entry) -> tuple[str, str, str, str]:
    from classifier.storage import DEFAULT  # noqa: PLC0415 it imports scikit-learn

    against = current.name if current is not None else SHIPPED
    hashes = promotion.manifest_hash(candidate.folder), promotion.manifest_hash(current or DEFAULT)
    return candidate.name, hashes[0], against, hashes[1]


def put_to_work(
    database: Database, settings: Settings, candidate: Entry, verdict: Verdict, by: str, now: datetime, *,
    force: bool, reason: str = "",
) -> None:  # fmt: skip
    """Promote a trained model as the verdict allows, or past it where ``force`` says so; the log keeps that.

    Raises:
        NeedsPerson: it falls below a floor, the verdict is about others, or it is the shipped one.
    """
    if candidate.name == SHIPPED:
        raise NeedsPerson("The shipped model is never promoted; `relance model rollback` goes back to it.")
    if not holds(verdict, database, settings, candidate):
        raise NeedsPerson(f"{candidate.name} or the trained model in use has changed since they were compared.")
    if verdict.falls and not force:
        raise NeedsPerson(
            f"{candidate.name} is not promoted: it falls below a floor. Train on more corrections, or take it all the"
            " same with --force, which the log keeps."
        )
    promotion.promote(
        database, settings.root, candidate.name, candidate.manifest["version"], by, now,
        forced=bool(verdict.falls), reason=reason,
    )  # fmt: skip


def compare(current: Path | None, candidate: Path, frozen: Sequence[Row], encoder: str) -> list[Fall]:
    """Where the candidate falls below a floor. `current` is None for the shipped model.

    Raises:
        ModelError: one of them can't be loaded.
    """
    import classifier  # noqa: PLC0415 scikit-learn takes a second
    from classifier.figures import measure  # noqa: PLC0415
    from classifier.storage import DEFAULT, read_manifest  # noqa: PLC0415

    before, after = (read_manifest(each)["figures"].get("shipped") for each in (current or DEFAULT, candidate))
    found = falls("shipped replies", before, after or {})
    loaded = classifier.load(candidate, encoder)  # in any case: what can't be loaded must not be put to work
    if not frozen:
        return found
    replies = [row.reply for row in frozen]
    own = [measure(frozen, each.predict(replies))["classes"] for each in (classifier.load(current, encoder), loaded)]
    return found + falls("corrections kept apart", own[0], own[1], least=ENOUGH_FROZEN)
