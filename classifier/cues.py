"""Cue phrases: what people who read such mail look out for, as features beside the word counts.

wordings/cues/<language>.toml holds the phrases by intent and by detail. A phrase within three words of a negation
counts for a feature of its own ("not paid" is no payment). A language without a file of its own has no cues: the
features are then zero and the words alone decide.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from classifier import labels
from classifier.preprocess import Sentence
from classifier.text import Phrases, words

_NEAR = 3

_PLAIN = (
    *labels.INTENTS,
    *(f"dispute_reason.{each}" for each in labels.DISPUTE_REASONS),
    *(f"question_topic.{each}" for each in labels.QUESTION_TOPICS),
    *(f"other_reason.{each}" for each in labels.OTHER_REASONS),
)
_SHAPE = (
    "date_ahead", "date_behind", "date_either", "today", "date_vague", "amount", "question_mark", "short",
    "exclamation", "negated",
)  # fmt: skip

#: Names of the columns of `cue_features`, in order; part of a trained model's format.
FEATURES = (*_PLAIN, *(f"not {each}" for each in labels.INTENTS), *_SHAPE)
_COLUMN = {name: column for column, name in enumerate(FEATURES)}

_SHORT = 6


def cue_features(sentence: Sentence, language: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One row of zeros and ones, a column for each of FEATURES."""
    row = np.zeros(len(FEATURES))
    found = words(sentence.folded)
    lexicon = _lexicon(language)
    texts = [word.folded for word in found]
    negations = [at for at, text in enumerate(texts) if text in lexicon.negations]
    for hit in lexicon.phrases.find(found):
        negated = any(hit.first - _NEAR <= at < hit.after + 1 and not hit.first <= at < hit.after for at in negations)
        if negated and hit.name in labels.INTENTS:
            row[_COLUMN[f"not {hit.name}"]] = 1
        else:
            row[_COLUMN[hit.name]] = 1
    for mention in sentence.dates:
        if mention.family == "nothing":
            continue
        name = (
            "today" if mention.ahead and mention.ahead == mention.behind
            else "date_either" if mention.ahead and mention.behind
            else "date_ahead" if mention.ahead
            else "date_behind" if mention.behind
            else None
        )  # fmt: skip
        if name:
            row[_COLUMN[name]] = 1
        if mention.vague:
            row[_COLUMN["date_vague"]] = 1
    row[_COLUMN["amount"]] = bool(sentence.amounts)
    row[_COLUMN["question_mark"]] = "?" in sentence.text
    row[_COLUMN["exclamation"]] = "!" in sentence.text
    row[_COLUMN["short"]] = len(found) <= _SHORT
    row[_COLUMN["negated"]] = bool(negations)
    return row


def cues_in(sentence: Sentence, language: str) -> Sequence[str]:
    """Names of the cues that are not negated."""
    row = cue_features(sentence, language)
    return [name for name in _PLAIN if row[_COLUMN[name]]]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    phrases: Phrases
    negations: frozenset[str]


@cache
def _lexicon(language: str) -> _Lexicon:
    file = files("classifier") / "wordings" / "cues" / f"{language}.toml"
    if not file.is_file():
        return _Lexicon(Phrases({}), frozenset())
    raw = tomllib.loads(file.read_text("utf-8"))
    named: dict[str, list[str]] = {}
    for name, value in raw["cues"].items():
        if isinstance(value, dict):
            named.update({f"{name}.{detail}": phrases for detail, phrases in value.items()})
        else:
            named[name] = value
    unknown = sorted(set(named) - set(_PLAIN))
    if unknown:
        raise ValueError(f"{file}: cues for no known label: {', '.join(unknown)}")
    return _Lexicon(Phrases(named), frozenset(raw["negation"]))
