"""An evaluation as one HTML page with its plots inside: no script, no link, nothing fetched, nothing measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from classifier import labels, plots
from classifier.evaluation import CrossEvaluation, ModelEvaluation
from classifier.report import NAMES, bound_rows

_STYLE = (
    "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;border-bottom:1px solid #ddd;"
    "text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}svg{margin:.5rem 1rem .5rem 0}"
)


def cross_page(evaluation: CrossEvaluation) -> str:
    """The cross-validation."""
    spread = evaluation.spread()
    rows = [
        (words, f"{spread[name][0]:.3f} ± {spread[name][1]:.3f}" if name in spread else "-",
         _number(evaluation.by_hand.get(name)))
        for name, words in NAMES.items()
    ]  # fmt: skip
    bounds = _table(
        ("at most wrong, of all", "automatic", "of these wrong", "automatic and right, of those that may be acted on"),
        bound_rows(evaluation.bounds),
    )
    baselines = _table(("way", "macro-F1, hands held out"), [
        *((name, _number(value)) for name, value in evaluation.baselines.items()),
        ("this classifier", _number(evaluation.by_hand["macro_f1"])),
    ])  # fmt: skip
    learning = ""
    if evaluation.learning:
        most = max(rows for rows, _ in evaluation.learning)
        learning = plots.lines(
            {"macro-F1": evaluation.learning}, "replies trained on", "macro-F1",
            span=(0, most, 0.5, 1.0), title="What more replies give (hands held out)",
        )  # fmt: skip
    return _page("How well the classifier reads replies that it never saw", [
        _table(("figure", "authors held out", "hands held out"), rows),
        _pictures(evaluation.by_hand), learning, "<h2>Acting without a person</h2>", bounds,
        "<h2>Baselines in the same run</h2>", baselines, _breakdown(evaluation.by_hand),
        _worst(evaluation.worst),
    ])  # fmt: skip


def model_page(evaluation: ModelEvaluation) -> str:
    """One trained model on labelled replies."""
    rows = [(words, _number(evaluation.figures.get(name))) for name, words in NAMES.items()]
    rows += [
        ("replies that may be acted on", str(evaluation.actionable)),
        ("of these automatic and right", str(evaluation.actionable_automatic)),
        ("automatic in all", str(evaluation.automatic)),
        ("of these wrong", str(evaluation.wrong)),
    ]
    return _page(f"Trained model {evaluation.version} on {evaluation.messages} replies", [
        _table(("figure", "value"), rows), _pictures(evaluation.figures), _breakdown(evaluation.figures),
        _worst(evaluation.worst),
    ])  # fmt: skip


def _pictures(figures: Mapping[str, Any]) -> str:
    curve = [(share, 1 - right) for share, right in figures["risk_coverage"]]
    return "".join([
        plots.lines({"share wrong": curve}, "share of replies taken, surest first", "share wrong",
                    span=(0, 1, 0, 0.3), title="Risk and coverage"),
        plots.calibration([tuple(each) for each in figures["calibration_bins"]], "Calibration of the confidence"),
        plots.matrix(labels.INTENTS, figures["confusion"], "Label (row) and what was said (column)"),
    ])  # fmt: skip


def _breakdown(figures: Mapping[str, Any]) -> str:
    intents = _table(("intent", "precision", "recall", "F1", "replies"), [
        (intent, *(_number(each[name]) for name in ("precision", "recall", "f1")), str(each["rows"]))
        for intent, each in figures["classes"].items()
    ])  # fmt: skip
    languages = _table(("language", "macro-F1", "calibration error", "replies"), [
        (language, _number(each["macro_f1"]), _number(each["calibration_error"]), str(each["rows"]))
        for language, each in figures["languages"].items()
    ])  # fmt: skip
    return f"<h2>By intent and language</h2>{intents}{languages}"


def _worst(worst: Sequence[Mapping[str, Any]]) -> str:
    rows = [(each["id"], each["label"], each["said"], _number(each["confidence"])) for each in worst]
    return "<h2>Most confident mistakes</h2>" + _table(("reply", "label", "said", "confidence"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if at else ''}>{escape(cell)}</td>" for at, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _page(title: str, parts: Sequence[str]) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )
