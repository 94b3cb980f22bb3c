"""Who may do what on the pages: a table of roles, and nothing else that decides it.

Pure. The command line asks nobody: who may start it may read the database anyway.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.errors import RelanceError
from models.user import Role


class Right(StrEnum):
    """One thing to be allowed."""

    READ = "read"
    LOG = "log"
    """Write down calls, notes, promises and disputes; hold, and release what one has held oneself."""
    WORK = "work"
    """Settle items of the work list, decide disputes, accept payment plans, release what others hold, say who is
    insolvent and who gets no mails, answer customers, stop all sending.
    """
    APPROVE = "approve"
    """Let reminders go out, and let sending go on after a stop."""
    MANAGE = "manage"
    """Train and promote models; see who may do what."""


_VIEWER = frozenset({Right.READ})
_SALES = _VIEWER | {Right.LOG}
_REVIEWER = _SALES | {Right.WORK}
_APPROVER = _REVIEWER | {Right.APPROVE}

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _VIEWER,
    Role.SALES: _SALES,
    Role.REVIEWER: _REVIEWER,
    Role.APPROVER: _APPROVER,
    Role.ADMIN: _APPROVER | {Right.MANAGE},
}

LINES: Mapping[str, Right] = {
    "call": Right.LOG, "note": Right.LOG, "promise": Right.LOG, "dispute": Right.LOG, "hold": Right.LOG,
    "release": Right.LOG,
    "plan": Right.WORK, "verdict": Right.WORK, "insolvent": Right.WORK, "solvent": Right.WORK,
    "stop_mails": Right.WORK, "resume_mails": Right.WORK, "wrong_person": Right.WORK, "left_company": Right.WORK,
    "contact_right": Right.WORK,
}  # fmt: skip
"""What each kind of line that is written down by hand asks for: hearing something is less than deciding on it."""


def may_release(actor: "Actor", placed_by: Iterable[str]) -> bool:
    """Whether this person may end holds that these have placed."""
    return actor.may(Right.WORK) or (actor.may(Right.LOG) and set(placed_by) <= {actor.name})


class NotAllowed(RelanceError):
    """Somebody asked for more than the role allows."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person at work, as far as judgement needs it; ``only_of``: sees that account manager's customers alone."""

    id: int
    name: str
    role: Role
    language: str | None
    only_of: str | None

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]


def must(actor: Actor, right: Right) -> None:
    """Raises NotAllowed."""
    if not actor.may(right):
        raise NotAllowed(f"{actor.name} is {actor.role.value} and may not {right.value}", "Ask an administrator.")
