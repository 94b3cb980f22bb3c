"""`RELANCE_*` environment variables that stand in for keys of the file.

`RELANCE_POLICY__MODE=observe` is `mode` of `[policy]`, `RELANCE_MAILBOX__AR__IMAP__PORT=993` is `port` of
`[mailbox.ar.imap]`; a value that is a list is written as JSON. A variable without a double underscore is none of ours:
it may hold a secret (`RELANCE_IMAP_PASSWORD`) or name the file (`RELANCE_CONFIG`).

pydantic-settings' own reader is not used because it takes a value that is text in the file for JSON when its parsed
type is a structure ("25/minute"), and passes over a variable whose section is misspelt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config.errors import ConfigError

PREFIX = "RELANCE_"
DELIMITER = "__"


def variable_of(path: Iterable[str | int]) -> str:
    """The variable that stands for a key: `("policy", "mode")` is `RELANCE_POLICY__MODE`."""
    return PREFIX + DELIMITER.join(str(part) for part in path).upper()


def overrides(environ: Mapping[str, str], sections: Iterable[str]) -> dict[str, Any]:
    """The keys set by variables, nested as in the file.

    Raises:
        ConfigError: a variable names no section, or holds a list that is no JSON.
    """
    known = set(sections)
    found: dict[str, Any] = {}
    for name, value in sorted(environ.items()):
        if not name.upper().startswith(PREFIX) or DELIMITER not in name:
            continue
        path = name[len(PREFIX) :].lower().split(DELIMITER)
        if path[0] not in known or not all(path):
            raise ConfigError(
                f"environment variable {name}",
                "",
                f"the name of a section after {PREFIX}: {', '.join(sorted(known))}",
                f"Correct the name ({variable_of(['policy', 'mode'])} is an example), or unset it.",
            )
        place = found
        for part in path[:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise _clash(name)
            place = inner
        if path[-1] in place:
            raise _clash(name)
        place[path[-1]] = _value(name, value)
    return found


def _clash(name: str) -> ConfigError:
    return ConfigError(
        f"environment variable {name}",
        "",
        "one variable for a key",
        "Unset it, or the other one that sets the same key or the table around it.",
    )


def _value(name: str, text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ConfigError(
            f"environment variable {name}",
            "",
            "a list or table as JSON",
            """Write a list as '["08:30", "17:30"]', with double quotes inside.""",
        ) from None


class EnvironmentSource(PydanticBaseSettingsSource):
    """Hands `overrides` of the process's environment to pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self._found = overrides(os.environ, settings_cls.model_fields)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 the base class demands it
        return self._found.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._found
