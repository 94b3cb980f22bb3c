"""A candidate against the trained model in use, on replies that neither was trained on.

Two sets, both frozen: the shipped replies, where each model's figures come from predictions by parts of it that never
saw the hand (they stand in its manifest); and the corrections of every fifth customer here, which no training sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.learning.decide import ENOUGH_FROZEN, Fall, falls
from classifier.data import Row


def compare(current: Path | None, candidate: Path, frozen: Sequence[Row], encoder: str) -> list[Fall]:
    """Where the candidate falls below a floor. `current` is None for the shipped model.

    Raises:
        ModelError: one of them can't be loaded.
    """
    import classifier  # noqa: PLC0415 scikit-learn takes a second
    from classifier.figures import measure  # noqa: PLC0415
    from classifier.storage import DEFAULT, read_manifest  # noqa: PLC0415

    before, after = (read_manifest(each)["figures"].get("shipped") for each in (current or DEFAULT, candidate))
    found = falls("shipped replies", before, after or {})
    loaded = classifier.load(candidate, encoder)  # in any case: what can't be loaded must not be put to work
    if not frozen:
        return found
    replies = [row.reply for row in frozen]
    own = [measure(frozen, each.predict(replies))["classes"] for each in (classifier.load(current, encoder), loaded)]
    return found + falls("corrections kept apart", own[0], own[1], least=ENOUGH_FROZEN)
