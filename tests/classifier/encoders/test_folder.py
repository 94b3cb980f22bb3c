"""An encoder of one's own: a folder with a small ONNX network, as sentence-transformers saves one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from classifier import load
from classifier.data import Row
from classifier.encoders.find import encoder_named
from classifier.encoders.folder import Folder
from classifier.errors import ModelError
from classifier.storage import Origin, load_model, save_model
from classifier.training import train

WORDS = {"[PAD]": 0, "[UNK]": 1, "paid": 2, "we": 3, "friday": 4, "query": 5, ":": 6, ".": 7}
TABLE = np.eye(len(WORDS), dtype=np.float32)


def _made(folder: Path, *, name: str = "model.onnx", pooling: str = "mean", prompt: str = "") -> Path:
    """A network that looks each token up in a table."""
    folder.mkdir(parents=True, exist_ok=True)
    states = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", len(WORDS)])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "lookup",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [states],
        [numpy_helper.from_array(TABLE, "table")],
    )
    (folder / name).parent.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), str(folder / name))
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    prompts = {"prompts": {"reply": prompt}, "default_prompt_name": "reply"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _made(tmp_path / "lookup", pooling="mean_tokens")


def _vector(encoder: Folder, text: str) -> list[float]:
    return [round(float(value), 3) for value in encoder.encode([[text]]).whole[0]]


def test_a_text_is_the_mean_of_its_tokens_at_the_length_of_one(folder: Path) -> None:
    assert _vector(Folder(folder), "we paid") == [0, 0, 0.707, 0.707, 0, 0, 0, 0]


def test_a_text_has_the_same_vector_alone_and_beside_longer_ones(folder: Path) -> None:
    encoder = Folder(folder)
    together = encoder.encode([["paid"], ["we paid friday", "paid"], ["we"]])
    assert together.whole.shape == (3, len(WORDS))
    assert together.sentences.shape == (4, len(WORDS))
    assert np.allclose(together.whole[0], encoder.encode([["paid"]]).whole[0])
    assert np.allclose(together.sentences[2], encoder.encode([["paid"]]).whole[0])
    assert encoder.encode([]).whole.shape == (0, len(WORDS))


@pytest.mark.parametrize(
    ("pooling", "vector"), [("cls_token", [0, 0, 0, 1, 0, 0, 0, 0]), ("max_tokens", [0, 0, 0.707, 0.707, 0, 0, 0, 0])]
)
def test_the_folder_says_how_tokens_become_one_vector(tmp_path: Path, pooling: str, vector: Sequence[float]) -> None:
    assert _vector(Folder(_made(tmp_path / "own", pooling=pooling)), "we paid") == vector


def test_what_the_network_wants_before_each_text_is_put_there(tmp_path: Path) -> None:
    encoder = Folder(_made(tmp_path / "own", pooling="cls_token", prompt="query: "))
    assert _vector(encoder, "paid")[WORDS["query"]] == 1


def test_the_network_may_lie_where_exports_put_it(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "onnx").mkdir()
    assert Folder(_made(tmp_path / "own", name="onnx/model.onnx")).identity.size == len(WORDS)


def test_other_weights_are_another_encoder(tmp_path: Path, folder: Path) -> None:
    same, other = _made(tmp_path / "same" / "lookup"), _made(tmp_path / "other" / "lookup")
    (other / "tokenizer.json").write_text((other / "tokenizer.json").read_text() + "\n")
    assert Folder(same).identity == Folder(folder).identity
    assert Folder(other).identity != Folder(folder).identity


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "we " * 5_000])
def test_hostile_text_gives_finite_numbers(folder: Path, text: str) -> None:
    assert np.isfinite(Folder(folder).encode([[text]]).whole).all()


def test_a_folder_without_an_encoder_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model\.onnx.*encoder = \"default\""):
        encoder_named(str(tmp_path))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "1_Pooling/config.json"])
def test_a_damaged_file_is_told_by_its_folder(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x00 no such thing")
    with pytest.raises(ModelError, match="lookup"):
        Folder(folder)


def test_a_model_is_trained_with_it_and_refused_without(small_rows: list[Row], folder: Path, tmp_path: Path) -> None:
    encoder = encoder_named(str(folder))
    assert encoder is not None
    trained = train(small_rows, encoder=encoder)
    save_model(tmp_path / "model", trained, Origin("data", "program", len(small_rows), ()), {})
    assert load_model(tmp_path / "model", encoder).encoder == encoder.identity.name
    with pytest.raises(ModelError, match="encoder"):
        load_model(tmp_path / "model", Folder(_made(tmp_path / "other")))


def test_the_shipped_model_says_that_it_wants_its_own(folder: Path) -> None:
    with pytest.raises(ModelError, match="relance train"):
        load(None, str(folder))
