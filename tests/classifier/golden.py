"""Write the golden predictions anew: `python -m tests.classifier.golden`.

They hold what a model trained on data/small.jsonl says of data/probes.jsonl. They change with the data, the program or
the lock, and then only on purpose: read the difference before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifier.data import Row, read_rows, reply_from
from classifier.judgement import Standards
from classifier.trained import HORIZON, Classifier
from classifier.training import Trained, train
from classifier.values import Reply

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "golden.jsonl"


def probes() -> list[Reply]:
    lines = (DATA / "probes.jsonl").read_text("utf-8").splitlines()
    return [reply_from(json.loads(line), f"probes:{number}") for number, line in enumerate(lines, 1)]


def classifier_of(trained: Trained) -> Classifier:
    standards = Standards(trained.bounded.thresholds, trained.languages, HORIZON)
    return Classifier("golden", trained.estimators, trained.calibration, standards)


def predictions(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [each.as_json() for each in classifier_of(train(rows)).predict(probes())]


if __name__ == "__main__":
    said = predictions(read_rows([DATA / "small.jsonl"]))
    GOLDEN.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in said), "utf-8")
