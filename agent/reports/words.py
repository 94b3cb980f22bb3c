"""The words of pages, figures and digests: catalogues by language, and how each language writes money and days.

A catalogue is ``templates/web/<language>.toml``, shipped or the company's own beside the configuration, laid over the
shipped one word by word; where a language lacks a word the English one stands in. Codes of the rooms (reasons, states,
intents) have their words here, so that no page shows a code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent

from agent.reports.told import PART, Sentences, halves, pieces
from config.errors import ConfigError, RelanceError

FALLBACK = "en"
PARTS = ("web", "reports", "explain", PART)
"""Folders below `templates` that hold catalogues: of the pages, of figures, of `explain`, of the core's sentences."""
_DAYS = frozenset({"day", "next", "horizon", "until"})
_CODES = {
    "step": ("step",), "intent": ("intent",), "topic": ("topic",), "reason": ("dispute", "explain_bounce"),
    "state": ("state", "delivery", "asked"), "role": ("role",),
    **dict.fromkeys(("began", "field", "gone", "part", "where"), ("word",)),
}  # fmt: skip
"""By the name of a value in the core's sentences: where the words of its codes stand."""
_FILE = re.compile(r"([a-z]{2})\.toml")


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of the pages, on the company's clock."""

    language: str
    phrases: Mapping[str, str]
    zone: ZoneInfo
    sentences: Sentences

    @property
    def locale(self) -> Locale:
        return _locale(self.language)

    def say(self, key: str, /, **values: object) -> str:
        """The phrase of that key. A key that nobody wrote is shown by its last part, as words."""
        phrase = self.phrases.get(key)
        if phrase is None:
            return key.rpartition(".")[2].replace("_", " ")
        return phrase.format_map(values) if values else phrase

    def count(self, key: str, number: int, /, **values: object) -> str:
        """The phrase for so many: ``key.one``, ``key.other``, by the language's own rules."""
        form = self.locale.plural_form(number)
        chosen = f"{key}.{form}" if f"{key}.{form}" in self.phrases else f"{key}.other"
        return self.say(chosen, n=self.number(number), **values)

    def knows(self, key: str) -> bool:
        return key in self.phrases

    def tell(self, sentence: str) -> str:
        """A sentence of the core's in this language; as it is where it is English, or nobody has put it into words."""
        if self.language == FALLBACK or not sentence:
            return sentence
        if (told := self._whole(sentence)) is not None:
            return told
        parts = [self._told(part) or part for part in pieces(sentence)]
        return "; ".join(parts)

    def is_told(self, sentence: str) -> bool:
        """Whether `tell` gives it wholly in this language."""
        return (
            self.language == FALLBACK
            or not sentence
            or all(
                self._whole(part) is not None for part in ([sentence] if self._whole(sentence) else pieces(sentence))
            )
        )

    def error(self, error: RelanceError) -> str:
        """What an error says: what is wrong, and how to mend it."""
        if not error.mend:
            return self.tell(str(error))
        return f"{self.tell(error.what).rstrip('.')}. {self.tell(error.mend)}"

    def _whole(self, sentence: str) -> str | None:
        """An error as rows keep it, or one phrase: those that end with a value would take the error's mend for it."""
        for what, mend in halves(sentence):
            if (how := self._told(mend)) is not None and (said := self._told(what)) is not None:
                return f"{said.rstrip('.')}. {how}"
        return self._told(sentence)

    def _told(self, sentence: str) -> str | None:
        found = self.sentences.find(sentence)
        if found is None:
            return None
        key, values = found
        return self.phrases[key].format_map({name: self._value(name, value) for name, value in values.items()})

    def _value(self, name: str, value: str) -> str:
        """A value of a sentence in this language: days as it writes them, codes by their words."""
        if name in _DAYS:
            try:
                return self.day(date.fromisoformat(value))
            except ValueError:  # a person's words, in the shape of a day
                return value
        if name in ("why", "said", "law"):
            return self.tell(value)
        if name == "intents":
            return ", ".join(self._value("intent", one) for one in value.split(", "))
        for prefix in _CODES.get(name, ()):
            if self.knows(key := "{}.{}".format(prefix, re.sub(r"\W+", "_", value))):
                return self.phrases[key]
        return value

    def number(self, value: float | Decimal) -> str:
        return str(format_decimal(value, locale=self.locale))

    def percent(self, share: float) -> str:
        return str(format_percent(share, locale=self.locale))

    def money(self, amount: Decimal, currency: str) -> str:
        return str(format_currency(amount, currency, locale=self.locale))

    def sums(self, amounts: Mapping[str, Decimal]) -> str:
        """One sum a currency: they are never added up."""
        return " + ".join(self.money(amount, currency) for currency, amount in sorted(amounts.items()))

    def day(self, day: date | datetime) -> str:
        """``12 mars 2026``."""
        return str(format_date(self._local_day(day), "d MMM y", locale=self.locale))

    def weekday(self, day: date) -> str:
        return str(format_date(day, "EEEE d MMMM", locale=self.locale))

    def short_weekday(self, day: date) -> str:
        return str(format_date(day, "EEE", locale=self.locale))

    def month(self, day: date) -> str:
        return str(format_date(day, "LLLL y", locale=self.locale))

    def moment(self, at: datetime) -> str:
        """Day and time on the company's clock."""
        return str(format_datetime(at, "d MMM y, HH:mm", tzinfo=self.zone, locale=self.locale))

    def time(self, at: datetime) -> str:
        return str(format_time(at, "HH:mm", tzinfo=self.zone, locale=self.locale))

    def ago(self, at: datetime, now: datetime) -> str:
        """``il y a 3 jours``, ``in 2 hours``."""
        return str(format_timedelta(at - now, add_direction=True, locale=self.locale, threshold=1.1))

    def days(self, count: int) -> str:
        return str(format_timedelta(timedelta(days=count), granularity="day", threshold=10_000, locale=self.locale))

    def _local_day(self, day: date | datetime) -> date:
        return day.astimezone(self.zone).date() if isinstance(day, datetime) else day


