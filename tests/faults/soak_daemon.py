"""The daemon of `relance run`, by a clock that goes faster: for the soak, which kills it.

    python -m tests.faults.soak_daemon CONFIG BEGAN EPOCH SPEED

At the real time EPOCH (seconds) it was BEGAN (ISO 8601), and since then SPEED seconds pass in one. What is reckoned
from the clock (due, late, leases, back-off) goes that fast; what waits for a server, and the engine's schedules by the
minute, go by real time.
"""

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from agent.console import configure_logs
from agent.daemon import Daemon, _stopped_by_signals
from agent.drains import Drains
from agent.host import ClockWatch, alone_with, steady, wall
from agent.results import Next
from config import load
from models import Database
from models.database import located


class Clock:
    """The fast clock."""

    def __init__(self, began: datetime, epoch: float, speed: float) -> None:
        self.began, self.epoch, self.speed = began, epoch, speed

    def __call__(self) -> datetime:
        return self.began + timedelta(seconds=(time.time() - self.epoch) * self.speed)

    def real(self, moment: datetime) -> datetime:
        """When that moment is, by the real clock."""
        return wall() + (moment - self()) / self.speed


class FastDrains(Drains):
    """Drains whose "again at" is told to the engine by the real clock, which it goes by."""

    def run(self, loop: str) -> Next:
        found = super().run(loop)
        if found.again_at is None or not isinstance(self.clock, Clock):
            return found
        return Next(found.wake, self.clock.real(found.again_at))


def main(config: Path, clock: Clock) -> None:
    configure_logs(debug=False)
    settings = load(config)
    place = located(settings.database.url, settings.root)
    with alone_with(place, "the soak"), _stopped_by_signals() as stop:
        database = Database.open(settings.database.url, settings.root, clock())
        drains = FastDrains(database, settings, clock=clock, worker=f"soak/{time.time_ns()}", stop=stop)
        try:
            drains.take_over()
            daemon = Daemon(database, settings, drains, stop)
            daemon._clock = ClockWatch(clock, lambda: steady() * clock.speed)
            daemon.run()
        finally:
            drains.close()
            database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Clock(datetime.fromisoformat(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
