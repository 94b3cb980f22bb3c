"""From prepared messages to sparse matrices: words, characters and cues, by sentence and by whole message.

Each sentence is counted once; a message's counts are the sum of its sentences' counts, so that both views cost one
pass. Word 1-2-grams and character 2-5-grams within words are weighted by TF-IDF; cue features stand beside them.
Only scikit-learn's own estimators are used, so that a trained model loads without trusting any code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier.cues import cue_features
from classifier.preprocess import Prepared, delexicalise

#: A scipy.sparse.csr_matrix of float64; scipy has no types of its own.
Matrix: TypeAlias = Any

#: How much one cue weighs beside the rows of TF-IDF, each block of which has length one.
CUE_WEIGHT = 0.2

#: The same for details, of which there are few rows and plain words.
DETAIL_CUE_WEIGHT = 0.5

_WORD = r"(?u)\b\w+\b|\?"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a batch of messages: a row a sentence, and which sentences make up which message."""

    words: Matrix
    characters: Matrix
    cues: Matrix
    members: Matrix

    def span(self, message: int) -> slice:
        """The sentences of a message, as rows of the sentence matrices."""
        return slice(int(self.members.indptr[message]), int(self.members.indptr[message + 1]))


@dataclass(frozen=True, slots=True)
class Vectors:
    """The fitted vocabulary and weights; `names` are the words or pairs of words that the first columns stand for."""

    words: CountVectorizer
    characters: CountVectorizer
    word_weights: TfidfTransformer
    character_weights: TfidfTransformer
    names: tuple[str, ...]

    def counts(self, messages: Sequence[Prepared]) -> Counts:
        return Counts(
            *_counted(messages, self.words.transform, self.characters.transform), _cues(messages), _members(messages)
        )

    def sentences(self, counts: Counts) -> Matrix:
        """One weighted row a sentence."""
        return self._weighted(counts.words, counts.characters, counts.cues)

    def whole(self, counts: Counts, cue_weight: float | None = None) -> Matrix:
        """One weighted row a message; a cue of any sentence is a cue of the message."""
        cues = counts.members @ counts.cues
        cues.data = np.minimum(cues.data, 1.0)
        return self._weighted(counts.members @ counts.words, counts.members @ counts.characters, cues, cue_weight)

    def _weighted(self, words: Matrix, characters: Matrix, cues: Matrix, cue_weight: float | None = None) -> Matrix:
        blocks = [
            self.word_weights.transform(words),
            self.character_weights.transform(characters),
            cues * (CUE_WEIGHT if cue_weight is None else cue_weight),
        ]
        return sparse.hstack(blocks, format="csr")


def fit_vectors(messages: Sequence[Prepared]) -> tuple[Vectors, Counts]:
    """Vocabulary and weights of these messages, and their counts. Deterministic: vocabularies are sorted."""
    word = CountVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=_WORD, lowercase=False)
    character = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, lowercase=False)
    by_word, by_character = _counted(messages, word.fit_transform, character.fit_transform)
    members = _members(messages)
    vectors = Vectors(
        word, character,
        TfidfTransformer(sublinear_tf=True).fit(members @ by_word),
        TfidfTransformer(sublinear_tf=True).fit(members @ by_character),
        names_of(word),
    )  # fmt: skip
    return vectors, Counts(by_word, by_character, _cues(messages), members)


def names_of(counted: CountVectorizer) -> tuple[str, ...]:
    """What the columns of a fitted vectoriser stand for."""
    return tuple(str(name) for name in counted.get_feature_names_out())


Count = Callable[[Sequence[str]], Matrix]


def _counted(messages: Sequence[Prepared], by_word: Count, by_character: Count) -> tuple[Matrix, Matrix]:
    texts = [delexicalise(sentence) for message in messages for sentence in message.sentences]
    return by_word(texts).astype(np.float64), by_character(texts).astype(np.float64)


def _cues(messages: Sequence[Prepared]) -> Matrix:
    rows = [cue_features(sentence, message.language) for message in messages for sentence in message.sentences]
    return sparse.csr_matrix(np.vstack(rows))


def _members(messages: Sequence[Prepared]) -> Matrix:
    """Messages × sentences, one where the sentence is the message's."""
    lengths = [len(message.sentences) for message in messages]
    ends = np.concatenate([[0], np.cumsum(lengths)])
    total = int(ends[-1])
    return sparse.csr_matrix((np.ones(total), np.arange(total), ends), shape=(len(messages), total))
