"""Currencies as people name them beside a number: "€", "EUR", "dirhams", "quid", "balles". The names are data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from classifier.wordings import read_wordings

_TABLES: Mapping[str, Mapping[str, list[str]]] = read_wordings("currencies")

#: ISO 4217 code by each sign, code and name.
CURRENCIES = {said: code for table in _TABLES.values() for code, names in table.items() for said in names}

#: Names of whatever is owed: "1500 balles" in Geneva.
SLANG = frozenset(said for names in _TABLES["slang"].values() for said in names)


def _any_of(said: Iterable[str]) -> str:
    """A pattern of any of these, the longest first."""
    return "|".join(re.escape(each) for each in sorted(said, key=len, reverse=True))


def _said(*tables: str) -> set[str]:
    return {said for table in tables for names in _TABLES[table].values() for said in names}


#: Patterns of signs of one character, of codes, and of all names behind a number.
SIGNS = _any_of(each for each in _said("signs") if len(each) == 1)
CODES = _any_of(_said("codes"))
NAMES = _any_of(_said("codes", "names", "slang"))

#: What a number in words has behind it: a name that is said, no code.
SPOKEN = _any_of([*_said("names", "slang"), "euro", "euros"])
