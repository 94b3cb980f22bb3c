"""What the held-out adapters hear of the shipped replies, worked out once and kept: `python -m classifier.hearing`.

Writes `classifier/adapters/heard.npz` and names it in their index. It takes about nine minutes of two cores, and is to
be done whenever the adapters were learnt anew (`classifier.tuning` does it at its end) or replies were added; a build
hears then and there what is not in it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from classifier.console import run
from classifier.data import COMMITTED, data_files, read_rows
from classifier.encoders.find import has_default
from classifier.encoders.heard import ENTRY, FILE, packed
from classifier.encoders.tuned import ADAPTERS, INDEX, Tuned
from classifier.errors import ModelError
from classifier.examples import Progress, asked_of, read_replies


def keep(folder: Path = ADAPTERS, data: Path = COMMITTED, *, progress: Progress) -> int:
    """Hear the replies in `data` by the adapters in `folder`, and keep the answers there; gives how many.

    Raises:
        DataError: a fault in the data.
        ModelError: the adapters can't be used.
    """
    rows = read_rows(data_files(data))
    progress(f"reading {len(rows)} replies")
    prepared, findings = read_replies(rows)
    tuned = Tuned(folder)
    wholes, segments = asked_of(tuned, [row.hand for row in rows], prepared, findings)
    progress(f"hearing them and {len(segments)} segments")
    # Not from the file that is there: it may be of other adapters.
    content = packed([*wholes, *segments], tuned.hear_anew([*wholes, *segments]), tuned.classes)
    (folder / FILE).write_bytes(content)
    index = json.loads((folder / INDEX).read_text("utf-8"))
    index[ENTRY] = {"sha256": hashlib.sha256(content).hexdigest(), "adapters_sha256": tuned.part.weights_sha256}
    (folder / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return len(wholes) + len(segments)


def _keep(say: Progress) -> str:
    if not has_default():
        raise ModelError("the package of the network's weights is not installed (it is for Linux on x86-64)")
    return f"kept {keep(progress=say)} answers"


def main() -> int:
    return run("hearing", _keep)


if __name__ == "__main__":
    sys.exit(main())
