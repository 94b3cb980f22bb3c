"""Dates as customers write them: a small grammar for six languages.

Wordings are in wordings/dates/<language>.toml: word tables (months, weekdays, numbers, units) and patterns, each of a
family that one function here resolves. A pattern's form is words with optional parts `[le]`, alternatives
`(avant|pour)` and placeholders `{day} {month} {year} {weekday} {n} {unit}`.

A mention has up to two readings, ahead of the message's date and behind it; who asks knows which (a promise looks
ahead, a payment made looks behind). Rules of the labelling guide: a range or a vague phrase gives its last day, next
week its Friday, "early June" the 5th, a bare weekday the next one after the message, "within 8 days" the date + 8.
A wrong date is worse than none: what contradicts itself (a weekday that isn't that day's) or could be two days gives
no reading, and no pattern means no date. Not read here: who promises, see `classifier.facts`.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from classifier.date_families import Context
from classifier.date_patterns import DIGITS, grammar
from classifier.date_relations import CLOSE, Relation, counted_from_next, in_context, relation_of
from classifier.struck_days import without_struck
from classifier.text import fold, words


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date phrase: its span in the text, its family, and its readings after and before the message's date.

    The message's own day counts for both. `vague`: a week or month is meant, not a day. `relation`: how it follows from
    the date said before it ("the Monday after"). `usual`: the weekday of what is done each week ("on Thursdays").
    """

    start: int
    end: int
    family: str
    ahead: date | None
    behind: date | None
    vague: bool = False
    relation: Relation | None = None
    usual: int | None = None


def find_dates(
    text: str, language: str, base: date, *, month_first: bool | None = False, before: date | None = None,
    usual: int | None = None,
) -> list[DateMention]:  # fmt: skip
    """The date phrases of `text`, in order; where they overlap the first with day and month, else the longest.

    Args:
        text: a sentence.
        language: ISO 639-1 code of one of the six languages.
        base: the message's date in its own offset.
        month_first: how 03/04 is read where both are possible: False day first, True month first, None not at all.
        before: the coming date said last before this sentence, from which "the next day" counts.
        usual: the weekday said last on which something is done each week.
    """
    known = grammar(language)
    folded = fold(text)
    present = {word.folded for word in words(folded)}
    if any(char.isdigit() for char in folded):
        present.add(DIGITS)
    found: list[tuple[int, int, int, int, DateMention]] = []
    for order, pattern in known.within(present):
        for match in pattern.regex.finditer(folded):
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            context = Context(base, known.tables, pattern.params, month_first)
            ahead, behind = pattern.resolve(groups, context)
            relation = relation_of(pattern.family, groups, context)
            usual_day = known.tables["weekdays"][groups["weekday"]] if pattern.family == "each_week" else None
            mention = DateMention(
                match.start(), match.end(), pattern.family, ahead, behind, pattern.vague, relation, usual_day
            )
            full = mention.family == "feast" or (mention.family in _FULL and (ahead or behind))
            rank = 0 if pattern.params.get("strong") else 1 if full else 2
            first = match.start() if rank == 1 else 0  # "5 March, the fourth delivery" is no fourth of March
            found.append((rank, first, match.start() - match.end(), order, mention))
    chosen: list[DateMention] = []  # in the order of the text, none overlapping
    for *_, mention in sorted(found, key=lambda each: (*each[:4], each[4].start)):
        at = bisect(chosen, mention.start, key=lambda other: other.start)
        left, right = chosen[at - 1 : at], chosen[at : at + 1]
        if all(one.end <= mention.start for one in left) and all(one.start >= mention.end for one in right):
            chosen.insert(at, mention)
    alone = [each for each in chosen if not _belongs_to_another(each, chosen)]
    counted = counted_from_next(alone, folded, base, known.of)
    return without_struck(folded, in_context(counted, base, before, usual), language)


#: Families whose phrase says day and month: "no later than Friday" is no part of "Friday, 5 June".
_FULL = ("explicit", "numeric", "week_of")


def _belongs_to_another(part: DateMention, mentions: Sequence[DateMention]) -> bool:
    """Whether "by close of business", which alone means today, only says when on a day that is named beside it."""
    return part.family == "day_part" and any(
        other.family not in ("day_part", "nothing") and max(other.start - part.end, part.start - other.end) <= CLOSE
        for other in mentions
    )
