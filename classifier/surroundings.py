"""What the words around a part of the sum say of it: that it has its day, is paid several times, is another thing's.

Each answer is a look at a few words beside the part; the words are the language's. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from classifier.preprocess import Sentence
from classifier.spelled import is_number
from classifier.text import Phrases, Word, fold, words
from classifier.wordings import read_wordings

#: Words behind a number that say that so many equal parts are meant.
COUNTED_WORDS = 5


#: Characters between an amount and a word like "remaining" that belongs to it.
CLOSE = 12


#: Characters between an amount and the day that it is promised for.
_BESIDE = 6


#: Words of the longest "each month" before an amount.
EVERY_WORDS = 3


#: Characters behind an amount within which "now" is said of it.
_SOON = 22


SHARES = {
    "half": Decimal(1) / 2, "third": Decimal(1) / 3, "quarter": Decimal(1) / 4,
    "two_thirds": Decimal(2) / 3, "three_quarters": Decimal(3) / 4, "fifth": Decimal(1) / 5, "tenth": Decimal(1) / 10,
    "two_fifths": Decimal(2) / 5, "three_fifths": Decimal(3) / 5, "four_fifths": Decimal(4) / 5,
    "sixth": Decimal(1) / 6, "eighth": Decimal(1) / 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Portion:
    """A part at its place in the text; `amount` None is the rest; a share may be said beside its amount; `count`: how
    often it is paid, where the sum is parted into equal ones.
    """

    start: int
    end: int
    amount: Decimal | None
    is_share: bool = False
    count: int = 1


def is_of_thing(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount is said to be another thing's: a fee or a discount ("a late fee of 40", "40 € of late fees"),
    an order, a limit or an income ("our limit is 5,000", "5,000 a day", but not "the 3,240 of your quote").
    """
    wording = wording_of(language)
    start = len(sentence.folded[: portion.start].rstrip(" ("))  # "3 % discount (116.40)"
    stops = [0, *(found.end() for found in _STOP.finditer(sentence.folded, 0, start))]
    before = [word for word in words(sentence.folded[:start])[-_THING_WORDS:] if word.start >= stops[-1]]
    mark = _STOP.search(sentence.folded, portion.end)
    behind = words(sentence.folded[portion.end : mark.start() if mark else None])[:_THING_WORDS]

    def are_links(between: Sequence[Word]) -> bool:
        return all(word.folded in wording.linked or word.folded.isdigit() for word in between)

    named_before = (*wording.things.find(before), *wording.frames.find(before))
    return (
        any(are_links(before[hit.after :]) for hit in named_before)
        or any(are_links(behind[: hit.first]) for hit in wording.things.find(behind))
        or any(hit.first == 0 for hit in wording.frames_behind.find(behind))
    )


#: Words on either side of an amount among which the thing that it is the amount of is named.
_THING_WORDS = 5


_STOP = re.compile(r",(?!\d)|[;:()\n]| - ")


def is_threshold(portion: Portion, sentence: Sentence, language: str) -> bool:
    """As in "any sum over 2,500 needs the board"."""
    before = words(sentence.folded[: portion.start])
    if _STOP.match(sentence.folded[: portion.start].rstrip()[-1:]):
        return False  # "ziehen wir 250 ab, 3.230 gehen raus"
    return any(hit.after == len(before) for hit in wording_of(language).thresholds.find(before))


