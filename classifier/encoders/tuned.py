"""multilingual-e5-small, its upper layers tuned to replies to reminders, with heads that say what a reply means.

Layers 5 to 10 carry low-rank corrections (LoRA: Hu et al. 2021) that were learnt once from the shipped replies
(`classifier.tuning`, docs/model-card.md) and are committed beside this room; everything below is the packaged network
as it is. A reply goes through once; the mean over its words goes to one linear head for each question: which intent is
primary, which are said, and the closed details. Three heads are asked about places in it, by the mean over the words
that stand there: is this the promised day, what is this sum, and what is said of the invoices of this part?

To stay honest there is not one adapter but several: `whole` learnt from all shipped replies and is what reads mail;
each of the others never saw some hands nor their ideas, and reads exactly those hands' replies where calibration,
thresholds and figures are worked out. Run by numpy; the files are plain arrays, named by their SHA-256 in the index.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from classifier import labels
from classifier.encoders.e5 import FILE, PACKAGE, Tokens, apply, forward, spans_of
from classifier.encoders.heard import Asked, Classes, Heard, Memory, half, read_memory
from classifier.encoders.values import Encoded, Identity, Part, Vectors32, sha256_of
from classifier.encoders.weights import Layer, Weights, read_weights
from classifier.errors import ModelError
from classifier.marks import Marks

ADAPTERS = Path(__file__).parents[1] / "adapters"
INDEX = "index.json"

#: The adapter that learnt from every shipped reply.
WHOLE = "whole"

#: The heads that are asked about a place in a message.
PROMISED, SUM, PART = "promised", "sum", "part"

#: The heads that answer no detail.
_NO_DETAILS = ("primary", "said", PROMISED, SUM, PART)

#: Layers that are as packaged, and layers in all.
LOWER, LAYERS = 2, 10

#: Messages of one multiplication: enough to use the processor well, few enough to stay in its cache.
_BATCH = 16

#: More messages than this at once are heard in further processes, so many in each piece of work.
MANY = 500
_CHUNK, _JOBS = 128, 2

_MATRICES = ("attention", "out", "up", "down")
_NORMS = ("first_norm", "second_norm")


Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class _Head:
    classes: tuple[str, ...]
    weights: Vectors32
    constant: Vectors32


@dataclass(frozen=True, slots=True)
class _Adapter:
    layers: tuple[Layer, ...]
    factor: Vectors32
    constant: Vectors32
    heads: Mapping[str, _Head]
    mean: Vectors32
    deviation: Vectors32
    places: Mapping[str, _Head]


class Tuned:
    """See the module. Loading takes half a second and 150 MB of memory."""

    def __init__(self, folder: Path = ADAPTERS) -> None:
        """Raises `ModelError` where the adapters in `folder` are not what their index says, or the network that they
        belong to is another; `ModuleNotFoundError` where its package is not installed.
        """
        network = Path(str(files(PACKAGE) / FILE))
        index = _read_index(folder)
        if index["network_sha256"] != sha256_of(network):
            raise ModelError(
                f"{folder}: the adapters were learnt on other weights than those of {PACKAGE} {version(PACKAGE)} here."
            )
        self._folder, self._index = folder, index
        base = read_weights(network, LAYERS)
        self._upper = base.layers[LOWER:]
        self._lower: Weights = replace(base, layers=base.layers[:LOWER])
        self._tokens = Tokens(base.pieces)
        self._adapter = cache(self._read)
        self._part = Part(
            f"multilingual-e5-small/{LOWER}+{LAYERS - LOWER} tuned",
            version(PACKAGE),
            sha256_of(network, *(folder / each["file"] for each in index["adapters"])),
            0,
        )
        self._by_hand = {hand: each["name"] for each in index["adapters"] for hand in each["held_out"]}

    @property
    def part(self) -> Part:
        """What identifies it: the packaged network and all adapters, by hash."""
        return self._part

    def unseen_by(self, hand: str) -> str:
        """The adapter that never saw the replies of `hand`; WHOLE for a hand that none saw."""
        return str(self._by_hand.get(hand, WHOLE))

    @property
    def classes(self) -> Classes:
        """The values of each detail, in the order of the heads."""
        return {name: values for name, values in self._index["heads"].items() if name not in _NO_DETAILS}

    @cached_property
    def memory(self) -> Memory:
        """What the held-out adapters heard of the shipped replies. Raises `ModelError` as `read_memory` does."""
        return read_memory(self._folder, self._index, self._part.weights_sha256, self.classes)

    def recall(self, asked: Sequence[Asked]) -> list[Heard]:
        """What is made of each: as it is remembered, or else heard now."""
        known = [self.memory.of(each) for each in asked]
        heard = iter(self.hear_anew([each for each, found in zip(asked, known, strict=True) if found is None]))
        return [next(heard) if found is None else found for found in known]

    def hear_anew(self, asked: Sequence[Asked]) -> list[Heard]:
        """What is made of each, heard now."""
        return self.hear(
            [each.sentences for each in asked], [each.adapter for each in asked], [each.marks for each in asked]
        )

    def hear(
        self, messages: Sequence[Sequence[str]], adapters: Sequence[str] | None = None,
        marks: Sequence[Marks] | None = None,
    ) -> list[Heard]:  # fmt: skip
        """What each of `messages`, given as its sentences, means; `adapters` names the one that reads each, `marks` the
        places in it that are asked about.
        """
        names = list(adapters) if adapters is not None else [WHOLE] * len(messages)
        asked = list(marks) if marks is not None else [Marks()] * len(messages)
        if len(messages) > MANY:
            return self._hear_in_processes(messages, names, asked)
        found: dict[int, Heard] = {}
        for name in sorted(set(names)):
            own = [at for at, each in enumerate(names) if each == name]
            for start in range(0, len(own), _BATCH):
                batch = own[start : start + _BATCH]
                heard = self._hear([messages[at] for at in batch], [asked[at] for at in batch], self._adapter(name))
                found.update(zip(batch, heard, strict=True))
        return [found[at] for at in range(len(messages))]

    def _hear_in_processes(
        self, messages: Sequence[Sequence[str]], names: Sequence[str], marks: Sequence[Marks]
    ) -> list[Heard]:
        """One thread each is worth more than two threads that wait for each other."""
        # By adapter, so that a process merges few of them, and in order within one.
        order = sorted(range(len(messages)), key=lambda at: names[at])
        chunks = [order[at : at + _CHUNK] for at in range(0, len(order), _CHUNK)]
        heard: list[list[Heard]] = Parallel(n_jobs=_JOBS)(
            delayed(_hear_chunk)(
                self._folder, [messages[at] for at in chunk], [names[at] for at in chunk], [marks[at] for at in chunk]
            )
            for chunk in chunks
        )
        found = dict(zip(itertools.chain(*chunks), itertools.chain(*heard), strict=True))
        return [found[at] for at in range(len(messages))]

    def _hear(self, messages: Sequence[Sequence[str]], marks: Sequence[Marks], adapter: _Adapter) -> list[Heard]:
        read = [self._tokens.message(sentences) for sentences in messages]
        tokens = [own for own, _ in read]
        spans = spans_of(tokens)
        states = forward(self._lower, tokens)
        for layer in adapter.layers:
            apply(layer, states, spans, self._lower.shape)
        means = np.add.reduceat(states, spans[:-1], axis=0) / np.diff(spans).astype(np.float32)[:, None]
        inputs = means * adapter.factor + adapter.constant
        answers = {name: inputs @ head.weights + head.constant for name, head in adapter.heads.items()}
        primary, said = half(_log_odds(_shares(answers["primary"]))), half(answers["said"])
        details = {name: half(_shares(answers[name])) for name in answers if name not in _NO_DETAILS}
        found: list[Heard] = []
        for at, sentences in enumerate(messages):
            own = states[spans[at] : spans[at + 1]]
            days = [self._tokens.marked(sentences, read[at][1], mark) for mark in marks[at].days]
            sums = [self._tokens.marked(sentences, read[at][1], mark) for mark in marks[at].sums]
            parts = [self._tokens.marked(sentences, read[at][1], mark) for mark in marks[at].parts]
            found.append(Heard(
                primary[at],
                said[at],
                {
                    name: dict(zip(adapter.heads[name].classes, map(float, shares[at]), strict=True))
                    for name, shares in details.items()
                },
                half(_at(days, own, adapter, PROMISED)[:, 0]),
                half(_log_odds(_shares(_at(sums, own, adapter, SUM)))),
                half(_log_odds(_shares(_at(parts, own, adapter, PART)))),
            ))  # fmt: skip
        return found

    def _read(self, name: str) -> _Adapter:
        entry = next(each for each in self._index["adapters"] if each["name"] == name)
        file = self._folder / entry["file"]
        if sha256_of(file) != entry["sha256"]:
            raise ModelError(f"{file}: its SHA-256 is not the one in {INDEX}; it was changed or is damaged.")
        with np.load(file, allow_pickle=False) as raw:
            arrays = {key: raw[key].astype(np.float32) for key in raw.files}
        heads = {
            key: _Head(tuple(classes), arrays[f"{key}.weight"], arrays[f"{key}.bias"])
            for key, classes in self._index["heads"].items()
        }
        factor = arrays["scale"] / arrays["deviation"]
        layers = tuple(_corrected(layer, arrays, LOWER + at) for at, layer in enumerate(self._upper))
        places = {key: heads.pop(key) for key in (PROMISED, SUM, PART)}
        constant = arrays["shift"] - arrays["mean"] * factor
        return _Adapter(layers, factor, constant, heads, arrays["mean"], arrays["deviation"], places)


class Alone:
    """The tuned network with no encoder of fixed vectors beside it: it hears, and adds no column to a model."""

    def __init__(self, tuned: Tuned) -> None:
        self.tuned = tuned
        self._identity = Identity("tuned", (), tuned.part)

    @property
    def identity(self) -> Identity:
        return self._identity

    def encode(self, messages: Sequence[Sequence[str]]) -> Encoded:
        """Vectors of no numbers."""
        sentences = sum(len(each) for each in messages)
        return Encoded(np.zeros((len(messages), 0), np.float32), np.zeros((sentences, 0), np.float32))


def _at(places: Sequence[Sequence[int]], states: Vectors32, adapter: _Adapter, name: str) -> Array:
    """What a head answers of each place, given as indices of `states`; noughts where it lies beyond what is read."""
    head = adapter.places[name]
    found: Array = np.zeros((len(places), len(head.classes)), np.float32)
    for row, place in enumerate(places):
        if place:
            mean = (states[place].mean(axis=0) - adapter.mean) / adapter.deviation
            found[row] = mean @ head.weights + head.constant
    return found


@cache
def _of_process(folder: Path) -> Tuned:
    return Tuned(folder)


def _hear_chunk(
    folder: Path, messages: Sequence[Sequence[str]], names: Sequence[str], marks: Sequence[Marks]
) -> list[Heard]:
    return _of_process(folder).hear(messages, names, marks)


def _corrected(layer: Layer, arrays: Mapping[str, Vectors32], number: int) -> Layer:
    """The packaged layer with what was learnt: to each matrix a product of two narrow ones, biases and norms anew."""
    changed: dict[str, Any] = {}
    for name in _MATRICES:
        at = f"{number}.{name}"
        changed[name] = getattr(layer, name) + arrays[f"{at}.a"] @ arrays[f"{at}.b"]
        changed[f"{name}_bias"] = arrays[f"{at}.bias"]
    for name in _NORMS:
        changed[name] = (arrays[f"{number}.{name}.weight"], arrays[f"{number}.{name}.bias"])
    return replace(layer, **changed)


def _read_index(folder: Path) -> dict[str, Any]:
    file = folder / INDEX
    try:
        index = json.loads(file.read_text("utf-8"))
        if set(index["heads"]["primary"]) != set(labels.INTENTS) or {"file", "sha256", "name", "held_out"} - set(
            index["adapters"][0]
        ):
            raise ValueError("its heads or adapters are others")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{file}: no index of adapters can be read from it ({error})") from None
    return dict(index)


def _shares(answers: Array) -> Array:
    """Softmax over the columns."""
    powers = np.exp(answers - answers.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _log_odds(shares: Array) -> Array:
    clipped = np.clip(shares, 1e-4, 1 - 1e-4)
    odds: Array = np.log(clipped / (1 - clipped))
    return odds
