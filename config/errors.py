"""The errors that people are told about, sorted by who must act.

An expected failure is one of these; its text is a sentence for the person at the keyboard: what, where, how to mend it.
The command line prints that text and ends with `exit_code`; a traceback is only for errors that are none of these.
The daemon asks a second question of them: `TemporaryFailure` is tried again by itself, `NeedsPerson` is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class RelanceError(Exception):
    """An expected failure. `str(error)` is fit for a person; `exit_code` is what the command line ends with.

    Args:
        what: what happened and where, and how to mend it unless `mend` says so.
        mend: what to do, as imperative sentences; `doctor` shows it on its own.
    """

    exit_code = 1

    def __init__(self, what: str, mend: str = "") -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what.rstrip('.')}. {mend}" if mend else what)


class TemporaryFailure(RelanceError):
    """Nobody need act: the same work succeeds later (a server that cannot be reached, a locked database)."""


class NeedsPerson(RelanceError):
    """Trying again is useless until a person has changed something (a refused password, a certificate that ran out)."""


class ConfigError(RelanceError):
    """A mistake in the configuration: where it stands, what was found and expected, how to mend it.

    Args:
        file: the file (or environment variable) that holds the mistake.
        key: dotted path of the key, as `mailbox.ar.imap.port`; empty where the whole file is meant.
        expected: what would have been right, as a noun phrase.
        mend: what to do, as an imperative.
        found: what stood there, never a secret; empty where nothing did.
        also: further mistakes found in the same reading; they are told on lines of their own.
    """

    exit_code = 2

    def __init__(
        self,
        file: Path | str,
        key: str,
        expected: str,
        mend: str,
        *,
        found: str = "",
        also: Sequence[ConfigError] = (),
    ) -> None:
        self.file = str(file)
        self.key = key
        self.expected = expected
        self.found = found
        self.also = tuple(also)
        where = f"{self.file}: {key}" if key else self.file
        what = f"{where}: found {found}, expected {expected}" if found else f"{where}: expected {expected}"
        super().__init__(what, mend)
        self.line = str(self)
        """This mistake alone, on one line."""

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(error.line for error in self.also)])
