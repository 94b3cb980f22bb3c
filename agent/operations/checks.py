"""What doctor says: one `Check` for each thing looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from config.errors import ConfigError, RelanceError

_log = structlog.get_logger()


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: stable, for programs: `database`, `imap.ar`, …
        detail: what was found, a sentence for people.
        mend: what to do; empty where nothing need be done.
    """

    name: str
    status: Status
    detail: str
    mend: str = ""


def ok(name: str, detail: str) -> Check:
    return Check(name, Status.OK, detail)


def warning(name: str, detail: str, mend: str) -> Check:
    return Check(name, Status.WARNING, detail, mend)


def error(name: str, detail: str, mend: str) -> Check:
    return Check(name, Status.ERROR, detail, mend)


def guarded(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks of `look`, or the error that kept it from looking: one broken part must not hide the others."""
    try:
        return list(look())
    except RelanceError as failure:
        return [_failed(name, failure), *(_failed(name, other) for other in getattr(failure, "also", ()))]
    except Exception as failure:  # noqa: BLE001 doctor is what people run when anything at all is broken
        _log.debug("doctor.check_failed", check=name, exc_info=True)
        words = " ".join([type(failure).__name__ + ":", *str(failure).splitlines()[:1]])
        return [error(name, f"could not be checked ({words})", "Run `relance --debug doctor` to see where.")]


def _failed(name: str, failure: RelanceError) -> Check:
    what = failure.what if failure.mend else str(failure)
    # A configuration's mistake is told with its place; everything else names its place itself.
    return error(name, what, failure.mend or ("" if isinstance(failure, ConfigError) else "See the sentence before."))
