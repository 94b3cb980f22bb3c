"""The file that `backup` writes and `restore` reads: database, signing key and configuration, with a manifest.

    manifest.json     format, version, schema, where the log ended, and of each other member its size and SHA-256
    database.sqlite   or database.pgdump: the rows, raw mails included, at one moment
    relance.key       the signing key, without which no answer can be tied to a reminder
    config/…          relance.toml and what lies beside it: plans, texts, law, segments, trained models

A tar of the usual kind, compressed, for its owner only: whoever has it can read the mails and forge threads.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from agent.faults import point
from config.errors import NeedsPerson

FORMAT = 1
MANIFEST = "manifest.json"
KEY = "relance.key"
DATABASE = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``members``: SHA-256 of each member by its name."""

    made_at: str
    version: str
    schema: str
    backend: str
    installation: str
    events: int
    head: str
    messages: int
    blobs: int
    format: int = FORMAT
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return DATABASE[self.backend]


_MANIFEST = TypeAdapter(Manifest)


def write(target: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write the archive under another name, wait for the disk, then give it its name.

    Raises:
        NeedsPerson: it is there already, or can't be written.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    if target.exists():
        raise NeedsPerson(f"{target} is there already", "Choose another name; no backup is ever written over.")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar:
                hashed = Manifest(**{**asdict(manifest), "members": {n: digest(p) for n, p in members.items()}})
                _add(tar, MANIFEST, json.dumps(asdict(hashed), indent=1).encode())
                for name, path in members.items():
                    tar.add(path, name, recursive=False, filter=_anonymous)
            file.flush()
            os.fsync(file.fileno())
        point("backup.written")
        unfinished.rename(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise NeedsPerson(f"{target}: the backup can't be written ({error.strerror})") from None


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(source: Path, folder: Path) -> Manifest:
    """Write the archive's members below ``folder``, each compared with the manifest.

    Raises:
        NeedsPerson: it is no backup of ours, is damaged, or holds what no backup holds.
    """
    try:
        with tarfile.open(source, mode="r:gz") as tar:
            manifest = _manifest(tar)
            for entry in tar:
                if entry.name != MANIFEST:
                    _take(tar, entry, folder, manifest)
    except FileNotFoundError:
        raise NeedsPerson(f"{source}: there is no such file") from None
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NeedsPerson(f"{source}: not a sound backup of relance ({reason})", "Take another one.") from None
    missing = [name for name in manifest.members if not (folder / name).is_file()]
    if missing:
        raise NeedsPerson(f"{source}: {missing[0]} is missing from this backup", "Take another one.")
    return manifest


def _manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    opened = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if opened is None:
        raise ValueError("it does not begin with a manifest")
    raw = from_json(opened.read(_PIECE))  # unlike json's own, it bounds the depth
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        told = repr(raw.get("format"))[:40] if isinstance(raw, dict) else "unknown"
        raise ValueError(f"its format is {told}, this version reads {FORMAT}")
    try:
        manifest = _MANIFEST.validate_python(raw)
    except ValidationError:
        raise ValueError("its manifest is not of relance's making") from None
    if manifest.backend not in DATABASE:
        raise ValueError(f"its database is of an unknown kind, {manifest.backend!r}")
    return manifest


def _take(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, manifest: Manifest) -> None:
    """Write one member that the manifest names, piece by piece, and compare its hash."""
    name = PurePosixPath(entry.name)
    is_within = not name.is_absolute() and ".." not in name.parts and entry.name.isprintable()
    if not entry.isfile() or entry.name not in manifest.members or not is_within:
        raise ValueError(f"it holds {entry.name!r}, which no backup holds")
    opened = tar.extractfile(entry)
    assert opened is not None  # a regular file
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    hashed = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := opened.read(_PIECE):
            hashed.update(piece)
            file.write(piece)
    if hashed.hexdigest() != manifest.members[entry.name]:
        raise ValueError(f"{entry.name} is not what was backed up: its hash differs")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Rights and owners are those of the place where it is restored."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry
