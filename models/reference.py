"""Makes docs/states.md from the table of transitions and the lists of reasons: ``python -m models.reference FILE``."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from models.reasons import SENTENCES
from models.states import TRANSITIONS

_INTRO = """# States, and every way between them

Made from `models/states.py` by `python -m models.reference docs/states.md`; a test compares the two. A change that is
not listed here can't happen. Each change is one event in the log.
"""


def text() -> str:
    """The page."""
    return "\n".join([_INTRO, *_machines(), *_reasons()]) + "\n"


def _machines() -> Iterator[str]:
    for machine, moves in TRANSITIONS.items():
        yield f"## {_title(machine)}\n"
        yield "| from | to |"
        yield "| --- | --- |"
        for state in machine:
            targets = ", ".join(f"`{to}`" for to in machine if to in moves[state])
            yield f"| `{state}` | {targets or 'the end'} |"
        yield ""


def _title(machine: type[StrEnum]) -> str:
    return machine.__name__.removesuffix("State")


def _reasons() -> Iterator[str]:
    yield "## Why a person is asked\n"
    yield "| reason | what it means |"
    yield "| --- | --- |"
    for reason, sentence in SENTENCES.items():
        yield f"| `{reason}` | {sentence} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
