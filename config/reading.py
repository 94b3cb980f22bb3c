"""From a TOML file to a checked value, with every mistake told by file, key, what was expected, and how to mend it.

Used for `relance.toml` and for the plans. All mistakes of one reading are told together. What stood in the file is
quoted only where it cannot be a secret.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.environment import variable_of
from config.errors import ConfigError
from config.fields import CUSTOM

_SECRETIVE = ("password", "secret", "token", "oauth", "url", "key", "credential")
_LONGEST_QUOTE = 60

# pydantic's `type` of an error → what was expected, how to mend it. Braces take the error's context.
_WORDS: Mapping[str, tuple[str, str]] = {
    "string_type": ("text", "Put it between double quotes."),
    "string_too_short": ("a text that is not empty", "Fill it in."),
    "int_type": ("a whole number", "Write digits only, without quotes."),
    "int_parsing": ("a whole number", "Write digits only, without quotes."),
    "int_from_float": ("a whole number", "Write it without decimals."),
    "bool_type": ("true or false", "Write true or false, without quotes."),
    "bool_parsing": ("true or false", "Write true or false, without quotes."),
    "literal_error": ("one of {expected}", "Choose one of them."),
    "enum": ("one of {expected}", "Choose one of them."),
    "greater_than_equal": ("at least {ge}", "Raise it."),
    "less_than_equal": ("at most {le}", "Lower it."),
    "tuple_type": ("a list", 'Write it as ["one", "two"].'),
    "list_type": ("a list", 'Write it as ["one", "two"].'),
    "string_pattern_mismatch": ("a name of small letters, digits and _ that begins with a letter", "Rename it."),
    "path_type": ("the path of a file", "Put it between double quotes."),
    "too_short": ("at least {min_length} of them", "Add one."),
}


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables as they stand.

    Raises:
        ConfigError: the file is missing, unreadable, not UTF-8 or not TOML; line and column are told.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(
            path, "", "a configuration file here", "Write one with `relance init`, or name it with --config PATH."
        ) from None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ConfigError(
            path, "", "a file that can be read", "Give this user the right to read it.", found=reason
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            path, "", "text in UTF-8", f"Save it as UTF-8 (the first wrong byte is number {error.start + 1})."
        ) from None
    except tomllib.TOMLDecodeError as error:
        # The message of tomllib says what and where ("Expected '=' after a key in … (at line 3, column 8)").
        raise ConfigError(
            path,
            "",
            "TOML",
            "Correct that place; texts stand between double quotes.",
            found=f"a mistake in it: {error}",
        ) from None


def told(error: ValidationError, file: Path, model: type[BaseModel]) -> ConfigError:
    """The mistakes that pydantic found, as one `ConfigError` with a line each."""
    found = error.errors(include_url=False)
    # A list whose every table has a mistake counts as empty for pydantic: the mistakes themselves say more.
    inside = {detail["loc"][:end] for detail in found for end in range(len(detail["loc"]))}
    told_of = [detail for detail in found if detail["type"] != "too_short" or detail["loc"] not in inside]
    problems = [_problem(detail, file, model) for detail in told_of]
    first, *others = {problem.line: problem for problem in problems}.values()
    return ConfigError(first.file, first.key, first.expected, first.mend, found=first.found, also=others)


def _problem(detail: ErrorDetails, file: Path, model: type[BaseModel]) -> ConfigError:
    path = [part for part in detail["loc"] if part != "[key]"]
    source = _source(path, file)
    key = ".".join(str(part) for part in path)
    kind, context = detail["type"], dict(detail.get("ctx", {}))
    if kind == "extra_forbidden":
        return ConfigError(source, key, *_unknown_key(path, model))
    if kind == "missing":
        return ConfigError(source, key, *_missing(path, model))
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return ConfigError(source, key, f"a section [{key}]", f"Write [{key}] on a line of its own, its keys below.")
    if kind == "too_short" and path == ["mailbox"]:
        return ConfigError(source, key, "at least one mailbox", "Add a section [mailbox.ar] with its address.")
    if kind == CUSTOM:
        expected, mend = context["expected"], context["mend"]
    else:
        expected, mend = _WORDS.get(kind, (detail["msg"], "Look it up in docs/configuration.md."))
        expected = expected.format(**context)
    return ConfigError(source, key, expected, mend, found=_quoted(path, detail["input"]))


def _source(path: Sequence[str | int], file: Path) -> str:
    """The environment variable that set this key, if one did, or else the file."""
    names = {name.upper(): name for name in os.environ}
    for end in range(len(path), 1, -1):
        if (variable := variable_of(path[:end])) in names:
            return f"environment variable {names[variable]}"
    return str(file)


def _quoted(path: Sequence[str | int], value: Any) -> str:
    """What stood there, unless it may be a secret or is a whole table."""
    names = [str(part).lower() for part in path]
    if any(word in name for name in names for word in _SECRETIVE) or isinstance(value, Mapping | BaseModel):
        return ""
    text = value if isinstance(value, str) else str(list(value) if isinstance(value, tuple) else value)
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    if len(text) > _LONGEST_QUOTE:
        text = text[:_LONGEST_QUOTE] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def _unknown_key(path: Sequence[str | int], model: type[BaseModel]) -> tuple[str, str]:
    name = str(path[-1])
    if name in ("password", "secret", "token", "client_secret", "refresh_token"):
        return (
            "no secret in this file",
            f"Put it into an environment variable or a file, and name that with {name}_env or {name}_file.",
        )
    section = _section_at(path[:-1], model)
    known = sorted(field.alias or key for key, field in section.model_fields.items()) if section is not None else []
    what = "key" if len(path) > 1 else "section"
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    mend = f'Did you mean "{close[0]}"?' if close else "Take it out, or correct its name."
    return f"a known {what} ({', '.join(known)})", mend


def _missing(path: Sequence[str | int], model: type[BaseModel]) -> tuple[str, str]:
    key = ".".join(str(part) for part in path)
    section = _section_at(path, model)
    if section is not None or path == ["mailbox"]:
        name = "mailbox.ar" if path == ["mailbox"] else key
        return f"a section [{name}]", "Add it; `relance init` in an empty folder writes an example."
    owner = _section_at(path[:-1], model)
    field = owner.model_fields.get(str(path[-1])) if owner is not None else None
    words = (field.description or "").split("\n\n")[0].replace("\n", " ") if field is not None else ""
    return "this key to be set", f"Add it to [{'.'.join(map(str, path[:-1]))}]. {words}".rstrip()


def _section_at(path: Sequence[str | int], model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that describes the table at `path`, or None where that is no table."""
    here: type[BaseModel] | None = model
    steps = list(path)
    while steps and here is not None:
        name = str(steps.pop(0))
        by_alias = (field for field in here.model_fields.values() if field.alias == name)
        field = here.model_fields.get(name) or next(by_alias, None)
        if field is None:
            return None
        here, through_a_name = _model_in(field.annotation)
        if through_a_name:
            if not steps:
                return None
            steps.pop(0)
    return here


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation, and whether a name or index stands between (dict[str, Mailbox], list[Step])."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    inner = [argument for argument in get_args(annotation) if isinstance(argument, type)]
    found = next((argument for argument in inner if issubclass(argument, BaseModel)), None)
    return found, found is not None and type(None) not in inner
