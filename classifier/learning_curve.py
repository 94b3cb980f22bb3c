"""What more replies would give: the learning curve on the shipped ones, measured once and kept beside them.

    python -m classifier.learning_curve

Measuring takes a few minutes that no build needs to spend: the points are committed with the hash of the data that they
were measured on, and a build of the same data takes them into its manifest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from classifier.console import run
from classifier.data import COMMITTED, data_files, data_hash, read_rows
from classifier.encoders.find import DEFAULT, encoder_named
from classifier.evaluation import learning_curve
from classifier.examples import Progress, make_examples
from classifier.folds import by_hand

KEPT = COMMITTED.parent / "learning_curve.json"


def known(data: str, kept: Path = KEPT) -> Sequence[Sequence[float]] | None:
    """Replies trained on and macro-F1 of the primary intent, for the data of this hash; None where never measured."""
    if not kept.is_file():
        return None
    found = json.loads(kept.read_text("utf-8"))
    points: Sequence[Sequence[float]] = found["points"]
    return points if found["data_hash"] == data else None


def measure(say: Progress, kept: Path = KEPT) -> str:
    """Measure it on the shipped replies with the default encoder, and write it to `kept`; gives what to tell of it."""
    files = data_files()
    rows = read_rows(files)
    points = learning_curve(make_examples(rows, encoder_named(DEFAULT), say), by_hand(rows), say)
    found = {"data_hash": data_hash(files), "points": [[count, round(f1, 4)] for count, f1 in points]}
    kept.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return f"kept the learning curve over {len(rows)} replies"


if __name__ == "__main__":
    sys.exit(run("classifier", measure))
