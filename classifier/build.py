"""Build the default trained model from the committed data: `python -m classifier.build`.

The model file is not committed; a checkout and the wheel build it. Does nothing where the model in place came from the
same data, program and libraries; progress goes to standard error.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from classifier import learning_curve
from classifier.console import run
from classifier.data import COMMITTED, Row, data_files, data_hash, read_rows
from classifier.encoders.find import DEFAULT as ENCODER
from classifier.encoders.find import encoder_named
from classifier.encoders.values import Encoder
from classifier.errors import DataError, ModelError
from classifier.examples import Progress, silent
from classifier.figures import summary
from classifier.storage import (
    DEFAULT,
    MANIFEST,
    PLAIN,
    Origin,
    libraries,
    load_model,
    program_hash,
    read_manifest,
    save_model,
)
from classifier.training import train, train_both


def build(folder: Path = DEFAULT, data: Path = COMMITTED, progress: Progress = silent) -> str:
    """Train from the files in `data` into `folder` unless that was done already; returns the model's version.

    Trains two: with the default encoder, where its packages are installed, and one beside it that needs none.

    Raises:
        DataError: a fault in the data.
    """
    files = data_files(data)
    if not files:
        raise DataError([f"{data}: no *.jsonl file with labelled replies"])
    encoder = encoder_named(ENCODER)
    data_identity, program_identity = data_hash(files), program_hash()
    if (known := _in_place(folder, encoder, data_identity, program_identity)) is not None:
        progress(f"{known} is in place")
        (folder / MANIFEST).touch()  # make compares times: what is in place is as new as the data
        return known
    rows = read_rows(files)
    origin = Origin(data_identity, program_identity, len(rows), tuple(sorted({row.hand for row in rows})))
    return train_into(folder, rows, len(rows), origin, encoder, progress)


def train_further(
    corrected: Sequence[Row], corrections: tuple[int, ...], files: Sequence[Path], encoder: str,
    place: Callable[[str], Path], now: datetime, progress: Progress = silent,
) -> Path:  # fmt: skip
    """Train from the shipped replies, corrected ones (with their ids) and further files, into the folder that `place`
    gives for the hash of all of it.

    Raises:
        DataError: a fault in the files.
    """
    shipped = read_rows(data_files(COMMITTED))
    every = [*data_files(COMMITTED), *files]
    rows = [*shipped, *read_rows(every)[len(shipped) :], *corrected]
    digest = hashlib.sha256(data_hash(every).encode())
    for row in corrected:
        digest.update(f"\0{row.reply.text}\0{row.labels}".encode("utf-8", "replace"))
    identity = digest.hexdigest()
    folder = place(identity)
    # Of hands only the shipped ones are named: whose corrections were learnt from is the database's to tell.
    hands = tuple(sorted({row.hand for row in rows[: len(rows) - len(corrected)]}))
    made = now.isoformat(timespec="seconds")
    origin = Origin(identity, program_hash(), len(rows), hands, made, corrections)
    train_into(folder, rows, len(shipped), origin, encoder_named(encoder), progress)
    return folder


def train_into(
    folder: Path, rows: Sequence[Row], shipped: int, origin: Origin, encoder: Encoder | None, progress: Progress
) -> str:
    """Train on `rows`, the first `shipped` of which come with relance, and write the trained model to `folder`; with an
    encoder also the one without. Gives its version.

    The one without is written first: a folder with a manifest is whole.
    """
    if encoder is None:
        trained = train(rows, progress)
    else:
        plain, trained = train_both(rows, encoder, progress)
        save_model(folder / PLAIN, plain, origin, summary(rows, plain.held_out, shipped))
    figures = summary(rows, trained.held_out, shipped)
    if encoder is not None and (curve := learning_curve.known(origin.data_hash)) is not None:
        figures["learning_curve"] = curve
    return save_model(folder, trained, origin, figures)


def _in_place(folder: Path, encoder: Encoder | None, data_identity: str, program_identity: str) -> str | None:
    try:
        manifest = read_manifest(folder)
        origin = manifest["origin"]
        made_so = (origin["data_hash"], origin["program_hash"]) == (data_identity, program_identity)
        made_so = made_so and (manifest["encoder"] is None) == (encoder is None)
        return load_model(folder, encoder).version if made_so and manifest["libraries"] == libraries() else None
    except ModelError:
        return None  # whatever is there can't be used: it is built anew


def main() -> int:
    return run("classifier", lambda say: f"built {build(progress=say)}")


if __name__ == "__main__":
    sys.exit(main())
