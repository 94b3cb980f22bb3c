"""Which replies an adapter learns from: never those of the hands that it is to read honestly, nor their ideas; and what
is kept of what it learnt.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifier.data import Row, read_rows
from classifier.encoders.tuned import WHOLE
from classifier.lessons import Lesson, dealt, known_parts, lessons_of
from classifier.tuning import midway
from tests.classifier.builders import raw_row, write_rows

SIZES = {"en-a": 3, "en-b": 2, "en-c": 1, "fr-a": 4, "fr-b": 3, "fr-c": 2}
KNOWN = {"part-1": ("en-a", "fr-b"), "part-2": ("en-b", "fr-a")}


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Rows of six hands; the first of fr-a and of fr-b tell the same idea."""
    raw = [
        raw_row(f"{hand}{at:02d}-01", language=hand[:2]) | ({"group": "shared"} if (hand, at) in SHARED else {})
        for hand, size in SIZES.items()
        for at in range(1, size + 1)
    ]
    return read_rows([write_rows(tmp_path / f"{hand}.jsonl", *(r for r in raw if r["id"].startswith(hand)))
                      for hand in SIZES])  # fmt: skip


SHARED = {("fr-a", 1), ("fr-b", 1)}


def read_by(rows: list[Row], lesson: Lesson) -> set[str]:
    return {rows[at].hand for at in lesson.chosen}


def test_further_hands_go_where_fewest_of_their_language_are(rows: list[Row]) -> None:
    assert dealt(rows, KNOWN) == {"part-1": ("en-a", "fr-b", "fr-c"), "part-2": ("en-b", "en-c", "fr-a")}


@pytest.mark.parametrize("known", [{}, KNOWN], ids=["anew", "on from the known"])
def test_no_adapter_learns_from_the_hands_that_it_reads_nor_from_their_ideas(
    rows: list[Row], known: dict[str, tuple[str, ...]]
) -> None:
    whole, *parts = lessons_of(rows, known)
    assert (whole.name, len(whole.chosen), whole.held_out) == (WHOLE, len(rows), ())
    for lesson in parts:
        assert not read_by(rows, lesson) & set(lesson.held_out)
        held_back = {row.group for row in rows if row.hand in lesson.held_out}
        assert not {rows[at].group for at in lesson.chosen} & held_back
    assert sorted(hand for lesson in parts for hand in lesson.held_out) == sorted(SIZES)


def test_each_goes_on_from_its_own_adapter_and_keeps_its_hands(rows: list[Row]) -> None:
    whole, *parts = lessons_of(rows, KNOWN)
    assert [lesson.start.stem for lesson in (whole, *parts) if lesson.start is not None] == [WHOLE, *KNOWN]
    for lesson in parts:
        assert set(KNOWN[lesson.name]) <= set(lesson.held_out)


def test_the_hands_of_the_one_that_saw_all_are_not_asked_for() -> None:
    adapters = [{"name": "part-1", "held_out": ["fr-a"]}, {"name": WHOLE, "held_out": []}]
    assert known_parts({"adapters": adapters}) == {"part-1": ("fr-a",)}


def test_what_is_kept_lies_midway_and_what_is_new_is_kept_whole() -> None:
    learnt = {"a": np.array([3.0, -1.0], np.float16), "head": np.array([0.25], np.float16)}
    kept = midway({"a": np.array([1.0, 1.0], np.float32)}, learnt)
    assert {name: each.tolist() for name, each in kept.items()} == {"a": [2.0, 0.0], "head": [0.25]}
    assert all(each.dtype == np.float16 for each in kept.values())
