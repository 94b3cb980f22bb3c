"""Days that are told by another: "the next day", "two days after that", "by the Friday of that week", "the 15th of the
same month"; and days that the words beside them make plainer than they are alone.

`classifier.dates` finds each phrase by itself; here the phrases of a sentence are read in their order, each in the
light of the coming day that was said last. Pure.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from classifier.date_arithmetic import add_months, last_day
from classifier.date_families import FRIDAY, Context, number_in
from classifier.text import words

if TYPE_CHECKING:
    from classifier.dates import DateMention


@dataclass(frozen=True, slots=True)
class Relation:
    """How a day follows from the coming day before it.

    `family`: so many `days` on (`later_day`), or from the day said right behind it (`from_next_day`); the first
    `weekday` behind it, with `same` not before it, with negative `weeks` the last one before it (`later_weekday`); the
    `weekday` of its week or of `weeks` later, the Friday where none is said (`later_week`); the `day` of its month or
    of `months` later, likewise the last (`later_month`).
    """

    family: str
    days: int = 0
    weekday: int | None = None
    weeks: int = 0
    months: int = 0
    day: int = 31
    same: bool = False

    def counted_from(self, before: date) -> date | None:
        """The day that is meant."""
        if self.family == "later_day":
            return before + timedelta(self.days)
        if self.family == "later_weekday" and self.weekday is not None:
            if self.weeks < 0:
                return before - timedelta((before.weekday() - self.weekday - 1) % 7 + 1)
            ahead = (self.weekday - before.weekday()) % 7
            return before + timedelta(ahead if self.same else ahead or 7)
        if self.family == "later_week":
            day = FRIDAY if self.weekday is None else self.weekday
            return before + timedelta(7 * self.weeks + day - before.weekday())
        month = add_months(before.replace(day=1), self.months)
        end = last_day(month.year, month.month)
        return end if self.day >= 31 else month.replace(day=self.day) if self.day <= end.day else None


#: The longest span that counts from a day said before.
_LONGEST = 60


def relation_of(family: str, said: Mapping[str, str], context: Context) -> Relation | None:
    """The relation that a phrase of this family states; None where it states none."""
    params = context.params
    weekday = context.tables["weekdays"][said["weekday"]] if "weekday" in said else None
    if family in ("later_day", "from_next_day"):
        if "n" not in said:
            return Relation(family, days=int(params["days"]))
        unit = context.tables["units"][said["unit"]]
        days = number_in(said, context) * unit
        return Relation(family, days=days) if unit in (1, 7) and days <= _LONGEST else None
    if family == "later_weekday":
        return Relation(family, weekday=weekday, weeks=int(params.get("weeks", 0)), same=bool(params.get("same")))
    if family == "later_week":
        return Relation(family, weekday=weekday, weeks=int(params.get("weeks", 0)))
    if family == "later_month":
        day = number_in(said, context) if "day" in said or "named_day" in said else 31
        return Relation(family, months=int(params.get("months", 0)), day=int(params.get("day", day)))
    return None


def counted_from_next(
    mentions: Sequence[DateMention], folded: str, base: date, of: frozenset[str]
) -> list[DateMention]:
    """The phrases of a sentence, those that count from the day behind them made one with it: "two days after the board
    meeting on the 18th", "le lendemain du 14 avril". `of`: words with which a day is said to be another's.
    """
    found: list[DateMention] = []
    for mention in mentions:
        last = found[-1] if found else None
        relation = last.relation if last else None
        if last is None or relation is None or not mention.ahead or not _counts_from(last, mention, folded, of):
            found.append(mention)
            continue
        day = mention.ahead + timedelta(relation.days)
        ahead = day if day >= base else None
        found[-1] = replace(last, end=mention.end, family="later_day", ahead=ahead, relation=None)
    return found


def _counts_from(mention: DateMention, following: DateMention, folded: str, of: frozenset[str]) -> bool:
    relation = mention.relation
    between = folded[mention.end : following.start]
    if relation is None or following.relation is not None or _PARTED.search(between):
        return False
    said = words(folded[mention.end : following.end])
    return (relation.family == "from_next_day" and len(words(between)) <= _THING) or (
        relation.family == "later_day" and not words(between) and said[0].folded in of
    )


#: Words of the thing on the day from which another is counted: "after the board meeting on the 18th".
_THING = 5
_PARTED = re.compile(r"[,;:()!?\n]|\.\s")


def in_context(
    mentions: Sequence[DateMention], base: date, before: date | None, usual: int | None
) -> list[DateMention]:
    """The phrases of a sentence with the days that they mean beside each other.

    `before`: the coming day said last before this sentence; `usual`: the weekday on which things are said to be done.
    """
    found: list[DateMention] = []
    for mention in mentions:
        last = found[-1] if found else None
        counted = _counted(mention, base, before)
        if last is not None:
            counted = _within(_of_named_month(counted, found), last, base)
        usual = counted.usual if counted.usual is not None else usual
        if usual is not None:
            counted = _on_the_usual_day(counted, usual, base)
        if last is not None and _is_more_closely(counted, last):
            found[-1] = replace(last, ahead=counted.ahead)
        found.append(counted)
        before = counted.ahead or before
    return found


def _counted(mention: DateMention, base: date, before: date | None) -> DateMention:
    if mention.relation is None or before is None or mention.relation.family == "from_next_day":
        return mention
    ahead = mention.relation.counted_from(before)
    return replace(mention, ahead=ahead if ahead and ahead >= base else None)


#: Characters between a period and the day of it that follows: "next week, at the latest on Friday".
CLOSE = 12
_NEAR = 20


def _within(mention: DateMention, last: DateMention, base: date) -> DateMention:
    """A bare day right behind a month is of that month ("in May, on the 10th"), a bare weekday right behind a week of
    that week ("next week, on Friday"), and the weekday of the day before it that day ("the day after, a Saturday").
    """
    if not mention.ahead or not last.ahead:
        return mention
    is_close = mention.start - last.end <= CLOSE
    if is_close and last.family == "whole_month" and mention.family == "day_of_month":
        day = mention.ahead.day
        if day <= monthrange(last.ahead.year, last.ahead.month)[1]:
            return replace(mention, ahead=last.ahead.replace(day=day))
    if mention.family != "weekday" or not mention.behind:
        return mention
    ahead = last.ahead + timedelta(mention.ahead.weekday() - last.ahead.weekday())
    if is_close and not last.vague and ahead == last.ahead:
        return replace(mention, ahead=ahead)
    if last.family == "later_week" or (mention.start - last.end <= _NEAR and last.family in _WEEKS):
        return replace(mention, ahead=ahead) if ahead >= base else mention
    return mention


def _of_named_month(mention: DateMention, earlier: Sequence[DateMention]) -> DateMention:
    """A bare day behind a day whose month is named is of that month where it follows it there: "the sale is on the 10th
    of September and the cheque comes by the 15th".
    """
    named = next((each.ahead for each in reversed(earlier) if each.family == "explicit" and each.ahead), None)
    if named is None or mention.family != "day_of_month" or not mention.ahead or not mention.behind:
        return mention
    day = mention.ahead.day
    if mention.ahead >= named or day < named.day or day > last_day(named.year, named.month).day:
        return mention
    return replace(mention, ahead=named.replace(day=day))


_WEEKS = ("week", "numbered_week", "week_of", "later_week")


def _on_the_usual_day(mention: DateMention, usual: int, base: date) -> DateMention:
    """As in "our runs are on Thursdays, you are in this week's": a week means its Thursday."""
    if mention.family != "week" or not mention.ahead or mention.ahead.weekday() != FRIDAY:
        return mention
    day = mention.ahead + timedelta(usual - FRIDAY)
    return replace(mention, ahead=day, vague=False) if day >= base else mention


def _is_more_closely(mention: DateMention, last: DateMention) -> bool:
    """Whether a day right behind a period or a span says when in it: "at the end of October, Friday the 30th"."""
    if mention.vague or not mention.ahead or not last.ahead or mention.start - last.end > _APPOSED:
        return False
    if mention.family not in _DAYS:
        return False
    if last.family in _SPANS:
        return abs(mention.ahead - last.ahead) <= _ABOUT
    if last.family in _WEEKS:
        return mention.ahead.isocalendar()[:2] == last.ahead.isocalendar()[:2]
    return last.family == "whole_month" and mention.ahead.replace(day=1) == last.ahead.replace(day=1)


#: Room for a comma and a small word between a period and the day that stands in apposition to it.
_APPOSED = 6
_SPANS = ("in_span", "later_day")

#: People count a fortnight as fourteen days or as fifteen, and a span from today or from tomorrow.
_ABOUT = timedelta(days=2)
_DAYS = ("explicit", "numeric", "day_of_month", "weekday")
