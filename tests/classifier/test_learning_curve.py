"""The learning curve that is kept beside the data goes into models of the same data only."""

from __future__ import annotations

import json
from pathlib import Path

from classifier.data import data_files, data_hash
from classifier.learning_curve import known


def test_a_curve_counts_for_the_data_that_it_was_measured_on(tmp_path: Path) -> None:
    kept = tmp_path / "learning_curve.json"
    assert known("a" * 64, kept) is None
    kept.write_text(json.dumps({"data_hash": "a" * 64, "points": [[100, 0.5], [400, 0.8]]}), "utf-8")
    assert known("a" * 64, kept) == [[100, 0.5], [400, 0.8]]
    assert known("b" * 64, kept) is None


def test_the_shipped_data_have_one_that_rises() -> None:
    points = known(data_hash(data_files()))
    assert points is not None, "the data changed: python -m classifier.learning_curve"
    assert [f1 for _, f1 in points] == sorted(f1 for _, f1 in points)
