"""Which trained model is in use: a signed note beside the trained models, and an event for each change.

The note (`trained/promoted.json`) names the folder, the SHA-256 of its manifest (which has that of the estimators), who
put it to work and when, and all that were in use before it. It is signed with the installation's key, so that neither
another model nor a changed one is slipped in: the daemon refuses what does not match. It is written by a rename; the
daemon looks at it before each batch and takes up a change without a restart.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from classifier.errors import ModelError
from classifier.registry import DEFAULT_NAME as SHIPPED
from classifier.registry import LOCAL, NOTE
from models import Database, Promotion, events
from models.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Promoted:
    """One trained model that was put to work. `folder`: its name under `trained/`, or "default" for the shipped one."""

    folder: str
    version: str
    manifest_sha256: str
    by: str
    at: str
    forced: bool = False


def in_use(root: Path, key: SigningKey) -> Path | None:
    """Folder of the promoted trained model; None for the shipped one.

    Raises:
        ModelError: the note, or the model that it names, was changed by somebody else.
    """
    history = read(root, key)
    if not history or history[-1].folder == SHIPPED:
        return None
    folder = root / LOCAL / history[-1].folder
    if manifest_hash(folder) != history[-1].manifest_sha256:
        raise ModelError(
            f"{folder}: its manifest is not the one that {history[-1].by} promoted: it was changed since. It is not"
            " loaded. Go back with `relance model rollback`, or train again."
        )
    return folder


def read(root: Path, key: SigningKey) -> list[Promoted]:
    """All that were put to work, oldest first; the last is in use. Raises `ModelError` where the note isn't ours."""
    file = root / LOCAL / NOTE
    if not file.is_file():
        return []
    try:
        document = json.loads(file.read_text("utf-8"))
        history, signature = document["history"], document["signature"]
        expected = key.sign(_text(history), signature["key"])
        promoted = [Promoted(**each) for each in history]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: can't be read ({error})", _MEND) from None
    if signature["value"] != expected:
        raise ModelError(f"{file}: its signature is not this installation's: somebody changed it", _MEND)
    return promoted


_MEND = "Delete it to use the shipped model, and promote yours again."


def promote(
    database: Database, root: Path, folder: str, version: str, by: str, now: datetime, *, forced: bool,
    reason: str = "",
) -> None:  # fmt: skip
    """Put a trained model to work, with its event. `forced`: it went past the gate."""
    own = root / LOCAL / folder
    new = Promoted(folder, version, manifest_hash(own), by, now.isoformat(), forced)
    history = read(root, database.key)
    was = history[-1] if history else None
    _change(database, root, [*history, new], "promoted", new, was, by, now, reason)


def rollback(database: Database, root: Path, by: str, now: datetime, reason: str = "", *, of: str | None = None) -> str:
    """Go back to the trained model that was in use before; gives its version. `of`: the folder of the one to leave.

    Raises:
        ModelError: there is none before, or another than `of` is in use.
    """
    history = read(root, database.key)
    if not history:
        raise ModelError("The shipped model is in use, and no other was before: there is nothing to go back to.")
    if of is not None and history[-1].folder != of:
        raise ModelError(f"{history[-1].folder} is in use by now, no longer {of}: look again before you go back.")
    before = history[-2] if len(history) > 1 else Promoted(SHIPPED, SHIPPED, "", by, now.isoformat())
    _change(database, root, history[:-1], "rolled_back", before, history[-1], by, now, reason)
    return before.version


def _change(
    database: Database, root: Path, history: list[Promoted], kind: str, new: Promoted, old: Promoted | None, by: str,
    now: datetime, reason: str,
) -> None:  # fmt: skip
    """Row and event first, in one transaction with the note's rename at its end: a note without an event can't be."""
    was = old.version if old else SHIPPED
    with database.write() as session:
        session.add(
            Promotion(
                kind=kind, version=new.version, was=was, forced=new.forced, reason=reason[:500], by=by, at=now
            )
        )  # fmt: skip
        events.record(
            session, f"model.{kind}", ("model", new.version[:64]), actor=by, at=now, manifest=new.manifest_sha256,
            was=was, forced=new.forced,
        )  # fmt: skip
        session.flush()
        _write(root, database.key, history)


def _write(root: Path, key: SigningKey, history: list[Promoted]) -> None:
    raw = [asdict(each) for each in history]
    document = {"history": raw, "signature": {"key": key.active, "value": key.sign(_text(raw))}}
    file = root / LOCAL / NOTE
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as opened:
        json.dump(document, opened, indent=2, ensure_ascii=False)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(file)


def manifest_hash(folder: Path) -> str:
    """SHA-256 of a trained model's manifests, that of the one without encoder included. Raises `ModelError`."""
    from classifier.storage import MANIFEST, PLAIN  # noqa: PLC0415 it imports scikit-learn

    digest = hashlib.sha256()
    try:
        digest.update((folder / MANIFEST).read_bytes())
        plain = folder / PLAIN / MANIFEST
        digest.update(plain.read_bytes() if plain.is_file() else b"")
    except OSError as error:
        raise ModelError(f"{folder}: holds no trained model ({error}).") from None
    return digest.hexdigest()


def _text(history: list[Any]) -> str:
    return json.dumps(history, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
