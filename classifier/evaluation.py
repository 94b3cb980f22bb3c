"""Honest evaluation: cross-validation by author and idea, several seeds, with baselines in the same run.

`cross_evaluate` measures the way of training: each row is predicted by models that never saw its author, nor a row of
its idea; five draws of authors give mean and spread, and a split by hand tells how it does on writers from elsewhere.
`evaluate_model` measures one trained model on labelled rows that it never saw.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from classifier import labels
from classifier.cues import cues_in
from classifier.data import Row
from classifier.encoders.values import Encoder
from classifier.examples import Examples, Progress, make_examples, silent
from classifier.figures import macro_f1, measure
from classifier.folds import Fold, by_author, by_hand
from classifier.labels import primary_of
from classifier.preprocess import Prepared, delexicalise
from classifier.thresholds import BOUNDS, Bounded, bound_thresholds, choose_thresholds, upper_limit
from classifier.trained import Classifier
from classifier.training import hold_out, outcome
from classifier.values import Prediction

SEEDS = (0, 1, 2, 3, 4)

#: Figures that are told as mean and spread over the seeds.
SPREAD = (
    "macro_f1", "accuracy", "calibration_error", "intents_exact", "per_invoice_exact", "per_invoice_split_exact",
    "promise_date_exact", "promise_date_wrong", "promised_sum_exact", "promised_sum_found", "paid_sum_found",
    "dispute_reason", "question_topic", "other_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CrossEvaluation:
    """`by_author`: figures of each seed. `by_hand`: figures over all rows. `bounds`: what each bound would leave
    automatic. `baselines`: macro-F1 by name over the split by hand. `learning`: replies trained on and macro-F1.
    `worst`: the most confident mistakes.
    """

    by_author: tuple[dict[str, Any], ...]
    by_hand: dict[str, Any]
    bounds: tuple[Bounded, ...]
    chosen: Bounded
    baselines: dict[str, float]
    learning: tuple[tuple[int, float], ...]
    worst: tuple[dict[str, Any], ...]

    def spread(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation over the seeds, where a figure exists."""
        found: dict[str, tuple[float, float]] = {}
        for name in SPREAD:
            values = [each[name] for each in self.by_author if each[name] is not None]
            if values:
                found[name] = (mean(values), stdev(values) if len(values) > 1 else 0.0)
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "by_author": {name: {"mean": m, "spread": s} for name, (m, s) in self.spread().items()},
            "by_hand": self.by_hand,
            "bounds": [_bound_json(each) for each in self.bounds],
            "chosen_bound": self.chosen.bound,
            "baselines": self.baselines,
            "learning_curve": [list(each) for each in self.learning],
            "worst": list(self.worst),
        }


def cross_evaluate(
    rows: Sequence[Row], seeds: Sequence[int] = SEEDS, progress: Progress = silent, encoder: Encoder | None = None
) -> CrossEvaluation:
    """Evaluate the way of training on `rows`, with the vectors of `encoder` where there is one."""
    examples = make_examples(rows, encoder, progress)
    folds = by_hand(rows)
    judged, _ = hold_out(examples, folds, lambda step: progress(f"by hand: {step}"))
    runs = []
    for seed in seeds:
        held, _ = hold_out(examples, by_author(rows, seed), lambda step: progress(f"by author: {step}"))
        runs.append(measure(rows, held.predictions))
    progress("baselines")
    return CrossEvaluation(
        tuple(runs),
        measure(rows, judged.predictions),
        tuple(bound_thresholds(judged.outcomes, bound) for bound in BOUNDS),
        choose_thresholds(judged.outcomes),
        baselines(rows, examples.prepared, folds),
        learning_curve(examples, folds, progress),
        worst_mistakes(rows, judged.predictions),
    )


#: Parts of the training replies that the learning curve is measured at, besides all of them.
PARTS = (0.25, 0.5, 0.75, 1.0)


def learning_curve(examples: Examples, folds: Sequence[Fold], progress: Progress) -> tuple[tuple[int, float], ...]:
    """Mean number of replies trained on and macro-F1, with whole authors left out of training at random."""
    found = []
    for part in PARTS:
        fewer = []
        for fold in folds:
            authors = sorted({examples.rows[index].author for index in fold.train})
            random.Random(0).shuffle(authors)  # noqa: S311 a draw that must come out the same each time
            kept = set(authors[: max(2, round(len(authors) * part))])
            train = tuple(index for index in fold.train if examples.rows[index].author in kept)
            fewer.append(Fold(f"{fold.name}, {part:.0%} of the authors", train, fold.test))
        judged, _ = hold_out(examples, fewer, lambda step: progress(f"learning curve: {step}"))
        f1 = macro_f1([row.labels.primary for row in examples.rows], [each.primary for each in judged.predictions])
        found.append((round(mean(len(fold.train) for fold in fewer)), f1))
    return tuple(found)


