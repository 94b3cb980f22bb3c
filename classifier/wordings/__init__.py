"""The words that the classifier knows, as data: dates, cues, rules, facts and the shape of a mail, by language."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable


def wordings_hash() -> str:
    """SHA-256 over all wordings: a trained model depends on them as it does on its data."""
    digest = hashlib.sha256()
    for name, content in sorted(_files(files(__name__), "")):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _files(each, f"{prefix}{each.name}/")
        elif each.name.endswith(".toml"):
            found.append((prefix + each.name, each.read_bytes()))
    return found
