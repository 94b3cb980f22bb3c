"""Training is repeatable, refuses what it can't learn from, and judges nobody by a model that saw them."""

from __future__ import annotations

import json

import pytest

from classifier import training
from classifier.data import Row
from classifier.errors import DataError
from classifier.examples import make_examples
from classifier.folds import by_hand
from classifier.labels import INTENTS
from classifier.training import Trained, read_by_rule, score_held_out, train, train_both
from tests.classifier.encoders.fakes import Fake
from tests.classifier.golden import GOLDEN, classifier_of, probes


def test_the_same_data_and_lock_give_the_golden_predictions(small_training: Trained) -> None:
    golden = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
    said = [each.as_json() for each in classifier_of(small_training).predict(probes())]
    for found, expected in zip(said, golden, strict=True):
        for numbers in ("intents", "confidence", "promise_date_confidence"):
            assert found.pop(numbers) == pytest.approx(expected.pop(numbers), abs=1e-5)
        assert found == expected


def test_a_batch_predicts_as_each_alone(small_training: Trained) -> None:
    model = classifier_of(small_training)
    together = model.predict(probes())
    for reply, expected in zip(probes(), together, strict=True):
        (alone,) = model.predict([reply])
        assert alone.intents == pytest.approx(expected.intents, abs=1e-9)
        assert (alone.primary, alone.per_invoice, alone.promise_date) == (
            expected.primary, expected.per_invoice, expected.promise_date,
        )  # fmt: skip


def test_every_row_is_judged_once_by_models_that_never_saw_it(small_rows: list[Row], small_training: Trained) -> None:
    assert [each.id for each in small_training.held_out.predictions] == [row.reply.id for row in small_rows]
    assert small_training.bounded.messages == len(small_rows)


def test_a_prediction_keeps_its_own_rules(small_training: Trained) -> None:
    for said in classifier_of(small_training).predict(probes()):
        assert set(said.intents) == set(INTENTS)
        assert said.intents[said.primary] >= 0.5
        assert 0 <= said.confidence <= 1
        assert all(0 <= probability <= 1 for probability in said.intents.values())
        assert (said.dispute_reason is not None) == (said.intents["dispute"] >= 0.5)
        assert said.promise_date is None or said.intents["promise"] >= 0.5
        assert not (said.automatic and said.rule)


def test_an_encoder_that_adds_no_vectors_shares_the_regressions_of_the_model_without(
    small_rows: list[Row], small_training: Trained
) -> None:
    bare = Fake(size=0)
    without, beside = train_both(small_rows, bare)
    assert without.held_out == small_training.held_out
    assert without.estimators.vectors.identity is None
    assert beside.estimators.vectors.identity == bare.identity
    assert beside.estimators.whole is without.estimators.whole
    assert not bare.seen


def test_an_encoder_that_adds_vectors_has_regressions_of_its_own(
    small_rows: list[Row], small_training: Trained
) -> None:
    without, encoded = train_both(small_rows, Fake())
    assert without.held_out == small_training.held_out
    assert encoded.estimators.whole["paid"].coef_.shape[1] == without.estimators.whole["paid"].coef_.shape[1] + 4


def test_the_rules_read_the_same_in_any_number_of_chunks(
    small_rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = make_examples(small_rows, None)
    held = score_held_out(examples, by_hand(small_rows))
    said = [set(row.labels.intents) for row in small_rows]
    assert sorted(held.read) == [at for at, intents in enumerate(said) if intents & {"promise", "paid"}]
    assert all("promise" in said[at] for at, each in held.read.items() if each.promised.on)
    monkeypatch.setattr(training, "_CHUNK", 7)
    assert read_by_rule(examples, held) == held.read


def test_nothing_to_learn_from_is_told(small_rows: list[Row]) -> None:
    with pytest.raises(DataError, match="no row has the primary intent other"):
        train([row for row in small_rows if row.labels.primary != "other"])
    with pytest.raises(DataError, match="by one author"):
        one = small_rows[0].author
        train([row if row.author == one else _as(row, one) for row in small_rows])


def _as(row: Row, author: str) -> Row:
    return Row(row.reply, author, row.group, row.language, row.labels)
