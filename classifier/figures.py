"""Figures of a set of predictions against their labels: pure counting, no estimator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from classifier import labels
from classifier.data import Row
from classifier.training import Judged
from classifier.values import Prediction

SAID = 0.5
_BINS = 10


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Precision, recall and F1 of one intent as primary; `rows` have it as their label."""

    precision: float
    recall: float
    f1: float
    rows: int


def classes(truth: Sequence[str], said: Sequence[str]) -> dict[str, ClassFigures]:
    """Figures by intent; an intent that no row has and nothing says is left out."""
    found: dict[str, ClassFigures] = {}
    for intent in labels.INTENTS:
        both = sum(t == intent == s for t, s in zip(truth, said, strict=True))
        predicted, rows = sum(s == intent for s in said), sum(t == intent for t in truth)
        if not predicted and not rows:
            continue
        precision = both / predicted if predicted else 0.0
        recall = both / rows if rows else 0.0
        f1 = 2 * both / (predicted + rows)
        found[intent] = ClassFigures(precision, recall, f1, rows)
    return found


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean F1 over the intents that occur; 0 for no rows."""
    found = classes(truth, said)
    return sum(each.f1 for each in found.values()) / len(found) if found else 0.0


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, correct in zip(confidences, right, strict=True):
        bins.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, correct))
    total = len(confidences)
    return sum(abs(sum(c - r for c, r in each)) for each in bins.values()) / total if total else 0.0


def coverage_at(confidences: Sequence[float], right: Sequence[bool], precision: float) -> float:
    """Largest share of messages, most confident first, that is right at least to `precision`."""
    best = correct = 0
    ordered = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    for taken, (_, is_right) in enumerate(ordered, 1):
        correct += is_right
        if correct >= precision * taken:
            best = taken
    return best / len(ordered) if ordered else 0.0


def calibration_bins(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float, int]]:
    """By bin: mean confidence, share right, how many; empty bins are left out."""
    found = []
    for at in range(_BINS):
        chosen = [
            (confidence, correct)
            for confidence, correct in zip(confidences, right, strict=True)
            if min(int(confidence * _BINS), _BINS - 1) == at
        ]
        if chosen:
            count = len(chosen)
            found.append((sum(c for c, _ in chosen) / count, sum(r for _, r in chosen) / count, count))
    return found


def risk_coverage(confidences: Sequence[float], right: Sequence[bool], steps: int = 50) -> list[tuple[float, float]]:
    """Share of messages taken, surest first, and the share of these that is right."""
    ordered = [correct for _, correct in sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])]
    found = []
    for step in range(1, steps + 1):
        taken = len(ordered) * step // steps
        if taken:
            found.append((taken / len(ordered), sum(ordered[:taken]) / taken))
    return found


def _confusion(truth: Sequence[str], said: Sequence[str]) -> list[list[int]]:
    """Rows are labels, columns what was said, in the order of labels.INTENTS."""
    pairs = Counter(zip(truth, said, strict=True))
    return [[pairs[label, intent] for intent in labels.INTENTS] for label in labels.INTENTS]


def said_by(prediction: Prediction) -> set[str]:
    return {intent for intent, probability in prediction.intents.items() if probability >= SAID}


def measure(rows: Sequence[Row], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """All figures of a set: shares between 0 and 1, and counts. A share of nothing is None."""
    pairs = list(zip(rows, predictions, strict=True))
    truth, said = [row.labels.primary for row in rows], [each.primary for each in predictions]
    right = [t == s for t, s in zip(truth, said, strict=True)]
    confidences = [each.confidence for each in predictions]
    split = [(row, each) for row, each in pairs if len(set(row.labels.per_invoice.values())) > 1]
    promises = [(row, each) for row, each in pairs if "promise" in row.labels.intents]
    known = [(row, each) for row, each in promises if "promise" in said_by(each)]
    details = {
        name: _share([
            row.labels.detail(name) == getattr(each, name) for row, each in pairs if intent in row.labels.intents
        ])
        for name, intent, _ in labels.DETAILS
    }  # fmt: skip
    return {
        "rows": len(rows),
        "macro_f1": macro_f1(truth, said),
        "accuracy": _share(right),
        "classes": _classes(truth, said),
        "languages": _by_language(rows, predictions),
        "calibration_error": calibration_error(confidences, right),
        "confusion": _confusion(truth, said),
        "calibration_bins": calibration_bins(confidences, right),
        "risk_coverage": risk_coverage(confidences, right),
        "coverage": {str(p): coverage_at(confidences, right, p) for p in (0.9, 0.95, 0.98)},
        "intents_exact": _share([set(row.labels.intents) == said_by(each) for row, each in pairs]),
        "per_invoice_exact": _share([dict(row.labels.per_invoice) == dict(each.per_invoice) for row, each in pairs]),
        "per_invoice_split_exact": _share([dict(r.labels.per_invoice) == dict(p.per_invoice) for r, p in split]),
        "promise_date_exact": _share([row.labels.promise_date == each.promise_date for row, each in promises]),
        "promise_date_wrong": _share([
            each.promise_date is not None and row.labels.promise_date != each.promise_date for row, each in promises
        ]),
        "promise_date_exact_where_promise_is_said": _share([
            row.labels.promise_date == each.promise_date for row, each in known
        ]),
        **_of_sums("promised_sum", [(_promised(row), each.promised_amount) for row, each in promises]),
        "paid_date_exact": _share([
            row.labels.paid_date == each.paid_date for row, each in pairs if "paid" in row.labels.intents
        ]),
        **_of_sums(
            "paid_sum",
            [(row.labels.paid_amount, each.paid_amount) for row, each in pairs if "paid" in row.labels.intents],
        ),
        "payment_method_exact": _share([
            row.labels.payment_method == each.payment_method for row, each in pairs if "paid" in row.labels.intents
        ]),
        **details,
        "late_reason": _share([
            row.labels.late_reason == each.late_reason for row, each in pairs if row.labels.late_reason is not None
        ]),
    }  # fmt: skip


def _classes(truth: Sequence[str], said: Sequence[str]) -> dict[str, dict[str, float | int]]:
    return {intent: asdict(each) for intent, each in classes(truth, said).items()}


def _promised(row: Row) -> Decimal | None:
    return row.labels.promised[0].amount if row.labels.promised else None


def _of_sums(name: str, sums: Sequence[tuple[Decimal | None, Decimal | None]]) -> dict[str, float | None]:
    """Of pairs of the right sum and the one said: shares that are the same (none counts), that are where there is one,
    and that are another sum.
    """
    return {
        f"{name}_exact": _share([right == said for right, said in sums]),
        f"{name}_found": _share([right == said for right, said in sums if right is not None]),
        f"{name}_wrong": _share([said is not None and right != said for right, said in sums]),
    }


def summary(rows: Sequence[Row], judged: Judged, shipped: int) -> dict[str, Any]:
    """What a trained model's manifest tells of it, on predictions that never saw their author; `shipped`: the figures
    by class on the first so many rows, which every trained model has, so that two of them can be compared.
    """
    truth = [row.labels.primary for row in rows[:shipped]]
    said = [each.primary for each in judged.predictions[:shipped]]
    return {**measure(rows, judged.predictions), "shipped": _classes(truth, said)}


def _by_language(rows: Sequence[Row], predictions: Sequence[Prediction]) -> dict[str, dict[str, float | int]]:
    found: dict[str, dict[str, float | int]] = {}
    for language in labels.LANGUAGES:
        chosen = [(r, p) for r, p in zip(rows, predictions, strict=True) if r.language == language]
        if chosen:
            f1 = macro_f1([r.labels.primary for r, _ in chosen], [p.primary for _, p in chosen])
            error = calibration_error(
                [p.confidence for _, p in chosen], [r.labels.primary == p.primary for r, p in chosen]
            )
            found[language] = {"macro_f1": f1, "calibration_error": error, "rows": len(chosen)}
    return found


def _share(answers: Sequence[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None
