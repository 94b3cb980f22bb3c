"""The developer's commands of the classifier (`python -m classifier.build` and its like): progress and faults go to
standard error, the result too; the exit code is the fault's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from classifier.examples import Progress
from config.errors import RelanceError


def run(name: str, work: Callable[[Progress], str]) -> int:
    """Do the work of the command `name`, which gives what to tell at its end."""

    def say(text: str) -> None:
        sys.stderr.write(f"{name}: {text}\n")

    try:
        say(work(say))
    except RelanceError as error:
        say(str(error))
        return error.exit_code
    return 0
