"""The encoder that is here, and the one that a trained model asks for."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from classifier.encoders.e5 import PACKAGE as E5_PACKAGE
from classifier.encoders.folder import Folder
from classifier.encoders.remembering import Remembering
from classifier.encoders.tuned import Alone, Tuned
from classifier.encoders.values import Encoder, Identity
from classifier.errors import ModelError

#: What `[classifier] encoder` says for the packaged one, and for none; anything else is a folder.
DEFAULT = "default"
NONE = "none"


def has_default() -> bool:
    """Whether the package of the default encoder's weights is installed."""
    return find_spec(E5_PACKAGE) is not None


@cache
def default_encoder() -> Encoder:
    """The packaged network, tuned to replies.

    Raises:
        ModuleNotFoundError: its package is not installed.
        ModelError: the adapters of the tuned network belong to other weights, or were changed.
    """
    return Alone(Tuned())


def encoder_named(name: str) -> Encoder | None:
    """The encoder that the configuration names: "default", "none" or the path of a folder; None where there is none.

    Raises:
        ModelError: the folder holds no encoder.
    """
    if name == NONE:
        return None
    if name == DEFAULT:
        return default_encoder() if has_default() else None
    return _of_folder(name)


@cache
def _of_folder(name: str) -> Encoder:
    return Remembering(Folder(Path(name), Tuned() if find_spec(E5_PACKAGE) else None))


def check_identity(wanted: Identity, found: Encoder, where: Path) -> None:
    """Raises `ModelError` where the trained model at `where` was trained with another encoder than `found`."""
    if found.identity == wanted:
        return
    here = (*found.identity.parts, found.identity.tuned)
    differing = [
        f"{each.name} {each.version} ({each.weights_sha256[:12]})"
        for each in (*wanted.parts, wanted.tuned)
        if each is not None and each not in here
    ]
    raise ModelError(
        f"{where}: trained with another sentence encoder than the one here ({found.identity.name}); it needs"
        f" {', '.join(differing) or wanted.name}. Install that one, or train it again with `relance train`."
    )
