"""Agreement of two labellers: what is compared, and that the committed second labels fit the committed replies."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.agreement import SECOND, agreement, kappa, main, read_second
from classifier.data import data_files, read_rows
from classifier.errors import DataError
from tests.classifier.builders import raw_labels, raw_row, write_rows


def test_kappa_is_one_for_equal_labels_and_nothing_by_chance() -> None:
    assert kappa([("paid", "paid"), ("other", "other")]) == 1
    assert kappa([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]) == 0
    assert kappa([("a", "a")]) == 1


def test_details_are_compared_where_both_say_their_intent(tmp_path: Path) -> None:
    rows = read_rows([
        write_rows(tmp_path / "a.jsonl", raw_row(), raw_row("fr-a01-02", "dispute", labels=raw_labels("dispute")))
    ])  # fmt: skip
    second = [
        {"id": "fr-a01-01", "primary": "paid", "intents": ["paid"], "per_invoice": None, "promise_date": None},
        {"id": "fr-a01-02", "primary": "dispute", "intents": ["dispute", "paid"], "per_invoice": None,
         "promise_date": None, "dispute_reason": "amount"},
    ]  # fmt: skip
    found = agreement({row.reply.id: row for row in rows}, second)
    assert found == {
        "primary": (2, 2), "intents": (2, 1), "promise_date": (0, 0), "per_invoice": (0, 0), "dispute_reason": (1, 0),
        "kappa": 1.0,
    }  # fmt: skip


def test_the_committed_second_labels_agree_with_the_first() -> None:
    found = agreement({row.reply.id: row for row in read_rows(data_files())}, read_second(SECOND))
    assert isinstance(found["kappa"], float)
    assert found["kappa"] > 0.9


def test_a_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="can't be read"):
        read_second(tmp_path / "nothing")
    assert main([str(write_rows(tmp_path / "b.jsonl", {"id": "zz"}))]) != 0
    assert "no reply is called zz" in capsys.readouterr().err
