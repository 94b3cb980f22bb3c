"""The strict validator: each fault is told with its file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from classifier.data import data_files, data_hash, main, read_rows
from classifier.errors import DataError
from tests.classifier.builders import raw_labels, raw_row, write_rows

ROOT = Path(__file__).parents[2]

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("language", {"language": "xx"}, "language 'xx' is none of fr, en"),
    ("no-text", {"text": "  "}, "text must be a text that is not empty"),
    ("naive-date", {"date": "2026-03-11T09:00:00"}, "has no offset"),
    ("bad-date", {"date": "yesterday"}, "is no ISO 8601 time"),
    ("extra-key", {"mood": "sad"}, "unknown mood"),
    ("amount", {"invoices": [{"number": "A", "amount": 12, "currency": "EUR", "due": None}]}, "decimal number"),
    ("currency", {"invoices": [{"number": "A", "amount": "12", "currency": "euro", "due": None}]}, "ISO 4217"),
    ("primary", {"labels": raw_labels(primary="paid", intents=["promise"])}, "is not among intents"),
    ("intent", {"labels": raw_labels(intents=["paid", "joke"])}, "intents 'joke' is none of"),
    ("twice", {"labels": raw_labels(intents=["paid", "paid"])}, "names one twice"),
    ("invoice", {"labels": raw_labels(per_invoice={"X-1": "paid"})}, "which the reminder doesn't list"),
    ("reason", {"labels": raw_labels("dispute", dispute_reason=None)}, "exactly when dispute is among intents"),
    ("topic", {"labels": raw_labels("question", question_topic="weather")}, "question_topic 'weather' is none of"),
    ("stray-reason", {"labels": raw_labels(other_reason="spam")}, "exactly when other is among intents"),
    ("promise-date", {"labels": raw_labels(promise_date="2026-03-13")}, "without promise among intents"),
    ("bad-day", {"labels": raw_labels(paid_date="11/03")}, "is no ISO 8601 date"),
    ("method", {"labels": raw_labels(payment_method="gold")}, "payment_method 'gold' is none of"),
    ("promised", {"labels": raw_labels(promised=[{"date": None}])}, "objects with date, amount and currency"),
]


def test_a_right_row_is_read_whole(tmp_path: Path) -> None:
    (row,) = read_rows([write_rows(tmp_path / "a.jsonl", raw_row())])
    assert (row.hand, row.author, row.labels.primary) == ("fr-a", "fr-a01", "paid")
    assert row.reply.invoices[0].number == "FA-2026-0312"


@pytest.mark.parametrize(("changes", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_names_file_line_and_what_is_wrong(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    file = write_rows(tmp_path / "a.jsonl", raw_row(), raw_row("fr-a01-02", **changes))
    with pytest.raises(DataError) as caught:
        read_rows([file])
    assert any(words in fault and fault.startswith(f"{file}:2") for fault in caught.value.faults)


def test_all_faults_are_told_at_once_and_ids_are_unique_over_files(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "a.jsonl", raw_row(), raw_row("fr-a01-02", language="xx"))
    two = write_rows(tmp_path / "b.jsonl", raw_row())
    with pytest.raises(DataError) as caught:
        read_rows([one, two])
    assert [fault.split(": ")[0] for fault in caught.value.faults] == [f"{one}:2", f"{two}:1"]
    assert f"stands already at {one}:1" in caught.value.faults[1]


@pytest.mark.parametrize("line", ["{", "[]", "null", "nan", '"x"', '{"id": "a"}', '{"labels": 3}'])
def test_a_line_that_is_no_row_is_a_fault_and_no_crash(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(line + "\n", "utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl:1"):
        read_rows([file])


def test_a_missing_key_in_labels_is_told_once(tmp_path: Path) -> None:
    row = raw_row()
    del row["labels"]["promised"]
    with pytest.raises(DataError) as caught:
        read_rows([write_rows(tmp_path / "a.jsonl", row)])
    assert len(caught.value.faults) == 1
    assert "missing promised" in caught.value.faults[0]


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        read_rows([file])


def test_the_hash_of_the_data_changes_with_a_byte(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", raw_row())
    before = data_hash([file])
    assert data_hash([file]) == before
    file.write_text(file.read_text("utf-8").replace("matin", "soir"), "utf-8")
    assert data_hash([file]) != before


def test_the_committed_data_are_right() -> None:
    rows = read_rows(data_files())
    assert sum(row.language == "fr" for row in rows) >= 400
    assert sum(row.language == "en" for row in rows) >= 200


def test_the_replies_that_measure_are_right_and_none_of_them_trains() -> None:
    apart = read_rows(sorted((ROOT / "benchmarks" / "data" / "replies").glob("*.jsonl")))
    trained = read_rows(data_files())
    assert len(apart) == 2681
    assert not {row.hand for row in apart} & {row.hand for row in trained}
    assert not {row.reply.text for row in apart} & {row.reply.text for row in trained}


def test_the_checker_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_rows(tmp_path / "a.jsonl", raw_row())
    assert main([str(good)]) == 0
    assert "1 rows in 1 files are right" in capsys.readouterr().out
    bad = write_rows(tmp_path / "b.jsonl", raw_row(language="xx"))
    assert main([str(bad)]) == 1
    assert f"{bad}:1" in capsys.readouterr().err


def test_rows_survive_the_json_that_they_came_from(tmp_path: Path) -> None:
    text = 'Réglé « hier »\u2028 — "ok" \\ 😀\n'
    (row,) = read_rows([write_rows(tmp_path / "a.jsonl", json.loads(json.dumps(raw_row(text=text))))])
    assert row.reply.text == text
