"""Splits that keep an evaluation honest: nobody is tested on an author, a hand or an idea that training saw.

Rows written down by one hand share habits that no other mailbox has, and rows of one group share an idea: a split by
row overstates by eight to twelve points. A test part is whole hands (or authors), and training leaves out what shares
an idea with it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from classifier.data import Row


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices of rows; `name` says what is held out."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


def by_hand(rows: Sequence[Row], parts: int = 4) -> list[Fold]:
    """At most `parts` folds of whole hands, with about as many rows of each language.

    A hand that is the only one of its language is split into two by its authors, since without it training would hold
    not one row of the language.
    """
    units = _units(rows)
    tests: list[list[int]] = [[] for _ in range(min(parts, len(units)))]
    names: list[list[str]] = [[] for _ in tests]
    for unit, indices in sorted(units.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        language = rows[indices[0]].language
        # Where few rows of its language are tested yet, and few rows at all.
        part = min(
            range(len(tests)),
            key=lambda at: (sum(rows[index].language == language for index in tests[at]), len(tests[at]), at),
        )
        tests[part] += indices
        names[part].append(unit)
    named = sorted((" ".join(sorted(unit)), sorted(test)) for unit, test in zip(names, tests, strict=True))
    return [_fold(rows, name, test) for name, test in named]


def _units(rows: Sequence[Row]) -> dict[str, list[int]]:
    languages: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        languages[row.language].add(row.hand)
    units: dict[str, list[int]] = defaultdict(list)
    authors: dict[str, list[str]] = defaultdict(list)
    for index, row in enumerate(rows):
        unit = row.hand
        if languages[row.language] == {row.hand}:
            known = authors[row.hand]
            if row.author not in known:
                known.append(row.author)
            unit = f"{row.hand}/{known.index(row.author) % 2 + 1}"
        units[unit].append(index)
    return units


def by_author(rows: Sequence[Row], seed: int, parts: int = 5) -> list[Fold]:
    """`parts` folds of whole authors, dealt out by `seed`."""
    authors = sorted({row.author for row in rows})
    random.Random(seed).shuffle(authors)  # noqa: S311 a draw that must come out the same each time
    part_of = {author: at % parts for at, author in enumerate(authors)}
    tests: list[list[int]] = [[] for _ in range(parts)]
    for index, row in enumerate(rows):
        tests[part_of[row.author]].append(index)
    return [_fold(rows, f"seed {seed} part {at + 1}", test) for at, test in enumerate(tests) if test]


def _fold(rows: Sequence[Row], name: str, test: Sequence[int]) -> Fold:
    held = set(test)
    groups = {rows[index].group for index in test}
    train = tuple(index for index, row in enumerate(rows) if index not in held and row.group not in groups)
    return Fold(name, train, tuple(test))
