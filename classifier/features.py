"""From prepared messages to matrices: words, characters, cues and meaning, by sentence and by whole message.

Each sentence is counted once; a message's counts are the sum of its sentences' counts, so that both views cost one
pass. Word 1-2-grams and character 2-5-grams within words are weighted by TF-IDF; cue features stand beside them, and
where there is a sentence encoder its vectors, brought to one scale. Only scikit-learn's own estimators and plain arrays
are used, so that a trained model loads without trusting any code.

Training counts all its messages once. Each fold then has weights of its own from its own messages: a word that they
hold less than twice weighs nothing, exactly as if it were not in the vocabulary.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier.cues import FEATURES, cue_features
from classifier.encoders.values import Encoded, Encoder, Identity, Vectors32
from classifier.preprocess import Prepared, delexicalise

#: A scipy.sparse.csr_matrix of float64; scipy has no types of its own.
Matrix: TypeAlias = Any

#: How much one cue weighs beside the rows of TF-IDF, each block of which has length one.
CUE_WEIGHT = 0.2

#: The same for details, of which there are few rows and plain words.
DETAIL_CUE_WEIGHT = 0.5

#: How much the vectors of an encoder weigh; the vectors of each network in it have length one on average.
DENSE_WEIGHT = 1.0

#: In how many sentences a word or pair of words, and a run of characters, must stand to be learnt.
LEAST_WORDS, LEAST_CHARACTERS = 2, 3

_WORD = r"(?u)\b\w+\b|\?"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a batch of messages: a row a sentence, and which sentences make up which message."""

    words: Matrix
    characters: Matrix
    cues: Matrix
    members: Matrix
    encoded: Encoded | None

    def span(self, message: int) -> slice:
        """The sentences of a message, as rows of the sentence matrices."""
        return slice(int(self.members.indptr[message]), int(self.members.indptr[message + 1]))

    def take(self, messages: Sequence[int]) -> Counts:
        """The counts of some of the messages, in the order given."""
        spans = [np.arange(self.span(each).start, self.span(each).stop) for each in messages]
        rows = np.concatenate([np.arange(0), *spans])
        lengths = [self.span(each).stop - self.span(each).start for each in messages]
        encoded = self.encoded
        if encoded is not None:
            encoded = Encoded(encoded.whole[np.asarray(messages, int)], encoded.sentences[rows])
        return Counts(self.words[rows], self.characters[rows], self.cues[rows], _members(lengths), encoded)

    def beside(self, other: Counts) -> Counts:
        """These messages and then the other's, of the same vocabulary."""
        encoded = None
        if self.encoded is not None and other.encoded is not None:
            encoded = Encoded(
                np.concatenate([self.encoded.whole, other.encoded.whole]),
                np.concatenate([self.encoded.sentences, other.encoded.sentences]),
            )
        lengths = [*np.diff(self.members.indptr), *np.diff(other.members.indptr)]
        return Counts(
            sparse.vstack([self.words, other.words], format="csr"),
            sparse.vstack([self.characters, other.characters], format="csr"),
            sparse.vstack([self.cues, other.cues], format="csr"),
            _members(lengths),
            encoded,
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Brings vectors to mean zero and, by network, length one."""

    mean: Vectors32
    factor: Vectors32

    def of(self, vectors: Vectors32) -> Matrix:
        return sparse.csr_matrix((vectors - self.mean) * self.factor, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Scales:
    whole: Scale
    sentences: Scale


class Runs:
    """The runs of characters of many texts, counted as the fitted vectoriser counts them, in a fifth of its time: the
    runs lie within words, and most words come again.
    """

    def __init__(self, fitted: CountVectorizer) -> None:
        self._columns_of = lru_cache(_WORDS_KEPT)(partial(_columns_of, fitted.build_analyzer(), fitted.vocabulary_))
        self._size = len(fitted.vocabulary_)

    def counts(self, texts: Sequence[str]) -> Matrix:
        """A row a text, a column a run."""
        columns = [[column for word in text.split() for column in self._columns_of(word)] for text in texts]
        ends = np.cumsum([0, *map(len, columns)])
        counted = sparse.csr_matrix(
            (np.ones(ends[-1]), np.fromiter(itertools.chain.from_iterable(columns), np.int32, ends[-1]), ends),
            shape=(len(texts), self._size),
        )
        counted.sum_duplicates()
        return counted


#: Words whose runs are kept: of the language that replies are in, and of what customers write in one day.
_WORDS_KEPT = 20_000


def _columns_of(analyse: Callable[[str], list[str]], vocabulary: Mapping[str, int], word: str) -> tuple[int, ...]:
    """The columns of the runs in a word that are known, as often as they stand in it."""
    return tuple(vocabulary[run] for run in analyse(word) if run in vocabulary)


@dataclass(frozen=True)
class Vocabulary:
    """What is counted, and the encoder."""

    words: CountVectorizer
    characters: CountVectorizer
    encoder: Encoder | None

    def counts(self, messages: Sequence[Prepared]) -> Counts:
        texts = _texts(messages)
        return self._beside(messages, self.words.transform(texts), self._runs.counts(texts))

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.characters)

    def _beside(self, messages: Sequence[Prepared], words: Matrix, characters: Matrix) -> Counts:
        encoded = None
        if self.encoder is not None:
            encoded = self.encoder.encode([[sentence.text for sentence in each.sentences] for each in messages])
        return Counts(
            words.astype(np.float64), characters.astype(np.float64), _cues(messages),
            _members([len(message.sentences) for message in messages]), encoded,
        )  # fmt: skip

    @classmethod
    def of(cls, messages: Sequence[Prepared], encoder: Encoder | None) -> tuple[Vocabulary, Counts]:
        """The vocabulary of these messages and their counts. Deterministic: it is sorted."""
        found = cls(
            CountVectorizer(ngram_range=(1, 2), min_df=LEAST_WORDS, token_pattern=_WORD, lowercase=False),
            CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=LEAST_CHARACTERS, lowercase=False),
            encoder,
        )
        texts = _texts(messages)
        words, characters = found.words.fit_transform(texts), found.characters.fit_transform(texts)
        return found, found._beside(messages, words, characters)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Fitted weights over a vocabulary; `names` are the words or pairs of words that the first columns stand for."""

    vocabulary: Vocabulary
    word_weights: TfidfTransformer
    character_weights: TfidfTransformer
    names: tuple[str, ...]
    scales: Scales | None

    @property
    def identity(self) -> Identity | None:
        """What the encoder is made of."""
        return self.vocabulary.encoder.identity if self.vocabulary.encoder else None

    def counts(self, messages: Sequence[Prepared]) -> Counts:
        return self.vocabulary.counts(messages)

    def sentences(self, counts: Counts) -> Matrix:
        """One weighted row a sentence."""
        dense = self.scales.sentences.of(counts.encoded.sentences) if self.scales and counts.encoded else None
        return self._weighted(counts.words, counts.characters, counts.cues, dense, None)

    def whole(self, counts: Counts, cue_weight: float | None = None) -> Matrix:
        """One weighted row a message; a cue of any sentence is a cue of the message."""
        cues = counts.members @ counts.cues
        cues.data = np.minimum(cues.data, 1.0)
        dense = self.scales.whole.of(counts.encoded.whole) if self.scales and counts.encoded else None
        return self._weighted(
            counts.members @ counts.words, counts.members @ counts.characters, cues, dense, cue_weight
        )

    def blocks(self) -> dict[str, slice]:
        """The columns of a row by where they come from: words, characters, and each network of the encoder."""
        words, characters = len(self.names), len(self.character_weights.idf_)
        found = {"words": slice(0, words), "characters": slice(words, words + characters)}
        at = words + characters + len(FEATURES)
        for part in self.identity.parts if self.identity else ():
            found[part.name] = slice(at, at + part.size)
            at += part.size
        return found

    def _weighted(
        self, words: Matrix, characters: Matrix, cues: Matrix, dense: Matrix | None, cue_weight: float | None
    ) -> Matrix:
        blocks = [
            self.word_weights.transform(words),
            self.character_weights.transform(characters),
            cues * (CUE_WEIGHT if cue_weight is None else cue_weight),
        ]
        return sparse.hstack([*blocks, dense] if dense is not None else blocks, format="csr")


def fit_vectors(vocabulary: Vocabulary, counts: Counts) -> Vectors:
    """Weights from the counts of the messages that are trained on."""
    identity = vocabulary.encoder.identity if vocabulary.encoder else None
    scales = None
    if identity is not None and counts.encoded is not None:
        scales = Scales(_scale(counts.encoded.whole, identity), _scale(counts.encoded.sentences, identity))
    return Vectors(
        vocabulary,
        _idf(counts.members, counts.words, LEAST_WORDS),
        _idf(counts.members, counts.characters, LEAST_CHARACTERS),
        names_of(vocabulary.words),
        scales,
    )


def _idf(members: Matrix, counted: Matrix, least: int) -> TfidfTransformer:
    weights = TfidfTransformer(sublinear_tf=True).fit(members @ counted)
    too_rare = np.bincount(counted.indices, minlength=counted.shape[1]) < least
    idf = weights.idf_.copy()
    idf[too_rare] = 0.0
    weights.idf_ = idf
    return weights


def _scale(vectors: Vectors32, identity: Identity) -> Scale:
    """Columns that never vary weigh nothing."""
    deviation = vectors.std(axis=0)
    sizes = [part.size for part in identity.parts]
    length = np.sqrt(np.repeat(sizes, sizes))
    factor = np.where(deviation > _STILL, DENSE_WEIGHT / (np.maximum(deviation, _STILL) * length), 0.0)
    return Scale(vectors.mean(axis=0), factor.astype(np.float32))


_STILL = 1e-6


def names_of(counted: CountVectorizer) -> tuple[str, ...]:
    """What the columns of a fitted vectoriser stand for."""
    return tuple(str(name) for name in counted.get_feature_names_out())


def _texts(messages: Sequence[Prepared]) -> list[str]:
    return [delexicalise(sentence) for message in messages for sentence in message.sentences]


def _cues(messages: Sequence[Prepared]) -> Matrix:
    rows = [cue_features(sentence, message.language) for message in messages for sentence in message.sentences]
    return sparse.csr_matrix(np.vstack(rows))


def _members(lengths: Sequence[int]) -> Matrix:
    """Messages × sentences, one where the sentence is the message's."""
    ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    total = int(ends[-1])
    return sparse.csr_matrix((np.ones(total), np.arange(total), ends), shape=(len(lengths), total))
