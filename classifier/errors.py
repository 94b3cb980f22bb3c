"""What can go wrong in the classifier, told to people: what, where, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence

from config.errors import RelanceError

_SHOWN = 20


class DataError(RelanceError):
    """Labelled data that can't be used; `faults` names each by file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        shown = "\n".join(self.faults[:_SHOWN])
        more = f"\n… and {len(self.faults) - _SHOWN} more" if len(self.faults) > _SHOWN else ""
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"{count} in the replies:\n{shown}{more}")


class ModelError(RelanceError):
    """A trained model that is missing, damaged, tampered with or of another format."""


class UnknownModel(ModelError):
    """There is no trained model of that name."""