class Words:
    """Every catalogue that there is."""

    def __init__(self, root: Path | None, zone: ZoneInfo) -> None:
        bases = [Path(str(resources.files("templates"))), *([root / "templates"] if root is not None else [])]
        folders = [base / part for base in bases for part in PARTS]
        found: dict[str, dict[str, str]] = {}
        for folder in folders:
            for file in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
                if match := _FILE.fullmatch(file.name):
                    found.setdefault(match[1], {}).update(_read(file))
        english = found[FALLBACK]
        sentences = Sentences(_shipped())
        self._tongues = {code: Tongue(code, {**english, **phrases}, zone, sentences) for code, phrases in found.items()}
        self.own = found
        """What each catalogue says itself, without the English that stands in."""

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted(self._tongues))

    def tongue(self, wanted: Iterable[str]) -> Tongue:
        """The first of the wanted languages (``fr``, ``fr-CA``) that there is, else English."""
        for one in wanted:
            code = re.split("[-_]", one.strip().lower())[0]
            if code in self._tongues:
                return self._tongues[code]
        return self._tongues[FALLBACK]


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, str]:
    """The core's sentences as it says them: no company can change that, whatever words it lays over them."""
    return _read(Path(str(resources.files("templates"))) / PART / f"{FALLBACK}.toml")


def words_of(root: Path, language: str, zone: ZoneInfo) -> Tongue:
    """The words of that language, or English. Raises ConfigError where a catalogue has a mistake."""
    return Words(root, zone).tongue([language])


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110 12.5.4), the most wanted first."""
    weighed = []
    for place, part in enumerate(header[:500].split(",")):
        name, _, parameter = part.partition(";")
        quality = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameter)
        weighed.append((-(float(quality[1]) if quality else 1.0), place, name.strip()))
    return [name for weight, _, name in sorted(weighed) if name and weight < 0]


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    return Locale.parse("en_GB" if language == "en" else language)


def _read(file: Path) -> dict[str, str]:
    """A catalogue with its tables flattened: ``[work] title`` is ``work.title``."""
    try:
        return dict(_flat("", tomllib.loads(file.read_text(encoding="utf-8")), file))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(file, "", "TOML in UTF-8", f"Mend it: {error}.") from None


def _flat(prefix: str, table: Mapping[str, Any], file: Path) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value, file)
        elif isinstance(value, str):
            yield prefix + key, value
        else:
            raise ConfigError(file, prefix + key, "text", "Write it in quotes.")
