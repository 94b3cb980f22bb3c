"""The classifier's commands on a small application: what goes in, what comes out, and what is said when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from classifier.commands import mount
from classifier.errors import DataError, ModelError
from classifier.storage import Origin, save_model
from classifier.training import Trained
from tests.classifier.builders import raw_row, write_rows

REPLY = {
    "id": "m1", "date": "2026-03-11T09:00:00+01:00", "reminder_sent": None, "text": "C'est payé depuis hier.",
    "invoices": [{"number": "FA-2026-0312", "amount": "1240.00", "currency": "EUR", "due": "2026-02-28"}],
}  # fmt: skip
KEYS = {
    "id", "primary", "intents", "confidence", "automatic", "per_invoice", "promise_date", "promised_amount",
    "paid_date", "dispute_reason", "question_topic", "other_reason", "language", "evidence",
}  # fmt: skip


class _Console:
    config: Path | None = None

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[str] = []

    def settings(self) -> Any:
        return SimpleNamespace(root=self.root, model_path=None, classifier=SimpleNamespace(encoder="none"))

    def now(self) -> datetime:
        return datetime(2026, 3, 11, 8, tzinfo=UTC)

    def emit(self, value: Any, json: bool) -> None:
        for each in value if isinstance(value, list) else [value]:
            typer.echo(_dump(each if isinstance(each, dict) else each.as_json()))

    def say(self, text: str) -> None:
        self.told.append(text)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    mount(app)

    def invoke(*arguments: str, stdin: str | None = None, config: Path | None = None) -> Result:
        console = _Console(tmp_path)
        console.config = config
        return CliRunner().invoke(app, [*arguments], input=stdin, obj=console)

    return invoke


@pytest.fixture(scope="module")
def model(small_training: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from classifier.figures import measure

    folder = tmp_path_factory.mktemp("model")
    figures = measure([], [])
    save_model(folder, small_training, Origin("d" * 64, "p" * 64, 150, ("fr-a",)), figures)
    return folder


def test_classify_reads_a_file_and_writes_a_line_for_each(run: Run, model: Path, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", REPLY, REPLY | {"id": "m2", "invoices": []})
    result = run("classify", "--json", "--model", str(model), str(file))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [line["id"] for line in lines] == ["m1", "m2"]
    assert set(lines[0]) >= KEYS
    assert lines[0]["primary"] == "paid"


def test_classify_reads_standard_input_with_a_byte_order_mark(run: Run, model: Path) -> None:
    result = run("classify", "--json", "--model", str(model), stdin="\ufeff" + _dump(REPLY) + "\n\n")
    assert json.loads(result.stdout)["id"] == "m1"


def test_nothing_in_is_nothing_out(run: Run, model: Path) -> None:
    result = run("classify", "--json", "--model", str(model), stdin="")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "standard input:1: not JSON"),
        ("[]", "standard input:1: not a JSON object"),
        (_dump({"id": "x"}), "text must be"),
        (_dump(REPLY | {"date": "soon"}), "no ISO 8601 time"),
        (_dump(REPLY | {"text": 3}), "text must be"),
        (_dump(REPLY | {"invoices": [{"number": "A"}]}), "invoice 1"),
    ],
)
def test_a_bad_line_is_named(run: Run, model: Path, line: str, words: str) -> None:
    result = run("classify", "--json", "--model", str(model), stdin=line)
    assert isinstance(result.exception, DataError)
    assert words in str(result.exception)
    assert result.stdout == ""


def test_classify_without_a_model_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("classify", "--model", str(tmp_path / "nowhere"), stdin=_dump(REPLY))
    assert isinstance(result.exception, ModelError)


def test_evaluate_measures_a_file(run: Run, model: Path, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "kept.jsonl", raw_row(), raw_row("fr-a01-02", "other", text="Bien reçu, merci."))
    document = json.loads(run("evaluate", "--json", "--model", str(model), str(file)).stdout)
    assert document["figures"]["rows"] == 2
    assert document["automatic"]["messages"] == 2
    assert "macro-F1" in run("evaluate", "--model", str(model), str(file)).stdout


def test_trained_models_are_listed_and_shown(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "trained").mkdir()
    model_here = tmp_path / "trained" / "20260311-a"
    model_here.symlink_to(model)
    config = tmp_path / "relance.toml"
    names = [json.loads(line)["name"] for line in run("model", "list", "--json", config=config).stdout.splitlines()]
    assert names[-1] == "20260311-a"
    shown = json.loads(run("model", "show", "20260311-a", "--json", config=config).stdout)
    assert shown["format"] == 2
    result = run("model", "show", "nothing", config=config)
    assert isinstance(result.exception, ModelError)
    assert "20260311-a" in str(result.exception)


def test_train_adds_further_replies_and_leaves_a_model_to_configure(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_training: Trained
) -> None:
    seen: list[int] = []

    def quick(rows: list[Any], progress: Any, encoder: Any = None) -> Trained:
        seen.append(len(rows))
        return small_training

    monkeypatch.setattr("classifier.build.train", quick)
    monkeypatch.setattr("classifier.build.summary", lambda _rows, _said: {"macro_f1": 0.5})
    more = write_rows(tmp_path / "more.jsonl", raw_row("xx-z01-01"))
    result = run("train", str(more), "--json", config=tmp_path / "relance.toml")
    assert result.exit_code == 0, result.exception
    listed = json.loads(result.stdout)
    assert Path(listed["folder"]).parent == tmp_path / "trained"
    assert listed["made"] == "2026-03-11T08:00:00+00:00"
    assert seen[0] > 600