def worst_mistakes(rows: Sequence[Row], predictions: Sequence[Prediction]) -> tuple[dict[str, Any], ...]:
    """The most confident of the wrong primary intents."""
    mistakes = sorted(
        (pair for pair in zip(rows, predictions, strict=True) if pair[0].labels.primary != pair[1].primary),
        key=lambda pair: -pair[1].confidence,
    )
    return tuple(
        {"id": row.reply.id, "label": row.labels.primary, "said": said.primary, "confidence": said.confidence}
        for row, said in mistakes[:WORST]
    )


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """Figures of one trained model, and what it would have done without a person."""

    version: str
    figures: dict[str, Any]
    messages: int
    automatic: int
    wrong: int
    actionable: int
    actionable_automatic: int
    worst: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "figures": self.figures,
            "automatic": {
                "messages": self.messages, "automatic": self.automatic, "wrong": self.wrong,
                "wrong_share_upper_limit": upper_limit(self.wrong, self.messages),
                "actionable": self.actionable, "actionable_automatic": self.actionable_automatic,
            },
            "worst": list(self.worst),
        }  # fmt: skip


WORST = 10


def evaluate_model(classifier: Classifier, rows: Sequence[Row]) -> ModelEvaluation:
    """Measure `classifier` on rows that it never saw; `worst` lists its most confident mistakes."""
    predictions = classifier.predict([row.reply for row in rows])
    outcomes = [outcome(row, said) for row, said in zip(rows, predictions, strict=True)]
    acted = [each for each in outcomes if each.candidate]
    worst = worst_mistakes(rows, predictions)
    return ModelEvaluation(
        classifier.version, measure(rows, predictions), len(rows), len(acted), sum(each.wrong for each in acted),
        sum(each.actionable for each in outcomes), sum(each.actionable and not each.wrong for each in acted), worst,
    )  # fmt: skip


def baselines(rows: Sequence[Row], prepared: Sequence[Prepared], folds: Sequence[Fold]) -> dict[str, float]:
    """Macro-F1 of simple ways over the same folds: always the most frequent, cue phrases, TF-IDF with a linear SVM,
    counts with a small neural net; and fastText where floret is installed (it is in a checkout).
    """
    truth = [row.labels.primary for row in rows]
    ways: dict[str, Callable[[Fold], list[str]]] = {
        "majority": lambda fold: _majority(truth, fold),
        "cue phrases": lambda fold: [_by_cues(prepared[index]) for index in fold.test],
        "TF-IDF and linear SVM": lambda fold: _svm(truth, prepared, fold),
        "word counts and a small neural net": lambda fold: _net(truth, prepared, fold),
    }
    if importlib.util.find_spec("floret"):
        ways["fastText"] = lambda fold: _fasttext(truth, prepared, fold)
    found: dict[str, float] = {}
    for name, way in ways.items():
        said: dict[int, str] = {}
        for fold in folds:
            said.update(zip(fold.test, way(fold), strict=True))
        found[name] = macro_f1(truth, [said[index] for index in range(len(rows))])
    return found


def _majority(truth: Sequence[str], fold: Fold) -> list[str]:
    most = Counter(truth[index] for index in fold.train).most_common(1)[0][0]
    return [most] * len(fold.test)


def _by_cues(message: Prepared) -> str:
    said = {cue for sentence in message.sentences for cue in cues_in(sentence, message.language)}
    return primary_of((said & set(labels.INTENTS)) or {"other"})


def _texts(prepared: Sequence[Prepared]) -> list[str]:
    return [" ".join(delexicalise(sentence) for sentence in message.sentences) for message in prepared]


def _svm(truth: Sequence[str], prepared: Sequence[Prepared], fold: Fold) -> list[str]:
    texts = _texts(prepared)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC(random_state=0))
    model.fit([texts[index] for index in fold.train], [truth[index] for index in fold.train])
    return [str(each) for each in model.predict([texts[index] for index in fold.test])]


def _net(truth: Sequence[str], prepared: Sequence[Prepared], fold: Fold) -> list[str]:
    """As paperless-ngx sorts documents: counts of words and pairs of words, and a multi-layer perceptron."""
    texts = _texts(prepared)
    counted = CountVectorizer(ngram_range=(1, 2), min_df=0.01)
    columns = counted.fit_transform([texts[index] for index in fold.train])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline may stop early
        net = MLPClassifier(tol=0.01, max_iter=60, random_state=0).fit(columns, [truth[index] for index in fold.train])
    return [str(each) for each in net.predict(counted.transform([texts[index] for index in fold.test]))]


def _fasttext(truth: Sequence[str], prepared: Sequence[Prepared], fold: Fold) -> list[str]:
    """By fastText (Joulin et al. 2017) as floret keeps it: words, pairs of words, and their pieces."""
    floret = importlib.import_module("floret")
    texts = [text.replace("\n", " ") for text in _texts(prepared)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.txt"
        file.write_text("".join(f"__label__{truth[index]} {texts[index]}\n" for index in fold.train), "utf-8")
        model = floret.train_supervised(
            input=str(file), epoch=25, lr=0.5, wordNgrams=2, minn=3, maxn=6, bucket=200_000, thread=1, verbose=0
        )
    said, _ = model.predict([texts[index] for index in fold.test])
    return [first.removeprefix("__label__") for first, *_ in said]


def _bound_json(bounded: Bounded) -> dict[str, Any]:
    return {
        "bound": bounded.bound,
        "wrong": bounded.wrong,
        "automatic": bounded.automatic,
        "messages": bounded.messages,
        "actionable_automatic": bounded.actionable_automatic,
        "actionable": bounded.actionable,
        "thresholds": bounded.thresholds,
    }
