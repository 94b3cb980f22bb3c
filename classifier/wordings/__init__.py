"""The words that the classifier knows, as data: dates, cues, rules, facts and the shape of a mail, by language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_wordings(*path: str) -> Mapping[str, Any]:
    """A file of words by its folder and name, as ("dates", "fr"); read once for all that ask, and not to be changed."""
    file = files("classifier") / "wordings"
    for each in path[:-1]:
        file /= each
    return tomllib.loads((file / f"{path[-1]}.toml").read_text("utf-8"))
