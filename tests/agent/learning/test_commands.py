"""`relance train` and `relance model …` from outside: train, compare, put to work, go back."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.console import Context
from agent.learning import gate
from agent.learning.commands import mount
from agent.learning.decide import Fall
from classifier.registry import LOCAL, promoted
from classifier.storage import FORMAT, MANIFEST
from classifier.training import Trained
from config.errors import RelanceError
from models import Event
from tests.builders.office import NOW
from tests.classifier.builders import raw_row, write_rows

CONFIG = """
[company]
name = "Morel"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[classifier]
encoder = "none"
[mailbox.ar]
address = "ar@morel.example"
authserv_id = "mx.morel.example"
[mailbox.ar.imap]
host = "127.0.0.1"
username = "ar"
password_env = "NONE"
security = "none"
[mailbox.ar.smtp]
host = "127.0.0.1"
security = "none"
"""


class _Context(Context):
    def now(self) -> datetime:
        return NOW


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_training: Trained) -> Run:
    """The commands in a folder of their own; training takes the small model's result instead of minutes."""
    (tmp_path / "relance.toml").write_text(CONFIG, "utf-8")

    def quick(rows: list[Any], *_: Any) -> Trained:
        return small_training

    figures = {"macro_f1": 0.8, "shipped": {"paid": {"f1": 0.9, "rows": 100}}, "classes": {}}
    monkeypatch.setattr("classifier.build.train", quick)
    monkeypatch.setattr("classifier.build.summary", lambda *_: figures)
    app = typer.Typer()
    mount(app)

    def invoke(*arguments: str) -> Result:
        context = _Context(tmp_path / "relance.toml")
        try:
            return CliRunner().invoke(app, [*arguments], obj=context)
        finally:
            context.close()

    return invoke


def _trained(run: Run, tmp_path: Path, *more_rows: str) -> str:
    more = write_rows(tmp_path / "more.jsonl", *(raw_row(each) for each in ("xx-z01-01", *more_rows)))
    result = run("train", str(more), "--json")
    assert result.exit_code == 0, result.exception
    line = json.loads(result.stdout.splitlines()[-1])
    assert line["rows"] > 600
    assert Path(line["folder"]).parent == tmp_path / LOCAL
    return str(line["name"])


def test_a_model_is_trained_promoted_and_taken_back(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = _trained(run, tmp_path)
    monkeypatch.setattr(gate, "compare", lambda *_: [])
    assert run("model", "promote", name, "--by", "Anna").exit_code == 0
    assert promoted(tmp_path) == tmp_path / LOCAL / name
    listed = [json.loads(line) for line in run("model", "list", "--json").stdout.splitlines() if line.startswith("{")]
    assert [(each["name"], each["in_use"]) for each in listed if each["name"] == name] == [(name, True)]
    assert run("model", "rollback", "--by", "Ben").exit_code == 0
    assert promoted(tmp_path) is None


def test_a_model_that_falls_in_a_class_is_promoted_by_force_only_and_the_log_keeps_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _trained(run, tmp_path)
    monkeypatch.setattr(gate, "compare", lambda *_: [Fall("shipped replies", "paid", 0.88, 0.6)])
    refused = run("model", "promote", name, "--by", "Anna")
    assert isinstance(refused.exception, RelanceError)
    assert "--force" in str(refused.exception)
    assert promoted(tmp_path) is None
    assert run("model", "promote", name, "--by", "Anna", "--force").exit_code == 0
    context = _Context(tmp_path / "relance.toml")
    with context.database().read() as session:
        (event,) = session.query(Event).filter(Event.kind == "model.promoted")
        assert (event.actor, event.data["forced"]) == ("Anna", True)
    context.close()


def test_the_gate_compares_what_the_manifests_measured_on_the_shipped_replies(run: Run, tmp_path: Path) -> None:
    one, two = (tmp_path / LOCAL / _trained(run, tmp_path, *more) for more in ((), ("xx-z01-02",)))
    assert gate.compare(one, two, [], "none") == []
    manifest = json.loads((two / MANIFEST).read_text("utf-8"))
    manifest["figures"]["shipped"]["paid"]["f1"] = 0.8
    (two / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert [(each.intent, each.on) for each in gate.compare(one, two, [], "none")] == [("paid", "shipped replies")]


def test_an_unknown_model_is_told_with_those_that_exist(run: Run, tmp_path: Path) -> None:
    name = _trained(run, tmp_path)
    result = run("model", "promote", "nothing", "--by", "Anna")
    assert name in str(result.exception)
    assert json.loads(run("model", "show", name).stdout)["format"] == FORMAT


def test_the_shipped_model_is_not_promoted_but_gone_back_to(run: Run) -> None:
    result = run("model", "rollback", "--by", "Anna")
    assert "nothing to go back to" in str(result.exception)
