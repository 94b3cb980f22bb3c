"""What the tuned network makes of a reply, and what its held-out adapters made of the shipped ones.

A reply of a hand whose adapter never saw it is heard the same in each training: the answers depend on the adapter, the
text and the places asked about, and on nothing else. So they are worked out once (`python -m classifier.hearing`) and
committed beside the adapters, each by the SHA-256 of what was heard; hearing them takes two thirds of a training. The
file is named in the adapters' index by its own hash and that of the adapters that gave the answers: one that was
changed, or is of other adapters, is refused. What is not in it is heard then and there.

Answers are in half precision always, so that one from the file is the one that would be heard, but for a last digit
that a batch of other messages or another machine may round otherwise.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classifier import labels
from classifier.encoders.values import sha256_of
from classifier.errors import ModelError
from classifier.marks import Marks
from classifier.named_sums import SUMS

FILE = "heard.npz"

#: Key of the file's entry in the adapters' index.
ENTRY = "heard"

#: Bytes of a hash that are kept.
_KEY = 16

Array = np.ndarray[Any, np.dtype[Any]]

#: The values of each detail that the network knows, in its order.
Classes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network makes of one reply: log-odds of each intent as primary and as said, in the order of
    labels.INTENTS, and probabilities of the values of each detail, were its intent said.

    `days`: for each of the marked days log-odds that it is the promised one; `sums` and `parts`: a row for each of the
    marked ones, log-odds of each of SUMS, and of each intent as what is said there.
    """

    as_primary: Array
    said: Array
    details: Mapping[str, Mapping[str, float]]
    days: Array
    sums: Array
    parts: Array


def half(answers: Array) -> Array:
    """Rounded to half precision."""
    return answers.astype(np.float16).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an adapter is given: its name, the sentences, the places asked about (none in a segment of a reply)."""

    adapter: str
    sentences: Sequence[str]
    marks: Marks = field(default_factory=Marks)

    @property
    def key(self) -> bytes:
        """The first half of the SHA-256 of all of it."""
        places = [
            [[(piece.sentence, piece.start, piece.end) for piece in mark] for mark in marks]
            for marks in (self.marks.days, self.marks.sums, self.marks.parts)
        ]
        digest = hashlib.sha256(f"{self.adapter}\0{places}\0".encode())
        for sentence in self.sentences:
            text = sentence.encode("utf-8", "replace")
            digest.update(len(text).to_bytes(4, "big") + text)
        return digest.digest()[:_KEY]


class Memory:
    """Answers by what was heard."""

    def __init__(self, answers: Mapping[bytes, Heard]) -> None:
        self._answers = answers

    def __len__(self) -> int:
        return len(self._answers)

    def of(self, asked: Asked) -> Heard | None:
        return self._answers.get(asked.key)


#: Rows of the arrays of places: one number a day, one of SUMS for each of a sum, one of each intent for a part.
_PLACES = {"days": (), "sums": (len(SUMS),), "parts": (len(labels.INTENTS),)}


def packed(asked: Sequence[Asked], heard: Sequence[Heard], classes: Classes) -> bytes:
    """The bytes of a file with these answers; the same for the same ones."""
    by_key = {each.key: answer for each, answer in zip(asked, heard, strict=True)}
    known = {key: by_key[key] for key in sorted(by_key)}
    intents = np.array([[each.as_primary, each.said] for each in known.values()], np.float16)
    arrays: dict[str, Array] = {
        "keys": np.frombuffer(b"".join(known), np.uint8).reshape(-1, _KEY),
        "intents": intents.reshape(-1, 2, len(labels.INTENTS)),
    }
    for name, values in classes.items():
        rows = [[each.details[name][value] for value in values] for each in known.values()]
        arrays[name] = np.array(rows, np.float16).reshape(-1, len(values))
    for name, shape in _PLACES.items():
        places = [getattr(each, name) for each in known.values()]
        arrays[f"{name}_of"] = np.array([len(each) for each in places], np.uint16)
        arrays[name] = np.concatenate([np.zeros((0, *shape)), *places]).astype(np.float16)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            written = io.BytesIO()
            np.save(written, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), written.getvalue(), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def read_memory(folder: Path, index: Mapping[str, Any], adapters_sha256: str, classes: Classes) -> Memory:
    """What the adapters in `folder`, of this hash, have heard; nothing where their index names no such file.

    Raises:
        ModelError: the file is missing, was changed, or holds other adapters' answers.
    """
    entry = index.get(ENTRY)
    if entry is None:
        return Memory({})
    file = folder / FILE
    try:
        if entry["adapters_sha256"] != adapters_sha256:
            raise ValueError("other adapters gave these answers")
        if entry["sha256"] != sha256_of(file):
            raise ValueError("its SHA-256 is another: it was changed or is damaged")
        with np.load(file, allow_pickle=False) as raw:
            return Memory(dict(_answers({name: raw[name] for name in raw.files}, classes)))
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"{file}: not what the adapters here have heard ({error})."
            " Make it again with `python -m classifier.hearing`."
        ) from None


def _answers(arrays: Mapping[str, Array], classes: Classes) -> Iterator[tuple[bytes, Heard]]:
    intents = arrays["intents"].astype(np.float32)
    details = {name: arrays[name].tolist() for name in classes}
    places = {name: np.split(arrays[name].astype(np.float32), np.cumsum(arrays[f"{name}_of"])[:-1]) for name in _PLACES}
    for at, key in enumerate(arrays["keys"]):
        shares = {name: dict(zip(values, details[name][at], strict=True)) for name, values in classes.items()}
        own = {name: each[at] for name, each in places.items()}
        yield key.tobytes(), Heard(intents[at, 0], intents[at, 1], shares, **own)
