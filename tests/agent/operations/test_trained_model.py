"""Doctor says of the trained model what the daemon would find: promoted by this installation, and unchanged."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.learning import promotion
from agent.operations import local
from agent.operations.checks import Check, Status, guarded
from classifier.registry import LOCAL, NOTE
from classifier.storage import DEFAULT
from models import Database
from tests.builders import ledger

NOW = ledger.NOW


@pytest.fixture
def promoted(tmp_path: Path) -> Iterator[Database]:
    """An installation that has put a trained model of its own to work."""
    opened = Database.open(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path, NOW)
    shutil.copytree(DEFAULT, tmp_path / LOCAL / "first")
    promotion.promote(opened, tmp_path, "first", "first", "Anna", NOW, forced=False)
    yield opened
    opened.close()


def told(database: Database, root: Path) -> Check:
    (found,) = guarded("model", lambda: local.check_model(ledger.settings(root), database))
    return found


def names_another(root: Path) -> None:
    note = root / LOCAL / NOTE
    document = json.loads(note.read_text("utf-8"))
    document["history"][-1]["by"] = "Mallory"
    note.write_text(json.dumps(document), "utf-8")


def changes_the_manifest(root: Path) -> None:
    manifest = root / LOCAL / "first" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")


def test_what_was_promoted_here_is_well(promoted: Database, tmp_path: Path) -> None:
    assert told(promoted, tmp_path).status is not Status.ERROR


@pytest.mark.parametrize(
    ("tamper", "words"), [(names_another, "signature is not this installation's"), (changes_the_manifest, "Anna")]
)
def test_what_somebody_changed_is_an_error_as_it_is_for_the_daemon(
    promoted: Database, tmp_path: Path, tamper: Callable[[Path], None], words: str
) -> None:
    tamper(tmp_path)
    found = told(promoted, tmp_path)
    assert found.status is Status.ERROR
    assert words in found.detail
    assert found.mend
