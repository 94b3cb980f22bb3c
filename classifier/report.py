"""Evaluations as text for people: tables for a terminal or a file, nothing measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from classifier.evaluation import CrossEvaluation, ModelEvaluation
from classifier.thresholds import Bounded, upper_limit

NAMES = {
    "macro_f1": "macro-F1 of the primary intent",
    "accuracy": "primary intent right",
    "calibration_error": "calibration error of the confidence",
    "intents_exact": "set of intents exact",
    "per_invoice_exact": "invoices' intents exact, all replies",
    "per_invoice_split_exact": "invoices' intents exact, where they differ",
    "promise_date_exact": "promise date right (none counts)",
    "promise_date_wrong": "promise date wrong (a date, but not it)",
    "promised_sum_exact": "part promised right (none counts)",
    "promised_sum_found": "part promised right where one is",
    "paid_sum_exact": "sum paid right (none counts)",
    "paid_sum_found": "sum paid right where one is told",
    "paid_date_exact": "payment date right (none counts)",
    "payment_method_exact": "payment method right",
    "dispute_reason": "reason of a dispute right",
    "question_topic": "topic of a question right",
    "other_reason": "reason of other right",
    "late_reason": "reason for being late right, where the sender gives one",
}


def cross_report(evaluation: CrossEvaluation, width: int = 100) -> str:
    """The cross-validation: spread over draws of authors, the split by hand, bounds and baselines."""
    spread = evaluation.spread()
    table = Table("figure", "authors held out", "hands held out", title="Replies that training never saw")
    for name, words in NAMES.items():
        drawn = f"{spread[name][0]:.3f} ± {spread[name][1]:.3f}" if name in spread else "-"
        table.add_row(words, drawn, _number(evaluation.by_hand[name]))
    learning = Table("replies trained on", "macro-F1, hands held out", title="What more replies give")
    for rows, f1 in evaluation.learning:
        learning.add_row(str(rows), _number(f1))
    blocks = [table, *_breakdown(evaluation.by_hand), _bounds(evaluation), _baselines(evaluation), learning]
    return _text(blocks, width)


def model_report(evaluation: ModelEvaluation, width: int = 100) -> str:
    """One trained model on labelled replies."""
    table = Table("figure", "value", title=f"Trained model {evaluation.version}: {evaluation.messages} replies")
    for name, words in NAMES.items():
        table.add_row(words, _number(evaluation.figures[name]))
    acted = Table("without a person", "value")
    share = evaluation.actionable_automatic / max(1, evaluation.actionable)
    acted.add_row("replies that may be acted on", str(evaluation.actionable))
    acted.add_row("of these automatic and right", f"{evaluation.actionable_automatic} ({share:.1%})")
    acted.add_row("automatic in all", str(evaluation.automatic))
    limit = upper_limit(evaluation.wrong, evaluation.messages)
    acted.add_row("of these wrong", f"{evaluation.wrong} (under {limit:.1%} of all replies with 95 % confidence)")
    mistakes = Table("reply", "label", "said", "confidence", title="Most confident mistakes")
    for each in evaluation.worst:
        mistakes.add_row(each["id"], each["label"], each["said"], f"{each['confidence']:.3f}")
    return _text([table, *_breakdown(evaluation.figures), acted, mistakes], width)


def _breakdown(figures: Mapping[str, Any]) -> list[Table]:
    intents = Table("intent", "precision", "recall", "F1", "replies")
    for intent, each in figures["classes"].items():
        intents.add_row(
            intent, _number(each["precision"]), _number(each["recall"]), _number(each["f1"]), str(each["rows"])
        )
    languages = Table("language", "macro-F1", "calibration error", "replies")
    for language, each in figures["languages"].items():
        languages.add_row(language, _number(each["macro_f1"]), _number(each["calibration_error"]), str(each["rows"]))
    coverage = Table("precision", "share of replies that reach it, surest first")
    for precision, share in figures["coverage"].items():
        coverage.add_row(precision, _number(share))
    return [intents, languages, coverage]


def _bounds(evaluation: CrossEvaluation) -> Table:
    table = Table(
        "at most wrong, of all", "automatic", "of these wrong", "of those that may be acted on", "",
        title="What each bound leaves automatic (95 % confidence, hands held out)",
    )  # fmt: skip
    for each, row in zip(evaluation.bounds, bound_rows(evaluation.bounds), strict=True):
        table.add_row(*row, "chosen" if each.bound == evaluation.chosen.bound else "")
    return table


def bound_rows(bounds: Sequence[Bounded]) -> list[tuple[str, str, str, str]]:
    """For each bound: itself, how many would be automatic, how many of these wrong, and of how many that may be."""
    return [
        (f"{each.bound:.1%}", f"{each.automatic} of {each.messages}", str(each.wrong), _share(each)) for each in bounds
    ]


def _share(bounded: Bounded) -> str:
    share = bounded.actionable_automatic / max(1, bounded.actionable)
    return f"{bounded.actionable_automatic} of {bounded.actionable} ({share:.1%})"


def _baselines(evaluation: CrossEvaluation) -> Table:
    table = Table("baseline", "macro-F1, hands held out")
    for name, value in evaluation.baselines.items():
        table.add_row(name, _number(value))
    table.add_row("this classifier", _number(evaluation.by_hand["macro_f1"]))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _text(blocks: list[Table], width: int) -> str:
    out = StringIO()
    console = Console(file=out, width=width, no_color=True)
    for block in blocks:
        console.print(block)
    return out.getvalue()
