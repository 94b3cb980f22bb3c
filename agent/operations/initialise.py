"""`init`: from an empty folder to one in which `doctor` has something to look at."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from config import FILE_NAME
from config.errors import NeedsPerson


def template() -> str:
    """The commented configuration, in mode `observe`, valid as it stands."""
    return resources.files("config").joinpath("relance.toml.tmpl").read_text(encoding="utf-8")


def write_configuration(folder: Path) -> tuple[Path, bool]:
    """Write `relance.toml` into `folder` (made where missing), unless there is one. Returns it, and whether it is new.

    Raises:
        NeedsPerson: the folder cannot be made or written to.
    """
    file = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Exclusive: a file that somebody wrote meanwhile is theirs. 0640: it names hosts and accounts, no secret.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    except FileExistsError:
        if file.is_file():
            return file, False
        raise NeedsPerson(f"{file} is in the way and no file", "Move it, or choose another folder.") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise NeedsPerson(
            f"{file} cannot be written: {reason}", "Choose a folder that this user may write to."
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(template())
    return file, True
