"""Learning the adapters of the tuned network: `python -m classifier.tuning`, a developer's tool.

Needs PyTorch, which nothing else here does (`pip install torch` into the environment; its CPU build is enough). More
than an hour of two cores gives the files in `classifier/adapters`, which are committed; `make setup` then trains the
rest anew. Deterministic on one machine; between machines the last digits differ, and so may the files' hashes.

    rows → tokens → states after the packaged lower layers (once)
         → for each part of hands: upper layers with low-rank corrections, and heads, learnt without that part
         → the same on all rows

It goes on from the adapters that are there, over all replies, those they know and those they don't: half the epochs
do, and what is kept is the mean of before and after. Each keeps the hands that it never saw, and new hands are dealt
out among them. `--anew` begins at nought.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from classifier.data import COMMITTED, data_files, data_hash, read_rows
from classifier.encoders.e5 import FILE, PACKAGE
from classifier.encoders.tuned import ADAPTERS, INDEX, LAYERS, LOWER, PART, PROMISED, SUM
from classifier.encoders.values import Vectors32, sha256_of
from classifier.encoders.weights import Layer, Weights, read_weights
from classifier.hearing import keep
from classifier.lessons import Indices, Lesson, Material, known_parts, lessons_of, make_material

RANK = 32
EPOCHS, FURTHER_EPOCHS = 4, 2
RATE, HEAD_RATE = 1.5e-3, 2e-3
DECAY = 0.01
DROPOUT, HEAD_DROPOUT = 0.1, 0.2
#: Share of a message's tokens that are not there in an epoch, so that no answer hangs on a single word.
ABSENT = 0.1
SMOOTHING = 0.05
#: Tokens of one batch, padding included, and how far apart in length its messages may be drawn.
TOKENS, JITTER = 1500, 12
#: Messages from which the means' centre and spread are taken.
SAMPLE = 600
#: What the answers weigh in the loss beside the primary intent.
SAID_WEIGHT, DETAIL_WEIGHT, PLACE_WEIGHT = 2.0, 0.5, 1.0

#: Adapters learnt at the same time, each by one thread: two threads on one of them wait for each other.
AT_ONCE = 2

Start = Mapping[str, np.ndarray[Any, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="python -m classifier.tuning", description=__doc__.split("\n", 1)[0])
    options.add_argument("--anew", action="store_true", help="begin at nought, not from the adapters that are there")
    is_anew = options.parse_args(arguments).anew or not (ADAPTERS / INDEX).exists()
    try:
        importlib.import_module("torch")
    except ModuleNotFoundError:
        _tell("needs PyTorch: pip install torch (the CPU build is enough), then once more")
        return 1
    network = Path(str(files(PACKAGE) / FILE))
    base = read_weights(network, LAYERS)
    rows = read_rows(data_files(COMMITTED))
    _tell(f"reading {len(rows)} replies")
    material = make_material(rows, base)
    known = {} if is_anew else known_parts(json.loads((ADAPTERS / INDEX).read_text("utf-8")))
    lessons = lessons_of(rows, known)
    ADAPTERS.mkdir(exist_ok=True)
    # Forked, so that the states lie in memory once.
    with ProcessPoolExecutor(AT_ONCE, multiprocessing.get_context("fork")) as pool:
        learnt = list(pool.map(partial(_learn_one, base, material), lessons))
    entries = []
    for lesson, arrays in zip(lessons, learnt, strict=True):
        file = ADAPTERS / f"{lesson.name}.npz"
        np.savez_compressed(file, allow_pickle=False, **arrays)
        held_out = list(lesson.held_out)
        entries.append({"name": lesson.name, "file": file.name, "sha256": sha256_of(file), "held_out": held_out})
    index = {
        "network_sha256": sha256_of(network), "data_hash": data_hash(data_files(COMMITTED)), "rows": len(rows),
        "heads": material.classes, "adapters": entries,
    }  # fmt: skip
    (ADAPTERS / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", "utf-8")
    keep(progress=_tell)
    return 0


def _learn_one(base: Weights, material: Material, lesson: Lesson) -> dict[str, np.ndarray[Any, Any]]:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    start = None
    if lesson.start is not None:
        with np.load(lesson.start, allow_pickle=False) as raw:
            start = {key: raw[key].astype(np.float32) for key in raw.files}
    learnt = learn(torch, base, material, lesson.chosen, partial(_tell_of, lesson.name), start)
    return learnt if start is None else midway(start, learnt)


def midway(start: Start, learnt: Start) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays midway between where an adapter began and where learning on took it, in half precision: they lie in
    one valley, and its middle reads new hands better than either end (Wortsman et al. 2022, model soups).
    """
    return {
        name: ((start.get(name, each).astype(np.float32) + each.astype(np.float32)) / 2).astype(np.float16)
        for name, each in learnt.items()
    }


