"""The trained model in use: taken up anew once another is promoted, and no judge of how far ahead a promise may lie."""

import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent.learning.loaded import TrainedModel
from classifier.storage import DEFAULT, MANIFEST
from classifier.values import InvoiceRef, Reply


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_new_trained_model_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    shutil.copytree(DEFAULT, folder)
    model = TrainedModel(lambda: folder)
    first = model.current()
    assert model.current() is first
    copy = folder / "manifest.new"
    shutil.copy(folder / MANIFEST, copy)
    copy.replace(folder / MANIFEST)
    assert model.current() is not first


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("paid", "on", "days"),
    [("", "25 April", 45), ("", "20 March 2026", 9), ("invoice FA-2026-0312 ", "20 March 2026", 9)],
)
def test_how_far_ahead_a_promise_may_lie_is_left_to_the_policy(paid: str, on: str, days: int) -> None:
    owed = InvoiceRef("FA-2026-0312", Decimal(1240), "EUR", date(2026, 2, 28))
    written = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
    text = f"Hello,\n\nwe will pay {paid}by bank transfer on {on}.\n\nKind regards\n"
    (said,) = TrainedModel(lambda: None).current().predict([Reply("r1", text, written, None, (owed,))])
    assert (said.primary, said.promise_date) == ("promise", written.date() + timedelta(days=days))
    assert said.automatic
