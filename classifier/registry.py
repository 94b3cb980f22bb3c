"""Where trained models lie: the default one that came with relance, and those trained in this installation.

A local one is a folder named by its version under `trained/` beside the configuration. Listing reads manifests only.
Which one the daemon uses is the configuration's word (`classifier.model`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import ModelError
from classifier.storage import DEFAULT, MANIFEST, read_manifest

LOCAL = "trained"


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
    found = [Entry("default", DEFAULT, read_manifest(DEFAULT))] if (DEFAULT / MANIFEST).is_file() else []
    if root is not None:
        folders = sorted(file.parent for file in (root / LOCAL).glob(f"*/{MANIFEST}"))
        found += [Entry(folder.name, folder, read_manifest(folder)) for folder in folders]
    return found


def entry(name: str, root: Path | None) -> Entry:
    """The trained model called `name` ("default" or a version). Raises `ModelError`."""
    known = entries(root)
    for each in known:
        if name in (each.name, each.manifest["version"]):
            return each
    names = ", ".join(each.name for each in known) or "none"
    raise ModelError(f"{name}: no trained model of that name. There are: {names}. `relance train` makes one.")