def learn(
    torch: Any, base: Weights, material: Material, chosen: Indices, tell: Callable[[str], None],
    start: Start | None = None,
) -> dict[str, np.ndarray[Any, Any]]:  # fmt: skip
    """The arrays of an adapter learnt from the chosen messages, on from those of `start`, where there are some."""
    torch.manual_seed(1)
    draw = np.random.default_rng(1)
    network = _network(torch, base, material)
    epochs = EPOCHS if start is None else FURTHER_EPOCHS
    with torch.no_grad():
        if start is not None:
            _begin_from(torch, network, material, start)
        else:
            sample = draw.choice(chosen, min(SAMPLE, len(chosen)), replace=False)
            network.eval()
            read = (_padded(torch, material, at) for at in _batches(material, sample, None))
            means = torch.cat([network.mean(network.through(states, there), there) for states, there in read])
            network.mean_of.copy_(means.mean(0))
            network.deviation.copy_(means.std(0))
    layers = [each for name, each in network.named_parameters() if name.startswith("layers")]
    heads = [each for name, each in network.named_parameters() if not name.startswith("layers")]
    groups = [{"params": layers, "lr": RATE}, {"params": heads, "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    steps = epochs * sum(1 for _ in _batches(material, chosen, draw))
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: max(0.0, min((step + 1) / warm, (steps - step) / max(1, steps - warm)))
    )
    for epoch in range(epochs):
        network.train()
        losses = []
        for batch in _batches(material, chosen, draw):
            states, there = _padded(torch, material, batch)
            there &= torch.rand(there.shape) >= ABSENT
            there[:, 0] = True  # the first token stands in each message
            with torch.autocast("cpu", torch.bfloat16):
                answers = network(states, there, _means_of(torch, material, batch))
            loss = _loss(torch, {name: each.float() for name, each in answers.items()}, material, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        tell(f"epoch {epoch + 1} of {epochs}, loss {np.mean(losses):.3f}")
    return _arrays(network, material)


def _batches(material: Material, chosen: Indices, draw: np.random.Generator | None) -> Iterator[Indices]:
    """Messages of like length together; in another order each time where `draw` is given."""
    lengths = material.lengths[chosen]
    keys = lengths + draw.uniform(0, JITTER, len(chosen)) if draw is not None else lengths
    ordered = chosen[np.argsort(keys, kind="stable")]
    batches: list[list[int]] = [[]]
    longest = 0
    for at in ordered:
        longest = max(longest, int(material.lengths[at]))
        if batches[-1] and longest * (len(batches[-1]) + 1) > TOKENS:
            batches.append([])
            longest = int(material.lengths[at])
        batches[-1].append(int(at))
    if draw is not None:
        draw.shuffle(batches)
    for batch in batches:
        yield np.asarray(batch)


def _padded(torch: Any, material: Material, batch: Indices) -> tuple[Any, Any]:
    longest = int(material.lengths[batch].max())
    states = torch.zeros(len(batch), longest, material.states.shape[1])
    there = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, at in enumerate(batch):
        own = material.states[material.starts[at] : material.starts[at + 1]]
        states[row, : len(own)] = torch.from_numpy(np.array(own))
        there[row, : len(own)] = True
    return states, there


def _means_of(torch: Any, material: Material, batch: Indices) -> dict[str, tuple[Any, Any]]:
    """By head: the row in the batch of each place that it is asked about, and the share of each token in its mean."""
    longest = int(material.lengths[batch].max())
    found: dict[str, tuple[Any, Any]] = {}
    for head in (PROMISED, SUM, PART):
        asked = [(row, each) for row, at in enumerate(batch) for each in material.places[at] if each.head == head]
        shares = torch.zeros(len(asked), longest)
        for at, (_, place) in enumerate(asked):
            shares[at, list(place.tokens)] = 1 / len(place.tokens)
        found[head] = torch.tensor([row for row, _ in asked], dtype=torch.long), shares
    return found


def _loss(torch: Any, answers: dict[str, Any], material: Material, batch: Indices) -> Any:
    functional = torch.nn.functional
    loss = functional.cross_entropy(
        answers["primary"], torch.from_numpy(material.primary[batch]), label_smoothing=SMOOTHING
    )
    said = torch.from_numpy(material.said[batch])
    loss = loss + SAID_WEIGHT * functional.binary_cross_entropy_with_logits(answers["said"], said)
    for name, truth in material.details.items():
        asked = torch.from_numpy(truth[batch])
        arises = asked >= 0
        if bool(arises.any()):
            own = functional.cross_entropy(answers[name][arises], asked[arises], reduction="sum")
            loss = loss + DETAIL_WEIGHT * own / len(batch)
    for head in (PROMISED, SUM, PART):
        right = torch.tensor([each.answer for at in batch for each in material.places[at] if each.head == head])
        if not len(right):
            continue
        if head == PROMISED:
            own = functional.binary_cross_entropy_with_logits(answers[head][:, 0], right.float(), reduction="sum")
        else:
            own = functional.cross_entropy(answers[head], right, reduction="sum")
        loss = loss + PLACE_WEIGHT * own / len(batch)
    return loss


def _network(torch: Any, base: Weights, material: Material) -> Any:
    """The upper layers with their corrections at nought, and the heads, as a torch module."""
    nn, functional = torch.nn, torch.nn.functional
    hidden, heads, epsilon = base.shape.hidden, base.shape.heads, base.shape.epsilon

    class Corrected(nn.Module):  # type: ignore[misc,name-defined] # torch has no types here
        def __init__(self, weights: Vectors32, bias: Vectors32) -> None:
            super().__init__()
            self.register_buffer("packaged", torch.tensor(weights))
            self.bias = nn.Parameter(torch.tensor(bias))
            self.a = nn.Parameter(torch.randn(weights.shape[0], RANK) / weights.shape[0] ** 0.5)
            self.b = nn.Parameter(torch.zeros(RANK, weights.shape[1]))

        def forward(self, states: Any) -> Any:
            return states @ self.packaged + self.bias + (states @ self.a) @ self.b

    class Upper(nn.Module):  # type: ignore[misc,name-defined] # torch has no types here
        def __init__(self, layer: Layer) -> None:
            super().__init__()
            for name in ("attention", "out", "up", "down"):
                setattr(self, name, Corrected(getattr(layer, name), getattr(layer, f"{name}_bias")))
            for name in ("first_norm", "second_norm"):
                norm = nn.LayerNorm(hidden, eps=epsilon)
                with torch.no_grad():
                    norm.weight.copy_(torch.tensor(getattr(layer, name)[0]))
                    norm.bias.copy_(torch.tensor(getattr(layer, name)[1]))
                setattr(self, name, norm)
            self.dropout = nn.Dropout(DROPOUT)

        def forward(self, states: Any, there: Any) -> Any:
            count, longest, _ = states.shape
            mixed = self.attention(states).view(count, longest, 3, heads, hidden // heads).permute(2, 0, 3, 1, 4)
            with torch.autocast("cpu", enabled=False):  # its gradient takes nine times as long in half precision
                seen = functional.scaled_dot_product_attention(*mixed.float(), attn_mask=there[:, None, None, :])
            seen = seen.transpose(1, 2).reshape(count, longest, hidden)
            states = self.first_norm(states + self.dropout(self.out(seen)))
            inner = functional.gelu(self.up(states), approximate="tanh")
            return self.second_norm(states + self.dropout(self.down(inner)))

    class Network(nn.Module):  # type: ignore[misc,name-defined] # torch has no types here
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([Upper(each) for each in base.layers[LOWER:]])
            self.heads = nn.ModuleDict({name: nn.Linear(hidden, len(own)) for name, own in material.classes.items()})
            self.scale, self.shift = nn.Parameter(torch.ones(hidden)), nn.Parameter(torch.zeros(hidden))
            self.register_buffer("mean_of", torch.zeros(hidden))
            self.register_buffer("deviation", torch.ones(hidden))
            self.dropout = nn.Dropout(HEAD_DROPOUT)

        def through(self, states: Any, there: Any) -> Any:
            return functools.reduce(lambda states, layer: layer(states, there), self.layers, states)

        def mean(self, states: Any, there: Any) -> Any:
            weights = there[:, :, None].float()
            return (states * weights).sum(1) / weights.sum(1)

        def forward(self, states: Any, there: Any, places: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
            states = self.through(states, there)
            standard = (self.mean(states, there) - self.mean_of) / self.deviation
            inputs = self.dropout(standard * self.scale + self.shift)
            answers = {name: head(inputs) for name, head in self.heads.items() if name not in places}
            return answers | {name: self.at(states, name, *each) for name, each in places.items()}

        def at(self, states: Any, name: str, rows: Any, shares: Any) -> Any:
            means = torch.bmm(shares[:, None, :], states[rows])[:, 0]
            return self.heads[name](self.dropout((means - self.mean_of) / self.deviation))

    return Network()


def _parameters(network: Any, material: Material) -> dict[str, Any]:
    """What is learnt, and the means' centre and spread, by the names that `classifier.encoders.tuned` reads."""
    found: dict[str, Any] = {}
    for at, layer in enumerate(network.layers, LOWER):
        for name in ("attention", "out", "up", "down"):
            own = getattr(layer, name)
            found |= {f"{at}.{name}.a": own.a, f"{at}.{name}.b": own.b, f"{at}.{name}.bias": own.bias}
        for name in ("first_norm", "second_norm"):
            own = getattr(layer, name)
            found |= {f"{at}.{name}.weight": own.weight, f"{at}.{name}.bias": own.bias}
    for name in material.classes:
        head = network.heads[name]
        found |= {f"{name}.weight": head.weight.T, f"{name}.bias": head.bias}
    return found | {
        "scale": network.scale, "shift": network.shift, "mean": network.mean_of, "deviation": network.deviation
    }  # fmt: skip


def _begin_from(torch: Any, network: Any, material: Material, start: Start) -> None:
    for name, each in _parameters(network, material).items():
        if name in start:  # a head may be new
            each.copy_(torch.from_numpy(start[name]))


def _arrays(network: Any, material: Material) -> dict[str, np.ndarray[Any, Any]]:
    """The adapter, in half precision."""
    return {name: each.detach().numpy().astype(np.float16) for name, each in _parameters(network, material).items()}


def _tell_of(name: str, step: str) -> None:
    _tell(f"{name}: {step}")


def _tell(text: str) -> None:
    sys.stderr.write(f"tuning: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
