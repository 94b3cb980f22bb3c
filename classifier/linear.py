"""Fitted regressions over the same columns, asked all at once.

scikit-learn asks each regression on its own and looks at the rows anew for each: over a batch of short mails and fifty
regressions that costs more than the multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

Array = np.ndarray[Any, np.dtype[np.float64]]


class Stacked:
    """Several regressions, each of two classes, as one matrix."""

    def __init__(self, models: Sequence[LogisticRegression]) -> None:
        self._weights = np.ascontiguousarray(np.vstack([each.coef_ for each in models]).T)
        self._constants = np.concatenate([each.intercept_ for each in models])

    def log_odds(self, rows: Any) -> Array:
        """A row a message, a column a regression."""
        found: Array = rows @ self._weights + self._constants
        return found


class Classes:
    """A classifier of one against the rest, with the probabilities that its own `predict_proba` gives."""

    def __init__(self, model: OneVsRestClassifier) -> None:
        self.classes = tuple(map(str, model.classes_))
        self._stacked = Stacked(model.estimators_)

    def shares(self, rows: Any) -> Array:
        """A row a message, a column a class; each row adds up to one."""
        found = 1.0 / (1.0 + np.exp(-self._stacked.log_odds(rows)))
        if found.shape[1] == 1:  # two classes have one regression
            return np.hstack([1.0 - found, found])
        shares: Array = found / found.sum(axis=1, keepdims=True)
        return shares
