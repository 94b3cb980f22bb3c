"""A memory of what was encoded."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from classifier.encoders.tuned import Tuned
from classifier.encoders.values import Encoded, Encoder, Identity, Vectors32, empty


class Remembering:
    """An encoder that keeps the vectors of the last `capacity` messages by the hash of their text.

    Training looks at a message once for each fold, and the mailbox gets the same words again and again. Only in
    memory: vectors of customers' words are never written down.
    """

    def __init__(self, encoder: Encoder, capacity: int = 20_000) -> None:
        self._encoder = encoder
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[Vectors32, Vectors32]] = OrderedDict()

    @property
    def identity(self) -> Identity:
        return self._encoder.identity

    @property
    def tuned(self) -> Tuned | None:
        return self._encoder.tuned

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        if not messages:
            return empty(self.identity.size)
        keys = [_hash(message) for message in messages]
        missing = {key: message for key, message in zip(keys, messages, strict=True) if key not in self._known}
        found = {key: self._known[key] for key in keys if key in self._known}
        found.update(self._encode(missing))
        self._keep(found)
        return Encoded(np.stack([found[key][0] for key in keys]), np.concatenate([found[key][1] for key in keys]))

    def _encode(self, missing: dict[bytes, Sequence[str]]) -> dict[bytes, tuple[Vectors32, Vectors32]]:
        if not missing:
            return {}
        encoded = self._encoder.encode(list(missing.values()))
        found: dict[bytes, tuple[Vectors32, Vectors32]] = {}
        start = 0
        for at, (key, message) in enumerate(missing.items()):
            found[key] = (encoded.whole[at], encoded.sentences[start : start + len(message)])
            start += len(message)
        return found

    def _keep(self, found: dict[bytes, tuple[Vectors32, Vectors32]]) -> None:
        for key, vectors in found.items():
            self._known[key] = vectors
            self._known.move_to_end(key)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)


def _hash(message: Sequence[str]) -> bytes:
    digest = hashlib.sha256()
    for sentence in message:
        text = sentence.encode("utf-8", "replace")
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()
