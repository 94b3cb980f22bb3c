"""Where trained models lie: the default one that came with relance, and those trained in this installation.

A local one is a folder named by its version under `trained/` beside the configuration. Listing reads manifests only.
Which one is in use is told by the configuration (`classifier.model`), else by the promotion (`agent.learning`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import ModelError, UnknownModel

LOCAL = "trained"

#: Name of the shipped one.
DEFAULT_NAME = "default"

#: Beside the local ones: says which is in use. Written and checked by `agent.learning.promotion`.
NOTE = "promoted.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One trained model: its folder and what its manifest says. `name` is "default" or its version."""

    name: str
    folder: Path
    manifest: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """One line of `model list`."""
        figures, bound, origin = self.manifest["figures"], self.manifest["bound"], self.manifest["origin"]
        return {
            "name": self.name,
            "version": self.manifest["version"],
            "rows": origin["rows"],
            "made": origin["made"],
            "macro_f1": round(figures["macro_f1"], 3),
            "bound": bound["bound"],
            "automatic": round(bound["actionable_automatic"] / max(1, bound["actionable"]), 3),
            "languages": list(self.manifest["languages"]),
            "folder": str(self.folder),
        }


def entries(root: Path | None) -> list[Entry]:
    """The default trained model, where it was built, then the local ones of the installation at `root` by name."""
    from classifier.storage import DEFAULT, MANIFEST, read_manifest  # noqa: PLC0415 it imports scikit-learn

    found = [Entry(DEFAULT_NAME, DEFAULT, read_manifest(DEFAULT))] if (DEFAULT / MANIFEST).is_file() else []
    if root is not None:
        folders = sorted(file.parent for file in (root / LOCAL).glob(f"*/{MANIFEST}"))
        found += [Entry(folder.name, folder, read_manifest(folder)) for folder in folders]
    return found


def entry(name: str, root: Path | None) -> Entry:
    """The trained model called `name` ("default" or a version). Raises `UnknownModel`, `ModelError`."""
    known = entries(root)
    for each in known:
        if name in (each.name, each.manifest["version"]):
            return each
    names = ", ".join(each.name for each in known) or "none"
    raise UnknownModel(f"{name}: no trained model of that name. There are: {names}. `relance train` makes one.")


def promoted(root: Path) -> Path | None:
    """Folder of the trained model that was promoted in the installation at `root`; None for the shipped one.

    Reads what the promotion's note says and no signature, which only the owner of the key can check: for commands that
    tell and move nothing.

    Raises:
        ModelError: the note can't be read.
    """
    note = root / LOCAL / NOTE
    if not note.is_file():
        return None
    try:
        history = json.loads(note.read_text("utf-8"))["history"]
        name = str(history[-1]["folder"]) if history else DEFAULT_NAME
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{note}: can't be read ({error}). Delete it to use the shipped model.") from None
    return None if name == DEFAULT_NAME else root / LOCAL / Path(name).name
