"""A sentence encoder of your own: a folder as sentence-transformers saves one with an ONNX network.

    my-encoder/  model.onnx or onnx/model.onnx, tokenizer.json, 1_Pooling/config.json and the like where there are any

It is run by ONNX Runtime (the extra `relance[onnx]`), on this machine; nothing is fetched, and no code of the folder is
run. Each sentence and the whole message are encoded on their own, and vectors have the length one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from classifier.encoders.tuned import Tuned
from classifier.encoders.values import Encoded, Identity, Part, Vectors32, empty, sha256_of
from classifier.errors import ModelError

#: Tokens of a text that are read where the folder names no number.
LONGEST = 256

#: Texts of one run of the network.
_BATCH = 32

Pooling = Literal["mean", "cls", "max"]


class Folder:
    """See the module."""

    def __init__(self, folder: Path, tuned: Tuned | None = None) -> None:
        """With the network tuned to replies beside it, where that is at hand.

        Raises:
            ModelError: the folder holds no such encoder, or what runs it is not installed.
        """
        network, tokens = _file(folder, "model.onnx", "onnx/model.onnx"), _file(folder, "tokenizer.json")
        try:
            from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 only who has one needs it
            from tokenizers import Tokenizer  # noqa: PLC0415 likewise
        except ModuleNotFoundError as error:
            raise ModelError(
                f"{folder}: a sentence encoder of your own needs {error.name}: pip install 'relance[onnx]'"
            ) from None
        options = SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session: Any = InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
            self._tokenizer: Any = Tokenizer.from_file(str(tokens))
        except Exception as error:  # both libraries raise their own kinds, without a common base
            raise ModelError(f"{folder}: this is no encoder that can be read ({_first_line(error)})") from error
        longest = _setting(folder, "sentence_bert_config.json", "max_seq_length")
        self._tokenizer.enable_truncation(longest if isinstance(longest, int) and longest > 0 else LONGEST)
        self._tokenizer.enable_padding()
        self._pooling = _pooling(folder)
        self._prompt = _prompt(folder)
        self._inputs = {each.name for each in self._session.get_inputs()}
        size = self._encode(["."]).shape[1]
        part = Part(folder.name, "folder", sha256_of(network, tokens, *_weights_beside(network)), size)
        self.tuned = tuned
        self._identity = Identity(
            f"{folder.name}+tuned" if tuned else folder.name, (part,), tuned.part if tuned else None
        )

    @property
    def identity(self) -> Identity:
        return self._identity

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        if not messages:
            return empty(self._identity.size)
        whole = self._encode([" ".join(sentences) for sentences in messages])
        return Encoded(whole, self._encode([sentence for sentences in messages for sentence in sentences]))

    def _encode(self, texts: Sequence[str]) -> Vectors32:
        """The vectors of `texts`. Those of like length go together, so that little is padded."""
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        found: dict[int, Vectors32] = {}
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            found.update(zip(chosen, self._run([self._prompt + texts[at] for at in chosen]), strict=True))
        return np.stack([found[at] for at in range(len(texts))])

    def _run(self, texts: Sequence[str]) -> Vectors32:
        read = self._tokenizer.encode_batch([text.encode("utf-8", "replace").decode("utf-8") for text in texts])
        mask = np.array([each.attention_mask for each in read], np.int64)
        given = {
            "input_ids": np.array([each.ids for each in read], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        states = np.asarray(self._session.run(None, {k: v for k, v in given.items() if k in self._inputs})[0])
        pooled = _pool(states.astype(np.float32), mask, self._pooling) if states.ndim == 3 else states
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        vectors: Vectors32 = (pooled / np.maximum(lengths, 1e-12)).astype(np.float32)
        return vectors


def _pool(states: Vectors32, mask: np.ndarray[Any, np.dtype[np.int64]], pooling: Pooling) -> Vectors32:
    """One vector a text from those of its tokens; padding counts for nothing."""
    if pooling == "cls":
        return states[:, 0]
    seen = mask[:, :, None].astype(np.float32)
    if pooling == "max":
        highest: Vectors32 = np.where(seen > 0, states, -np.inf).max(axis=1)
        return highest
    mean: Vectors32 = (states * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return mean


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    missing = " and no ".join(names)
    raise ModelError(
        f"{folder}: no {missing} in it. An encoder of your own is a folder with an ONNX network and tokenizer.json, as"
        ' sentence-transformers saves it; or write encoder = "default" or encoder = "none".'
    )


def _weights_beside(network: Path) -> list[Path]:
    """Files in which a large network keeps its weights."""
    return sorted(path for path in network.parent.glob(f"{network.name}?data*") if path.is_file())


def _setting(folder: Path, name: str, key: str) -> Any:
    """What a file of settings says; None where there is no such file or key. Raises `ModelError` where not JSON."""
    file = folder / name
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: this is no JSON ({error})") from None
    return said.get(key) if isinstance(said, dict) else None


def _pooling(folder: Path) -> Pooling:
    if _setting(folder, "1_Pooling/config.json", "pooling_mode_cls_token"):
        return "cls"
    return "max" if _setting(folder, "1_Pooling/config.json", "pooling_mode_max_tokens") else "mean"


def _prompt(folder: Path) -> str:
    """What the network wants before each text ("query: ")."""
    prompts = _setting(folder, "config_sentence_transformers.json", "prompts")
    name = _setting(folder, "config_sentence_transformers.json", "default_prompt_name")
    return str(prompts.get(name) or "") if isinstance(prompts, dict) and isinstance(name, str) else ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
