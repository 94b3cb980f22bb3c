"""One full cycle: every drain once, mail in to its end, then mail out, then what tells of it.

`relance run --once` is one cycle; the daemon's engine calls the drains by themselves instead, each when it is due.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from agent.drains import SLICE, Drains
from agent.reminders.deliver import Delivered
from agent.results import NOTHING, added
from config.errors import RelanceError

log = structlog.get_logger()

LONGEST_PAUSE = timedelta(minutes=15)
"""How long one cycle waits for a mailbox's rate; what is left then waits for the next one."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failure:
    loop: str
    error: RelanceError


@dataclass(slots=True)
class Cycle:
    """What one full cycle did."""

    stored: int = 0
    read: int = 0
    applied: int = 0
    queued: int = 0
    judged: int = 0
    planned: int = 0
    tasks: int = 0
    delivered: Delivered = NOTHING
    failures: list[Failure] = field(default_factory=list)
    is_cut_short: bool = False


def run(drains: Drains, now: datetime) -> Cycle:
    """One full cycle: mail in to its end, then mail out, waiting where a mailbox's rate is used up.

    A failure ends its own mailbox's part and nothing else; all are in the result.
    """
    return _Cycle(drains, now).run()


class _Cycle:
    """A cycle on its way."""

    def __init__(self, drains: Drains, now: datetime) -> None:
        self.drains = drains
        self.now = now
        self.began = drains.clock()
        self.done = Cycle()

    def run(self) -> Cycle:
        readable = [name for name in self.drains.settings.mailbox if self._collect(name)]
        self._understand()
        self.done.judged = self._try("clockwork", self.drains.clockwork) or 0
        if planned := self._try("plan", self.drains.plan):
            self.done.planned, self.done.tasks = planned.mails, planned.tasks
        for name in readable:
            self._deliver(name)
        self._try("retention", self.drains.retention)
        self._try("digest", self.drains.digest)
        self._try("anchor", self.drains.anchor)
        self._try("worklist", self.drains.worklist)
        self._try("count", self.drains.count)
        if self.drains.settings.webhook:
            self._try("webhooks", self.drains.webhooks)
        if self.drains.settings.reports.warn_to:
            self._try("warning", lambda now: self.drains.warning(now, at_once=True))
        self.done.is_cut_short = self.drains.stop.is_set()
        return self.done

    def _moment(self) -> datetime:
        """The given time, which moves on with the clock once the cycle has taken a while."""
        passed = self.drains.clock() - self.began
        return self.now if passed < SLICE else self.now + passed

    def _try(self, loop: str, drain: Callable[[datetime], Result]) -> Result | None:
        """Run a drain, unless we are to stop; None: it failed, and the failure is noted."""
        if self.drains.stop.is_set():
            return None
        try:
            return drain(self._moment())
        except RelanceError as error:
            self.done.failures.append(Failure(loop, error))
            return None

    def _collect(self, name: str) -> bool:
        collected = self._try(f"collect:{name}", lambda now: self.drains.collect(name, now))
        self.done.stored += collected.stored if collected else 0
        return collected is not None

    def _understand(self) -> None:
        while understood := self._try("understand", self.drains.understand):
            self.done.read += understood.read
            self.done.applied += understood.applied
            self.done.queued += understood.queued
            if not understood.has_more:
                break

    def _deliver(self, name: str) -> None:
        read_at = self._moment()
        while posted := self._try(f"deliver:{name}", lambda now: self.drains.deliver(name, now)):
            self.done.delivered = added(self.done.delivered, posted.done)
            if posted.done.wait_until is not None:
                log.info("delivery.rate_used_up", mailbox=name, until=posted.done.wait_until.isoformat())
                pause = posted.done.wait_until - self.drains.clock()
                if pause > LONGEST_PAUSE:
                    break  # an hour's or a day's number of mails is used up: the next run goes on
                self.drains.stop.wait(max(0.0, pause.total_seconds()))
            elif not posted.has_more:
                break
            if self._moment() - read_at >= SLICE:
                if not self._collect(name):
                    break
                self._understand()
                read_at = self._moment()
