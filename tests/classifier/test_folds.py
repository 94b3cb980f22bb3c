"""Splits: no author, hand or idea stands on both sides."""

from __future__ import annotations

from pathlib import Path

from classifier.data import Row, read_rows
from classifier.folds import by_author, by_hand
from tests.classifier.builders import raw_row, write_rows


def test_hands_and_ideas_never_straddle(tmp_path: Path) -> None:
    rows = _rows(tmp_path)
    for fold in by_hand(rows):
        train, test = [rows[i] for i in fold.train], [rows[i] for i in fold.test]
        assert not {row.author for row in train} & {row.author for row in test}
        assert not {row.group for row in train} & {row.group for row in test}
    assert sorted(i for fold in by_hand(rows) for i in fold.test) == list(range(len(rows)))


def test_a_hand_alone_in_its_language_is_parted_by_its_authors(tmp_path: Path) -> None:
    assert [fold.name for fold in by_hand(_rows(tmp_path))] == ["en-a/1", "en-a/2", "fr-a", "fr-b"]


def test_many_hands_are_held_out_a_few_at_a_time_with_rows_of_each_language(tmp_path: Path) -> None:
    rows = _rows(tmp_path)
    folds = by_hand(rows, parts=2)
    assert [fold.name for fold in folds] == ["en-a/1 fr-a", "en-a/2 fr-b"]
    for fold in folds:
        rest = set(range(len(rows))) - set(fold.test)
        assert {rows[index].language for index in rest} == {"fr", "en"}


def test_authors_are_dealt_out_whole_and_the_same_for_a_seed(tmp_path: Path) -> None:
    rows = _rows(tmp_path)
    folds = by_author(rows, seed=3, parts=3)
    assert folds == by_author(rows, seed=3, parts=3)
    assert sorted(i for fold in folds for i in fold.test) == list(range(len(rows)))
    for fold in folds:
        assert not {rows[i].author for i in fold.train} & {rows[i].author for i in fold.test}


def _rows(folder: Path) -> list[Row]:
    made = [
        raw_row(f"{hand}{author:02}-{number:02}", language=hand[:2], group=f"idea-{(author + number) % 5}")
        for hand in ("fr-a", "fr-b", "en-a")
        for author in (1, 2, 3)
        for number in (1, 2)
    ]
    return read_rows([write_rows(folder / "a.jsonl", *made)])
