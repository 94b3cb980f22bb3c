"""Rules ahead of the trained model: insolvency, lawyers, opt-outs, bank details.

On these a mistake is dear and the words are plain, so a wording decides and not a probability: the message is a
person's, whatever the model says. Wordings are in wordings/rules.toml: those of the message's language count, and of
the others the long ones, since a firm may write in two. Matching is on words and linear in the text; a phrase shortly
after a negation ("there is no need for a lawyer") does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from classifier.preprocess import Sentence
from classifier.text import Phrases, fold, words
from classifier.wordings import read_wordings

#: In order of weight: the first that matches names the prediction's rule.
RULES = ("insolvency", "legal", "unsubscribe", "bank_details")

#: Rules that say by themselves that the message is `other`, with the rule's name as its reason.
OTHER_RULES = ("insolvency", "legal", "unsubscribe")

_NEAR = 3


@dataclass(frozen=True, slots=True)
class RuleHit:
    """The rule, the index of the sentence that it matched in, and the words that matched."""

    rule: str
    sentence: int
    words: str


def match_rules(sentences: Sequence[Sentence], language: str) -> list[RuleHit]:
    """The rules that match, at most one hit each, in the order of RULES."""
    hits: dict[str, RuleHit] = {}
    phrases, negations = _wordings(language)
    for index, sentence in enumerate(sentences):
        found = words(sentence.folded)
        for hit in phrases.find(found):
            rule, spoken = hit.name.split(".")
            before = [word.folded for word in found[max(0, hit.first - _NEAR) : hit.first]]
            if rule in hits or any(word in negations[spoken] for word in before):
                continue
            span = sentence.text[found[hit.first].start : found[hit.after - 1].end]
            hits[rule] = RuleHit(rule, index, span)
    return [hits[rule] for rule in RULES if rule in hits]


@cache
def _wordings(own: str) -> tuple[Phrases, dict[str, frozenset[str]]]:
    raw = read_wordings("rules")
    named = {
        f"{rule}.{language}": [each for each in listed if language == own or _is_unmistakable(each)]
        for rule in RULES
        for language, listed in raw[rule].items()
    }
    negations = {
        language: frozenset(word.folded for phrase in listed for word in words(fold(phrase)))
        for language, listed in raw["negation"].items()
    }
    return Phrases(named), negations


def _is_unmistakable(phrase: str) -> bool:
    """Whether a phrase means the same in a message of another language: "court" is a French verb too."""
    return " " in phrase or len(phrase) >= _LONG


_LONG = 7
