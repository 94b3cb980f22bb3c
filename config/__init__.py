"""Configuration: one TOML file, environment variables on top, checked as a whole before anything starts.

`load` reads `relance.toml` into a frozen `Settings`. `secret_of` fetches a password from where the settings say that it
stands. `config.plans` holds the dunning plans, `config.calendars` the working days, `config.errors` the errors that
people read.

What it does not do: it opens no connection, reads no clock, and keeps nothing between two calls.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigError, NeedsPerson, RelanceError, TemporaryFailure
from config.mailboxes import Imap, Mailbox, OAuth, Server, Smtp
from config.reading import read_toml, told
from config.secrets import secret_of
from config.settings import (
    Charges,
    Classifier,
    Company,
    Daemon,
    Database,
    Ledger,
    Oidc,
    Payment,
    Policy,
    Reminders,
    Settings,
    Web,
    Webhook,
)

__all__ = [
    "Charges",
    "Classifier",
    "Company",
    "ConfigError",
    "Daemon",
    "Database",
    "Imap",
    "Ledger",
    "Mailbox",
    "NeedsPerson",
    "OAuth",
    "Oidc",
    "Payment",
    "Policy",
    "RelanceError",
    "Reminders",
    "Server",
    "Settings",
    "Smtp",
    "TemporaryFailure",
    "Web",
    "Webhook",
    "load",
    "parse",
    "path_of_configuration",
    "secret_of",
]

FILE_NAME = "relance.toml"


def path_of_configuration(path: Path | None = None) -> Path:
    """The file to read: `path`, else what RELANCE_CONFIG names, else `relance.toml` in the current folder."""
    if path is None:
        path = Path(os.environ.get("RELANCE_CONFIG") or FILE_NAME)
    return path / FILE_NAME if path.is_dir() else path


def load(path: Path | None = None) -> Settings:
    """Read and check the configuration.

    Args:
        path: the file, or the folder that holds `relance.toml`; see `path_of_configuration` for what None means.

    Raises:
        ConfigError: with every mistake that was found.
    """
    file = path_of_configuration(path)
    return parse(read_toml(file), file)


def parse(tables: Mapping[str, Any], file: Path) -> Settings:
    """Check tables that are already read, as though they stood in `file` (which need not exist)."""
    for name in tables:
        if name.startswith("_"):  # pydantic-settings would take it for an order of its own (`_env_file`)
            raise ConfigError(file, name, "a section's name, which begins with a letter", "Take it out.")
    try:
        return Settings(**tables).placed(file)
    except ValidationError as error:
        raise told(error, file, Settings) from None
