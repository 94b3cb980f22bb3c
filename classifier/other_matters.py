"""Days on which something else than the sender's payment happens: somebody comes back, is closed, calls, is paid first.

Wordings are in wordings/facts. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from classifier.clauses import clause_around, topics
from classifier.dates import DateMention
from classifier.preprocess import Sentence
from classifier.text import Phrases, words
from classifier.wordings import read_wordings


def is_of_another_matter(sentence: Sentence, mention: DateMention, language: str) -> bool:
    """Whether the clause of a day says so: "I'm off until Monday", "we are closed on Monday", "I'll call on Monday",
    "once my client pays on Monday"; or the sentence leaves it open: "goods are due on Monday, then we'll see".
    """
    wording = _wording(language)
    first, last = clause_around(sentence, mention.start, mention.end, language)
    clause = words(sentence.folded[first:last])
    said = topics(sentence, mention.start, mention.end, language)
    if _ends_an_absence(sentence, mention, (first, last), wording) or wording.contact.find(clause):
        return True
    if "condition" in said and wording.others_pay.find(clause):
        return True
    if "pay" in said:
        return False
    return bool(wording.closed.find(clause) or wording.open_end.find(words(sentence.folded)))


def _ends_an_absence(sentence: Sentence, mention: DateMention, clause: tuple[int, int], wording: _Wording) -> bool:
    """Whether somebody is away until that day: "je suis en arrêt jusqu'au 20 juin", "bin bis 3. April im Urlaub"."""
    first, last = clause
    if not wording.absent.find(words(sentence.folded[first:last])):
        return False
    leading = words(sentence.folded[first : mention.end])
    return any(leading[hit.after - 1].end + first >= mention.start - 1 for hit in wording.until.find(leading))


@dataclass(frozen=True, slots=True)
class _Wording:
    absent: Phrases
    until: Phrases
    closed: Phrases
    contact: Phrases
    others_pay: Phrases
    open_end: Phrases


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    return _Wording(*(Phrases({name: raw[name]}) for name in _Wording.__slots__))
