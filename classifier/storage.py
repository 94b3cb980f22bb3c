"""A trained model on disk: estimators.skops and manifest.json in one folder, and in `plain/` its like without encoder.

skops loads scikit-learn's own types only; the list of further trusted types is empty, so that no file can bring code.
The manifest holds the SHA-256 of the estimators, all small numbers (calibration, thresholds), where it came from (hash
of the data, library versions, sentence encoder) and what it was measured to do. A mismatch is refused. Who vouches for
the manifest is not this room's concern.

The encoder's weights are not in the folder: the manifest names them by hash, and another encoder is refused. Where its
packages are not installed, or it is switched off, the trained model in `plain/` is loaded, which needs none: it was
trained on the same rows, with thresholds of its own that hold the same bound, and leaves more to people.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier import labels
from classifier.acting import ACTION_INPUTS
from classifier.calibration import (
    CONFIDENCE_INPUTS,
    INTENT_INPUTS,
    PART_INPUTS,
    PARTED_INPUTS,
    PRIMARY_INPUTS,
    Calibration,
    Weights,
)
from classifier.cues import FEATURES
from classifier.encoders.find import check_identity
from classifier.encoders.values import Encoder, Identity
from classifier.errors import ModelError
from classifier.estimators import Estimators
from classifier.features import Scale, Scales, Vectors, Vocabulary, names_of
from classifier.judgement import Standards
from classifier.meant_sums import SUM_INPUTS
from classifier.promise_days import DAY_INPUTS
from classifier.trained import HORIZON, Classifier
from classifier.training import Trained

DEFAULT = Path(__file__).parent / "built"

#: Counted up whenever an older program could not read, or would misread, what is written.
FORMAT = 6

ESTIMATORS, MANIFEST = "estimators.skops", "manifest.json"

#: Folder, within a trained model's, of the one that needs no encoder.
PLAIN = "plain"
_INPUTS = {
    "cues": FEATURES,
    "intent": INTENT_INPUTS,
    "primary": PRIMARY_INPUTS,
    "confidence": CONFIDENCE_INPUTS,
    "part": PART_INPUTS,
    "parted": PARTED_INPUTS,
    "day": DAY_INPUTS,
    "promised_sum": SUM_INPUTS,
    "paid_sum": SUM_INPUTS,
    "action": ACTION_INPUTS,
}
_SINGLE = ("primary", "part", "confidence", "parted", "day", "promised_sum", "paid_sum", "action")
"""The maps of a calibration that are one each."""

_REQUIRED = {
    "version",
    "estimators_sha256",
    "origin",
    "libraries",
    "inputs",
    "calibration",
    "bound",
    "languages",
    "figures",
    "encoder",
}
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "skops")


_UNREADABLE = (
    ArithmeticError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError, RecursionError,
    TypeError, ValueError, zipfile.BadZipFile, zlib.error, skops.io.exceptions.UntrustedTypesFoundException,
)  # fmt: skip
"""What reading a file comes to that somebody made up: skops takes its schema for its own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a trained model came from: hashes of its data, and of the code and wordings that it was trained with.

    `made` is an ISO 8601 time, or None where a build must be reproducible. `corrections`: ids of those learnt from.
    """

    data_hash: str
    program_hash: str
    rows: int
    hands: tuple[str, ...]
    made: str | None = None
    corrections: tuple[int, ...] = ()


def save_model(folder: Path, trained: Trained, origin: Origin, figures: Mapping[str, Any]) -> str:
    """Write the trained model to `folder` and return its version. The manifest is written last and whole: a folder
    without one holds no trained model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    partial = folder / f"{ESTIMATORS}.partial"
    skops.io.dump(_parts(trained.estimators), partial, compression=zipfile.ZIP_DEFLATED)
    digest = _sha256(partial)
    partial.replace(folder / ESTIMATORS)
    # Named by what it was made from: two builds of the same are the same, though the archive holds times.
    name = f"{origin.data_hash[:8]}-{origin.program_hash[:8]}"
    manifest = {
        "format": FORMAT,
        "version": name,
        "estimators_sha256": digest,
        "origin": asdict(origin),
        "libraries": libraries(),
        "encoder": identity.as_json() if (identity := trained.estimators.vectors.identity) else None,
        "inputs": _INPUTS,
        "calibration": {
            "intents": {intent: asdict(each) for intent, each in trained.calibration.intents.items()},
            **{name: asdict(getattr(trained.calibration, name)) for name in _SINGLE},
        },
        "bound": asdict(trained.bounded),
        "languages": sorted(trained.languages),
        "figures": figures,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    written = folder / f"{MANIFEST}.partial"
    with written.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(folder / MANIFEST)
    return name


def libraries() -> dict[str, str]:
    """Versions of the libraries that a trained model's figures depend on."""
    return {each: version(each) for each in _LIBRARIES}


def program_hash() -> str:
    """SHA-256 over the classifier's code and wordings: a trained model depends on them as it does on its data."""
    room = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(each for kind in ("**/*.py", "wordings/**/*.toml") for each in room.glob(kind)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(room).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the trained model in `folder`. Raises `ModelError`."""
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: no trained model here. Build the default one with `python -m classifier.build`, or name"
            " another folder."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: can't be read ({error}). Build or train it again.") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{file}: format {FORMAT} expected. Train it again with this version of relance.")
    missing = _REQUIRED - set(manifest)
    if missing or not _has_keys(manifest["origin"], {field.name for field in fields(Origin)}):
        told = ", ".join(sorted(missing)) or "parts of origin"
        raise ModelError(f"{file}: {told} missing in the manifest. Build or train it again.")
    return manifest


def _has_keys(value: object, names: set[str]) -> bool:
    return isinstance(value, dict) and set(value) == names


def load_model(folder: Path, encoder: Encoder | None = None) -> Classifier:
    """The trained model in `folder`, or its like without an encoder where `encoder` is None.

    Raises:
        ModelError: anything is not as it was written, or `encoder` is not the one that it was trained with.
    """
    manifest = read_manifest(folder)
    if manifest["encoder"] is not None and encoder is None:
        return load_model(folder / PLAIN)
    file = folder / ESTIMATORS
    try:
        digest = _sha256(file)
    except OSError as error:
        raise ModelError(f"{file}: can't be read ({error}). Build or train it again.") from None
    if digest != manifest.get("estimators_sha256"):
        raise ModelError(
            f"{file}: its SHA-256 is not the one in {MANIFEST}: the file was changed after training or is damaged."
            " It is not loaded. Build or train it again."
        )
    if manifest["inputs"] != {name: list(inputs) for name, inputs in _INPUTS.items()}:
        raise ModelError(f"{folder}: made for other features than this program's. Build or train it again.")
    try:
        _check_library(folder, manifest)
        if manifest["encoder"] is None:
            encoder = None
        elif encoder is not None:
            check_identity(Identity.from_json(manifest["encoder"]), encoder, folder)
        parts = skops.io.load(file, trusted=[])
        return _classifier(manifest, parts, encoder)
    except _UNREADABLE as e:
        raise ModelError(f"{folder}: holds no trained model that can be loaded ({e}). Train it again.") from None


def _check_library(folder: Path, manifest: Mapping[str, Any]) -> None:
    """scikit-learn promises nothing across versions: a model of another minor version may predict otherwise."""
    made, here = manifest["libraries"]["scikit-learn"], version("scikit-learn")
    if made.split(".")[:2] != here.split(".")[:2]:
        raise ModelError(
            f"{folder}: trained with scikit-learn {made}, and {here} is installed. Build or train it again."
        )


def _classifier(manifest: Mapping[str, Any], parts: Mapping[str, Any], encoder: Encoder | None) -> Classifier:
    def weights(raw: Mapping[str, Any]) -> Weights:
        return Weights(tuple(float(each) for each in raw["weights"]), float(raw["constant"]))

    calibration = manifest["calibration"]
    return Classifier(
        str(manifest["version"]),
        _estimators(parts, encoder),
        Calibration(
            {intent: weights(calibration["intents"][intent]) for intent in labels.INTENTS},
            **{name: weights(calibration[name]) for name in _SINGLE},
        ),
        Standards(
            {intent: float(manifest["bound"]["thresholds"][intent]) for intent in labels.ACTIONABLE},
            frozenset(manifest["languages"]),
            HORIZON,
        ),
    )


def _parts(estimators: Estimators) -> dict[str, Any]:
    """Built-in types only. The weights of TF-IDF and of the encoder's vectors are kept as plain arrays, the words and
    runs of characters as one text: skops keeps a node, and checks it, for each entry of a dictionary, which were nine
    tenths of the time to load.
    """
    vectors = estimators.vectors
    scales = vectors.scales
    return {
        "words": _counted(vectors.vocabulary.words),
        "characters": _counted(vectors.vocabulary.characters),
        "word_weights": vectors.word_weights.idf_,
        "character_weights": vectors.character_weights.idf_,
        "scales": {
            name: [scale.mean, scale.factor]
            for name, scale in ((("whole", scales.whole), ("sentences", scales.sentences)) if scales else ())
        },
        "whole": dict(estimators.whole),
        "sentence": dict(estimators.sentence),
        "primary": estimators.primary,
        "views": dict(estimators.views),
        "details": dict(estimators.details),
    }


def _estimators(parts: Mapping[str, Any], encoder: Encoder | None) -> Estimators:
    scales = {name: Scale(*arrays) for name, arrays in parts["scales"].items()}
    words, characters = _counting(parts["words"]), _counting(parts["characters"])
    vectors = Vectors(
        Vocabulary(words, characters, encoder),
        _weights(parts["word_weights"]),
        _weights(parts["character_weights"]),
        names_of(words),
        Scales(scales["whole"], scales["sentences"]) if scales else None,
    )
    return Estimators(vectors, parts["whole"], parts["sentence"], parts["primary"], parts["views"], parts["details"])


def _counted(fitted: CountVectorizer) -> dict[str, Any]:
    return {"vectoriser": clone(fitted), "names": json.dumps(names_of(fitted))}


def _counting(parts: Mapping[str, Any]) -> CountVectorizer:
    vectoriser: CountVectorizer = parts["vectoriser"]
    vectoriser.vocabulary_ = {str(name): at for at, name in enumerate(json.loads(parts["names"]))}
    return vectoriser


def _weights(idf: np.ndarray[Any, Any]) -> TfidfTransformer:
    transformer = TfidfTransformer(sublinear_tf=True)
    transformer.fit(sparse.csr_matrix((1, len(idf))))
    transformer.idf_ = idf
    return transformer


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
