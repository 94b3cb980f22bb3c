"""Runs of characters are counted as the fitted vectoriser counts them."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from classifier.features import Runs

LEARNT = ["wir zahlen am freitag", "xdateahead on a card", "nous payons aujourd'hui, oui ou non"]
TEXTS = ["wir wir zahlen", "", " ", "a", "on\u2028a  card\tb\x1cc", "\ud800 ?", "aujourd'hui oui oui oui", *LEARNT]


def test_runs_are_counted_as_the_vectoriser_counts_them() -> None:
    fitted = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=False).fit(LEARNT)
    expected, found = fitted.transform(TEXTS).astype(np.float64), Runs(fitted).counts(TEXTS)
    assert found.shape == expected.shape
    assert (found != expected).nnz == 0
    assert found.indices.tolist() == expected.indices.tolist()  # in the order that the products are summed in
