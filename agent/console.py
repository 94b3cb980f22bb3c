"""What every command is given: settings, database and clock when it asks for them, and the two ways to speak.

Data goes to standard output, by `emit`: for programs as JSON, for people as lines. Talk goes to standard error, by
`say`. Both escape what could steer a terminal, because much of what is shown was written by strangers. Nothing is
opened before a command asks for it, so `relance --help` works in an empty folder.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import structlog
import typer

from config import Settings, load
from models.database import Database

# C0 without tab and line feed, DEL and C1, line separators, bidirectional overrides, halves of surrogate pairs.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


By = Annotated[str, typer.Option("--by", help="Who does this; stands in the log.", envvar="RELANCE_USER")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
"""Options that many commands have."""


@runtime_checkable
class HasJson(Protocol):
    """A value that knows its own form for programs."""

    def as_json(self) -> Mapping[str, Any]: ...


class Context:
    """The state of one run of the command line. `debug` shows tracebacks; `config` is `--config`, if it was given."""

    def __init__(self, config: Path | None = None, *, debug: bool = False) -> None:
        self.config = config
        self.debug = debug
        self._settings: Settings | None = None
        self._database: Database | None = None

    def settings(self) -> Settings:
        """The configuration, read at the first call. Raises ConfigError."""
        if self._settings is None:
            self._settings = load(self.config)
        return self._settings

    def database(self) -> Database:
        """The database, opened at the first call; made, with its signing key, where there is none.

        Raises:
            NeedsPerson, TemporaryFailure: as `Database.open` does.
        """
        if self._database is None:
            settings = self.settings()
            self._database = Database.open(settings.database.url, settings.root, self.now())
        return self._database

    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        return datetime.now(UTC)

    def emit(self, value: Any, json: bool) -> None:
        """Write data to standard output.

        Args:
            value: one mapping, dataclass or value with `as_json()`; or a list (or generator) of them.
            json: one JSON object a line; else a table for many, `key: value` lines for one.
        """
        many = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | HasJson)
        if json:
            for item in value if many else (value,):
                sys.stdout.write(as_json_text(item) + "\n")
            return
        rows = [plain(item) for item in (value if many else (value,))]
        sys.stdout.write(_table(rows) if many else _lines(rows[0]))

    def say(self, text: str) -> None:
        """Write a sentence for people to standard error."""
        sys.stderr.write(printable(text) + "\n")

    def close(self) -> None:
        if self._database is not None:
            self._database.close()


def plain(value: Any) -> Any:
    """`value` in what JSON knows: dates ISO 8601, amounts as text, enums by their value, dataclasses as objects."""
    match value:
        case HasJson():
            return plain(value.as_json())
        case Enum():
            return plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(plain(key)): plain(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form for the command line")


def as_json_text(value: Any) -> str:
    """One line of JSON, any letter as it is but those that steer a terminal or are no Unicode text."""
    text = dumps(plain(value), ensure_ascii=False, allow_nan=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str) -> str:
    """`text` as a terminal may show it: what steers it is shown as an escape."""
    return _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items())
        case list():
            return ", ".join(_cell(inner) for inner in value) or "-"
    return printable(str(value)).replace("\n", " ").replace("\t", " ")


def _lines(row: Any) -> str:
    if not isinstance(row, dict):
        return _cell(row) + "\n"
    width = max((len(key) for key in row), default=0)
    return "".join(f"{key:<{width}}  {_cell(value)}\n" for key, value in row.items())


def _table(rows: list[Any]) -> str:
    """Columns as wide as they must be: a terminal may wrap them, `grep` and `cut` find them whole."""
    if not rows:
        return ""
    if not all(isinstance(row, dict) for row in rows):
        return "".join(_cell(row) + "\n" for row in rows)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [keys, *([_cell(row.get(key)) for key in keys] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(keys))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells)
    return "".join(line.rstrip() + "\n" for line in lines)


def configure_logs(*, debug: bool) -> None:
    """Send the log to standard error: readable on a terminal, one JSON object a line elsewhere."""
    on_terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not on_terminal else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("debug" if debug else "info"),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of this moment: tests swap it
        cache_logger_on_first_use=False,
    )
