"""Many replies on several cores give what one process gives, in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier import load, parallel
from classifier.storage import Origin, save_model
from classifier.training import Trained
from tests.classifier.golden import probes

pytestmark = pytest.mark.slow


def test_two_processes_predict_as_one(small_training: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(tmp_path, small_training, Origin("d" * 64, "p" * 64, 150, ("fr-a",)), {"macro_f1": 0.5})
    monkeypatch.setattr(parallel, "WITHOUT_ENCODER", 10)
    monkeypatch.setattr(parallel, "_CHUNK", 5)
    replies = [replace(reply, id=f"{reply.id}-{turn}") for turn in range(2) for reply in probes()]
    found = parallel.predict(tmp_path, "none", replies, jobs=2)
    assert [each.id for each in found] == [reply.id for reply in replies]
    assert [each.as_json() for each in found] == [each.as_json() for each in load(tmp_path, "none").predict(replies)]
