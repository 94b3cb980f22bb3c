"""Where the words of mails come from: one resolver for the shipped texts and a company's own.

Shipped texts are the package `templates`. A folder `templates` beside the configuration goes before it, file by file:
a text of the same path takes a shipped one's place, or extends it under the prefix ``shipped/`` and changes a block::

    {% extends shipped %}
    {% block greeting %}Chers amis,{% endblock %}

A text speaks in one tone, and beside it stand its variants for the others (``friendly_reminder.firm.j2``). A company's
own ``friendly_reminder.j2`` goes before the shipped variants too: whoever rewrites a text means it in every tone.
``shipped`` is the shipped text in the tone that the step asks for.

A catalogue of phrases (``mail/<language>.toml``) is laid over the shipped one phrase by phrase. A language is spoken
where it has a catalogue; customers of any other are written to in English.

Templates are plain text; only the layout of the HTML part knows markup, and it escapes everything that it is given.
Templates run in Jinja's sandbox, and an unknown name is an error, never an empty place in a letter.
"""

from __future__ import annotations

import math
import re
import textwrap
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_timedelta
from babel.numbers import format_currency, format_decimal
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from config.errors import ConfigError

FOLDER = "templates"
SHIPPED = "shipped"
FALLBACK_LANGUAGE = "en"
NO_BREAK_SPACE = "\u00a0"
TEXT_WIDTH = 78  # RFC 5322 2.1.1

LINE_END = "\u2028"
"""Ends a line within a paragraph of a person's own words (U+2028); the line ends of templates mean nothing."""

_CATALOGUE = re.compile(r"mail/([a-z]{2})\.toml")
_TEXT = re.compile(r"mail/[a-z]{2}/([a-z][a-z0-9_]*)\.j2")


def mail_environment(settings_root: Path | None) -> Environment:
    """The environment that mails are rendered in; with the company's own texts where `settings_root` has any."""
    # The packages of a wheel are unpacked when they are installed, so this is a real folder.
    shipped = FileSystemLoader(str(resources.files("templates")))
    loaders: list[BaseLoader] = [PrefixLoader({SHIPPED: shipped}), shipped]
    if settings_root is not None:
        loaders.insert(0, FileSystemLoader(settings_root / FOLDER))
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(loaders),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["nbsp"] = NO_BREAK_SPACE
    environment.filters |= {
        "text_paragraphs": text_paragraphs,
        "text_lines": text_lines,
        "unwrapped": unwrapped,
        "text_table": text_table,
        "html_paragraphs": html_paragraphs,
        "html_lines": html_lines,
    }
    return environment


def languages(environment: Environment) -> tuple[str, ...]:
    """Codes of the languages that have a catalogue, sorted."""
    names = environment.list_templates()
    return tuple(sorted(found[1] for name in names if (found := _CATALOGUE.fullmatch(name))))


def texts(environment: Environment) -> tuple[str, ...]:
    """Names of the mails' templates that there are in any language, sorted."""
    return tuple(sorted({found[1] for name in environment.list_templates() if (found := _TEXT.fullmatch(name))}))


@dataclass(frozen=True, slots=True)
class TextName:
    """Which template speaks, and which shipped one a company's own extends as ``shipped``."""

    name: str
    shipped: str


def text_for(environment: Environment, language: str, text: str, tone: str) -> TextName:
    """The template of `text` in that language and tone, a company's own before the shipped ones."""
    plain, toned = f"mail/{language}/{text}.j2", f"mail/{language}/{text}.{tone}.j2"
    shipped = toned if _source(environment, f"{SHIPPED}/{toned}") else plain
    own = next((name for name in (toned, plain) if _is_own(environment, name)), None)
    return TextName(own or shipped, f"{SHIPPED}/{shipped}")


def _is_own(environment: Environment, name: str) -> bool:
    found = _source(environment, name)
    return found is not None and found != _source(environment, f"{SHIPPED}/{name}")


