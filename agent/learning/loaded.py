"""The trained model that the daemon works with: a promotion is taken up without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

import classifier

if TYPE_CHECKING:
    from classifier.trained import Classifier

log = structlog.get_logger()

ANY_HORIZON = timedelta(days=365)
"""As far ahead as `promise_horizon_days` may be set."""


class TrainedModel:
    """The trained model in use: loaded when first asked for, and anew once its manifest has changed."""

    def __init__(self, in_use: Callable[[], Path | None], encoder: str = "default") -> None:
        """`in_use` tells the folder of the one in use at that moment, None for the shipped one."""
        self._in_use, self._encoder = in_use, encoder
        self._lock = threading.Lock()
        self._loaded: tuple[object, Classifier] | None = None

    def current(self) -> Classifier:
        """Raises ModelError where there is none that can be used."""
        from classifier.storage import DEFAULT, MANIFEST  # noqa: PLC0415 it imports scikit-learn

        with self._lock:
            path = self._in_use()
            # The manifest is written last, by a rename: as long as it is the same file, so is the trained model.
            manifest = (path or DEFAULT) / MANIFEST
            stat = manifest.stat() if manifest.exists() else None
            mark = (manifest, stat.st_ino, stat.st_mtime_ns, stat.st_size) if stat else None
            if self._loaded is None or self._loaded[0] != mark:
                # How far ahead a promise may lie is the policy's to judge, which also says so.
                self._loaded = mark, classifier.load(path, self._encoder).with_horizon(ANY_HORIZON)
                log.info("model.loaded", model=self._loaded[1].version)
            return self._loaded[1]
