"""Which trained model is in use: promoted, signed, taken back, each with its event."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.learning import promotion
from classifier.errors import ModelError
from classifier.registry import LOCAL, NOTE, promoted
from models import Database, Event
from tests.builders.office import NOW


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    found.close()


def _model(root: Path, name: str) -> Path:
    folder = root / LOCAL / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(f'{{"version": "{name}"}}', "utf-8")
    return folder


def _promote(database: Database, root: Path, name: str, *, forced: bool = False) -> None:
    promotion.promote(database, root, name, name, "Anna", NOW, forced=forced)


def test_the_shipped_model_is_in_use_until_one_is_promoted(database: Database, tmp_path: Path) -> None:
    assert promotion.in_use(tmp_path, database.key) is None
    _model(tmp_path, "first")
    _promote(database, tmp_path, "first")
    assert promotion.in_use(tmp_path, database.key) == promoted(tmp_path) == tmp_path / LOCAL / "first"


def test_rollback_goes_back_step_by_step_to_the_shipped_one(database: Database, tmp_path: Path) -> None:
    for name in ("first", "second"):
        _model(tmp_path, name)
        _promote(database, tmp_path, name)
    assert promotion.rollback(database, tmp_path, "Ben", NOW) == "first"
    assert promotion.in_use(tmp_path, database.key) == tmp_path / LOCAL / "first"
    assert promotion.rollback(database, tmp_path, "Ben", NOW) == "default"
    assert promotion.in_use(tmp_path, database.key) is None
    with pytest.raises(ModelError, match="nothing to go back to"):
        promotion.rollback(database, tmp_path, "Ben", NOW)


def test_each_change_is_an_event_and_force_is_kept(database: Database, tmp_path: Path) -> None:
    _model(tmp_path, "first")
    _promote(database, tmp_path, "first", forced=True)
    promotion.rollback(database, tmp_path, "Ben", NOW)
    with database.read() as session:
        kept = list(session.scalars(select(Event).where(Event.subject_type == "model").order_by(Event.seq)))
    assert [(each.kind, each.actor, each.data["forced"]) for each in kept] == [
        ("model.promoted", "Anna", True), ("model.rolled_back", "Ben", False),
    ]  # fmt: skip


def test_a_model_that_was_changed_after_its_promotion_is_refused(database: Database, tmp_path: Path) -> None:
    folder = _model(tmp_path, "first")
    _promote(database, tmp_path, "first")
    (folder / "manifest.json").write_text('{"version": "other"}', "utf-8")
    with pytest.raises(ModelError, match="changed since"):
        promotion.in_use(tmp_path, database.key)


def test_a_note_that_somebody_else_wrote_is_refused(database: Database, tmp_path: Path) -> None:
    _model(tmp_path, "first")
    _model(tmp_path, "evil")
    _promote(database, tmp_path, "first")
    note = tmp_path / LOCAL / NOTE
    document = json.loads(note.read_text("utf-8"))
    document["history"][0]["folder"] = "evil"
    note.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ModelError, match="signature"):
        promotion.in_use(tmp_path, database.key)
