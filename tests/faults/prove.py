"""`make prove`: every fault of the catalogue, what became of it, and exit 1 where a promised nought is none.

    python -m tests.faults.prove                        trials for 24 minutes, the peers, the guards
    python -m tests.faults.prove --share 0.05           a look: a twentieth of each class
    python -m tests.faults.prove --only "send, wire"    one class
    python -m tests.faults.prove --json FILE            what came of each trial, a line each

Each of the workers has a world of its own: a Dovecot, an SMTP server, the two proxies, a database. Progress goes to
standard error, the table to standard output. Where the time is up, trials are left out, and their number is told.
"""

import argparse
import json
import multiprocessing
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from multiprocessing.queues import Queue
from pathlib import Path

from tests.faults import catalogue, peers, tally
from tests.faults.trials import Outcome, Trial, conduct
from tests.faults.world import World

SPAWN = multiprocessing.get_context("spawn")
MINUTES = 24.0
"""For the trials; from a fresh clone set-up and the trained model come before them, the peers and the guards after."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    began = time.monotonic()
    trials = [
        t for t in catalogue.everything(options.share, options.seed) if not options.only or t.group == options.only
    ]
    _tell(f"{len(trials)} trials by {options.workers} workers")
    outcomes = list(_conducted(trials, options.workers, began + options.minutes * 60))
    if options.json:
        Path(options.json).write_text("".join(json.dumps(asdict(o)) + "\n" for o in outcomes), encoding="utf-8")
    rows = [tally.tally(g, found) for g in catalogue.GROUPS if (found := [o for o in outcomes if o.group == g])]
    if not rows:
        _tell("nothing was tried")
        return 1
    total = tally.tally("all", outcomes)
    _say(tally.table(tally.COLUMNS, [row.cells() for row in (*rows, total)]))
    _say("")
    for outcome in outcomes:
        if not outcome.is_well:
            what = [*outcome.lost, *outcome.doubled, *([outcome.broke] if outcome.broke else [])]
            _say(f"FAILED {outcome.trial}: {outcome.duplicates} duplicate(s); {'; '.join(what)[:600]}")
    left = len(trials) - len(outcomes)
    if left:
        _say(f"{left} trials were left out for want of time; `--minutes` gives more.")
    if not options.only and not options.no_peers:
        _say(peers.compared())
    guards_hold = options.only or options.no_guards or _guards_are_missed()
    minutes = (time.monotonic() - began) / 60
    holds = all(row.zeros_hold for row in rows) and guards_hold
    _say(f"\n{total.struck} faults met in {minutes:.0f} minutes: "
         + ("every nought that is promised is one." if holds else "A PROMISE IS BROKEN."))  # fmt: skip
    return 0 if holds else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make prove", description="Proves by faults what relance promises.")
    parser.add_argument("--share", type=float, default=1.0, help="which part of the trials, above 0 and up to 1")
    parser.add_argument("--only", choices=catalogue.GROUPS, help="one class of faults")
    parser.add_argument("--workers", type=int, default=max(1, min(4, os.cpu_count() or 1)))
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after these no new trial begins")
    parser.add_argument("--seed", type=int, default=1, help="another draw, another order")
    parser.add_argument("--json", metavar="FILE", help="write what came of each trial")
    parser.add_argument("--no-peers", action="store_true", help="leave out the comparison with other programs")
    parser.add_argument("--no-guards", action="store_true", help="don't switch the guards off one by one")
    return parser.parse_args(arguments)


def _guards_are_missed() -> bool:
    """Whether tests fail without each guard. A process of its own, as this one has had threads and it forks."""
    _say("")
    return subprocess.run([sys.executable, "-W", "ignore", "-m", "tests.faults.guards"], check=False).returncode == 0


def _conducted(trials: list[Trial], workers: int, until: float) -> Iterator[Outcome]:
    """The outcomes in the order in which they come; fewer than trials where the time is up."""
    work: Queue[Trial | None] = SPAWN.Queue()
    done: Queue[Outcome | str] = SPAWN.Queue()
    for trial in [*trials, *([None] * workers)]:
        work.put(trial)
    started = [SPAWN.Process(target=_work, args=(work, done, until - time.monotonic())) for _ in range(workers)]
    for each in started:
        each.start()
    open_workers, count = workers, 0
    while open_workers:
        try:
            found = done.get(timeout=5)
        except queue.Empty:
            if not any(each.is_alive() for each in started):
                break
            continue
        if isinstance(found, str):
            open_workers -= 1
            if found:
                _tell(f"a worker ended early: {found}")
            continue
        count += 1
        _tell(f"{count}/{len(trials)} {'ok  ' if found.is_well else 'FAIL'} {found.trial} {found.seconds:.1f} s"
              + ("" if found.struck else " (not met)"))  # fmt: skip
        yield found
    for each in started:
        each.join(60)


def _work(work: "Queue[Trial | None]", done: "Queue[Outcome | str]", seconds: float) -> None:
    """One worker: a world, and one trial after the other in it until none is left or the time is up."""
    until = time.monotonic() + seconds
    try:
        with World.start() as world:
            while (trial := work.get()) is not None and time.monotonic() < until:
                done.put(conduct(world, trial))
    except BaseException as error:
        done.put(f"{type(error).__name__}: {error}")
        raise
    done.put("")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
