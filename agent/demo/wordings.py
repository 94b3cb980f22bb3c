"""The words of the simulated world, read from its data files: answers, automatic answers, how mail programs quote.

Pure once read. Placeholders are filled by plain replacement, so that a text can't reach into anything.
"""

import random
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from babel.dates import format_date

About = Literal["one", "all", "any", "two"]


@dataclass(frozen=True, slots=True)
class Wording:
    """One answer as somebody would write it."""

    key: str
    language: str
    intents: tuple[str, ...]
    """What it means; two where each is about an invoice of its own."""
    about: About
    when: str | None
    """How the promised day is told: date, friday, month_end, tomorrow, today, none."""
    date_pattern: str | None
    text: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Program:
    """How a mail program introduces what it quotes."""

    reply: str
    date_pattern: str
    head: str
    footer: str


@dataclass(frozen=True, slots=True)
class Absence:
    subject: str
    date_pattern: str
    text: str


def _read(name: str) -> dict[str, Any]:
    folder = files("agent.demo")
    return tomllib.loads(folder.joinpath(*name.split("/")).read_text("utf-8"))


@cache
def replies() -> tuple[Wording, ...]:
    """All answers, in the order of the files."""
    return tuple(
        Wording(
            key=f"{language}:{number}",
            language=language,
            intents=tuple(row["intents"]) if "intents" in row else (row["intent"],),
            about=row["about"],
            when=row.get("when"),
            date_pattern=row.get("date"),
            text=row["text"],
            signed=row.get("signed", True),
        )
        for language in ("fr", "en")
        for number, row in enumerate(_read(f"replies/{language}.toml")["reply"], 1)
    )


@cache
def programs(language: str) -> dict[str, Program]:
    return {
        name: Program(row["reply"], row["date"], row["head"], row.get("footer", ""))
        for name, row in _read("programs.toml")[language].items()
    }


@cache
def absences(language: str) -> tuple[Absence, ...]:
    return tuple(Absence(row["subject"], row["date"], row["text"]) for row in _read("auto_replies.toml")[language])


class Book:
    """The answers that were not used yet come first, so that no two people write the same while there is a choice."""

    def __init__(self, chance: random.Random) -> None:
        self._order = list(replies())
        chance.shuffle(self._order)
        self._used: Counter[str] = Counter()

    def take(self, language: str, intent: str | None, invoices: int, when: frozenset[str] = frozenset()) -> Wording:
        """An answer that fits so many invoices.

        Args:
            language: of the answer.
            intent: what it means; None: two answers, each about an invoice of its own.
            invoices: how many the reminder lists.
            when: the ways in which a promised day may be told.
        """
        about = {"two"} if intent is None else {"any", "one" if invoices == 1 else "all"}
        fitting = [
            each
            for each in self._order
            if each.language == language
            and each.about in about
            and (intent is None or each.intents == (intent,))
            and (each.when is None or each.when in when)
        ]
        if not fitting:
            raise LookupError(f"no answer in {language} that means {intent} for {invoices} invoice(s)")
        chosen = min(fitting, key=lambda each: self._used[each.key])
        self._used[chosen.key] += 1
        return chosen


def filled(text: str, **values: str) -> str:
    """The text with its placeholders replaced."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def in_words(day: date, pattern: str | None, language: str) -> str:
    return format_date(day, pattern or "d MMMM", locale="en_GB" if language == "en" else language)