def _source(environment: Environment, name: str) -> str | None:
    """The file that a template is read from; None: there is none of that name."""
    loader = environment.loader
    assert loader is not None
    try:
        return loader.get_source(environment, name)[1]
    except TemplateNotFound:
        return None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The phrases of one language, and how it writes money, dates and days."""

    language: str
    phrases: Mapping[str, str]

    def money(self, amount: Decimal, currency: str) -> str:
        """``1 240,00 €`` or ``€1,240.00``, with no place where a line may break.

        Babel's narrow no-break space U+202F becomes U+00A0: the narrow one is missing in Latin-1 and cp1252, and
        gateways that still convert to those put a question mark into the amount.
        """
        text = _unbroken(format_currency(amount, currency, locale=self.phrases["locale"]))
        # A symbol that ends in a letter stands apart from the number (CLDR's currencySpacing, which babel leaves out).
        return re.sub(r"(?<=[^\W\d_])(?=\d)", NO_BREAK_SPACE, text)

    def day(self, day: date) -> str:
        """A date as it stands in a table."""
        return self._date(day, "date_in_table")

    def day_in_words(self, day: date) -> str:
        """A date as it stands in a sentence, the month in letters."""
        return self._date(day, "date_in_sentence_first" if day.day == 1 else "date_in_sentence")

    def days(self, count: int) -> str:
        """``12 jours``, ``1 day``."""
        # Not `format_unit`: babel gives "28 duration-day" where a language writes its days by an alias (it, nl).
        locale = self.phrases["locale"]
        text = format_timedelta(timedelta(days=count), "day", threshold=math.inf, locale=locale)
        return _unbroken(text.replace(str(count), format_decimal(count, locale=locale)))

    def _date(self, day: date, pattern: str) -> str:
        return _unbroken(format_date(day, self.phrases[pattern], locale=self.phrases["locale"]))


def _unbroken(text: str) -> str:
    return text.replace(" ", NO_BREAK_SPACE).replace("\u202f", NO_BREAK_SPACE)


def catalogue_for(environment: Environment, language: str) -> Catalogue:
    """The catalogue of `language` (``fr``, ``FR``, ``fr-CA``), or the English one where that language has none.

    Raises:
        ConfigError: a catalogue is not TOML, lacks a phrase, or holds something else than text.
    """
    code = re.split("[-_]", language.lower())[0]
    phrases = _phrases(environment, code) if re.fullmatch("[a-z]{2}", code) else {}
    if not phrases:
        code = FALLBACK_LANGUAGE
        phrases = _phrases(environment, code)
    name = f"mail/{code}.toml"
    english = _read(environment, f"{SHIPPED}/mail/{FALLBACK_LANGUAGE}.toml")
    if missing := sorted(english.keys() - phrases.keys()):
        raise ConfigError(
            f"{FOLDER}/{name}", missing[0], "a phrase", f"Write it as in the English one: {english[missing[0]]!r}."
        )
    try:
        Locale.parse(phrases["locale"])
    except (ValueError, UnknownLocaleError):
        raise ConfigError(
            f"{FOLDER}/{name}", "locale", "a language and a country", 'Write it as "fr_FR".', found=phrases["locale"]
        ) from None
    return Catalogue(code, MappingProxyType(phrases))


def _phrases(environment: Environment, code: str) -> dict[str, str]:
    """The shipped phrases of a language with the company's own laid over them."""
    name = f"mail/{code}.toml"
    return _read(environment, f"{SHIPPED}/{name}") | _read(environment, name)


def _read(environment: Environment, name: str) -> dict[str, str]:
    """One catalogue; empty where there is none of that name."""
    loader = environment.loader
    assert loader is not None
    try:
        table = tomllib.loads(loader.get_source(environment, name)[0])
    except TemplateNotFound:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FOLDER}/{name}", "", "TOML in UTF-8", f"Mend it: {error}.") from None
    for key, value in table.items():
        if not isinstance(value, str) or any(unicodedata.category(char) == "Cc" for char in value):
            raise ConfigError(f"{FOLDER}/{name}", key, "one line of text", "Write it in quotes, on one line.")
    return table


# --- what the layouts ask for ----------------------------------------------------------------------------------------
# A text is paragraphs between empty lines; its own line ends mean nothing. `str` first: a block that was rendered
# within the HTML layout arrives marked as safe, and must be escaped all the same.

_GAP = re.compile(r"\n[ \t]*\n")
_SPACES = re.compile(r"[ \t\r\n]+")  # and not `\s`, which would take the no-break spaces


def _paragraphs(text: str) -> list[str]:
    found = (_SPACES.sub(" ", part).strip(" ") for part in _GAP.split(str(text)))
    return [part for part in found if part]


def _lines(text: str) -> list[str]:
    return [line for line in (_SPACES.sub(" ", part).strip(" ") for part in str(text).splitlines()) if line]


def text_paragraphs(text: str) -> str:
    """Paragraphs wrapped at 78 characters, an empty line between them."""
    options: dict[str, Any] = {"width": TEXT_WIDTH, "break_long_words": False, "break_on_hyphens": False}
    return "\n\n".join(
        "\n".join(textwrap.fill(line, **options) for line in part.split(LINE_END)) for part in _paragraphs(text)
    )


def unwrapped(text: str) -> str:
    """Paragraphs on one line each, as a person edits them."""
    return "\n\n".join(_paragraphs(text))


def text_lines(text: str) -> str:
    """Lines that stay lines."""
    return "\n".join(_lines(text))


def html_paragraphs(text: str, style: str) -> Markup:
    """Paragraphs as ``<p>`` elements with this inline style, escaped."""
    return Markup("\n").join(
        Markup('<p style="{}">{}</p>').format(style, Markup("<br>\n").join(part.split(LINE_END)))
        for part in _paragraphs(text)
    )


def html_lines(text: str, style: str) -> Markup:
    """Lines that stay lines, in one ``<p>`` element with this inline style, escaped."""
    return Markup('<p style="{}">{}</p>').format(style, Markup("<br>\n").join(_lines(text)))


class Row(Protocol):
    """What the table of the plain part shows of an invoice, as text; None: there is no such thing."""

    @property
    def number(self) -> str: ...
    @property
    def issued(self) -> str | None: ...
    @property
    def due(self) -> str: ...
    @property
    def amount(self) -> str: ...
    @property
    def balance(self) -> str: ...
    @property
    def late(self) -> str | None: ...
    @property
    def purchase_order(self) -> str | None: ...


_RIGHT = frozenset({"amount", "balance", "late"})


def text_table(rows: Sequence[Row], phrases: Mapping[str, str]) -> str:
    """Invoices in columns, figures to the right; the customer's order number only where an invoice has one."""
    keys = ["number", "issued", "due", "amount", "balance", "late"]
    if any(row.purchase_order for row in rows):
        keys.insert(1, "purchase_order")
    heads = [phrases["invoice" if key == "number" else key] for key in keys]
    cells = [heads, *([getattr(row, key) or phrases["nothing"] for key in keys] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(keys))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            text.rjust(width) if key in _RIGHT else text.ljust(width)
            for key, text, width in zip(keys, row, widths, strict=True)
        ).rstrip(" ")
        for row in cells
    )
