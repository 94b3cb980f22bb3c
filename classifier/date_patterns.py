"""The patterns of wordings/dates: a form of words, made into a regular expression without nested repetition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from classifier.date_families import FAMILIES, HOUR_UNIT, VAGUE, Resolver, resolve_numeric
from classifier.feasts import feast_forms
from classifier.text import fold, words
from classifier.wordings import read_wordings


@dataclass(frozen=True)
class Pattern:
    """A form ready to be searched. `needs`: it can match only where a word of each of these sets stands."""

    family: str
    expression: str
    needs: tuple[frozenset[str], ...]
    resolve: Resolver
    params: Mapping[str, int | bool]
    vague: bool

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled when a text first has the words: most forms of six languages are never asked of one mailbox, and
        to compile all of them takes longer than to load a trained model.
        """
        return re.compile(self.expression)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The tables and patterns of a language; `of`: words with which a day is said to be another's ("du", "vom")."""

    tables: Mapping[str, Mapping[str, int]]
    patterns: tuple[Pattern, ...]
    of: frozenset[str]
    _by_word: Mapping[str, tuple[int, ...]]
    _always: tuple[int, ...]

    @classmethod
    def made(cls, tables: Mapping[str, Mapping[str, int]], patterns: Sequence[Pattern], of: frozenset[str]) -> Grammar:
        """Looks each pattern up by its smallest set of needed words: few are worth a look in any sentence."""
        by_word: dict[str, list[int]] = {}
        always: list[int] = []
        for order, pattern in enumerate(patterns):
            if not pattern.needs:
                always.append(order)
            for word in min(pattern.needs, key=len, default=()):
                by_word.setdefault(word, []).append(order)
        places = {word: tuple(orders) for word, orders in by_word.items()}
        return cls(tables, tuple(patterns), of, places, tuple(always))

    def within(self, present: Set[str]) -> Iterator[tuple[int, Pattern]]:
        """The patterns that can match a text of these words, each with its place in the grammar, in that order."""
        orders = set(self._always)
        for word in present:
            orders.update(self._by_word.get(word, ()))
        for order in sorted(orders):
            pattern = self.patterns[order]
            for need in pattern.needs:  # no generator: it is asked of thousands of patterns a second
                if need.isdisjoint(present):
                    break
            else:
                yield order, pattern


#: Stands for any number among the words of a sentence.
DIGITS = "0"


_TABLES = ("months", "weekdays", "short_weekdays", "numbers", "units", "days", "cardinal_days", "quarters", "nths")
_TOKEN = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{\w+\}|[^\s\[\](){}]+")
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![\w/.,-])", r"(?![\w/]|[.,-]\d)"
_NO_UNIT = r"(?!\s?(?:[%€$£]|k\b|eur|chf|h\b))"
_NUMERIC: tuple[tuple[Mapping[str, int | bool], str], ...] = (
    ({"year_first": True}, r"(?P<year>20\d\d)(?P<sep>[-/.])(?P<first>\d{1,2})(?P=sep)(?P<second>\d{1,2})"),
    ({}, r"(?P<first>\d{1,2})(?P<sep>[/.-])(?P<second>\d{1,2})(?P=sep)(?P<year>20\d\d|\d\d)"),
    ({}, r"(?P<first>\d{1,2})/(?P<second>\d{1,2})"),
    ({}, r"(?P<first>\d{1,2})\.(?P<second>0?[1-9]|1[0-2])\.?"),
    ({"led": True}, r"(?P<first>\d{1,2})-(?P<second>0?[1-9]|1[0-2])"),
)


@cache
def grammar(language: str) -> Grammar:
    raw = read_wordings("dates", language)
    tables = {name: {fold(word): value for word, value in raw.get(name, {}).items()} for name in _TABLES}
    parts = Parts(_placeholders(tables, raw.get("ordinals", "")), spellings_of(raw))
    patterns = []
    for each in raw["pattern"]:
        params = {key: value for key, value in each.items() if key not in ("family", "forms")}
        for form in each["forms"]:
            glued = fold(form).replace("{n}{unit}", "{digits}{unit}")  # "in 5d", but no "an d" in "in and"
            expression = _EDGE_BEFORE + _regex(glued, parts) + _EDGE_AFTER
            resolve, vague = FAMILIES[each["family"]], each["family"] in VAGUE
            needs = _needs(fold(form), tables, parts.spellings)
            patterns.append(Pattern(each["family"], expression, needs, resolve, params, vague))
    for feast in feast_forms(language):
        expressions = (_literal(fold(name), parts.spellings).replace("'", "'?") for name in feast.names)
        expression = _EDGE_BEFORE + feast.around("|".join(expressions)) + _EDGE_AFTER
        firsts = frozenset(word for name in feast.names for word in _begins(fold(name), parts.spellings))
        patterns.append(
            Pattern(feast.family, expression, (firsts,), feast.resolve, {"strong": feast.strong}, vague=False)
        )
    leads = "|".join(fold(word) for word in raw["numeric_lead"])
    weekday = rf"(?:{parts.placeholders['any_length_weekday']},?\s+(?:(?:{leads})\s+)?)?"
    # "3-julio-26", "12/abr", "7.Mrz"
    expression = _EDGE_BEFORE + weekday + _JOINED_MONTH.format(**parts.placeholders) + _EDGE_AFTER
    patterns.append(Pattern("explicit", expression, (frozenset({DIGITS}),), FAMILIES["explicit"], {}, vague=False))
    for numeric, body in _NUMERIC:
        lead = rf"(?:{leads})\s+" if numeric.get("led") else weekday
        expression = _EDGE_BEFORE + lead + body + _EDGE_AFTER + _NO_UNIT
        patterns.append(Pattern("numeric", expression, (frozenset({DIGITS}),), resolve_numeric, numeric, vague=False))
    tables = {**tables, "weekdays": {**tables["short_weekdays"], **tables["weekdays"]}}
    return Grammar.made(tables, patterns, frozenset(fold(word) for word in raw["of"]))


