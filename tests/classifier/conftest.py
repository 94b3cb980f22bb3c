"""Trained models for tests: a small one from rows of these tests, and the default one that `make setup` builds."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

import pytest

from classifier import load
from classifier.build import build
from classifier.data import Row, read_rows
from classifier.trained import Classifier
from classifier.training import Trained, train

SMALL = Path(__file__).parent / "data" / "small.jsonl"


@pytest.fixture(scope="session")
def small_rows() -> list[Row]:
    return read_rows([SMALL])


@pytest.fixture(scope="session")
def small_training(small_rows: list[Row]) -> Trained:
    return train(small_rows)


@pytest.fixture(scope="session")
def default_model() -> Classifier:
    """The default trained model, built where it is not in place; one worker builds, the others wait."""
    with (Path(tempfile.gettempdir()) / "relance-tests-build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build()
    return load()
