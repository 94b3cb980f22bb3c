"""A trained model on disk: read back the same, and refused when anything was touched."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io

import classifier.encoders.find as finding
from classifier import load
from classifier.data import Row
from classifier.errors import ModelError
from classifier.storage import ESTIMATORS, MANIFEST, PLAIN, Origin, load_model, save_model
from classifier.training import Trained, train
from tests.classifier.encoders.fakes import Fake
from tests.classifier.golden import classifier_of, probes


@pytest.fixture(scope="module")
def saved(small_training: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_model(folder, small_training, Origin("d" * 64, "p" * 64, 150, ("fr-a",)), {"macro_f1": 0.5})
    return folder


def test_what_is_loaded_predicts_as_what_was_saved(saved: Path, small_training: Trained) -> None:
    before, after = classifier_of(small_training).predict(probes()), load(saved).predict(probes())
    for one, two in zip(before, after, strict=True):
        assert two.intents == pytest.approx(one.intents, abs=1e-12)
        assert (two.primary, two.automatic, two.per_invoice) == (one.primary, one.automatic, one.per_invoice)


def test_the_file_needs_no_trusted_type(saved: Path) -> None:
    assert skops.io.get_untrusted_types(file=saved / ESTIMATORS) == []


def test_the_version_names_data_and_program(saved: Path) -> None:
    assert load(saved).version == "dddddddd-pppppppp"


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_changed_file_is_refused(copy: Path) -> None:
    content = bytearray((copy / ESTIMATORS).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / ESTIMATORS).write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        load(copy)


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"python -m classifier\.build"):
        load(tmp_path)


def test_a_missing_part_is_told(copy: Path) -> None:
    (copy / ESTIMATORS).unlink()
    with pytest.raises(ModelError, match="can't be read"):
        load(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}', "[" * 100_000])
def test_a_broken_manifest_is_told(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(ModelError, match="manifest"):
        load(copy)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("inputs", {"cues": []}, "other features"),
        ("libraries", {"scikit-learn": "0.24.0"}, r"scikit-learn 0\.24"),
        ("calibration", {}, "can be loaded"),
        ("calibration", "x", "can be loaded"),
        ("bound", {"thresholds": {"paid": "1e999x"}}, "can be loaded"),
        ("libraries", [], "can be loaded"),
        ("libraries", {"scikit-learn": 1}, "can be loaded"),
        ("origin", 7, "parts of origin"),
        ("languages", 7, "can be loaded"),
        ("encoder", {"weights": ["x"]}, "can be loaded|sentence encoder|no trained model here"),
    ],
)
def test_a_manifest_of_another_program_is_refused(copy: Path, key: str, value: object, words: str) -> None:
    manifest = json.loads((copy / MANIFEST).read_text("utf-8"))
    (copy / MANIFEST).write_text(json.dumps(manifest | {key: value}), "utf-8")
    with pytest.raises(ModelError, match=words):
        load(copy)


class Acts:
    """What runs as soon as skops puts its state back, which it does for each type that is trusted."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["mark"]).mkdir()


class Runs:
    """What a pickle may hold: something that is called as soon as it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def archive(schema: object, **members: bytes) -> bytes:
    """A file in skops' form, by somebody who knows it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr("schema.json", schema if isinstance(schema, bytes) else json.dumps(schema))
        for name, content in members.items():
            opened.writestr(name, content)
    return held.getvalue()


def node(**fields: object) -> dict[str, object]:
    return {"protocol": 2, "_skops_version": "0.11", "__id__": 1, **fields}


def objects(mark: Path) -> bytes:
    held = io.BytesIO()
    np.save(held, np.array([Runs(mark)], dtype=object), allow_pickle=True)
    return held.getvalue()


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "a pickle": lambda mark: pickle.dumps(Runs(mark)),
    "an array of objects": lambda mark: archive(
        node(__class__="ndarray", __module__="numpy", __loader__="NdArrayNode", type="numpy", file="a"), a=objects(mark)
    ),
    "a function": lambda mark: archive(
        node(__class__="mkdir", __module__="os", __loader__="FunctionNode",
             content={"module_path": "os", "function": "mkdir"})
    ),
    "a partial of a function": lambda mark: skops.io.dumps(functools.partial(os.mkdir, str(mark))),
    "an object that acts on its state": lambda mark: skops.io.dumps(Acts(mark)),
    "a type": lambda mark: archive(node(__class__="Popen", __module__="subprocess", __loader__="TypeNode")),
    "an unknown loader": lambda mark: archive(node(__class__="x", __module__="y", __loader__="NoSuchNode")),
    "an unknown module": lambda mark: archive(
        node(__class__="x", __module__="no_such_module", __loader__="ObjectNode", content={})
    ),
    "a path": lambda mark: archive(
        node(__class__="ndarray", __module__="numpy", __loader__="NdArrayNode", type="numpy", file="../../etc/passwd")
    ),
    "a schema that is no object": lambda mark: archive([]),
    "a schema that is no JSON": lambda mark: archive(b"\xff"),
    "a schema without an end": lambda mark: archive(b'{"protocol":2,"content":[' + b"[" * 50_000),
    "another protocol": lambda mark: archive({"protocol": 99}),
    "something else": lambda mark: skops.io.dumps([1, 2]),
    "an empty archive": lambda mark: archive({}),
    "nothing": lambda mark: b"",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_somebody_made_up_is_refused_and_runs_nothing(copy: Path, tmp_path: Path, kind: str) -> None:
    mark = tmp_path / "it-ran"
    content = HOSTILE[kind](mark)
    manifest = json.loads((copy / MANIFEST).read_text("utf-8"))
    (copy / ESTIMATORS).write_bytes(content)
    manifest["estimators_sha256"] = hashlib.sha256(content).hexdigest()
    (copy / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ModelError, match="can be loaded"):
        load(copy)
    assert not mark.exists()


def test_those_files_would_run_something_for_who_trusts_them(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    pickle.loads(HOSTILE["a pickle"](mark))  # noqa: S301 to see that it would
    assert mark.exists()


@pytest.fixture(scope="module")
def with_encoder(small_rows: list[Row], small_training: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model of an encoder, and its like without beside it."""
    folder = tmp_path_factory.mktemp("encoded") / "model"
    origin = Origin("d" * 64, "p" * 64, 150, ("fr-a",))
    save_model(folder / PLAIN, small_training, origin, {"macro_f1": 0.5})
    save_model(folder, train(small_rows, encoder=Fake()), origin, {"macro_f1": 0.5})
    return folder


def test_a_trained_model_with_its_encoder_predicts_as_it_was_trained(
    with_encoder: Path, small_training: Trained
) -> None:
    loaded = load_model(with_encoder, Fake())
    assert loaded.encoder == "fake"
    plain = classifier_of(small_training).predict(probes())
    assert [each.confidence for each in loaded.predict(probes())] != [each.confidence for each in plain]


@pytest.mark.parametrize("other", [Fake(weights="1" * 64), Fake("another"), Fake(size=5)])
def test_another_encoder_than_that_of_the_training_is_refused(with_encoder: Path, other: Fake) -> None:
    with pytest.raises(ModelError, match="trained with another sentence encoder"):
        load_model(with_encoder, other)


def test_without_its_encoder_the_one_that_needs_none_answers(
    with_encoder: Path, small_training: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [each.primary for each in classifier_of(small_training).predict(probes())]
    asked_for = load(with_encoder, encoder="none")
    assert asked_for.encoder is None
    assert [each.primary for each in asked_for.predict(probes())] == expected
    monkeypatch.setattr(finding, "has_default", lambda: False)
    assert load(with_encoder).encoder is None
