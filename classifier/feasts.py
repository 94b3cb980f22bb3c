"""Feasts and holidays by their names, in six languages: which day is meant, and the forms in which they are said.

Wordings and rules are in wordings/feasts.toml. A name that is only ever a day ("Whit Monday") counts wherever it
stands; one that is also a season, a saint's or a place's ("Christmas", "San José") only behind a word that leads to a
day. "After" and "before" a feast leave the day open. Where a name is kept on different days in different countries
("Thanksgiving", "fête nationale") it counts only if one of them alone can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

from classifier.date_arithmetic import easter, nth_weekday
from classifier.date_families import FAMILIES, NEAR, Context, Readings, Resolver
from classifier.text import fold
from classifier.wordings import read_wordings


@dataclass(frozen=True, slots=True)
class Rule:
    """The `day` of a `month`, the `nth` such `weekday` of a month (the fifth is the last), or so many days behind (or
    before) `easter`; `plus` as many days later; where it is a Sunday and `before_sunday` the day before.
    """

    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    nth: int = 1
    easter: int | None = None
    plus: int = 0
    before_sunday: bool = False

    def of(self, year: int) -> date:
        """The day of the feast in this year."""
        if self.easter is not None:
            return easter(year) + timedelta(self.easter)
        first = date(year, self.month or 1, 1)
        day = first.replace(day=self.day) if self.day else nth_weekday(first, self.weekday or 0, self.nth)
        day += timedelta(self.plus)
        return day - timedelta(1) if self.before_sunday and day.weekday() == _SUNDAY else day


_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class FeastForm:
    """A way to say a feast: its names in one language, and what stands before them. What makes another day of it, or
    leaves it open, is `strong`, so that the feast itself is not read within it.
    """

    family: str
    names: Sequence[str]
    before: str
    resolve: Resolver
    strong: bool = False

    def around(self, name: str) -> str:
        """The regular expression of the form, with that of its name."""
        return f"{self.before}(?:{name})"


@cache
def feast_forms(language: str) -> tuple[FeastForm, ...]:
    """All forms of a language: the day itself, the day before and after it, a weekday after it, and what leaves the
    day open.
    """
    raw = read_wordings("feasts")
    words: Mapping[str, Sequence[str]] = raw["words"][language]
    weekdays = read_wordings("dates", language)["weekdays"]
    return tuple(form for feast in raw["feast"] for form in _forms(feast, language, words, weekdays))


def _forms(
    feast: Mapping[str, Any], language: str, words: Mapping[str, Sequence[str]], weekdays: Iterable[str]
) -> Iterator[FeastForm]:
    alone, led, season = (feast.get(kind, {}).get(language, []) for kind in ("names", "led", "season"))
    countries = [[Rule(**rule) for rule in rules] for rules in feast["on"]]
    shifted = partial(_resolver, countries, timedelta(int(feast.get("within", NEAR.days))))
    before = {name: _before(leads, words["articles"]) for name, leads in words.items() if name != "articles"}
    days = sorted((re.escape(fold(each)) for each in weekdays), key=len, reverse=True)
    ways = [
        (alone, f"(?:{before['on']})?", shifted(0)),
        (led, before["on"], shifted(0)),
        ([*alone, *led], before["eve"], shifted(-1)),
        ([*alone, *led], before["day_after"], shifted(1)),
        ([*alone, *led, *season], rf"(?P<weekday>{'|'.join(days)})\s+" + before["after"], shifted(0)),
    ]
    for at, (names, leads, resolve) in enumerate(ways):
        if names:
            yield FeastForm("feast", names, leads, resolve, strong=at > 1)
    yield FeastForm("nothing", [*alone, *led, *season], before["open"], FAMILIES["nothing"], strong=True)


def _before(leads: Iterable[str], articles: Iterable[str]) -> str:
    """What leads to a name: with an article between or not; one with an apostrophe stands right at the name."""
    folded = sorted((re.escape(fold(each)).replace(r"\ ", r"\s+") for each in leads), key=len, reverse=True)
    loose, close = ("|".join(each for each in folded if each.endswith("'") is at) for at in (False, True))
    article = "|".join(re.escape(fold(each)) for each in articles)
    apart = rf"(?:{loose})\s+(?:(?:{article})\s+)?"
    return rf"(?:{apart}|(?:{close})\s?)" if close else apart


def _resolver(countries: Sequence[Sequence[Rule]], reach: timedelta, shift: int) -> Resolver:
    """Resolves a feast, `shift` days later, no further away than `reach`."""

    def resolve(said: Mapping[str, str], context: Context) -> Readings:
        wanted = context.tables["weekdays"][said["weekday"]] if "weekday" in said else None
        ahead, behind = set[date](), set[date]()
        for rules in countries:
            days = sorted(_days(rules, context.base.year, shift, wanted))
            ahead.update([day for day in days if context.base <= day <= context.base + reach][:1])
            behind.update([day for day in days if context.base - reach <= day <= context.base][-1:])
        return (ahead.pop() if len(ahead) == 1 else None), (behind.pop() if len(behind) == 1 else None)

    return resolve


def _days(rules: Iterable[Rule], year: int, shift: int, weekday: int | None) -> Iterator[date]:
    for rule in rules:
        for each in (year - 1, year, year + 1):
            day = rule.of(each) + timedelta(shift)
            yield day if weekday is None else day + timedelta((weekday - day.weekday() - 1) % 7 + 1)