def has_its_day(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether a coming day, "now" or "a month" stands right behind the amount: "300 pounds Friday" needs no verb; or
    "each month" right before it.
    """
    wording = wording_of(language)
    behind = words(sentence.folded[portion.end : portion.end + _SOON])
    if portion.is_share and portion.count == 1:  # "40 % a month" is no part of a sum
        return bool(wording.now.find(behind)) or _is_beside_its_day(portion, sentence, language)
    before = words(sentence.folded[: portion.start])[-EVERY_WORDS:]
    if any(hit.after == len(before) for hit in wording.every.find(before)):
        return True
    return bool(wording.soon.find(behind)) or _is_beside_its_day(portion, sentence, language)


def _is_beside_its_day(portion: Portion, sentence: Sentence, language: str) -> bool:
    if _ENDS.match(sentence.folded, portion.end) and any(
        each.ahead and 0 < portion.start - each.end <= _BESIDE and each.family != "nothing" for each in sentence.dates
    ):
        return True  # "Friday 500, the rest in May"
    return any(
        each.ahead and each.start >= portion.end
        and (each.start - portion.end <= _BESIDE or _says_how(sentence, portion.end, each.start, language))
        for each in sentence.dates
    )  # fmt: skip


def is_the_most(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the words behind the amount say that there won't be more: "two thousand, no more, on the 30th"."""
    behind = words(sentence.folded[portion.end :])[:_MOST_WITHIN]
    return bool(wording_of(language).at_most.find(behind))


#: Words behind an amount among which "no more" is said of it.
_MOST_WITHIN = 6


#: What may follow an amount that ends its clause.
_ENDS = re.compile(r"\s?(?:[.,;:!+&)]|\n|$)")


def _says_how(sentence: Sentence, start: int, end: int, language: str) -> bool:
    """Whether nothing stands between an amount and its day but of what it is a part, or how it is paid: "a third of it
    today", "600 € par virement jeudi", "250 euros in cash tonight".
    """
    between = words(sentence.folded[start:end])
    if len(between) > _HOW_WORDS or _STOP.search(sentence.folded, start, end):
        return False
    wording = wording_of(language)
    said = {at for hit in wording.how.find(between) for at in range(hit.first, hit.after)}
    return all(at in said or word.folded in wording.by for at, word in enumerate(between))


#: Words between an amount and its day that may say how it is paid.
_HOW_WORDS = 5


def is_multiple(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount is said to be paid several times: "four times 190", "three monthly instalments of 300", "in
    three equal parts".
    """
    if portion.count > 1:
        return True
    wording = wording_of(language)
    before = words(sentence.folded[: portion.start])[-COUNTED_WORDS:]
    if any(hit.after == len(before) for hit in wording.times.find(before)):
        return True
    return any(
        hit.name == "instalment"
        and hit.first and len(before) - hit.after <= _COUNT_LINKS
        and all(word.folded in wording.linked for word in before[hit.after :])
        and any(is_number(word.folded, language) and word.folded not in wording.single
                for word in before[max(0, hit.first - _COUNT_LINKS) : hit.first])
        for hit in wording.equal.find(before)
    )  # fmt: skip


#: Words between "three", "instalments" and the amount of each: "three monthly instalments of about 300".
_COUNT_LINKS = 2


def says_all(sentence: Sentence, language: str) -> bool:
    """Whether the sentence speaks of all that is owed: "you will be paid in full"."""
    return bool(wording_of(language).in_full.find(words(sentence.folded)))


def is_referred_to(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the next clause takes the amount up: "he signed for 4,000, it goes out tomorrow", "we have 3,000 and pay
    it on Wednesday".
    """
    wording = wording_of(language)
    is_bare = sentence.text[portion.start : portion.end].isdigit()
    mark = (_MARK if is_bare else _NEXT).match(sentence.folded, portion.end)
    following = words(sentence.folded[portion.end :])[: _JOINED + 4]
    starts = [words(sentence.folded[mark.end() :])[:4]] if mark else []
    starts += [
        following[at + 1 : at + 5] for at, word in enumerate(following[:_JOINED]) if word.folded in wording.joins
    ]
    if not is_bare:
        starts.append(following[:4])  # "9,000 that will leave on Wednesday"
    return any(hit.first == 0 for behind in starts for hit in wording.refers.find(behind))


def begins_with_it(sentence: Sentence, language: str) -> bool:
    """Whether the sentence takes up a sum that was named before it: "It will be wired on Thursday"."""
    return any(hit.first == 0 for hit in wording_of(language).refers.find(words(sentence.folded)[:4]))


#: Words between an amount and the "and" behind which it is taken up.
_JOINED = 4


#: From an amount to the next mark: few words may stand between, but none where it could be a number of something else.
_MARK = re.compile(r"[,;:]\s")


_NEXT = re.compile(r"[^,;:!?\n]{0,30}[,;:]\s")


def find_rates(sentence: Sentence, language: str) -> list[tuple[int, int]]:
    """Where percentages stand, of whatever."""
    return [found.span() for found in wording_of(language).percent.finditer(sentence.folded)]


def is_namely(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount only says how much was spoken of before: "we pay the good ones on Monday, that's 980"."""
    before = words(sentence.folded[: portion.start])
    return any(hit.after == len(before) for hit in wording_of(language).namely.find(before))


#: Words like those of a share that are none's: "half past", "a third reminder".
NO_SHARE = "no_share"


def named_shares(sentence: Sentence, language: str) -> Iterator[tuple[int, int, str]]:
    """Where half, a third or the rest is named, and which: of phrases that share words the longest."""
    found = words(sentence.folded)
    hits = sorted(wording_of(language).named.find(found), key=lambda hit: (hit.first - hit.after, hit.first))
    taken: set[int] = set()
    for hit in hits:
        if taken.isdisjoint(range(hit.first, hit.after)):
            taken.update(range(hit.first, hit.after))
            start, end = found[hit.first].start, found[hit.after - 1].end
            is_fraction = "/" in sentence.folded[start:end] or not any(map(str.isdigit, sentence.folded[start:end]))
            if hit.name != NO_SHARE and is_fraction:  # "3/4", but not the "3.4" of a rate
                yield start, end, hit.name


@dataclass(frozen=True, slots=True)
class _Wording:
    named: Phrases
    percent: re.Pattern[str]
    percent_name: re.Pattern[str]
    rates: Phrases
    numbered: frozenset[str]
    one: frozenset[str]
    thresholds: Phrases
    soon: Phrases
    now: Phrases
    every: Phrases
    namely: Phrases
    in_full: Phrases
    refers: Phrases
    times: Phrases
    joins: frozenset[str]
    things: Phrases
    frames: Phrases
    frames_behind: Phrases
    at_most: Phrases
    linked: frozenset[str]
    equal: Phrases
    parted: frozenset[str]
    first_of: Phrases
    how: Phrases
    by: frozenset[str]
    single: frozenset[str]
    scale: Mapping[str, int]
    sends: Phrases
    wishes: Phrases
    pledges: Phrases


@cache
def wording_of(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    days = read_wordings("dates", language)
    months = days["months"]
    weekdays = [f"{each} {day}{plural}" for each in raw["each"] for day in days["weekdays"] for plural in ("", "s")]
    every = [*raw["every"], *weekdays]
    percent = "|".join(re.escape(fold(each)) for each in raw["percent"])
    return _Wording(
        Phrases({name: raw[name] for name in (*SHARES, "rest", NO_SHARE)}),
        re.compile(rf"(?<![\w.,])(?P<share>\d{{1,3}}(?:[.,]\d{{1,2}})?)\s?(?:{percent})(?!\w)"),
        re.compile(rf"\s(?:{percent})(?!\w)"),
        Phrases({"rate": raw["rate"]}),
        frozenset(fold(each) for name in ("numbered", "documents") for each in raw[name]),
        frozenset(fold(each) for each in raw["one"]),
        Phrases({"threshold": raw["threshold"]}),
        Phrases({"soon": [*raw["now"], *every]}),
        Phrases({"now": raw["now"]}),
        Phrases({"every": every}),
        Phrases({"namely": raw["namely"]}),
        Phrases({"in_full": raw["in_full"]}),
        Phrases({"refers": raw["refers"]}),
        Phrases({"times": raw["times"]}),
        frozenset(fold(each) for each in raw["joins"]),
        Phrases({"thing": raw["things"]}),
        Phrases({"frame": [*raw["frames"], *(f"{each} {month}" for each in raw["with_that_of"] for month in months)]}),
        Phrases({"frame": raw["frames_behind"]}),
        Phrases({"at_most": raw["at_most"]}),
        frozenset(fold(each) for each in raw["linked"]),
        Phrases({"equal": raw["equal"], "instalment": raw["instalment"]}),
        frozenset(raw["parted"]),
        Phrases({"first_of": raw["first_of"]}),
        Phrases({"how": [*raw["of_it"], *(each for method in raw["methods"].values() for each in method)]}),
        frozenset(fold(each) for each in raw["by"]),
        frozenset(fold(each) for each in raw["single"]),
        {fold(word): number for word, number in raw["scale"].items()},
        Phrases({"sends": raw["sends"]}),
        Phrases({"wishes": raw["wishes"]}),
        Phrases({"pledges": raw["pledges"]}),
    )
