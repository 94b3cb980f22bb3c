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


def test_evaluate_writes_a_page_with_its_plots(run: Run, model: Path, tmp_path: Path) -> None:
    rows = [raw_row(), raw_row("fr-a01-02", "other", text="Bien reçu <script>alert(1)</script>, merci.")]
    file = write_rows(tmp_path / "kept.jsonl", *rows)
    page = tmp_path / "page.html"
    run("evaluate", "--json", "--model", str(model), "--html", str(page), str(file))
    text = page.read_text("utf-8")
    assert text.count("<svg") == 3
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    result = run("evaluate", "--model", str(model), "--html", str(tmp_path / "no" / "page.html"), str(file))
    assert isinstance(result.exception, DataError)
