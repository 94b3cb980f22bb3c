"""The errors that people are told about, sorted by who must act.

An expected failure is one of these; its text is a sentence for the person at the keyboard: what, where, how to mend it.
The command line prints that text and ends with `exit_code`; a traceback is only for errors that are none of these.
The daemon asks a second question of them: `TemporaryFailure` is tried again by itself, `NeedsPerson` is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class RelanceError(Exception):
    """An expected failure. `str(error)` is fit for a person; `exit_code` is what the command line ends with."""

    exit_code = 1


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
        self.mend = mend
        self.found = found
        self.also = tuple(also)
        super().__init__("\n".join([self.line, *(error.line for error in self.also)]))

    @property
    def line(self) -> str:
        """This mistake alone, on one line."""
        where = f"{self.file}: {self.key}" if self.key else self.file
        found = f"found {self.found}, " if self.found else ""
        return f"{where}: {found}expected {self.expected}. {self.mend}"
