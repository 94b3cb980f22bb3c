"""A training of this installation: the shipped replies, what people corrected here, and further files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from agent.learning import corrections
from agent.learning.corrections import Learnt
from classifier.registry import LOCAL
from config import Settings
from models import Database

Say = Callable[[str], None]


def learnt_here(database: Database, settings: Settings, say: Say) -> tuple[Learnt, ...]:
    """The corrections that a training learns from; those kept to compare trained models on are left out."""
    with database.read() as session:
        found = corrections.read(session, settings, database.key.sign("frozen corrections"))
    say(f"{len(found.training)} corrections are learnt from, {len(found.frozen)} are kept to compare models on")
    return found.training


def train(
    learnt: Sequence[Learnt], files: Sequence[Path], encoder: str, root: Path, now: datetime, say: Say,
    out: Path | None = None,
) -> Path:  # fmt: skip
    """Train into `out`, or a folder of its own under `trained/` in `root`; takes minutes. Gives the folder.

    Raises:
        DataError: a fault in the files.
    """
    from classifier.build import train_further  # noqa: PLC0415 scikit-learn takes a second

    return train_further(
        [each.row for each in learnt], tuple(each.id for each in learnt), files, encoder,
        lambda identity: out or root / LOCAL / f"{now:%Y%m%d-%H%M%S}-{identity[:8]}", now, say,
    )  # fmt: skip
