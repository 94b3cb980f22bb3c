"""The file of a backup that somebody else has made: nothing is written outside of the folder that it goes to."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from agent.operations import archive
from agent.operations.archive import MANIFEST, Manifest
from config.errors import NeedsPerson

LINK, HARD_LINK, DEVICE, PIPE, FOLDER = (
    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE,
)  # fmt: skip
FILE = tarfile.REGTYPE
OWN = {"database.sqlite": b"rows", "relance.key": b"key", "config/relance.toml": b"x = 1"}


def made(folder: Path, *more: tarfile.TarInfo, is_named: bool = False) -> Path:
    """A sound archive with further members, which its manifest names too, or does not."""
    members = {name: hashlib.sha256(content).hexdigest() for name, content in OWN.items()}
    for entry in more if is_named else ():
        members.setdefault(entry.name, hashlib.sha256(b"").hexdigest())
    manifest = Manifest("2026-01-01", "1", "0001", "sqlite", "u", 1, "h", 0, 0, members=members)
    file = folder / "made.backup"
    with tarfile.open(file, "w:gz") as tar:
        for name, content in {MANIFEST: as_json(manifest), **OWN}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in more:
            tar.addfile(entry)
    return file


def as_json(manifest: Manifest) -> bytes:
    shown = {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
    return json.dumps(shown).encode()


def member(name: str, kind: bytes = FILE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def test_a_sound_archive_is_unpacked(tmp_path: Path) -> None:
    archive.unpack(made(tmp_path), tmp_path / "in")
    found = {p.relative_to(tmp_path / "in").as_posix(): p.read_bytes() for p in (tmp_path / "in").rglob("*.*")}
    assert found == OWN


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../outside", FILE, ""), ("config/../../outside", FILE, ""), ("/tmp/relance-outside", FILE, ""),
        ("config/plans", LINK, "/etc"), ("config/plans", LINK, "../../.."), ("config/x", LINK, "/etc/shadow"),
        ("relance.key", LINK, "/etc/shadow"), ("config/x", HARD_LINK, "/etc/passwd"), ("config/x", DEVICE, ""),
        ("config/x", PIPE, ""), ("config/x", FOLDER, ""), ("config/\x1b[2J", FILE, ""), ("config/\u202egnp", FILE, ""),
    ],
)  # fmt: skip
def test_a_way_out_of_the_folder_is_refused(
    tmp_path: Path, name: str, kind: bytes, target: str, is_named: bool
) -> None:
    """… also where the manifest names it."""
    file = made(tmp_path, member(name, kind, target), is_named=is_named)
    with pytest.raises(NeedsPerson, match="which no backup holds") as told:
        archive.unpack(file, tmp_path / "in")
    assert str(told.value).isprintable()
    assert {p.name for p in tmp_path.iterdir()} == {"made.backup", "in"}
    assert not [p for p in (tmp_path / "in").rglob("*") if p.is_symlink()]
    assert not Path("/tmp/relance-outside").exists()


def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    """… so that the second can't take the place of the one whose hash was compared."""
    with pytest.raises(NeedsPerson, match="not a sound backup"):
        archive.unpack(made(tmp_path, member("relance.key")), tmp_path / "in")
    assert (tmp_path / "in" / "relance.key").read_bytes() == b"key"


@pytest.mark.parametrize("content", [b"[]", b"7", b"[" * 100_000, b'{"format": 1}', b'{"format": 1, "members": 7}'])
def test_a_made_up_manifest_is_told_in_words(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "made.backup"
    with tarfile.open(file, "w:gz") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    with pytest.raises(NeedsPerson, match="not a sound backup"):
        archive.unpack(file, tmp_path / "in")
