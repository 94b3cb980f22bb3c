"""Regressions asked at once say what each says when asked alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from classifier.linear import Classes, Stacked

ROWS = sparse.random(60, 30, density=0.3, format="csr", random_state=np.random.default_rng(3))


def test_log_odds_are_those_of_each_regression() -> None:
    truth = np.random.default_rng(4).integers(0, 2, (3, 60)).astype(bool)
    models = [LogisticRegression().fit(ROWS, each) for each in truth]
    alone = np.column_stack([each.decision_function(ROWS) for each in models])
    assert np.allclose(Stacked(models).log_odds(ROWS), alone)


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_shares_are_those_of_the_classifier(classes: int) -> None:
    names = np.array([f"class {each % classes}" for each in range(60)])
    model = OneVsRestClassifier(LogisticRegression()).fit(ROWS, names)
    found = Classes(model)
    assert found.classes == tuple(model.classes_)
    assert np.allclose(found.shares(ROWS), model.predict_proba(ROWS))
