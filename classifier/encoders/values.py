"""The interface of sentence encoders, and what they give.

An encoder is frozen: training here leaves it as it is, and the same sentences give the same vectors. It sees a message
as its sentences, and gives a vector for the whole and one for each sentence. Beside it there may be a network tuned to
replies (`classifier.encoders.tuned`), frozen likewise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from classifier.encoders.tuned import Tuned

Vectors32 = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Part:
    """One network: its name, the version of the package or folder that it comes from, the SHA-256 of its weights, and
    how many numbers it gives.
    """

    name: str
    version: str
    weights_sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What an encoder is made of; two encoders of one identity give the same vectors, and hear the same."""

    name: str
    parts: tuple[Part, ...]
    tuned: Part | None = None

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Identity:
        """Raises `KeyError` or `TypeError` where something is missing."""
        tuned = raw["tuned"]
        return cls(str(raw["name"]), tuple(Part(**each) for each in raw["parts"]), Part(**tuned) if tuned else None)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of a batch: `whole` has a row a message, `sentences` a row a sentence, in order."""

    whole: Vectors32
    sentences: Vectors32


class Encoder(Protocol):
    """Turns messages, each given as its sentences, into vectors."""

    @property
    def identity(self) -> Identity: ...

    @property
    def tuned(self) -> Tuned | None:
        """The network that was tuned to replies, where one comes with the encoder."""
        ...

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        """Vectors of `messages`, none of which is without a sentence.

        A message's vectors are the same alone and in any batch, but for the last digits of a float.
        """
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """An encoder of which only the identity is here; where everything is encoded already."""

    identity: Identity
    tuned: None = None

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        raise NotImplementedError(f"{self.identity.name}: {len(messages)} messages that were not encoded before")


def sha256_of(*files: Path) -> str:
    """SHA-256 over the bytes of `files`, one after the other. Raises `OSError`."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            for block in iter(lambda: opened.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def empty(size: int) -> Encoded:
    """Vectors of no message."""
    return Encoded(np.zeros((0, size), np.float32), np.zeros((0, size), np.float32))