#: A month by its name between the marks of a date of numbers, with a year of two digits or four.
_JOINED_MONTH = r"(?P<day>0?[1-9]|[12]\d|3[01])(?P<sep>[-/.]?){month}(?:(?P=sep)\s?(?P<year>20[1-3]\d|[1-3]\d))?"


@cache
def shortened(language: str) -> frozenset[str]:
    """Short weekdays and words of dates behind which a full stop ends no sentence."""
    raw = read_wordings("dates", language)
    spelt = (each for others in raw["spellings"].values() for each in others)
    listed = [*raw["weekdays"], *raw["short_weekdays"], *spelt]
    return frozenset(fold(word) for word in listed if len(word) <= _LONGEST_SHORT and word.isalpha())


#: Letters of the longest abbreviation of a weekday, a week or the like.
_LONGEST_SHORT = 4


def spellings_of(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """For words of the forms how else they are written: in haste, on a telephone, in dialect."""
    return {fold(word): tuple(fold(each) for each in others) for word, others in raw.get("spellings", {}).items()}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the forms of a language are made of."""

    placeholders: Mapping[str, str]
    spellings: Mapping[str, Sequence[str]]


def _needs(
    form: str, tables: Mapping[str, Mapping[str, int]], spellings: Mapping[str, Sequence[str]]
) -> tuple[frozenset[str], ...]:
    """For each part that must stand in the text, on its own, the words that it can begin with."""
    needs: list[frozenset[str]] = []
    tokens = list(_TOKEN.finditer(form))
    for at, found in enumerate(tokens):
        token = found.group()
        glued = any(_is_glued(*pair) for pair in pairwise(tokens[max(0, at - 1) : at + 2]))
        if not glued and token[0] != "[" and any(char.isalnum() for char in token):
            options = _options(token)
            needs.append(frozenset(first for option in options for first in _first(option, tables, spellings)))
    return tuple(need for need in needs if need)


def _is_glued(one: re.Match[str], two: re.Match[str]) -> bool:
    """Whether two parts of a form make one word: no space is between them, and no mark that parts words."""
    return one.end() == two.start() and not {one.group()[-1], two.group()[0]} & _PARTING


_PARTING = frozenset("/-'.,+")


def _options(token: str) -> list[str]:
    return token[1:-1].split("|") if token[0] == "(" else [token]


def _first(option: str, tables: Mapping[str, Mapping[str, int]], spellings: Mapping[str, Sequence[str]]) -> set[str]:
    placeholder = _PLACEHOLDER.match(option)
    if placeholder is None:
        return _begins(option, spellings) or {DIGITS}
    table = _TABLE_OF.get(placeholder[1].removeprefix("any_"))
    found = {words(word)[0].folded for word in tables[table]} if table else set()
    if table == "days":
        found |= {words(word)[0].folded for word in tables["cardinal_days"]}
    return found if table in _WORDED else found | {DIGITS}


def _begins(text: str, spellings: Mapping[str, Sequence[str]]) -> set[str]:
    """The words with which a literal text may begin."""
    first = words(text)[0].folded if words(text) else ""
    return {words(each)[0].folded for each in (first, *spellings.get(first, ())) if each}


#: The tables whose words are never digits.
_WORDED = frozenset({"months", "weekdays", "short_weekdays", "units", "nths"})


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TABLE_OF = {
    "month": "months",
    "month_stem": "months",
    "weekday": "weekdays",
    "weekday_stem": "weekdays",
    "wd": "short_weekdays",
    "hours": "numbers",
    "hour_unit": "units",
    "unit": "units",
    "n": "numbers",
    "quarter": "quarters",
    "nth": "nths",
    "day": "days",
    "day_ordinal": "days",
}


#: Hours by which people mean days: "48 hours and it's yours".
_HOURS = "24|36|48|72|96"

#: Smaller ordinals without a month count things ("the second", "am ersten"), not days.
_LEAST_BARE_ORDINAL = 5


def _placeholders(tables: Mapping[str, Mapping[str, int]], ordinals: str) -> dict[str, str]:
    tail, strict = (f"(?:{fold(ordinals)})?", f"(?:{fold(ordinals)})") if ordinals else ("", "")
    digits = r"(?:0?[1-9]|[12]\d|3[01])(?=\D|$)(?!\s\d{3}(?!\d))"  # not the amount of "Friday, 3 000"
    named = _among({**tables["days"], **tables["cardinal_days"]})
    bare = _among({word: day for word, day in tables["days"].items() if day >= _LEAST_BARE_ORDINAL})
    months, weekdays = _among(tables["months"]), _among(tables["weekdays"])
    short = _among(tables["short_weekdays"])
    number = rf"\d{{1,3}}|{_among(tables['numbers'])}"
    return {
        "day": rf"(?P<day>{digits}|{named}){tail}",
        "day_ordinal": rf"(?:(?P<day>{digits}){strict}|(?P<named_day>{bare})\b)",
        "any_day": rf"(?:{digits}|{named}){tail}",
        "month": rf"(?P<month>{months})\b\.?",
        "month_stem": rf"(?P<month>{months})",
        "any_month": rf"(?:{months})\b\.?",
        "year": r"(?P<year>20[1-3]\d)",  # not the amount of "end of May, 2000"
        "week": r"(?P<week>0?[1-9]|[1-4]\d|5[0-3])",
        "weekday": rf"(?P<weekday>{weekdays})\b\.?",
        "weekday_stem": rf"(?P<weekday>{weekdays})",
        "any_weekday": rf"(?:{weekdays})\b\.?",
        "wd": rf"(?P<weekday>{short})\b\.?",  # two letters that may be another word: only in forms that say more
        "any_wd": rf"(?:{short})\b\.?",
        "any_length_weekday": rf"(?P<weekday>{_among({**tables['weekdays'], **tables['short_weekdays']})})\b\.?",
        "hours": rf"(?P<n>{_HOURS}|{_among({w: n for w, n in tables['numbers'].items() if str(n) in _HOURS})})",
        "hour_unit": rf"(?P<unit>{_among({w: n for w, n in tables['units'].items() if n == HOUR_UNIT})})",
        "n": rf"(?P<n>{number})(?:\s?\(\d{{1,3}}\))?",
        "digits": r"(?P<n>\d{1,3})",
        "any_n": rf"(?:{number})",
        "unit": rf"(?P<unit>{_among(tables['units'])})",
        "quarter": rf"(?P<quarter>[1-4]|{_among(tables['quarters'])})",
        "nth": rf"(?P<nth>{_among(tables['nths'])})",
    }


def _among(table: Mapping[str, int]) -> str:
    """Any word of a table, the longest first; a hyphen in it may be a space in the text."""
    longest_first = sorted(table, key=lambda word: (-len(word), word))
    return "|".join(re.sub(r"(?:\\ |\\-)", r"(?:-|\\s+)", re.escape(word)) for word in longest_first) or "(?!)"


def _regex(form: str, parts: Parts) -> str:
    """One form as a regular expression without nested repetition; parts written without a space between stay so."""
    out, end = "", 0
    for found in _TOKEN.finditer(form):
        token, glued = found.group(), found.start() == end
        end = found.end()
        if token[0] == "[":
            body = _alternatives(token[1:-1], parts)
            out += rf"(?:,?\s+{body})?" if out and not out.endswith(_LEADING) else rf"(?:{body},?\s+)?{_LEADING}"
            continue
        piece = _alternatives(token[1:-1], parts) if token[0] == "(" else _piece(token, parts)
        out = out + piece if glued or not out or out.endswith(_LEADING) else out + _gap(piece)
    return out.replace(_LEADING, "")


#: Marks that nothing but optional parts stand before: the next part brings no space of its own.
_LEADING = "\0"


def _gap(piece: str) -> str:
    return rf",?\s+{piece}"


def _alternatives(body: str, parts: Parts) -> str:
    options = [_gap("").join(_piece(word, parts) for word in option.split()) for option in body.split("|")]
    return f"(?:{'|'.join(options)})"


def _piece(word: str, parts: Parts) -> str:
    pieces = re.split(r"\{(\w+)\}", word)
    return "".join(
        _literal(piece, parts.spellings) if at % 2 == 0 else parts.placeholders[piece]
        for at, piece in enumerate(pieces)
    )


def _literal(text: str, spellings: Mapping[str, Sequence[str]]) -> str:
    """Words in each of their spellings, with or without their hyphens."""
    out, at = "", 0
    for word in words(text):
        out += _verbatim(text[at : word.start])
        others = spellings.get(word.folded, ())
        spelt = rf"(?:{word.folded}|(?:{'|'.join(map(_verbatim, others))})\.?)" if others else word.folded
        out, at = out + spelt, word.end
    return out + _verbatim(text[at:])


def _verbatim(text: str) -> str:
    return re.escape(text).replace(r"\-", r"[-\s]").replace(r"\ ", r"\s+")
