"""Trainings and comparisons in the background: one at a time, in a process of their own, never lost without a word."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.learning import background, gate, training
from agent.learning.decide import Fall
from agent.learning.gate import Verdict
from classifier import registry
from classifier.errors import ModelError
from classifier.registry import LOCAL
from classifier.storage import DEFAULT, PLAIN
from config import Settings, load
from config.errors import NeedsPerson
from models import Database, TrainingRun
from tests.agent.learning.test_commands import CONFIG
from tests.builders.office import NOW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "relance.toml").write_text(CONFIG, "utf-8")
    return load(tmp_path / "relance.toml")


@pytest.fixture
def database(settings: Settings, tmp_path: Path) -> Iterator[Database]:
    found = Database.open(settings.database.url, tmp_path, NOW)
    yield found
    found.close()


def _candidate(root: Path, source: Path = DEFAULT / PLAIN) -> str:
    """A trained model of this installation: the one without encoder, which is weaker than the shipped one."""
    shutil.copytree(source, root / LOCAL / "weaker")
    return "weaker"


def _ask(database: Database, kind: background.Kind, folder: str | None = None, at: datetime = NOW) -> int:
    with database.write() as session:
        return background.ask(session, kind, folder, "anna", at).id


def _row(database: Database, number: int) -> TrainingRun:
    with database.read() as session:
        return session.get_one(TrainingRun, number)


def test_a_comparison_runs_in_a_process_of_its_own_and_writes_down_the_gates_word(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    name = _candidate(tmp_path)
    number = _ask(database, "comparison", name, datetime.now(UTC))
    background.start(database, settings, number, lambda: datetime.now(UTC)).join(180)
    row = _row(database, number)
    assert (row.error, row.slot, row.began_at is not None) == (None, None, True)
    assert row.verdict is not None
    verdict = Verdict.from_json(row.verdict)
    assert (verdict.candidate, verdict.against) == (name, "default")
    assert gate.holds(verdict, database, settings, registry.entry(name, tmp_path))


def test_a_process_that_dies_is_told_with_how_it_ended(database: Database, settings: Settings) -> None:
    settings.file.unlink()  # so that the command ends before it has touched the run
    number = _ask(database, "training")
    background.start(database, settings, number, lambda: NOW).join(120)
    row = _row(database, number)
    assert row.ended_at == NOW
    assert row.error is not None
    assert "exit 2" in row.error


def test_one_at_a_time_whoever_asks(database: Database) -> None:
    _ask(database, "training")
    with pytest.raises(NeedsPerson, match="under way already"):
        _ask(database, "comparison", "x")


def test_a_run_that_gives_no_sign_is_dead_and_makes_room(database: Database) -> None:
    dead = _ask(database, "training")
    _ask(database, "training", at=NOW + background.SILENT + timedelta(seconds=1))
    assert "without a word" in str(_row(database, dead).error)


def test_a_training_is_compared_at_its_end(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []

    def train(*given: object) -> Path:
        said.append(given[3])
        return tmp_path / LOCAL / _candidate(tmp_path)

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(gate, "compare", lambda *_: [Fall("shipped replies", "paid", 0.88, 0.6)])
    number = _ask(database, "training")
    background.work(database, settings, number, lambda: NOW)
    row = _row(database, number)
    assert said == [tmp_path]
    assert (row.folder, row.error) == ("weaker", None)
    assert row.verdict is not None
    assert not Verdict.from_json(row.verdict).passes


def test_what_goes_wrong_is_written_down_and_a_run_begins_once(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    number = _ask(database, "comparison", "nothing")
    with pytest.raises(ModelError):
        background.work(database, settings, number, lambda: NOW)
    assert "no trained model of that name" in str(_row(database, number).error)
    with pytest.raises(NeedsPerson, match="waits to begin"):
        background.work(database, settings, number, lambda: NOW)


def test_a_verdict_about_another_pair_promotes_nothing(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "compare", lambda *_: [])
    entry = registry.entry(_candidate(tmp_path), tmp_path)
    verdict = gate.judge(database, settings, entry)
    manifest = entry.folder / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(NeedsPerson, match="has changed since"):
        gate.put_to_work(database, settings, entry, verdict, "anna", NOW, force=False)
