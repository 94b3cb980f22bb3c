"""The words of figures: a catalogue a language (``templates/reports/<language>.toml``), and how it writes values.

Where a language has no catalogue, or lacks a word, the English one stands in; a company's own file of the same name
beside the configuration is laid over the shipped one.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from config.errors import ConfigError

FALLBACK = "en"
FOLDERS = ("web", "reports")
"""Below `templates`: the words of the house (steps, reasons), then those of figures."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language; what `agent.reports.showing.Speech` asks for."""

    language: str
    phrases: Mapping[str, str]
    zone: ZoneInfo

    @property
    def locale(self) -> Locale:
        return Locale.parse("en_GB" if self.language == "en" else self.language)

    def say(self, key: str, /, **values: object) -> str:
        phrase = self.phrases.get(key)
        if phrase is None:
            return key.rpartition(".")[2].replace("_", " ")
        return phrase.format_map(values) if values else phrase

    def knows(self, key: str) -> bool:
        return key in self.phrases

    def money(self, amount: Decimal, currency: str) -> str:
        return str(format_currency(amount, currency, locale=self.locale))

    def percent(self, share: float) -> str:
        return str(format_percent(share, locale=self.locale))

    def number(self, value: float | Decimal) -> str:
        return str(format_decimal(value, locale=self.locale))

    def day(self, day: date | datetime) -> str:
        local = day.astimezone(self.zone).date() if isinstance(day, datetime) else day
        return str(format_date(local, "d MMM y", locale=self.locale))


def words_of(root: Path, language: str, zone: ZoneInfo) -> Words:
    """The words of that language, or English. Raises ConfigError where a catalogue has a mistake."""
    english, own = _phrases(root, FALLBACK), _phrases(root, language)
    return Words(language if own else FALLBACK, {**english, **own}, zone)


def _phrases(root: Path, language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    roots = (Path(str(resources.files("templates"))), root / "templates")
    for file in (base / folder / f"{language}.toml" for base in roots for folder in FOLDERS):
        if file.is_file():
            try:
                found |= dict(_flat("", tomllib.loads(file.read_text(encoding="utf-8"))))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(file, "", "TOML in UTF-8", f"Mend it: {error}.") from None
    return found


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, str(value)
