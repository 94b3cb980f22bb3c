"""How far two people's labels agree: `python -m classifier.agreement [FILE]`.

The file holds second labels, given without seeing the first, as JSON lines: id, primary, intents, per_invoice (null
where no invoices are answered differently), promise_date and the details by intent. Agreement beyond chance on the
primary intent is Cohen's kappa (1960). Pure counting.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from classifier import labels
from classifier.data import Row, data_files, read_rows
from classifier.errors import DataError

SECOND = Path(__file__).parent / "data" / "second" / "labels.jsonl"


def agreement(rows: Mapping[str, Row], second: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int] | float]:
    """By name: of how many, how many agree; and `kappa` of the primary intent.

    Details are compared where both say the intent that they belong to, invoices where the first labels part them.
    """
    found: dict[str, list[bool]] = {"primary": [], "intents": [], "promise_date": [], "per_invoice": []}
    pairs: list[tuple[str, str]] = []
    for each in second:
        first = rows[each["id"]].labels
        pairs.append((first.primary, each["primary"]))
        found["primary"].append(first.primary == each["primary"])
        found["intents"].append(set(first.intents) == set(each["intents"]))
        both = set(first.intents) & set(each["intents"])
        if "promise" in both:
            on = first.promise_date.isoformat() if first.promise_date else None
            found["promise_date"].append(on == each["promise_date"])
        if len(set(first.per_invoice.values())) > 1:
            found["per_invoice"].append(dict(first.per_invoice) == each["per_invoice"])
        for name, intent, _ in labels.DETAILS:
            if intent in both:
                found.setdefault(name, []).append(first.detail(name) == each[name])
    counted: dict[str, tuple[int, int] | float] = {name: (len(same), sum(same)) for name, same in found.items()}
    return {**counted, "kappa": kappa(pairs)}


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa of (first, second) labels: 1 where all agree, 0 where no more do than by chance.

    >>> round(kappa([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]), 3)
    0.5
    """
    total = len(pairs)
    same = sum(first == second for first, second in pairs) / total
    one, other = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    by_chance = sum(one[label] * other[label] for label in one) / total**2
    return 1.0 if by_chance == 1 else (same - by_chance) / (1 - by_chance)


def read_second(file: Path) -> list[dict[str, Any]]:
    """Second labels. Raises `DataError`."""
    try:
        return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError([f"{file}: can't be read ({error})"]) from None


def main(arguments: Sequence[str]) -> int:
    """Print the agreement of the second labels with the first."""
    rows = {row.reply.id: row for row in read_rows(data_files())}
    try:
        second = read_second(Path(arguments[0]) if arguments else SECOND)
        unknown = [str(each.get("id")) for each in second if each.get("id") not in rows]
        if unknown:
            raise DataError([f"no reply is called {name}" for name in unknown])
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for name, value in agreement(rows, second).items():
        told = f"{value:.3f}" if isinstance(value, float) else f"{value[1]} of {value[0]}"
        sys.stdout.write(f"{name:16} {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
